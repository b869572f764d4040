"""The footage a camera is learned from: what is kept of much, and what in it follows on what."""

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from detectors.anomaly.cells import Cells
from detectors.anomaly.features import Small, shrink
from detectors.anomaly.footage import FILE, MOST, RUN, Footage
from detectors.anomaly.method import Seen


def picture(number: int) -> Small:
    """One that can be told from its neighbours."""
    return shrink(np.full((64, 64, 3), number % 251, np.uint8))


def gathered(folder: Path, count: int, gap: float, fresh: frozenset[int] = frozenset()) -> list[Seen]:
    footage = Footage(Cells(), picture(0), folder)
    for number in range(count):
        footage.add(picture(number), number * gap, number in fresh or number == 0)
    assert footage.seconds == pytest.approx((count - 1 - len(fresh)) * gap)
    return footage.pictures()


def test_all_of_little_footage_is_kept_in_order(tmp_path: Path) -> None:
    seen = gathered(tmp_path, 300, 0.2, frozenset({100}))
    assert [each.at for each in seen] == pytest.approx([number * 0.2 for number in range(300)])
    assert [index for index, each in enumerate(seen) if each.fresh] == [0, 100]
    assert [int(each.view.grey[0, 0]) for each in seen] == [number % 251 for number in range(300)]


@pytest.mark.parametrize(
    ("count", "gap"), [(MOST + 1, 0.2), (MOST + 26, 0.2), (4 * MOST, 0.2), (3 * MOST, 20.0)]
)
def test_much_footage_is_thinned_in_runs_and_nothing_is_compared_across_a_hole(
    tmp_path: Path, count: int, gap: float
) -> None:
    seen = gathered(tmp_path, count, gap)
    assert MOST / 3 < len(seen) <= MOST
    assert [int(each.view.grey[0, 0]) for each in seen] == [round(each.at / gap) % 251 for each in seen]
    for before, after in pairwise(seen):
        assert after.fresh == (after.at - before.at > 1.5 * gap)
    assert sum(each.fresh for each in seen) <= len(seen) / 10 + 1


def reopened(folder: Path, lesson: int = 0) -> Footage:
    return Footage(Cells(), picture(0), folder, lesson)


def test_what_was_gathered_is_found_again_without_what_is_damaged(tmp_path: Path) -> None:
    gathered(tmp_path, 3 * MOST, 0.2)  # and nobody closed it
    again = reopened(tmp_path)
    assert again.seconds == pytest.approx((3 * MOST - 1) * 0.2, abs=4 * RUN)
    count = len(again)
    again.add(picture(7), 5.0, False)
    assert len(again.pictures()) == len(again) in (count, count + 1)
    again.close()
    file = tmp_path / FILE
    blob = bytearray(file.read_bytes())
    blob[len(blob) // 2] ^= 0xFF  # within a picture, or its header
    file.write_bytes(blob[:-100])  # and the last one torn
    third = reopened(tmp_path)
    assert len(again) - 2 <= len(third.pictures()) < len(again)
    for before, after in pairwise(third.pictures()):
        assert after.fresh or after.at - before.at < 0.3


def test_footage_of_another_lesson_or_shape_is_dropped(tmp_path: Path) -> None:
    gathered(tmp_path, 50, 0.2)
    assert len(reopened(tmp_path, lesson=1)) == 0
    gathered(tmp_path, 50, 0.2)
    other = Footage(Cells(), shrink(np.zeros((64, 128, 3), np.uint8)), tmp_path)
    assert len(other) == 0
    assert other.seconds == 0


def test_the_last_seconds_are_taken_back_for_good(tmp_path: Path) -> None:
    footage = reopened(tmp_path)
    for number in range(100):
        footage.add(picture(number), number * 0.2, number == 0)
    footage.take_back(6.0)
    assert [each.at for each in footage.pictures()][-1] == pytest.approx(13.8, abs=0.21)
    footage.add(picture(1), 20.2, False)
    assert footage.pictures()[-1].fresh
    assert len(reopened(tmp_path)) == len(footage)


def test_timestamps_that_stand_still_or_go_back_fill_no_disk(tmp_path: Path) -> None:
    footage = reopened(tmp_path)
    for number in range(4 * MOST):
        footage.add(picture(number), 1000.0 - number // 3, False)
    assert len(footage) <= MOST
    assert footage.seconds == 0


def test_a_full_disk_costs_the_pictures_it_does_not_take_and_no_others(
    tmp_path: Path, full_disk: Callable[[int], None]
) -> None:
    footage = reopened(tmp_path)
    for number in range(100):
        footage.add(picture(number), number * 0.2, number == 0)
    slot = (tmp_path / FILE).stat().st_size // 100
    footage.take_back(2.0)
    kept = [each.at for each in footage.pictures()]
    assert len(kept) == 90
    for room in (0, 91 * slot - 50):  # for nothing; for all but the end of the first free slot
        full_disk(room)
        for number in range(100, 103):
            with pytest.raises(OSError, match="File too large"):
                footage.add(picture(number), number * 0.2, False)
    full_disk(10_000 * slot)
    for number in range(103, 150):
        footage.add(picture(number), number * 0.2, False)
    seen = footage.pictures()
    assert [each.at for each in seen] == pytest.approx(kept + [number * 0.2 for number in range(103, 150)])
    assert [int(each.view.grey[0, 0]) for each in seen] == [round(each.at * 5) for each in seen]
    footage.close()
    assert [each.at for each in reopened(tmp_path).pictures()] == [each.at for each in seen]
