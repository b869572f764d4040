"""Where alerts wait on disk until every channel has them, and where open alerts outlive a restart.

An SQLite file with a thread of its own, outbox_thread.py, so that the event loop never waits for a disk. What
comes in while the disk is busy shares the next transaction: one fsync for many messages.

A disk that refuses to write (full, read-only, failing) does not hold alerts up: the outbox goes on in memory,
says so, and goes back to disk when it can. Only a crash during that time loses messages.
"""

import asyncio
import logging
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from types import TracebackType

from alerts.channel import Message
from alerts.dead_letters import bury, is_late, settle, to_try_again
from alerts.lock import Lock
from alerts.outbox_clock import Clock
from alerts.outbox_file import OutboxFile, Standing
from alerts.outbox_limits import Limits, advance
from alerts.outbox_opening import OutboxError
from alerts.outbox_put import Put, Waiting
from alerts.outbox_tail import Tail
from alerts.outbox_thread import OutboxThread
from alerts.verdict import Change, Severity, Verdict
from alerts.verdict_text import verdict_from_json, verdict_to_json

log = logging.getLogger(__name__)


class Outbox:
    """An asynchronous context manager. One process at a time may have the file open."""

    def __init__(
        self,
        path: Path,
        channels: Iterable[str],
        *,
        limits: Limits = Limits(),  # noqa: B008 - frozen
        disk_retry: float = 2.0,
        lock_patience: float = 5.0,
        clock: Clock = Clock(),  # noqa: B008 - frozen
    ) -> None:
        """What is beyond the limits is dropped, counted and told.

        `disk_retry`: seconds between two tries to go back to a disk that refused. `lock_patience`: seconds
        that another program may lock the file before messages go on from memory.
        """
        names = tuple(dict.fromkeys(channels))
        if not names:
            raise ValueError("an outbox without channels would forget nothing")
        self._file = OutboxFile(path, names, limits, disk_retry, lock_patience, clock)
        self._lock = Lock(path.with_name(path.name + ".lock"))
        self._thread = OutboxThread(self._file, disk_retry, self._stored, self._wake)
        self._news = {name: asyncio.Event() for name in names}
        self._tail = Tail()
        self._places: dict[str, int] = {}  # by channel: up to where it has everything, once known
        self._dropped = 0

    async def __aenter__(self) -> "Outbox":
        """A damaged file is moved aside, which is counted and said.

        Raises OutboxError where the file is another program's or a newer framewarden's, and InUseError
        where another process has it.
        """
        try:
            self._lock.__enter__()
        except OSError as error:
            raise OutboxError(f"The outbox cannot be made ({error}): check owner and permissions") from error
        try:
            await asyncio.to_thread(self._file.open)
        except BaseException:
            self._lock.__exit__(None, None, None)
            raise
        self._thread.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Finishes what was asked for, and closes the file."""
        await self._thread.end()
        self._lock.__exit__(None, None, None)

    async def put(self, verdict: Verdict, render: Callable[[int], Message]) -> Message:
        """Gives the message the stream's next sequence number, and returns it once it is on disk.

        `render` runs on the outbox's thread, and again with the same number if the transaction is repeated.
        Whoever is cancelled while waiting does not know whether the message was stored.
        """
        kept = None if verdict.change is Change.CLOSED else verdict_to_json(verdict)
        put = Put(verdict.told_of, verdict.alert_id, verdict.severity.rank, kept, render)
        return (await self._thread.put(put)).message

    async def tell(
        self, stream: str, about: str, severity: Severity, render: Callable[[int], Message]
    ) -> Message:
        """As `put`, of a message that opens nothing and closes nothing. `about`: what it is about."""
        return (await self._thread.put(Put(stream, about, severity.rank, None, render))).message

    def _stored(self, stored: Sequence[Waiting]) -> None:
        self._tail.note(stored)
        self._file.counts["put"] += len(stored)
        self._wake()

    async def open_verdicts(self, stream: str | None = None) -> list[Verdict]:
        """The last verdict of every alert that is not closed; without its detection, which is not kept."""

        def read(connection: sqlite3.Connection) -> list[Verdict]:
            rows = connection.execute(
                "SELECT alert_id, verdict FROM open_alerts WHERE ?1 IS NULL OR stream = ?1 ORDER BY rowid",
                (stream,),
            ).fetchall()
            verdicts = []
            for alert_id, text in rows:
                try:
                    verdicts.append(verdict_from_json(text))
                except (
                    ValueError,
                    KeyError,
                    TypeError,
                ):  # damaged on disk, in a way that SQLite does not see
                    connection.execute("DELETE FROM open_alerts WHERE alert_id = ?", (alert_id,))
                    self._file.counts["unreadable"] += 1
                    log.warning("The open alert %s is damaged on disk: it is forgotten", alert_id)
            return verdicts

        return await self._thread.ask(read)

    async def waiting(self, channel: str, limit: int) -> list[Waiting]:
        """The oldest messages that this channel does not have yet, in order, at most `limit`."""
        if (dropped := self._file.counts["dropped"]) != self._dropped:
            self._dropped = dropped
            self._tail.forget()
        if channel in self._places:
            newest = self._tail.after(self._places[channel], limit)
            if newest is not None:
                return newest

        def read(connection: sqlite3.Connection) -> list[Waiting]:
            rows = connection.execute(
                "SELECT position, id, stream, kind, sequence, body FROM messages"
                " WHERE position > (SELECT position FROM channels WHERE name = ?) ORDER BY position LIMIT ?",
                (channel, limit),
            )
            return [Waiting(position, Message(*rest)) for position, *rest in rows]

        return await self._thread.ask(read)

    async def delivered(self, channel: str, position: int) -> None:
        """The channel has everything up to and with this position. What all channels have is forgotten."""

        def mark(connection: sqlite3.Connection) -> None:
            advance(connection, channel, position)

        await self._thread.ask(
            mark
        )  # if this is lost with the power, messages are sent again: no fsync for that
        self._has(channel, position)

    async def refused(self, channel: str, position: int, reason: str) -> None:
        """The channel will never take the message at this position, the next one for it: a dead letter."""
        limits = self._file.limits

        def work(connection: sqlite3.Connection) -> int:
            return bury(connection, channel, position, reason, self._file.clock.now(), limits.dead_letters)

        self._file.counts["dead_letters_dropped"] += await self._thread.ask(work)
        self._has(channel, position)

    def _has(self, channel: str, position: int) -> None:
        self._places[channel] = max(position, self._places.get(channel, 0))

    async def to_try_again(self, channel: str) -> list[Waiting]:
        """Dead letters that an operator wants to be tried again, in order."""

        def read(connection: sqlite3.Connection) -> list[Waiting]:
            return [Waiting(*each) for each in to_try_again(connection, channel)]

        return await self._thread.ask(read) if self.standing(channel).again else []

    async def is_late(self, channel: str, letter: Waiting) -> bool:
        """Whether the channel was told later messages of the dead letter's stream."""
        return await self._thread.ask(lambda connection: is_late(connection, channel, letter.message))

    async def tried_again(self, channel: str, position: int, reason: str | None) -> None:
        """This dead letter was taken, or refused once more for a reason."""

        def work(connection: sqlite3.Connection) -> None:
            settle(connection, channel, position, reason, self._file.clock.now())

        await self._thread.ask(work)

    def news(self, channel: str) -> asyncio.Event:
        """Set when a message comes in. Clear it, look at `waiting`, and wait where there was nothing."""
        return self._news[channel]

    def backlog(self, channel: str) -> int:
        """How many messages wait for this channel, as of the last transaction."""
        return self.standing(channel).waiting

    def standing(self, channel: str) -> Standing:
        """What waits, was dropped and was refused, as of the last transaction."""
        return self._file.standings[channel]

    @property
    def durable(self) -> bool:
        """False while the disk refuses to write, and messages live in memory only."""
        return self._file.durable

    @property
    def counts(self) -> Counter[str]:
        """put, dropped, dead_letters_dropped, disk_refused, moved_aside, unreadable."""
        return self._file.counts

    @property
    def dropped(self) -> Counter[str]:
        """By channel: messages that it will never get."""
        return self._file.dropped

    def _wake(self) -> None:
        for news in self._news.values():
            news.set()
