"""When a rule holds: hours of the day, on days of the week, by the clock on the wall of a place."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from difflib import get_close_matches
from typing import Annotated, Final, Literal, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from pydantic import AfterValidator, Field

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
DAYS: Final[tuple[Day, ...]] = get_args(Day)
_MIDNIGHT: Final = 24 * 60
_TIME = r"([01]\d|2[0-3]):[0-5]\d"


def _some_time(between: str | None) -> str | None:
    if between and len(set(between.split("-"))) == 1:
        raise ValueError(f"'{between}' is no time at all: leave it out for the whole day")
    return between


def _known_zone(name: str | None) -> str | None:
    if name is not None:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            near = get_close_matches(name, available_timezones(), n=1)
            meant = f", did you mean {near[0]}?" if near else "; for example Europe/Berlin"
            raise ValueError(f"no time zone is called '{name}'{meant}") from None
    return name


# What several parts of the file say of a time; as a default goes None, or () for days.
Between = Annotated[
    str | None,
    Field(
        pattern=rf"^{_TIME}-({_TIME}|24:00)$",
        examples=["22:00-06:00"],
        description="At which time of the day, from-until; past midnight too. Empty: at any.",
    ),
    AfterValidator(_some_time),
]
Days = Annotated[tuple[Day, ...], Field(description="On which days of the week it begins. Empty: on all.")]
TimeZone = Annotated[
    str | None,
    Field(examples=["Europe/Berlin"], description="Whose clock. Empty: this machine's."),
    AfterValidator(_known_zone),
]


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
