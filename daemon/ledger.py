"""Which files were judged, by what they hold: so that nothing is judged twice, also after a restart."""

import asyncio
import json
import logging
import sqlite3
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, TypeVar, TypeVarTuple

from streams.inbox import Sign

T = TypeVar("T")
_Arguments = TypeVarTuple("_Arguments")

log = logging.getLogger(__name__)

_APPLICATION_ID: Final = 0x66776C67  # fwlg
_VERSION: Final = 1
_SCHEMA: Final = """
CREATE TABLE files (
    stream TEXT NOT NULL, sha256 TEXT NOT NULL, judged_at REAL NOT NULL, facts TEXT NOT NULL,
    PRIMARY KEY (stream, sha256)
) WITHOUT ROWID;
CREATE INDEX files_by_time ON files (judged_at);
CREATE TABLE places (
    stream TEXT NOT NULL, name BLOB NOT NULL, size INTEGER NOT NULL, modified INTEGER NOT NULL,
    inode INTEGER NOT NULL, sha256 TEXT NOT NULL,
    PRIMARY KEY (stream, name)
) WITHOUT ROWID;
"""


class LedgerError(Exception):
    """The ledger cannot be read or written now; says which file, and what to do."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A file that was judged, and told of."""

    sha256: str
    judged_at: datetime  # UTC
    facts: Mapping[str, Any]  # see alerts/file_facts.py


class Ledger:
    """A small SQLite file with a thread of its own. All methods may be called by any task."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._thread = ThreadPoolExecutor(1, "ledger")
        self._connection: sqlite3.Connection | None = None

    async def find(self, stream: str, sha256: str) -> Judged | None:
        """What was said of this content in this stream. Raises LedgerError."""
        return await self._do(self._find, stream, sha256)

    async def ready(self) -> None:
        """Raises LedgerError where nothing can be noted now: what cannot be noted must not be told."""
        await self._do(self._ready)

    async def note(self, stream: str, sha256: str, facts: Mapping[str, Any]) -> None:
        """It was judged, and is told of: it survives a power cut once this returns. Raises LedgerError."""
        await self._do(self._note, stream, sha256, json.dumps(facts, ensure_ascii=True))

    async def places(self, stream: str) -> dict[str, Sign]:
        """The files of a folder that need no second look, by name. Raises LedgerError."""
        return await self._do(self._places, stream)

    async def place(self, stream: str, name: str, sign: Sign, sha256: str) -> None:
        """What lies in the folder under this name is known. Raises LedgerError."""
        await self._do(self._place, stream, name, sign, sha256)

    async def leave(self, stream: str, names: frozenset[str]) -> None:
        """Under these names nothing lies any more. Raises LedgerError."""
        await self._do(self._leave, stream, names)

    async def sweep(self, keep: float) -> list[Judged]:
        """Forgets what was judged longer than `keep` seconds ago, and returns it. Raises LedgerError.

        A file that still lies in its folder stays known by its place.
        """
        return await self._do(self._sweep, time.time() - keep)

    async def close(self) -> None:
        """Lets go of the file."""
        await self._do(self._close)
        self._thread.shutdown(wait=False)

    async def _do(self, work: Callable[[*_Arguments], T], *arguments: *_Arguments) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work, *arguments)
        except (sqlite3.Error, OSError) as error:
            raise LedgerError(
                f"{self._path} cannot be used ({error}): uploads wait. Free space on that disk, or see who "
                "may write there"
            ) from error

    # ---- on the thread

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            try:
                self._connection = _connect(self._path)
            except sqlite3.DatabaseError as error:
                if isinstance(error, sqlite3.OperationalError):
                    raise
                aside = self._path.with_name(f"{self._path.name}.damaged-{datetime.now(UTC):%Y%m%dT%H%M%SZ}")
                self._path.rename(aside)
                log.error(  # noqa: TRY400 - words for the user
                    "%s is damaged (%s) and was moved to %s: files that lie in folders are judged again",
                    self._path, error, aside.name,
                )  # fmt: skip
                self._connection = _connect(self._path)
        return self._connection

    def _find(self, stream: str, sha256: str) -> Judged | None:
        row = self._open().execute(
            "SELECT sha256, judged_at, facts FROM files WHERE stream = ? AND sha256 = ?", (stream, sha256)
        ).fetchone()  # fmt: skip
        return _judged(row) if row else None

    def _ready(self) -> None:
        with self._open() as file:
            file.execute(f"PRAGMA user_version = {_VERSION}")  # a write, like any other

    def _note(self, stream: str, sha256: str, facts: str) -> None:
        with self._open() as file:
            file.execute(
                "INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?)", (stream, sha256, time.time(), facts)
            )

    def _places(self, stream: str) -> dict[str, Sign]:
        rows = self._open().execute(
            "SELECT name, size, modified, inode FROM places WHERE stream = ?", (stream,)
        )  # fmt: skip
        return {name.decode("utf-8", "surrogateescape"): Sign(*sign) for name, *sign in rows}

    def _place(self, stream: str, name: str, sign: Sign, sha256: str) -> None:
        with self._open() as file:
            file.execute(
                "INSERT OR REPLACE INTO places VALUES (?, ?, ?, ?, ?, ?)",
                (stream, _bytes(name), sign.size, sign.modified, sign.inode, sha256),
            )

    def _leave(self, stream: str, names: frozenset[str]) -> None:
        with self._open() as file:
            file.executemany(
                "DELETE FROM places WHERE stream = ? AND name = ?", [(stream, _bytes(name)) for name in names]
            )

    def _sweep(self, before: float) -> list[Judged]:
        with self._open() as file:
            rows = file.execute(
                "DELETE FROM files WHERE judged_at < ? RETURNING sha256, judged_at, facts", (before,)
            ).fetchall()
        return [_judged(row) for row in rows]

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=5, check_same_thread=False)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version > _VERSION:
            raise sqlite3.OperationalError("it was written by a newer framewarden: install that one again")
        if not version:
            connection.executescript(
                f"BEGIN; {_SCHEMA} PRAGMA user_version = {_VERSION};"
                f" PRAGMA application_id = {_APPLICATION_ID}; COMMIT;"
            )
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _judged(row: tuple[str, float, str]) -> Judged:
    sha256, at, facts = row
    return Judged(sha256, datetime.fromtimestamp(at, UTC), json.loads(facts))


def _bytes(name: str) -> bytes:
    """A name in a file system is bytes, and need be no text."""
    return name.encode("utf-8", "surrogateescape")
