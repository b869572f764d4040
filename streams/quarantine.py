"""Where files go that nobody can look at: a folder beside the others, and the reason beside each."""

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

NAME: Final = "quarantine"
_LONGEST: Final = 180  # bytes of a name: endings are added, and a file system takes 255
_TRIES: Final = 10_000


def move(path: Path, reason: str, sha256: str) -> Path:
    """Moves a file into quarantine/ of its folder and writes NAME.reason.txt there; where it is now.

    Takes nothing's place and follows no link: who put the file there may have put a link in the way, too.
    Raises OSError; then the file is where it was.
    """
    quarantine = path.parent / NAME
    quarantine.mkdir(mode=0o750, exist_ok=True)
    folder = os.open(quarantine, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        name = _put_aside(path, folder)
        text = (
            f"{reason}\n\nFile:    {path.name}\nSHA-256: {sha256 or 'not read'}\n"
            f"Moved:   {datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC, from {path.parent}\n\n"
            "What it holds is known now: only a mended file is looked at again.\n"
        )
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            opened = os.open(f"{name}.reason.txt", flags, 0o640, dir_fd=folder)
            with os.fdopen(opened, "wb") as file:
                file.write(text.encode("utf-8", "replace"))
        except OSError:  # a full disk: the file is out of the way all the same, and the log says why
            return quarantine / name
    finally:
        os.close(folder)
    return quarantine / name


def _put_aside(path: Path, folder: int) -> str:
    stem, ending = os.path.splitext(path.name)  # noqa: PTH122 - of names that may hold anything
    stem, ending = _cut(stem, _LONGEST), _cut(ending, 20)
    for number in range(1, _TRIES):
        name = f"{stem}{ending}" if number == 1 else f"{stem}-{number}{ending}"
        try:
            os.link(path, name, dst_dir_fd=folder, follow_symlinks=False)  # unlike a rename, takes no place
        except FileExistsError:
            continue
        except PermissionError:  # a file system without hard links
            os.rename(path, name, dst_dir_fd=folder)
            return name
        path.unlink()
        return name
    raise FileExistsError(f"{NAME} is full of files of this name")


def _cut(text: str, longest: int) -> str:
    return os.fsdecode(os.fsencode(text)[:longest])
