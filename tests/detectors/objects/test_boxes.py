"""What networks answer, made into boxes."""

import numpy as np
import pytest

from detectors.objects.boxes import read
from detectors.objects.network import Answer, answer_of


def grid(*boxes: list[float]) -> np.ndarray:
    return np.array(boxes, np.float32).T


def test_of_a_grid_each_object_remains_once_and_the_surest_is_first() -> None:
    answer = grid(
        [50, 50, 20, 20, 0.6, 0.1],
        [51, 50, 20, 20, 0.9, 0.2],  # the same
        [50, 50, 20, 20, 0.1, 0.7],  # there, but of another label
        [90, 90, 10, 10, 0.05, 0.09],
    )
    found = read(answer, Answer.GRID, 2, 100, 100, 0.1)
    assert found.tolist() == [
        pytest.approx([41, 40, 61, 60, 0.9, 0]),
        pytest.approx([40, 40, 60, 60, 0.7, 1]),
    ]
    assert read(answer, Answer.GRID, 2, 100, 100, 0.95).shape == (0, 6)


def test_what_is_told_once_is_only_put_in_order() -> None:
    answer = np.array([[0, 0, 9, 9, 0.2, 1], [5, 5, 7, 9, 0.8, 0], [0, 0, 1, 1, 0.01, 0]], np.float32)
    assert read(answer, Answer.ENDED, 2, 100, 100, 0.1)[:, 4].tolist() == pytest.approx([0.8, 0.2])


def test_shares_become_pixels() -> None:
    answer = np.array([[0.5, 0.5, 0.2, 0.4, 0.8, 1]], np.float32)
    expected = pytest.approx([80, 30, 120, 70, 0.8, 1])
    assert read(answer, Answer.SHARES, 2, 200, 100, 0.1)[0].tolist() == expected
    of_each = np.array([[0.5, 0.5, 0.2, 0.4, 0.1, 0.8, 0.3]], np.float32)
    assert read(of_each, Answer.SHARES_OF_EACH, 3, 200, 100, 0.1)[0].tolist() == expected


@pytest.mark.parametrize(
    ("labels", "last", "ended", "detr", "expected"),
    [
        (80, (84, 8400), False, False, Answer.GRID),
        (80, (300, 6), True, False, Answer.ENDED),
        (80, (300, 6), False, False, Answer.ENDED),  # a YOLOv10 that was exported when nothing said so
        (80, (300, 6), False, True, Answer.SHARES),
        (80, (300, 84), False, True, Answer.SHARES_OF_EACH),
        (2, (6, 8400), False, False, Answer.GRID),
        (2, (300, 6), False, True, Answer.SHARES),
    ],
)
def test_the_shape_of_an_answer_tells_its_kind(
    labels: int, last: tuple[int, int], ended: bool, detr: bool, expected: Answer
) -> None:
    assert answer_of(labels, last, ended, detr) is expected
