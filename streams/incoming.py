"""A file on its way into a folder: under a name that nobody takes for a file until it is whole."""

import hashlib
import os
import secrets
import shutil
import threading
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from config.whole_file import sync_folder

_PREFIX: Final = ".upload-"  # the inbox passes over what begins with a dot
_LAST_SECONDS: Final = 1.0
_TRIES: Final = 10_000
LONGEST_NAME: Final = 200  # bytes, of the 255 that a file system takes


class NoRoomError(OSError):
    """The disk has not so much free."""


class Incoming:
    """A context manager. Without `keep`, nothing of it is left. All its methods are slow: for a thread."""

    def __init__(self, folder: Path, keep_free: float) -> None:
        """`keep_free`: bytes that must stay free on the disk."""
        self.size = 0
        self._folder = folder
        self._keep_free = keep_free
        self._digest = hashlib.sha256()
        self._path = folder / f"{_PREFIX}{secrets.token_hex(8)}.part"
        self._file: int | None = None
        self._writing = threading.Lock()

    @property
    def sha256(self) -> str:
        """Of what was written so far."""
        return self._digest.hexdigest()

    def __enter__(self) -> Self:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        self._file = os.open(self._path, flags, 0o640)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(OSError):
            self._path.unlink(missing_ok=True)
        # Who was cancelled may leave a thread behind that writes: its file is not closed under it.
        if self._file is not None and self._writing.acquire(timeout=_LAST_SECONDS):
            os.close(self._file)
            self._file = None
            self._writing.release()

    def room_for(self, size: int) -> None:
        """Raises NoRoomError."""
        if shutil.disk_usage(self._folder).free - size < self._keep_free:
            raise NoRoomError("the disk is too full")

    def write(self, piece: bytes) -> None:
        """Raises NoRoomError, OSError."""
        self.room_for(len(piece))
        view = memoryview(piece)
        with self._writing:
            while view and self._file is not None:
                view = view[os.write(self._file, view) :]
        self._digest.update(piece)
        self.size += len(piece)

    def keep(self, name: str) -> Path:
        """It is whole: gives it a name of its own, like `name`, and takes nothing's place. Raises OSError."""
        with self._writing:
            if self._file is not None:
                os.fsync(self._file)
        stem, ending = os.path.splitext(name)  # noqa: PTH122 - of names that may hold anything
        for number in range(1, _TRIES):
            path = self._folder / (name if number == 1 else f"{stem}-{number}{ending}")
            try:
                os.link(self._path, path, follow_symlinks=False)
            except FileExistsError:
                continue
            sync_folder(self._folder)
            return path
        raise FileExistsError(f"too many files are called {name}")


def plain_name(name: str) -> str:
    """The name, where it can be that of a file in a folder. Raises ValueError, in words."""
    if not name or name.startswith(".") or "/" in name or "\\" in name or not name.isprintable():
        raise ValueError("is no plain name of a file")
    if len(os.fsencode(name)) > LONGEST_NAME:
        raise ValueError(f"is longer than {LONGEST_NAME} bytes")
    return name


def clear(folder: Path) -> None:
    """Deletes what was on its way when we ended."""
    for path in folder.glob(f"{_PREFIX}*.part"):
        with suppress(OSError):
            path.unlink()
