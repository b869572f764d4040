"""Zones and lines, as geometry."""

from itertools import pairwise
from typing import Final

from hypothesis import given
from hypothesis import strategies as st

from detectors.objects.places import crossed, inside

SQUARE: Final = [(0.2, 0.2), (0.6, 0.2), (0.6, 0.6), (0.2, 0.6)]
HOOK: Final = [(0.0, 0.0), (1.0, 0.0), (1.0, 0.2), (0.2, 0.2), (0.2, 1.0), (0.0, 1.0)]  # an L on its head
UP: Final = ((0.5, 0.9), (0.5, 0.1))  # looking up the picture
shares = st.floats(0, 1)


def test_a_point_is_inside_of_what_is_around_it() -> None:
    assert inside(SQUARE, (0.4, 0.4))
    assert not inside(SQUARE, (0.7, 0.4))
    assert inside(HOOK, (0.1, 0.9))
    assert not inside(HOOK, (0.5, 0.5)), "within its box, and outside of it"


@given(shares, shares)
def test_it_does_not_matter_where_a_polygon_begins_nor_which_way_round_it_goes(x: float, y: float) -> None:
    for corners in (SQUARE, HOOK):
        same = {inside([*corners[at:], *corners[:at]], (x, y)) for at in range(len(corners))}
        assert same == {inside(corners[::-1], (x, y))}


def test_left_and_right_are_those_of_somebody_who_looks_along_the_line() -> None:
    assert crossed(UP, (0.6, 0.5), (0.4, 0.5)) == "left"
    assert crossed(UP, (0.4, 0.5), (0.6, 0.5)) == "right"
    assert crossed((UP[1], UP[0]), (0.6, 0.5), (0.4, 0.5)) == "right", "who looks down sees it the other way"


def test_who_passes_beside_an_end_or_stays_on_a_side_has_not_crossed() -> None:
    assert crossed(UP, (0.6, 0.95), (0.4, 0.95)) is None
    assert crossed(UP, (0.6, 0.5), (0.55, 0.2)) is None
    assert crossed(UP, (0.6, 0.5), (0.6, 0.5)) is None


@given(st.lists(st.tuples(shares, st.floats(0.2, 0.8)), min_size=2, max_size=30))
def test_whoever_walks_about_crosses_to_left_and_right_in_turn(way: list[tuple[float, float]]) -> None:
    sides = [side for a, b in pairwise(way) if (side := crossed(UP, a, b))]
    assert all(one != other for one, other in pairwise(sides))
    first, last = way[0][0] - 0.5, way[-1][0] - 0.5
    if first * last < 0:
        assert len(sides) % 2 == 1, "who ends on the other side has crossed once more to it than back"
