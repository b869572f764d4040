"""What is said of a strange place: what kind of thing it is, and why, in words."""

import numpy as np
from numpy.typing import NDArray

from detectors.anomaly.explaining import edges_alike, explain
from detectors.anomaly.features import CELL, NAMES, Cells
from tests.detectors.anomaly.test_score import COLS, ROWS, cells, expectation

NOWHERE = np.zeros((ROWS, COLS), bool)
SCENE = np.random.default_rng(1).uniform(40, 200, (ROWS * CELL, COLS * CELL)).astype(np.float32)


def said(
    one: Cells, there: NDArray[np.bool_] = NOWHERE, now: NDArray[np.float32] = SCENE, seen: float = 1.0
) -> tuple[str, str]:
    usual = expectation()
    usual.rarity[:] = 1 - seen
    return explain(one, usual.strangeness(one), usual, there, now, SCENE)


def test_what_moves_otherwise_is_motion_and_what_looks_otherwise_is_content() -> None:
    assert said(cells(quick=5))[0] == "motion"
    kind, reason = said(cells(blue=5))
    assert kind == "content"
    assert reason.startswith("is bluer than usual")


def test_of_two_things_about_the_same_only_one_is_said() -> None:
    assert said(cells(blue=5, brightness=4, extent=6))[1] == "is bluer than usual and is larger than usual"


def test_the_reason_is_what_the_rest_does_not_foretell() -> None:
    assert said(cells(blue=9, quick=1))[1] == "is bluer than usual", (
        "what is left without the colour is hardly odd"
    )
    usual = expectation()
    usual.mean[NAMES.index("sideways")] = -2
    usual.mean[NAMES.index("speed")] = 2
    one = cells(sideways=3, speed=3)
    kind, reason = explain(one, usual.strangeness(one), usual, NOWHERE, SCENE, SCENE)
    assert kind == "motion"
    assert "moves to the right, against the usual way here" in reason


def test_the_same_edges_in_another_light_are_no_thing_at_all() -> None:
    there = NOWHERE.copy()
    there[8:12, 13:18] = True
    lit = 0.6 * SCENE + 30
    assert said(cells(brightness=9, cover=1), there, lit) == (
        "quality",
        "what stands here is lit otherwise than before",
    )
    assert said(cells(brightness=9, cover=1), there, SCENE[::-1, ::-1])[0] == "content"
    many = Cells(
        np.array([9, 10]), np.array([15, 15]), np.vstack([cells(cover=0.3).values, cells(cover=1).values])
    )
    half = lit.copy()
    half[10 * CELL :] = SCENE[::-1, ::-1][10 * CELL :]
    assert said(many, there, half)[0] != "quality", "what fills its cell counts for more"


def test_what_covers_a_part_of_the_picture_changes_its_structure() -> None:
    there = NOWHERE.copy()
    there[:, :8] = True
    assert said(cells(10, 4, bulk=6, quick=9), there)[0] == "structure"
    assert said(cells(10, 4, bulk=1, quick=9), there)[0] == "motion", "as large as others"
    there[2:] = False
    assert said(cells(1, 4, bulk=6, quick=9), there)[0] == "motion", "a small place"


def test_where_nothing_was_ever_seen_is_said_first() -> None:
    kind, reason = said(cells(cover=1, quick=4), seen=0)
    assert kind == "content"
    assert reason.startswith("is where hardly anything was ever seen and moves")
    kind, reason = said(cells(cover=0.35, quick=9), seen=0)
    assert kind == "motion"
    assert reason.startswith("is where hardly anything was ever seen and moves")
    assert "hardly anything" not in said(cells(cover=1, quick=9), seen=1)[1]


def test_edges_are_alike_in_another_light_and_not_behind_something() -> None:
    there = NOWHERE.astype(np.float32)
    there[4:9, 4:9] = 1
    assert edges_alike(0.7 * SCENE + 30, SCENE, there) > 0.99
    hidden = SCENE.copy()
    hidden[4 * CELL : 9 * CELL, 4 * CELL : 9 * CELL] = SCENE[:40, 100:140]
    assert abs(edges_alike(hidden, SCENE, there)) < 0.3
    assert edges_alike(np.zeros_like(SCENE), SCENE, there) == 0
