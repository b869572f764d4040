"""`framewarden models pull`: gets one model from a hub into the store, checks each file, and writes its sums.

Only when a person asks. What is under way lies in .cache of the store's folder, where nothing looks for
models, and is gone on with when it is asked for again.
"""

import hashlib
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Final

from rich.console import Console

from config.load import load
from config.state import state_folder
from daemon.bar import Tell, told
from daemon.hub import Hub, PullError, Wish, wish_for
from daemon.pull_choice import Offered, chosen
from detectors.store import SUMS

DONE: Final = 0
ATTEMPTS: Final = 2  # a file that is not what the hub says is got once more
SPARE: Final = 100e6  # bytes that stay free on the disk
_PIECE: Final = 1 << 20


async def pull(
    repository: str,
    revision: str,
    only: Sequence[str],
    config: Path | None,
    endpoint: str | None,
    replace: bool = False,
    environ: Mapping[str, str] = os.environ,
) -> int:
    """Prints where it is. Raises PullError, ConfigError."""
    settings = load(config) if config else None
    wish = wish_for(repository, revision, only, endpoint, environ)
    folder = (settings.models.folder if settings else None) or state_folder(settings) / "models"
    say = Console(highlight=False, soft_wrap=True)
    commit, count, size = await told(lambda tell: get(wish, folder, tell, replace))
    what = f"{count} files, {size / 1e6:.1f} MB, commit {commit}" if count else f"as it was, commit {commit}"
    say.print(f"{folder / wish.name}: {what}", markup=False)
    say.print(f"see its terms and its hash: framewarden models list; it is named '{wish.name}'", markup=False)
    return DONE


def get(wish: Wish, folder: Path, tell: Tell, replace: bool = False) -> tuple[str, int, int]:
    """The commit, and how many files and bytes came; 0 where all were there. Raises PullError.

    `replace`: a folder of that name may go, once all of the new one is there.
    """
    hub = Hub(wish)
    commit, offered = hub.files()
    files = chosen(offered, wish.only)
    if not files:
        raise PullError(
            f"{wish.repository} has no .safetensors, and no other weights are read here: name another model, "
            "or choose files with --only, as those of a detector of objects: --only 'yolo11n.pt'"
        )
    target = folder / wish.name
    try:
        if _is_there(target, files):
            return commit, 0, 0
        if target.exists() and not replace:
            raise PullError(
                f"{target} is there, and is not what {wish.host} has at '{wish.revision}': move it away, or "
                "give --replace"
            )
        draft = folder / ".cache" / "pull" / wish.name
        draft.mkdir(parents=True, exist_ok=True)
        need = sum(one.size for one in files)
        left = need - sum(each.stat().st_size for each in draft.rglob("*") if each.is_file())
        free = shutil.disk_usage(draft).free
        if left + SPARE > free:
            raise PullError(f"{left / 1e9:.1f} GB are to come, and {free / 1e9:.1f} GB are free in {folder}")
        sums, came = {}, 0
        for one in files:
            more = partial(_told, tell, one.name, came, need)
            sums[one.name] = _one(hub, one, commit, draft, more)
            came += one.size
        _settle(draft, target, files, sums)
    except OSError as error:
        raise PullError(
            f"cannot write {error.filename or folder} ({error.strerror or error}): let this user write "
            "there, or name another folder in models.folder"
        ) from error
    return commit, len(files), need


def _told(tell: Tell, name: str, before: int, need: int, bytes_there: int) -> None:
    tell(name, (before + bytes_there) / max(1, need))


def _one(hub: Hub, one: Offered, commit: str, draft: Path, more: Callable[[int], None]) -> str:
    """The sha256 of a file that is whole, got where it is not there yet."""
    place, part = draft / one.name, draft / f"{one.name}.part"
    for _ in range(ATTEMPTS):
        if not place.is_file():
            place.parent.mkdir(parents=True, exist_ok=True)
            if part.is_file() and part.stat().st_size > one.size:
                part.unlink()
            hub.get(one, commit, part, more)
            part.replace(place)
        sha256, blob = _hashes(place, one.size)
        if one.is_it(sha256, blob):
            return sha256
        place.unlink()  # else it would be taken for whole the next time
    raise PullError(f"{one.name} came with another hash than the hub says, {ATTEMPTS} times: it is not kept")


def _settle(draft: Path, target: Path, files: Sequence[Offered], sums: Mapping[str, str]) -> None:
    """Puts the whole folder in its place and its sums beside it; what was there goes."""
    wanted = {one.name for one in files}
    for each in sorted(draft.rglob("*"), reverse=True):  # of an earlier attempt at another revision
        if each.is_file() and each.relative_to(draft).as_posix() not in wanted:
            each.unlink()
        elif each.is_dir() and not any(each.iterdir()):
            each.rmdir()
    old = draft.with_name(f"{draft.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if target.exists():
        target.rename(old)
    draft.rename(target)
    kept = [
        line for line in _sums(target.parent) if not line.partition("  ")[2].startswith(f"{target.name}/")
    ]
    lines = [*kept, *(f"{value}  {target.name}/{name}" for name, value in sorted(sums.items()))]
    new = target.parent / f".{SUMS}.new"
    new.write_text("".join(f"{line}\n" for line in lines), "utf-8")
    new.replace(target.parent / SUMS)
    shutil.rmtree(old, ignore_errors=True)


def _is_there(target: Path, files: Sequence[Offered]) -> bool:
    """Whether the store's folder has just these files."""
    if not target.is_dir():
        return False
    there = {each.relative_to(target).as_posix() for each in target.rglob("*") if each.is_file()}
    if there != {one.name for one in files} or not any(target.name in line for line in _sums(target.parent)):
        return False
    return all(one.is_it(*_hashes(target / one.name, one.size)) for one in files)


def _sums(folder: Path) -> list[str]:
    file = folder / SUMS
    return file.read_text("utf-8", "replace").splitlines() if file.is_file() else []


def _hashes(path: Path, size: int) -> tuple[str, str]:
    """sha256, and what git calls it."""
    plain = hashlib.sha256()
    blob = hashlib.sha1(f"blob {size}\0".encode(), usedforsecurity=False)
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            plain.update(piece)
            blob.update(piece)
    return plain.hexdigest(), blob.hexdigest()
