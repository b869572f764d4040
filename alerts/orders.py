"""What people order of alerts: to be silent for a while, and that somebody has seen to one. A file keeps it.

Commands write it and the daemon reads it, so orders can also be given while no daemon runs, and outlive it.
"""

import fcntl
import json
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Final

from alerts.verdict import Verdict
from alerts.verdict_text import known
from config.whole_file import write_whole

VERSION: Final = 1  # of the file; another one where an older reader would take it wrongly
MOST: Final = 1000  # orders of each sort that are kept, the newest


class OrdersError(Exception):
    """The orders cannot be read or written; says which file, why, and what to do."""


class DamagedOrdersError(OrdersError):
    """What stands in the file is not understood: reading it again does not help."""


@dataclass(frozen=True, slots=True)
class Silence:
    """Alerts that fit are not told until it ends. Patterns may hold * and ?."""

    id: str
    stream: str
    kind: str
    label: str
    until: datetime  # UTC
    by: str
    comment: str
    made_at: datetime  # UTC

    def fits(self, verdict: Verdict, now: datetime) -> bool:
        """Whether it keeps this alert from being told now."""
        return (
            now < self.until
            and fnmatchcase(verdict.told_of, self.stream)
            and fnmatchcase(verdict.kind, self.kind)
            and fnmatchcase(verdict.label, self.label)
        )


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """Somebody has seen to this alert: it is told again when it gets worse, and when it closes."""

    alert_id: str
    by: str
    comment: str
    made_at: datetime  # UTC


@dataclass(frozen=True, slots=True)
class Orders:
    """All that was ordered."""

    silences: tuple[Silence, ...] = ()
    acknowledgements: tuple[Acknowledgement, ...] = ()


def new_id() -> str:
    """Of a silence: short enough to type."""
    return secrets.token_hex(4)


class OrdersFile:
    """Where orders are kept. Whole or not at all: a reader never sees half of them."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "orders.json"

    def read(self) -> Orders:
        """No file: no orders. Raises OrdersError where it cannot be read now, DamagedOrdersError for good."""
        try:
            kept = json.loads(self.path.read_text(encoding="utf-8"))
            if kept.get("version", 1) > VERSION:  # the first ones had none
                raise DamagedOrdersError(
                    f"{self.path} was written by a newer framewarden: install that one again, "
                    "or move the file away and give the orders again"
                )
            return _orders(kept)
        except FileNotFoundError:
            return Orders()
        except OSError as error:
            raise OrdersError(f"{self.path} cannot be read ({error.strerror or error})") from error
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise DamagedOrdersError(
                f"{self.path} is damaged ({error}): delete it, and give the orders again"
            ) from error

    def change(self, change: Callable[[Orders], Orders], now: datetime) -> None:
        """One change at a time, whoever makes it. What has run out is left away. Raises OrdersError."""
        try:
            with _alone(self.path.parent):
                orders = change(self.read())
                silences = tuple(each for each in orders.silences if now < each.until)[-MOST:]
                self._write(Orders(silences, orders.acknowledgements[-MOST:]))
        except OSError as error:
            raise OrdersError(f"{self.path} cannot be written ({error.strerror or error})") from error

    def _write(self, orders: Orders) -> None:
        kept = {"version": VERSION} | asdict(orders)
        text = json.dumps(kept, default=datetime.isoformat, indent=1, ensure_ascii=False)
        write_whole(self.path, text.encode(), mode=0o600)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Waits until nobody else changes orders in this folder; needs no file of its own."""
    opened = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(opened, fcntl.LOCK_EX)
        yield
    finally:
        os.close(opened)


def _orders(kept: dict[str, Any]) -> Orders:
    return Orders(
        tuple(Silence(**known(Silence, _timed(each))) for each in kept["silences"]),
        tuple(Acknowledgement(**known(Acknowledgement, _timed(each))) for each in kept["acknowledgements"]),
    )


def _timed(kept: dict[str, Any]) -> dict[str, Any]:
    times = {name: datetime.fromisoformat(kept[name]) for name in ("until", "made_at") if name in kept}
    if any(time.tzinfo is None for time in times.values()):
        raise ValueError("a time without a zone")
    return kept | times
