"""The outbox's SQLite file: transactions, and what to do when the disk says no."""

import logging
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alerts.outbox_clock import Clock, keep_ages
from alerts.outbox_limits import Dropped, Limits, enforce
from alerts.outbox_opening import LOOK_AGAIN, OutboxError, code, opened, transaction

log = logging.getLogger(__name__)

Work = Callable[[sqlite3.Connection], Any]

TELL_DROPS_EVERY = 60.0  # seconds
LOOK_FOR_OLD_EVERY = 60.0  # seconds
LAST_PATIENCE = 1.0  # seconds that a lock is waited for when it is time to stop

# Primary result codes, https://sqlite.org/rescode.html
REFUSED = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN}
LOCKED = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}


@dataclass(frozen=True, slots=True)
class Standing:
    """How it stands with one channel."""

    waiting: int = 0  # messages that it does not have yet
    size: int = 0  # their bytes
    dropped: int = 0  # messages that it will not get, since it last had everything
    dead: int = 0  # messages that it refused for good
    again: int = 0  # of these, to be tried again


class OutboxFile:
    """Called by one thread at a time."""

    def __init__(
        self,
        path: Path,
        channels: Sequence[str],
        limits: Limits,
        disk_retry: float,
        lock_patience: float,
        clock: Clock,
    ) -> None:
        self.path = path
        self.counts: Counter[str] = Counter()  # see Outbox.counts
        self.standings = dict.fromkeys(channels, Standing())  # as of the last transaction
        self.dropped: Counter[str] = Counter()  # by channel
        self.limits = limits
        self.clock = clock
        self._version = 0
        self._looked_for_old_at = time.monotonic()
        self._disk_retry = disk_retry
        self._lock_patience = lock_patience
        self._disk: sqlite3.Connection
        self._memory: sqlite3.Connection | None = None
        self._retry_at = 0.0
        self._told_drops_at: dict[str, float] = {}
        self._drops_untold: Counter[str] = Counter()

    @property
    def durable(self) -> bool:
        """False while the disk refuses to write, and messages live in memory only."""
        return self._memory is None

    def open(self) -> None:
        """A damaged file is moved aside, and a new one begun. Raises OutboxError."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._disk = opened(self.path, self.standings, self.counts)
        self.standings = _standings(self._disk)

    def hurry(self) -> None:
        """It is about to be closed. May be called by any thread."""
        self._lock_patience = min(self._lock_patience, LAST_PATIENCE)

    def close(self) -> None:
        """What the disk does not take now is lost, and said."""
        self.back_to_disk(now=True)
        if self._memory:
            log.error("%s still cannot be written: what waits is lost (%s)", self.path, self._in_words())
            self._memory.close()
        self._disk.close()

    def transact(self, works: Sequence[Work], *, through_power_cuts: bool) -> list[Any]:
        """One transaction for all; what each of them returned, or the exception it raised.

        Without `through_power_cuts` there is no fsync: what was written outlives us, but not the machine.
        A work may be called again, after a rollback. Raises OutboxError when nothing was done.
        """
        began = time.monotonic()
        while True:
            connection = self._memory or self._disk
            try:
                connection.execute(f"PRAGMA synchronous = {'FULL' if through_power_cuts else 'NORMAL'}")
                with transaction(connection):
                    keep_ages(connection, self.clock)  # or a clock that is put right would drop them all
                    outcomes = [_outcome(work, connection) for work in works]
                    dropped = enforce(connection, self.limits, self.clock.now())
                    standings = _standings(connection)
            except sqlite3.Error as error:
                if connection is not self._disk or code(error) not in REFUSED | LOCKED:
                    raise OutboxError(f"{self.path} cannot be used any more: {error}") from error
                if code(error) in REFUSED or time.monotonic() - began > self._lock_patience:
                    self._into_memory(error)
                continue
            self.standings = standings
            for each in dropped:
                self._tell(each)
            return outcomes

    def look(self) -> bool:
        """Between transactions: whether another program changed the file. Drops what has become too old."""
        try:
            (version,) = (self._memory or self._disk).execute("PRAGMA data_version").fetchone()
            changed = version != self._version
            if changed or time.monotonic() > self._looked_for_old_at + LOOK_FOR_OLD_EVERY:
                self._version, self._looked_for_old_at = version, time.monotonic()
                self.transact([], through_power_cuts=False)
        except (sqlite3.Error, OutboxError):
            return False  # nobody asked for anything; whoever does is told
        return bool(changed)

    def back_to_disk(self, now: bool = False) -> None:
        """Tries, every few seconds or now, to write down what lives in memory."""
        if self._memory is None or (time.monotonic() < self._retry_at and not now):
            return
        try:
            _copy(self._memory, self._disk, self._lock_patience if now else 0)
        except sqlite3.Error:
            self._retry_at = time.monotonic() + self._disk_retry
            return
        self._memory.close()
        self._memory = None
        log.warning("%s can be written again: nothing was lost", self.path)

    def _into_memory(self, error: sqlite3.Error) -> None:
        memory = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        try:
            _copy(self._disk, memory, self._lock_patience)
        except sqlite3.Error as worse:
            memory.close()
            raise OutboxError(f"{self.path} can neither be written ({error}) nor read ({worse})") from worse
        self.counts["disk_refused"] += 1
        locked = code(error) in LOCKED
        log.error(
            "%s cannot be written (%s): alerts go on from memory, and those not delivered are lost if the "
            "service ends now. %s", self.path, error,
            "End the program that has it locked" if locked else "Free some space on that disk",
        )  # fmt: skip
        self._memory = memory
        self._retry_at = time.monotonic() + self._disk_retry

    def _tell(self, dropped: Dropped) -> None:
        self.counts["dropped"] += dropped.messages
        self.dropped[dropped.channel] += dropped.messages
        self._drops_untold[dropped.channel] += dropped.messages
        if time.monotonic() < self._told_drops_at.get(dropped.channel, float("-inf")) + TELL_DROPS_EVERY:
            return
        limits = self.limits
        bound = f"{limits.age / 86_400:g} days" if dropped.too_old else f"{limits.size / 1e6:g} MB"
        log.error(
            "%d message(s) were dropped before channel '%s' had them: more than %s of alerts wait. "
            "Bring that channel back, or remove it from alerts.channels",
            self._drops_untold.pop(dropped.channel), dropped.channel, bound,
        )  # fmt: skip
        self._told_drops_at[dropped.channel] = time.monotonic()

    def _in_words(self) -> str:
        return ", ".join(f"{each.waiting} for '{name}'" for name, each in self.standings.items())


def _standings(connection: sqlite3.Connection) -> dict[str, Standing]:
    rows = connection.execute(
        "SELECT name, waiting, bytes, dropped,"
        " (SELECT count(*) FROM dead_letters WHERE channel = name),"
        " (SELECT coalesce(sum(again), 0) FROM dead_letters WHERE channel = name) FROM channels"
    )
    return {name: Standing(*rest) for name, *rest in rows}


def _copy(source: sqlite3.Connection, target: sqlite3.Connection, patience: float) -> None:
    """All or nothing. Raises sqlite3.Error, also where a lock stands longer than `patience` seconds."""
    began = time.monotonic()

    def look(status: int, remaining: int, total: int) -> None:  # or it would wait for that lock for ever
        if status & 0xFF in LOCKED and time.monotonic() - began > patience:
            raise sqlite3.OperationalError("database is locked")

    source.backup(target, progress=look, sleep=LOOK_AGAIN / 1000)


def _outcome(work: Work, connection: sqlite3.Connection) -> Any:
    try:
        return work(connection)
    except sqlite3.Error:
        raise
    except Exception as error:  # noqa: BLE001 - a mistake of the one who asked: it is raised there, not here
        return error
