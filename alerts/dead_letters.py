"""What a channel refused for good: kept with its reason, until an operator has it tried again or dropped."""

import sqlite3

from alerts.channel import Message
from alerts.outbox_limits import advance


def bury(
    connection: sqlite3.Connection, channel: str, position: int, reason: str, now: float, limit: int
) -> int:
    """Takes a message out of the way of those behind it; returns how many old dead letters had to go.

    `limit`: how many are kept for each channel.
    """
    connection.execute(
        "INSERT OR REPLACE INTO dead_letters"
        " SELECT ?, position, id, stream, kind, sequence, body, ?, ?, 0 FROM messages WHERE position = ?",
        (channel, reason, now, position),
    )
    advance(connection, channel, position)
    return connection.execute(
        "DELETE FROM dead_letters WHERE channel = ?1 AND position <= (SELECT position FROM dead_letters"
        " WHERE channel = ?1 ORDER BY position DESC LIMIT 1 OFFSET ?2)",
        (channel, limit),
    ).rowcount


def to_try_again(connection: sqlite3.Connection, channel: str) -> list[tuple[int, Message]]:
    """Position and message of those that an operator wants to be tried again, in order."""
    rows = connection.execute(
        "SELECT position, id, stream, kind, sequence, body FROM dead_letters"
        " WHERE channel = ? AND again ORDER BY position",
        (channel,),
    )
    return [(position, Message(*rest)) for position, *rest in rows]


def settle(
    connection: sqlite3.Connection, channel: str, position: int, reason: str | None, now: float
) -> None:
    """One was tried again: it was taken, or it was refused once more for this reason."""
    if reason is None:
        connection.execute("DELETE FROM dead_letters WHERE channel = ? AND position = ?", (channel, position))
    else:
        connection.execute(
            "UPDATE dead_letters SET again = 0, reason = ?, died_at = ? WHERE channel = ? AND position = ?",
            (reason, now, channel, position),
        )
