"""Messages keep their age when the clock on the wall is set: while we run, while we are away, at a boot."""

import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

SET: Final = 60.0  # seconds: by less, a clock is put right as it goes, and no age is wrong by much


def _since_boot() -> float:
    return time.clock_gettime(time.CLOCK_BOOTTIME)


@cache  # each transaction asks
def _boot() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""  # unknown: every start is taken for one after a boot


@dataclass(frozen=True, slots=True)
class Clock:
    """What tells the time."""

    now: Callable[[], float] = time.time  # seconds since 1970; may be set
    since_boot: Callable[[], float] = _since_boot  # seconds; is never set, and goes on in standby
    boot: Callable[[], str] = _boot  # another one after each boot


def keep_ages(connection: sqlite3.Connection, clock: Clock) -> None:
    """To be called first in every transaction: if the clock was set since the last one, `stored_at` follows.

    After a boot nobody knows how long the machine was off: then only what would lie in the future is moved.
    """
    now, since_boot, boot = clock.now(), clock.since_boot(), clock.boot()
    kept = connection.execute("SELECT now, since_boot, boot FROM clock").fetchone()
    then, counted, before = kept or (_newest(connection), 0.0, "")
    same_boot = boot and boot == before
    jump = (now - then) - (since_boot - counted) if same_boot else min(0.0, now - then)
    if abs(jump) > SET:
        connection.execute("UPDATE messages SET stored_at = stored_at + ?", (jump,))
    connection.execute("INSERT OR REPLACE INTO clock VALUES (1, ?, ?, ?)", (now, since_boot, boot))


def _newest(connection: sqlite3.Connection) -> float:
    (newest,) = connection.execute("SELECT coalesce(max(stored_at), 0) FROM messages").fetchone()
    return float(newest)
