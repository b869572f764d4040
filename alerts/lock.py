"""One process at a time at a thing on disk: the second is told who has it."""

import fcntl
import os
from contextlib import suppress
from pathlib import Path
from types import TracebackType


class InUseError(Exception):
    """Another process works here; says which, and what to do."""


class Lock:
    """Holds the file at `path` while the `with` block lasts; the kernel lets go of it when we die."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: int | None = None

    def __enter__(self) -> "Lock":
        """Raises InUseError, and OSError where the file cannot be made."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(file, 20).decode(errors="replace").strip() or "unknown"
            os.close(file)
            raise InUseError(
                f"{self.path.parent} is in use by another framewarden (process {holder}): "
                "stop that one, or give this one a service.state_dir of its own"
            ) from None
        self._file = file
        with suppress(OSError):  # a full disk: then the second is not told who, only that
            os.ftruncate(file, 0)
            os.pwrite(file, f"{os.getpid()}\n".encode(), 0)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None
