"""What a channel refused for good: kept with its reason, until an operator has it tried again or dropped."""

import json
import sqlite3
from dataclasses import replace

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


def is_late(connection: sqlite3.Connection, channel: str, letter: Message) -> bool:
    """Whether later messages of its stream are no longer waiting: it cannot come in its place any more."""
    (late,) = connection.execute(
        "SELECT coalesce((SELECT last FROM sequences WHERE stream = ?1), 0) - count(*) > ?2 FROM messages"
        " WHERE stream = ?1 AND position > (SELECT position FROM channels WHERE name = ?3)",
        (letter.stream, letter.sequence, channel),
    ).fetchone()
    return bool(late)


def said_late(message: Message) -> Message:
    """The message, which says that it comes late; as it is, where it is no alert."""
    try:
        event = json.loads(message.body)
        event["data"]["late"] = True
    except (ValueError, TypeError, KeyError):
        return message
    return replace(message, body=json.dumps(event, ensure_ascii=False, separators=(",", ":")))
