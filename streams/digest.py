"""What a file holds, in one number; and that it is still the same file."""

import hashlib
import os
import stat
from pathlib import Path
from typing import Final

from streams.inbox import Sign, sign_of

_PIECE: Final = 1 << 20  # bytes


class ChangedError(Exception):
    """The file is not the one that was seen: it goes on growing, or another took its place."""


def check(path: Path, sign: Sign) -> None:
    """Raises ChangedError where another file is there by now, or the same one has grown; OSError."""
    if sign_of(path.lstat()) != sign:
        raise ChangedError(f"{path.name} has changed while it was looked at")


def sha256_of(path: Path, sign: Sign | None = None) -> str:
    """64 hex digits. Slow: for a thread. Follows no link, and reads nothing but plain files.

    Raises ChangedError where the file does not have this `sign`, before or after; OSError.
    """
    opened = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(opened, "rb", buffering=0) as file:
        before = os.fstat(opened)
        if not stat.S_ISREG(before.st_mode) or (sign and sign_of(before) != sign):
            raise ChangedError(f"{path.name} is not what it was a moment ago")
        digest = hashlib.sha256()
        while piece := file.read(_PIECE):
            digest.update(piece)
        if sign_of(os.fstat(opened)) != sign_of(before):
            raise ChangedError(f"{path.name} is being written")
    return digest.hexdigest()
