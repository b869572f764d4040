"""The footage a camera is learned from: what is kept of much, and what in it follows on what."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from detectors.anomaly.cells import Cells
from detectors.anomaly.features import Small, shrink
from detectors.anomaly.footage import MOST, Footage
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
