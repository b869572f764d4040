"""What goes when too much waits: the drop policy of the outbox.

Messages wait for the slowest channel, so that one loses first, and only what it alone still wants. Of each
alert the last word stays longest: an 'opened' goes before the 'closed' that says the same and more. When only
last words are left, the least severe go first, and of these the oldest.
"""

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

SPARE = 0.05  # of the limit is freed at once, so that not every message has to look for one to drop


@dataclass(frozen=True, slots=True)
class Limits:
    """How much may wait, and for how long."""

    size: int = 200_000_000  # bytes of all messages together
    age: float = 7 * 86_400.0  # seconds
    dead_letters: int = 1_000  # for each channel


@dataclass(frozen=True, slots=True)
class Dropped:
    """What one channel will not get."""

    channel: str
    messages: int
    too_old: bool  # else there was no room


def enforce(connection: sqlite3.Connection, limits: Limits, now: float) -> list[Dropped]:
    """Drops what is too old, then what is too much; inside a transaction. `now`: seconds since 1970."""
    dropped = _drop(connection, _too_old(connection, now - limits.age), too_old=True)
    (size,) = connection.execute("SELECT max(bytes) FROM channels").fetchone()
    if size > limits.size:
        excess = size - int(limits.size * (1 - SPARE))
        dropped += _drop(connection, _too_much(connection, excess), too_old=False)
    return dropped


def _too_old(connection: sqlite3.Connection, before: float) -> list[tuple[int, int]]:
    """(position, size) of the oldest messages, up to the first that is young enough."""
    first = connection.execute("SELECT stored_at FROM messages ORDER BY position LIMIT 1").fetchone()
    if first is None or first[0] >= before:
        return []
    return connection.execute(
        "SELECT position, size FROM messages WHERE position < coalesce("
        " (SELECT position FROM messages WHERE stored_at >= ? ORDER BY position LIMIT 1), 9e18)",
        (before,),
    ).fetchall()


def _too_much(connection: sqlite3.Connection, excess: int) -> list[tuple[int, int]]:
    """(position, size) of what goes first, of at least `excess` bytes."""
    places = [
        place for (place,) in connection.execute("SELECT DISTINCT position FROM channels ORDER BY position")
    ]
    chosen: dict[int, int] = {}
    for place in [*places[1:], 2**62]:  # what the slowest wants alone, then what the next one wants too, ...
        rows = connection.execute(
            "SELECT position, size,"
            " position = (SELECT max(position) FROM messages WHERE alert_id = message.alert_id) AS last_word"
            " FROM messages AS message INDEXED BY messages_by_alert WHERE position <= ?"
            " ORDER BY last_word, iif(last_word, severity, 0), position",
            (place,),
        )
        for position, size, _ in rows:
            if excess <= 0:
                return list(chosen.items())
            if position not in chosen:
                chosen[position] = size
                excess -= size
    return list(chosen.items())


def _drop(connection: sqlite3.Connection, rows: Sequence[tuple[int, int]], too_old: bool) -> list[Dropped]:
    if not rows:
        return []
    connection.executemany("DELETE FROM messages WHERE position = ?", ((position,) for position, _ in rows))
    dropped = []
    for channel, place in connection.execute("SELECT name, position FROM channels").fetchall():
        lost = [size for position, size in rows if position > place]
        if lost:
            connection.execute(
                "UPDATE channels SET waiting = waiting - ?1, dropped = dropped + ?1, bytes = bytes - ?2"
                " WHERE name = ?3",
                (len(lost), sum(lost), channel),
            )
            dropped.append(Dropped(channel, len(lost), too_old))
    return dropped


def count(connection: sqlite3.Connection, channels: Iterable[str]) -> None:
    """Counts anew what waits for these channels."""
    for channel in channels:
        connection.execute(
            "UPDATE channels SET (waiting, bytes) = (SELECT count(*), coalesce(sum(size), 0) FROM messages"
            " WHERE messages.position > channels.position) WHERE name = ?",
            (channel,),
        )


def advance(connection: sqlite3.Connection, channel: str, position: int) -> None:
    """The channel has everything up to and with this position. What all channels have is forgotten."""
    taken, size = connection.execute(
        "SELECT count(*), coalesce(sum(size), 0) FROM messages"
        " WHERE position > (SELECT position FROM channels WHERE name = ?) AND position <= ?",
        (channel, position),
    ).fetchone()
    connection.execute(
        "UPDATE channels SET position = max(position, ?1), waiting = waiting - ?2, bytes = bytes - ?3,"
        " dropped = iif(waiting = ?2, 0, dropped) WHERE name = ?4",
        (position, taken, size, channel),
    )
    forget_delivered(connection)


def forget_delivered(connection: sqlite3.Connection) -> None:
    """What every channel has is no longer needed."""
    connection.execute("DELETE FROM messages WHERE position <= (SELECT min(position) FROM channels)")
