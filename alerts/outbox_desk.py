"""What an operator sees of an outbox and does to its dead letters, also while the daemon has it open."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from alerts.outbox_opening import OutboxError
from alerts.outbox_schema import APPLICATION_ID, MIGRATIONS

PATIENCE = 10.0  # seconds that the daemon may be writing


@dataclass(frozen=True, slots=True)
class Queue:
    """What waits for one channel."""

    channel: str
    waiting: int
    size: int  # bytes
    oldest_at: datetime | None  # UTC: when the oldest of it was stored
    dropped: int  # since the channel last had everything
    dead: int


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message that a channel refused for good."""

    channel: str
    id: str
    stream: str
    kind: str
    reason: str
    refused_at: datetime  # UTC
    again: bool  # it is to be tried again


def look(path: Path) -> tuple[list[Queue], list[DeadLetter]]:
    """All channels, and all dead letters, oldest first. Raises OutboxError."""
    with _opened(path) as file:
        queues = [
            Queue(name, waiting, size, None if oldest is None else _utc(oldest), dropped, dead)
            for name, waiting, size, oldest, dropped, dead in file.execute(
                "SELECT name, waiting, bytes,"
                " (SELECT stored_at FROM messages WHERE messages.position > channels.position"
                "  ORDER BY messages.position LIMIT 1), dropped,"
                " (SELECT count(*) FROM dead_letters WHERE channel = name) FROM channels ORDER BY name"
            )
        ]
        letters = [
            DeadLetter(channel, name, stream, kind, reason, _utc(died_at), bool(again))
            for channel, name, stream, kind, reason, died_at, again in file.execute(
                "SELECT channel, id, stream, kind, reason, died_at, again FROM dead_letters"
                " ORDER BY channel, position"
            )
        ]
    return queues, letters


def retry(path: Path, channel: str | None, ids: Sequence[str]) -> int:
    """Has dead letters tried again, within a second if the daemon runs; returns how many.

    None and no ids mean all. Raises OutboxError.
    """
    return _do(path, "UPDATE dead_letters SET again = 1", channel, ids)


def drop(path: Path, channel: str | None, ids: Sequence[str]) -> int:
    """Forgets dead letters for ever; returns how many. None and no ids mean all. Raises OutboxError."""
    return _do(path, "DELETE FROM dead_letters", channel, ids)


def _do(path: Path, what: str, channel: str | None, ids: Sequence[str]) -> int:
    with _opened(path) as file:
        if channel is not None:
            names = [name for (name,) in file.execute("SELECT name FROM channels ORDER BY name")]
            if channel not in names:
                raise OutboxError(f"no channel is called '{channel}': there are {', '.join(names)}")
        marks = ", ".join("?" * len(ids))
        return file.execute(
            f"{what} WHERE channel = coalesce(?, channel){f' AND id IN ({marks})' * bool(ids)}",
            (channel, *ids),
        ).rowcount


@contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    if not path.exists():
        raise OutboxError(f"{path} does not exist: no daemon ran with this configuration yet")
    try:
        where = f"{path.absolute().as_uri()}?mode=rw"
        with closing(sqlite3.connect(where, uri=True, timeout=PATIENCE)) as file:
            (owner,) = file.execute("PRAGMA application_id").fetchone()
            (version,) = file.execute("PRAGMA user_version").fetchone()
            if owner != APPLICATION_ID or version != len(MIGRATIONS):
                raise OutboxError(f"{path} is no outbox of this version: start `framewarden run` once")
            with file:
                yield file
    except sqlite3.Error as error:
        raise OutboxError(f"{path} cannot be used ({error}): check owner and permissions") from error


def _utc(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
