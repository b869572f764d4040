"""The outbox's SQLite file: opening, migrating, transactions, and what to do when the disk says no."""

import logging
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from alerts.outbox_clock import Clock, keep_ages
from alerts.outbox_limits import Dropped, Limits, count, enforce, forget_delivered
from alerts.outbox_schema import APPLICATION_ID, MIGRATIONS

log = logging.getLogger(__name__)

Work = Callable[[sqlite3.Connection], Any]

TELL_DROPS_EVERY = 60.0  # seconds
LOOK_FOR_OLD_EVERY = 60.0  # seconds
LOOK_AGAIN = 200  # milliseconds that SQLite itself waits for another program's lock
LAST_PATIENCE = 1.0  # seconds that a lock is waited for when it is time to stop

# Primary result codes, https://sqlite.org/rescode.html
REFUSED = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN}
LOCKED = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


class OutboxError(Exception):
    """The outbox cannot be used; says which file, and what to do."""


class DamagedError(Exception):
    """The file is no database any more."""


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
        try:
            self._disk = self._connect()
        except DamagedError as damage:
            self._move_aside(damage)
            self._disk = self._connect()
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
                if connection is not self._disk or _code(error) not in REFUSED | LOCKED:
                    raise OutboxError(f"{self.path} cannot be used any more: {error}") from error
                if _code(error) in REFUSED or time.monotonic() - began > self._lock_patience:
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
        locked = _code(error) in LOCKED
        log.error(
            "%s cannot be written (%s): alerts go on from memory, and those not delivered are lost if the "
            "service ends now. %s", self.path, error,
            "End the program that has it locked" if locked else "Free some space on that disk",
        )  # fmt: skip
        self._memory = memory
        self._retry_at = time.monotonic() + self._disk_retry

    def _connect(self) -> sqlite3.Connection:
        try:
            connection = sqlite3.connect(self.path, timeout=5, isolation_level=None, check_same_thread=False)
        except sqlite3.Error as error:
            raise self._cannot_open(error) from error
        try:
            (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
            if verdict != "ok":
                raise DamagedError(verdict)  # noqa: TRY301 - the same way out as where SQLite notices it
            connection.text_factory = lambda text: text.decode(errors="replace")
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA journal_size_limit = 67108864")
            self._migrate(connection)
            if _columns(connection) != _columns(_fresh()):  # what describes the tables is damaged
                raise DamagedError("its tables are not those that it was made with")  # noqa: TRY301 - as above
            connection.execute("REINDEX")  # quick_check looks at tables alone
            self._drop_unreadable(connection)
            self._settle_channels(connection)
            connection.execute(f"PRAGMA busy_timeout = {LOOK_AGAIN}")
        except sqlite3.Error as error:
            connection.close()
            if _code(error) in DAMAGED:
                raise DamagedError(str(error)) from error
            raise self._cannot_open(error) from error
        except UnicodeDecodeError as error:  # what SQLite says of the damage quotes it
            connection.close()
            raise DamagedError(str(error)) from error
        except (DamagedError, OutboxError):
            connection.close()
            raise
        return connection

    def _cannot_open(self, error: sqlite3.Error) -> OutboxError:
        return OutboxError(f"{self.path} cannot be opened ({error}): check owner, permissions and free space")

    def _migrate(self, connection: sqlite3.Connection) -> None:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        (owner,) = connection.execute("PRAGMA application_id").fetchone()
        (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        if tables and owner != APPLICATION_ID:
            raise OutboxError(f"{self.path} is another program's database: move it away")
        if version > len(MIGRATIONS):
            raise OutboxError(
                f"{self.path} was written by a newer framewarden (schema {version}; this one knows up to "
                f"{len(MIGRATIONS)}): install that one again, or move the file away and lose what waits in it"
            )
        for number, script in enumerate(MIGRATIONS[version:], version + 1):
            connection.executescript(
                f"BEGIN; {script}; PRAGMA user_version = {number};"
                f"PRAGMA application_id = {APPLICATION_ID}; COMMIT;"
            )

    def _settle_channels(self, connection: sqlite3.Connection) -> None:
        """Channels that are no longer configured are dropped; a new one starts with what is still there."""
        with transaction(connection):
            (first,) = connection.execute(
                "SELECT coalesce(min(position) - 1, (SELECT seq FROM sqlite_sequence), 0) FROM messages"
            ).fetchone()
            known = {name for (name,) in connection.execute("SELECT name FROM channels")}
            for name in known - set(self.standings):
                connection.execute("DELETE FROM channels WHERE name = ?", (name,))
                connection.execute("DELETE FROM dead_letters WHERE channel = ?", (name,))
            for name in set(self.standings) - known:
                connection.execute("INSERT INTO channels (name, position) VALUES (?, ?)", (name, first))
            forget_delivered(connection)
            count(connection, self.standings)

    def _drop_unreadable(self, connection: sqlite3.Connection) -> None:
        """Damage inside a row is none to SQLite; to a channel, a message that is no JSON would be."""
        dropped = connection.execute("DELETE FROM messages WHERE NOT json_valid(body)").rowcount
        if dropped:
            self.counts["unreadable"] += dropped
            log.error("%s: %d damaged messages were dropped before they were delivered", self.path, dropped)

    def _move_aside(self, damage: DamagedError) -> None:
        aside = f"{self.path.name}.damaged-{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
        for ending in ("", "-wal", "-shm"):
            with suppress(FileNotFoundError):
                self.path.with_name(self.path.name + ending).rename(self.path.with_name(aside + ending))
        self.counts["moved_aside"] += 1
        log.error(
            "%s is damaged (%s). It was moved to %s and a new one begun: alerts that waited in it may be "
            "lost, open alerts are forgotten, and sequences start again at 1", self.path, damage, aside,
        )  # fmt: skip

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


def _columns(connection: sqlite3.Connection) -> list[tuple[str, str]]:
    """All tables with their columns."""
    return connection.execute(
        "SELECT t.name, c.name FROM sqlite_schema AS t, pragma_table_info(t.name) AS c"
        " WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite!_%' ESCAPE '!' ORDER BY t.name, c.cid"
    ).fetchall()


def _fresh() -> sqlite3.Connection:
    """A file as it is made, in memory."""
    connection = sqlite3.connect(":memory:")
    connection.executescript(";".join(MIGRATIONS))
    return connection


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


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """BEGIN, then COMMIT or ROLLBACK; a COMMIT that fails is rolled back too."""
    connection.execute("BEGIN")
    try:
        yield
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def _outcome(work: Work, connection: sqlite3.Connection) -> Any:
    try:
        return work(connection)
    except sqlite3.Error:
        raise
    except Exception as error:  # noqa: BLE001 - a mistake of the one who asked: it is raised there, not here
        return error


def _code(error: sqlite3.Error) -> int:
    """SQLite's primary result code; 0 where Python's module raised by itself."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF
