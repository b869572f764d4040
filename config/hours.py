"""When a rule holds: hours of the day, on days of the week, by the clock on the wall of a place."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Final
from zoneinfo import ZoneInfo

DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_MIDNIGHT: Final = 24 * 60


@dataclass(frozen=True, slots=True)
class Hours:
    """From `begin` until before `end`, in minutes since midnight; past midnight where `end` is not later.

    `days` are those on which it begins, 0 is Monday: the hour after midnight belongs to the day before.
    An instant is put on the wall clock and compared there, so a day with 23 or 25 hours needs no care.
    """

    begin: int = 0
    end: int = _MIDNIGHT
    days: frozenset[int] = frozenset(range(7))
    zone: tzinfo | None = None  # None: this machine's

    def include(self, at: datetime) -> bool:
        """Whether the instant, which must have a time zone, lies within."""
        local = at.astimezone(self.zone)
        minute = local.hour * 60 + local.minute
        today, yesterday = local.weekday() in self.days, (local - timedelta(1)).weekday() in self.days
        if self.begin < self.end:
            return today and self.begin <= minute < self.end
        return (today and minute >= self.begin) or (yesterday and minute < self.end)


ALWAYS: Final = Hours()


def hours(between: str | None, days: Sequence[str], zone: str | None) -> Hours:
    """As the configuration says it: "22:00-06:00" (None: all day), days (none: every day), a zone's name."""
    begin, _, end = (between or "00:00-24:00").partition("-")
    return Hours(
        _minutes(begin),
        _minutes(end),
        frozenset(map(DAYS.index, days)) if days else frozenset(range(7)),
        ZoneInfo(zone) if zone else None,
    )


def _minutes(text: str) -> int:
    hour, _, minute = text.partition(":")
    return int(hour) * 60 + int(minute)
