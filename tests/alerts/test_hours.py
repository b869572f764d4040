"""Hours of the day, through midnight and through the days on which clocks are set."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from config.hours import hours

BERLIN = ZoneInfo("Europe/Berlin")

# from-until, days it begins on      local time                 lies within
TABLE = [
    ("09:00-17:00", "", "2026-11-23T08:59", False),
    ("09:00-17:00", "", "2026-11-23T09:00", True),
    ("09:00-17:00", "", "2026-11-23T16:59", True),
    ("09:00-17:00", "", "2026-11-23T17:00", False),
    ("22:00-06:00", "", "2026-11-23T21:59", False),
    ("22:00-06:00", "", "2026-11-23T22:00", True),
    ("22:00-06:00", "", "2026-11-24T05:59", True),
    ("22:00-06:00", "", "2026-11-24T06:00", False),
    ("22:00-06:00", "mon", "2026-11-23T23:00", True),  # a Monday
    ("22:00-06:00", "mon", "2026-11-24T01:00", True),  # began on Monday
    ("22:00-06:00", "mon", "2026-11-23T01:00", False),  # began on Sunday
    ("22:00-06:00", "sun", "2026-11-23T01:00", True),
    ("00:00-24:00", "sat sun", "2026-11-21T12:00", True),
    ("00:00-24:00", "sat sun", "2026-11-23T00:00", False),
    ("18:00-24:00", "", "2026-11-23T23:59", True),
    ("18:00-24:00", "", "2026-11-24T00:00", False),
    # 2026-03-29: 02:00 becomes 03:00; 2026-10-25: 03:00 becomes 02:00 again
    ("02:00-03:00", "", "2026-03-29T01:59", False),
    ("02:00-03:00", "", "2026-03-29T03:00", False),
    ("22:00-06:00", "", "2026-03-29T05:59", True),
    ("22:00-06:00", "", "2026-03-29T06:00", False),
    ("22:00-06:00", "", "2026-10-25T05:59", True),
    ("22:00-06:00", "", "2026-10-25T06:00", False),
]  # fmt: skip


@pytest.mark.parametrize(("between", "days", "local", "within"), TABLE)
def test_the_table(between: str, days: str, local: str, within: bool) -> None:
    at = datetime.fromisoformat(local).replace(tzinfo=BERLIN).astimezone(UTC)
    assert hours(between, days.split(), "Europe/Berlin").include(at) is within


def test_an_hour_that_comes_twice_lies_within_twice() -> None:
    night = hours("02:00-03:00", (), "Europe/Berlin")
    instants = [datetime(2026, 10, 25, hour, 30, tzinfo=UTC) for hour in (0, 1, 2)]
    assert [night.include(at) for at in instants] == [True, True, False]


def test_without_a_zone_it_is_this_machines_clock() -> None:
    local = datetime(2026, 11, 23, 12).astimezone()
    assert hours("12:00-12:01", (), None).include(local.astimezone(UTC))
    assert hours(None, (), None).include(local)
