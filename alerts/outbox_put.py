"""Puts messages into the outbox's file: numbers them, and writes those of one transaction in few steps.

Each step lets other threads run, and may then wait for its turn: a step for each message and table would make
a busy daemon slow.
"""

import json
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from alerts.channel import Message

_ROWS: Final = 64  # in one step

_COLUMNS: Final = "position, id, stream, kind, sequence, body, alert_id, severity, size, stored_at"
_MESSAGES: Final = f"INSERT INTO messages ({_COLUMNS}) VALUES"
_SEQUENCES: Final = "INSERT OR REPLACE INTO sequences VALUES"
_OPEN_ALERTS: Final = "INSERT OR REPLACE INTO open_alerts VALUES"
_CLOSED: Final = "DELETE FROM open_alerts WHERE alert_id IN (SELECT value FROM json_each(?))"


@dataclass(frozen=True, slots=True)
class Waiting:
    """A message that a channel does not have yet."""

    position: int  # grows with every message of every stream, by one
    message: Message


@dataclass(frozen=True, slots=True)
class Put:
    """A message to be numbered and kept."""

    stream: str
    alert_id: str
    severity: int  # its rank
    verdict: str | None  # what has to outlive the daemon while the alert is open; None: it closes
    render: Callable[[int], Message]  # with the number


def put_all(connection: sqlite3.Connection, puts: Sequence[Put], now: float) -> list[Waiting | Exception]:
    """Inside a transaction. For each: what waits now, or what `render` raised; that leaves no trace."""
    streams = json.dumps(list({put.stream for put in puts}))
    last = dict(
        connection.execute(
            "SELECT stream, last FROM sequences WHERE stream IN (SELECT value FROM json_each(?))", (streams,)
        ).fetchall()
    )
    (position,) = connection.execute("SELECT coalesce(max(seq), 0) FROM sqlite_sequence").fetchone()
    outcomes: list[Waiting | Exception] = []
    messages: list[tuple[Any, ...]] = []
    opened: dict[str, tuple[str, str, str]] = {}
    closed: dict[str, None] = {}
    size = 0
    for put in puts:
        number = last.get(put.stream, 0) + 1
        try:
            message = put.render(number)
            bytes_ = len(message.body.encode())
        except Exception as error:  # noqa: BLE001 - a mistake of the one who asked: it is raised there, not here
            outcomes.append(error)
            continue
        position += 1
        outcomes.append(Waiting(position, message))
        last[put.stream] = number
        size += bytes_
        messages.append(
            (
                position, message.id, message.stream, message.kind, message.sequence, message.body,
                put.alert_id, put.severity, bytes_, now,
            )
        )  # fmt: skip
        opened.pop(put.alert_id, None)  # the order is that in which they were told last
        closed.pop(put.alert_id, None)
        if put.verdict is None:
            closed[put.alert_id] = None
        else:
            opened[put.alert_id] = put.alert_id, put.stream, put.verdict
    if messages:
        _insert(connection, _MESSAGES, messages)
        _insert(connection, _SEQUENCES, last.items())
        _insert(connection, _OPEN_ALERTS, opened.values())
        connection.execute(_CLOSED, (json.dumps(list(closed)),))
        connection.execute(
            "UPDATE channels SET waiting = waiting + ?, bytes = bytes + ?", (len(messages), size)
        )
    return outcomes


def _insert(connection: sqlite3.Connection, into: str, rows: Iterable[tuple[Any, ...]]) -> None:
    left = iter(rows)
    while some := list(islice(left, _ROWS)):
        marks = f"({', '.join('?' * len(some[0]))})"
        values = [value for row in some for value in row]
        connection.execute(f"{into} {', '.join([marks] * len(some))}", values)
