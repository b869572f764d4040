"""The rules of time: which pictures are kept, where they stand, how long a camera is left alone."""

import itertools
from datetime import UTC, datetime

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from streams.backoff import delays
from streams.filmed import LATEST, filmed_at
from streams.sampler import Sampler
from streams.thinning import RUN, Thinning
from streams.timeline import Timeline


def kept(fps: float, positions: list[float]) -> list[float]:
    sampler = Sampler(fps)
    return [position for position in positions if sampler.keep(position)]


@given(native=st.floats(1, 60), wanted=st.floats(0.2, 60), seconds=st.floats(5, 60))
def test_the_wanted_rate_is_met_where_the_stream_has_it(native: float, wanted: float, seconds: float) -> None:
    positions = [number / native for number in range(int(seconds * native))]
    assume(positions)
    number = len(kept(wanted, positions))
    assert number <= positions[-1] * wanted + 1.2
    if wanted >= 1.2 * native:
        assert number == len(positions)
    else:  # each due moment waits for the next picture, and none is skipped
        assert number >= min(wanted, native / 2) * positions[-1] - 1


@pytest.mark.parametrize(("native", "wanted"), [(25, 5), (30, 5), (30, 4), (25, 4), (15, 10), (29.97, 7)])
def test_common_rates_are_exact(native: float, wanted: float) -> None:
    positions = [round(number / native, 3) for number in range(int(native * 100))]  # as Matroska rounds them
    assert len(kept(wanted, positions)) == pytest.approx(100 * wanted, abs=2)


def test_every_fifth_picture_is_kept_in_spite_of_jitter() -> None:
    jitter = itertools.cycle([0, 0.015, -0.015, 0.01, -0.005])
    positions = [number / 25 + next(jitter) for number in range(250)]
    assert len(kept(5, positions)) == 50


def test_after_a_gap_nothing_is_made_up_for() -> None:
    positions = [*(number / 25 for number in range(25)), *(100 + number / 25 for number in range(25))]
    assert len(kept(5, positions)) == 10


@given(shares=st.lists(st.integers(1, 100), min_size=1, max_size=4))
def test_of_pictures_that_are_due_a_share_is_kept_and_none_alone(shares: list[int]) -> None:
    thinning = Thinning()
    kept: list[bool] = []
    for share in shares:
        thinning.share = share / 100
        before = len(kept)
        kept += [thinning.keep() for _ in range(400)]
        assert sum(kept[before:]) == pytest.approx(4 * share, abs=RUN + 2)
    runs = [len(list(group)) for keep, group in itertools.groupby(kept) if keep]
    assert min(runs[:-1], default=2) >= 2  # the last one is cut off by the end


@given(
    live=st.booleans(),
    pictures=st.lists(
        st.tuples(st.none() | st.floats(-1e5, 1e5), st.floats(0, 1)),
        min_size=1,
        max_size=50,
    ),
)
def test_positions_begin_at_nought_and_never_fall(
    live: bool, pictures: list[tuple[float | None, float]]
) -> None:
    timeline = Timeline(live)
    now = 1000.0
    positions = []
    for stamp, passed in pictures:
        now += passed
        positions.append(timeline.at(stamp, now, 0.04))
    assert positions[0] == 0
    assert positions == sorted(positions)


def test_a_clock_that_wraps_or_leaps_does_not_move_a_live_stream() -> None:
    timeline = Timeline(live=True)
    stamps = [None, 95_443.70, 95_443.74, 0.0, 0.04, 50_000.0, 50_000.04]  # 33 bits at 90 kHz wrap at 95443.7
    positions = [timeline.at(stamp, 10 + number * 0.04, 0.04) for number, stamp in enumerate(stamps)]
    assert positions == pytest.approx([number * 0.04 for number in range(7)])


def test_a_recording_may_hold_long_gaps_but_no_steps_back() -> None:
    timeline = Timeline(live=False)
    positions = [timeline.at(stamp, 0, 0.04) for stamp in (7.0, 7.04, 67.04, 3.0, 3.04, None)]
    assert positions == pytest.approx([0, 0.04, 60.04, 60.08, 60.12, 60.16])


def test_a_recording_that_leaps_by_more_than_a_day_has_a_broken_clock() -> None:
    timeline = Timeline(live=False)
    positions = [timeline.at(stamp, 0, 0.04) for stamp in (0.0, 80_000.0, 4e11, 4e11 + 1)]
    assert positions == pytest.approx([0, 80_000, 80_000.04, 80_001.04])


MODIFIED = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("created", "filmed"),
    [
        ("2026-02-01T08:00:00.000000Z", "2026-02-01T08:00:00Z"),
        ("2026-02-01 08:00:00", "2026-02-01T08:00:00Z"),
        ("2026-02-01T08:00:00+02:00", "2026-02-01T06:00:00Z"),
        ("2026-03-01T21:00:00Z", "2026-03-01T21:00:00Z"),  # the camera's local time
        ("2026-03-03T12:00:00Z", "2026-03-01T11:59:30Z"),  # not written before it was filmed
        ("1904-01-01T00:00:00Z", "2026-03-01T11:59:30Z"),
        ("1970-01-01T00:00:00Z", "2026-03-01T11:59:30Z"),
        ("2000-01-01T00:00:07Z", "2026-03-01T11:59:30Z"),
        ("9999-12-31T23:59:59-23:59", "2026-03-01T11:59:30Z"),
        ("0001-01-01T00:00:00+23:59", "2026-03-01T11:59:30Z"),
        ("last summer", "2026-03-01T11:59:30Z"),
        ("", "2026-03-01T11:59:30Z"),
        (None, "2026-03-01T11:59:30Z"),
    ],
)
def test_when_a_recording_was_filmed(created: str | None, filmed: str) -> None:
    at = filmed_at(created, MODIFIED.timestamp(), 30)
    assert datetime.fromtimestamp(at, UTC) == datetime.fromisoformat(filmed)


def test_a_file_without_a_time_of_its_own_may_say_when_it_was_filmed() -> None:
    assert filmed_at("2026-02-01T08:00:00Z", 1.0, 30) == datetime(2026, 2, 1, 8, tzinfo=UTC).timestamp()
    assert filmed_at(None, 1.0, 30) == 0


@given(st.none() | st.text() | st.datetimes().map(str), st.floats(-1e18, 1e18), st.floats(0, 1e9))
def test_every_recording_was_filmed_at_some_time(
    created: str | None, modified: float, duration: float
) -> None:
    assert 0 <= filmed_at(created, modified, duration) <= LATEST


@given(
    first=st.floats(0.01, 5), factor=st.floats(1.1, 4), longest=st.floats(5, 100), number=st.integers(1, 60)
)
def test_waits_grow_with_jitter_up_to_a_cap(first: float, factor: float, longest: float, number: int) -> None:
    waits = list(itertools.islice(delays(first, factor, longest), number))
    step = first
    for wait in waits:
        assert step / 2 <= wait <= step
        step = min(step * factor, longest)
    assert max(waits) <= longest


def test_two_cameras_do_not_wait_alike() -> None:
    assert list(itertools.islice(delays(), 8)) != list(itertools.islice(delays(), 8))
