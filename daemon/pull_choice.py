"""Which files of a model on a hub are got: those that detectors can read, and what says whose they are."""

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import PurePosixPath
from typing import Final

from detectors.detection import DetectorError

WEIGHTS: Final = ".safetensors"
BESIDE: Final = (".json", ".txt")  # configurations, tokenizers
CARDS: Final = ("readme", "licen", "notice")  # how these begin
PIPELINE: Final = "model_index.json"
PARTS: Final = (
    "vae",
    "unet",
    "scheduler",
    "text_encoder",
    "tokenizer",
)  # of a pipeline, as far as they are read
VARIANTS: Final = (".fp16.", ".non_ema.", ".bf16.")


@dataclass(frozen=True, slots=True)
class Offered:
    """A file as the hub describes it."""

    name: str  # its path, with /
    size: int  # bytes
    sha256: str  # of large ones; else empty
    blob: str  # what git calls it: the SHA-1 of its size and content

    def is_it(self, sha256: str, blob: str) -> bool:
        """Whether a file with these hashes is it. What nothing is said of is nothing."""
        return sha256 == self.sha256 if self.sha256 else bool(self.blob) and blob == self.blob


def chosen(offered: Sequence[Offered], only: Sequence[str] = ()) -> list[Offered]:
    """Those to get, by name; none where there are no weights among them. Raises DetectorError for a bad name.

    `only`: patterns, in place of what is usually chosen.
    """
    for one in offered:
        path = PurePosixPath(one.name)
        if path.is_absolute() or ".." in path.parts or "\\" in one.name or not path.parts:
            raise DetectorError(
                f"the hub offers a file that would lie elsewhere ({one.name!r}): nothing is got"
            )
    names = {one.name for one in offered}
    if only:
        kept = [one for one in offered if any(fnmatchcase(one.name, pattern) for pattern in only)]
    else:
        kept = [one for one in offered if _is_read(PurePosixPath(one.name), PIPELINE in names)]
        plain = {PurePosixPath(one.name).parent for one in kept if _is_plain(one.name)}
        kept = [
            one for one in kept if not (_is_variant(one.name) and PurePosixPath(one.name).parent in plain)
        ]
    found = sorted(kept, key=lambda one: one.name)
    return found if any(one.name.endswith(WEIGHTS) for one in found) or only else []


def _is_read(path: PurePosixPath, pipeline: bool) -> bool:
    if any(part.startswith(".") for part in path.parts):
        return False
    if pipeline and len(path.parts) > 1:
        return path.parts[0] in PARTS and path.suffix in (WEIGHTS, *BESIDE)
    if path.suffix == WEIGHTS:
        return not pipeline and len(path.parts) == 1  # beside a pipeline: all of it once more, in one file
    if len(path.parts) > 1:
        return False
    return path.suffix in BESIDE or path.name.lower().startswith(CARDS)


def _is_plain(name: str) -> bool:
    return name.endswith(WEIGHTS) and not _is_variant(name)


def _is_variant(name: str) -> bool:
    return any(each in name for each in VARIANTS)
