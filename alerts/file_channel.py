"""Alerts as lines of JSON in a file, for whatever reads files."""

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from alerts.aside import Aside
from alerts.channel import Message, PublishError
from config.whole_file import sync_folder

_MEGABYTE: Final = 1_000_000


class FileChannel:
    """One CloudEvent a line, on disk when it counts as taken.

    The file may be moved or deleted at any time (logrotate needs no signal): the next lines open it anew.
    """

    batch = 250

    def __init__(
        self, path: Path, *, name: str = "file", rotate_megabytes: float = 100, keep: int = 5
    ) -> None:
        """Above `rotate_megabytes` (10^6 bytes; 0: never) PATH becomes PATH.1, that PATH.2, up to `keep`."""
        self.name = name
        self._path = path.absolute()
        self._limit = round(rotate_megabytes * _MEGABYTE)
        self._keep = keep
        self._aside = Aside(f"channel {name}")
        self._file: int | None = None

    async def publish(self, messages: Sequence[Message]) -> None:
        lines = b"".join(message.body.encode() + b"\n" for message in messages)
        try:
            await self._aside.run(lambda: self._append(lines))
        except OSError as error:
            raise PublishError(
                f"{self._path} cannot be written ({error.strerror or error}): "
                "free some space there, or see that this user may write it"
            ) from None

    async def tend(self) -> bool:
        """Nothing to look after."""
        return False

    async def close(self) -> None:
        await self._aside.run(self._close)

    # ---- on a thread

    def _append(self, lines: bytes) -> None:
        if self._file is not None and not self._is_still_there(self._file):
            self._close()
        if self._file is None:
            self._open()
        file = self._file
        assert file is not None  # noqa: S101 - for mypy: _open raised otherwise
        before = os.fstat(file).st_size
        if self._limit and before and before + len(lines) > self._limit:
            self._rotate()
            return self._append(lines)
        done = 0
        try:
            if before and os.pread(file, 1, before - 1) != b"\n":  # half a line, from a crash or a full disk
                lines = b"\n" + lines
            while done < len(lines):
                done += os.write(file, lines[done:])
            os.fdatasync(file)
        except OSError:
            self._take_back(file, before, done)
            raise
        return None

    def _take_back(self, file: int, before: int, written: int) -> None:
        """Leaves no half a line for a reader to stumble over, unless somebody else has written meanwhile."""
        try:
            if os.fstat(file).st_size == before + written:
                os.ftruncate(file, before)
        except OSError:
            self._close()

    def _open(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._file = os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)
        with suppress(PermissionError):  # a folder that this user may write and not read
            sync_folder(self._path.parent)  # or a power cut could take a new file, or its new name, back

    def _is_still_there(self, file: int) -> bool:
        try:
            return os.path.samestat(os.fstat(file), os.stat(self._path))  # noqa: PTH116 - beside fstat
        except FileNotFoundError:
            return False

    def _rotate(self) -> None:
        """PATH.1 is the newest of the older ones. Who might read the old file may read the new one."""
        mode = self._path.stat().st_mode
        self._close()
        for number in range(self._keep - 1, 0, -1):
            older = self._numbered(number)
            if older.exists():
                older.replace(self._numbered(number + 1))
        self._path.replace(self._numbered(1))
        self._open()
        assert self._file is not None  # noqa: S101 - for mypy: _open raised otherwise
        os.fchmod(self._file, mode & 0o777)

    def _numbered(self, number: int) -> Path:
        return self._path.with_name(f"{self._path.name}.{number}")

    def _close(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            os.close(file)
