"""Opens the outbox's SQLite file: it is checked, migrated, or moved aside where it is damaged."""

import logging
import sqlite3
from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from alerts.outbox_limits import count, forget_delivered
from alerts.outbox_schema import APPLICATION_ID, MIGRATIONS

log = logging.getLogger(__name__)

LOOK_AGAIN = 200  # milliseconds that SQLite itself waits for another program's lock

# A primary result code, https://sqlite.org/rescode.html
DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


class OutboxError(Exception):
    """The outbox cannot be used; says which file, and what to do."""


class _DamagedError(Exception):
    """The file is no database any more."""


def opened(path: Path, channels: Collection[str], counts: Counter[str]) -> sqlite3.Connection:
    """A damaged file is moved aside, and a new one begun. Raises OutboxError.

    `counts`: moved_aside and unreadable, see Outbox.counts.
    """
    try:
        return _connected(path, channels, counts)
    except _DamagedError as damage:
        _move_aside(path, damage, counts)
        return _connected(path, channels, counts)


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


def code(error: sqlite3.Error) -> int:
    """SQLite's primary result code; 0 where Python's module raised by itself."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def _connected(path: Path, channels: Collection[str], counts: Counter[str]) -> sqlite3.Connection:
    try:
        connection = sqlite3.connect(path, timeout=5, isolation_level=None, check_same_thread=False)
    except sqlite3.Error as error:
        raise _cannot_open(path, error) from error
    try:
        (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
        if verdict != "ok":
            raise _DamagedError(verdict)  # noqa: TRY301 - the same way out as where SQLite notices it
        connection.text_factory = lambda text: text.decode(errors="replace")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA journal_size_limit = 67108864")
        _migrate(connection, path)
        if _columns(connection) != _columns(_fresh()):  # what describes the tables is damaged
            raise _DamagedError("its tables are not those that it was made with")  # noqa: TRY301 - as above
        connection.execute("REINDEX")  # quick_check looks at tables alone
        _drop_unreadable(connection, path, counts)
        _settle_channels(connection, channels)
        connection.execute(f"PRAGMA busy_timeout = {LOOK_AGAIN}")
    except sqlite3.Error as error:
        connection.close()
        if code(error) in DAMAGED:
            raise _DamagedError(str(error)) from error
        raise _cannot_open(path, error) from error
    except UnicodeDecodeError as error:  # what SQLite says of the damage quotes it
        connection.close()
        raise _DamagedError(str(error)) from error
    except (_DamagedError, OutboxError):
        connection.close()
        raise
    return connection


def _cannot_open(path: Path, error: sqlite3.Error) -> OutboxError:
    return OutboxError(f"{path} cannot be opened ({error}): check owner, permissions and free space")


def _migrate(connection: sqlite3.Connection, path: Path) -> None:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (owner,) = connection.execute("PRAGMA application_id").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    if tables and owner != APPLICATION_ID:
        raise OutboxError(f"{path} is another program's database: move it away")
    if version > len(MIGRATIONS):
        raise OutboxError(
            f"{path} was written by a newer framewarden (schema {version}; this one knows up to "
            f"{len(MIGRATIONS)}): install that one again, or move the file away and lose what waits in it"
        )
    for number, script in enumerate(MIGRATIONS[version:], version + 1):
        connection.executescript(
            f"BEGIN; {script}; PRAGMA user_version = {number};"
            f"PRAGMA application_id = {APPLICATION_ID}; COMMIT;"
        )


def _settle_channels(connection: sqlite3.Connection, channels: Collection[str]) -> None:
    """Channels that are no longer configured are dropped; a new one starts with what is still there."""
    with transaction(connection):
        (first,) = connection.execute(
            "SELECT coalesce(min(position) - 1, (SELECT seq FROM sqlite_sequence), 0) FROM messages"
        ).fetchone()
        known = {name for (name,) in connection.execute("SELECT name FROM channels")}
        for name in known - set(channels):
            connection.execute("DELETE FROM channels WHERE name = ?", (name,))
            connection.execute("DELETE FROM dead_letters WHERE channel = ?", (name,))
        for name in set(channels) - known:
            connection.execute("INSERT INTO channels (name, position) VALUES (?, ?)", (name, first))
        forget_delivered(connection)
        count(connection, channels)


def _drop_unreadable(connection: sqlite3.Connection, path: Path, counts: Counter[str]) -> None:
    """Damage inside a row is none to SQLite; to a channel, a message that is no JSON would be."""
    dropped = connection.execute("DELETE FROM messages WHERE NOT json_valid(body)").rowcount
    if dropped:
        counts["unreadable"] += dropped
        log.error("%s: %d damaged messages were dropped before they were delivered", path, dropped)


def _move_aside(path: Path, damage: _DamagedError, counts: Counter[str]) -> None:
    aside = f"{path.name}.damaged-{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    for ending in ("", "-wal", "-shm"):
        with suppress(FileNotFoundError):
            path.with_name(path.name + ending).rename(path.with_name(aside + ending))
    counts["moved_aside"] += 1
    log.error(
        "%s is damaged (%s). It was moved to %s and a new one begun: alerts that waited in it may be "
        "lost, open alerts are forgotten, and sequences start again at 1", path, damage, aside,
    )  # fmt: skip


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
