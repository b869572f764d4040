"""Thresholds by what was seen: how often blocks exceed them, when they hold, and what never moves them."""

import math
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from detectors.anomaly.calibration import BLOCK, FILE, LOWEST, STEP, Calibration
from detectors.anomaly.threshold import threshold_for

START = datetime(2026, 5, 1, tzinfo=UTC)
BUDGET = 100.0  # a day: 86 blocks are enough
TAIL = threshold_for(BUDGET)


def calibration(folder: Path, budget: float = BUDGET) -> Calibration:
    return Calibration(folder, budget, lambda at: at.hour)


def watch(seen: Calibration, maxima: NDArray[np.float64] | list[float], began: datetime = START) -> datetime:
    """Two pictures for each block, and one to end it."""
    at = began
    for highest in maxima:
        for seconds in range(0, int(BLOCK), 1):
            seen.add(at + timedelta(seconds=seconds), float(highest) if seconds == 5 else 0.0)
        at += timedelta(seconds=BLOCK)
    seen.add(at, 0.0)
    return at


def normal(count: int, seed: int = 0) -> NDArray[np.float64]:
    """Maxima of blocks far below what the tail feared."""
    return np.minimum(np.random.default_rng(seed).exponential(0.25, count), 0.9 * TAIL)


def test_it_is_provisional_until_enough_was_seen(tmp_path: Path) -> None:
    seen = calibration(tmp_path)
    assert seen.needed == 86
    at = watch(seen, normal(86 - 1))
    assert seen.threshold(at) == (TAIL, True)
    at = watch(seen, normal(1), at)
    level, provisional = seen.threshold(at)
    assert not provisional
    assert LOWEST * TAIL <= level < TAIL


@pytest.mark.parametrize(("budget", "needed"), [(1.0, 8639), (0.1, 86_399), (10.0, 863)])
def test_how_much_is_enough(tmp_path: Path, budget: float, needed: int) -> None:
    assert calibration(tmp_path, budget).needed == needed


def test_new_blocks_exceed_it_no_oftener_than_the_budget_says(tmp_path: Path) -> None:
    """Over many cameras: k / (n + 1) is the promise, whatever the blocks' distribution is."""
    chance = np.random.default_rng(7)
    exceeded = []
    for camera in range(60):
        seen = calibration(tmp_path / str(camera))
        blocks = 0.6 + 0.9 * chance.beta(0.4, 0.9, 87 + 40)  # heavy at its upper end: no tail fits
        at = watch(seen, blocks[:87])
        level, provisional = seen.threshold(at)
        assert not provisional
        exceeded.append((blocks[87:] >= level).mean())
    promised = BUDGET * BLOCK / 86_400
    error = math.sqrt(promised / (60 * 40))
    assert np.mean(exceeded) < promised + 3 * error + np.std(exceeded) / math.sqrt(60)


def test_alarms_beyond_the_budget_loosen_nothing(tmp_path: Path) -> None:
    seen = calibration(tmp_path)
    at = watch(seen, normal(120))
    quiet, _ = seen.threshold(at)
    for _ in range(30):
        at = watch(seen, [TAIL + 2.0], at) + timedelta(minutes=2)
    level, provisional = seen.threshold(at)
    assert (level, provisional) == (TAIL, True)
    assert quiet < TAIL


def test_one_long_event_counts_once(tmp_path: Path) -> None:
    once, long = calibration(tmp_path / "once"), calibration(tmp_path / "long")
    at = watch(once, [*normal(200), TAIL + 1.0])
    watch(long, [*normal(200), *([TAIL + 1.0] * 30)])
    assert once.blocks == long.blocks == 201
    assert once.threshold(at) == long.threshold(at)


def test_each_part_of_the_day_has_its_own_once_it_was_seen_enough(tmp_path: Path) -> None:
    seen = calibration(tmp_path)
    night, noon = START, START + timedelta(hours=13)
    watch(seen, 0.5 + 0.3 * normal(90), night)
    watch(seen, 1.2 + 0.3 * normal(90), noon)
    low, high = seen.threshold(night)[0], seen.threshold(noon)[0]
    assert low < high
    evening = START + timedelta(hours=20)  # never seen: by the whole day
    assert seen.threshold(evening)[0] == pytest.approx(high, abs=0.2)


def test_it_survives_a_restart_and_a_torn_file(tmp_path: Path) -> None:
    seen = calibration(tmp_path)
    at = watch(seen, normal(100))
    again = calibration(tmp_path)
    assert again.threshold(at) == seen.threshold(at)
    with (tmp_path / FILE).open("ab") as file:
        file.write(b"\x7f")
    torn = calibration(tmp_path)
    assert torn.blocks == 100
    watch(torn, normal(10), at)
    assert calibration(tmp_path).blocks == 110


def test_the_file_stays_small(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(bytes(2 * 200_000))
    seen = calibration(tmp_path)
    assert seen.blocks == 60_480
    watch(seen, normal(100))
    assert (tmp_path / FILE).stat().st_size <= 2 * 1.2 * 200_000


def test_blocks_that_were_hardly_seen_do_not_count(tmp_path: Path) -> None:
    seen = calibration(tmp_path)
    for number in range(20):
        seen.add(START + timedelta(seconds=number * 4 * BLOCK), 1.0)
        seen.add(START + timedelta(seconds=number * 4 * BLOCK + 3), 1.0)
    assert seen.blocks == 0


def test_rising_scores_are_noticed_and_falling_or_steady_ones_are_not(tmp_path: Path) -> None:
    seen = calibration(tmp_path)
    at = watch(seen, normal(600, 1))
    assert seen.counts["drifted"] == 0
    at = watch(seen, 0.3 * normal(300, 2), at)
    assert seen.counts["drifted"] == 0
    watch(seen, np.minimum(2.5 * normal(200, 3), 0.9 * TAIL), at)
    assert seen.counts["drifted"] >= 1


def test_a_disk_that_fails_is_counted(tmp_path: Path) -> None:
    (tmp_path / FILE).mkdir()
    seen = calibration(tmp_path)
    at = watch(seen, normal(90))
    assert seen.counts["uncalibrated"] == 90
    assert not seen.threshold(at)[1]


def test_the_level_is_above_what_it_allows(tmp_path: Path) -> None:
    seen = calibration(tmp_path)
    blocks = np.linspace(1.9, 0.8, 100)
    at = watch(seen, blocks)
    assert seen.threshold(at)[0] == pytest.approx(1.9 + STEP, abs=2 * STEP)
