"""One face, one number, for as long as it is there, and never a number twice."""

import math

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from detectors.faces.face import Face
from detectors.faces.tracks import MOST, PATIENCE, Tracks
from tests.detectors.faces.crossing import swapped
from tests.detectors.faces.drawn import face_at

STEP = 0.2  # seconds


def numbers(tracks: Tracks, faces: list[Face], position: float, *, cut: bool = False) -> list[int]:
    return [one.number for one in tracks.follow(faces, position, cut=cut)]


def test_a_face_keeps_its_number_and_another_gets_its_own() -> None:
    tracks = Tracks()
    for step in range(20):
        walker, sitter = face_at(100 + 12 * step, 100), face_at(500, 300, 90)
        found = [sitter, walker] if step % 2 else [walker, sitter]
        told = dict(zip((id(one) for one in found), numbers(tracks, found, step * STEP), strict=True))
        assert (told[id(walker)], told[id(sitter)]) == (1, 2)


def test_what_is_told_of_a_face() -> None:
    tracks = Tracks()
    tracks.follow([face_at(100, 100)], 3.0)
    [one] = tracks.follow([face := face_at(104, 100)], 3.2)
    assert (one.number, one.since, one.sightings, one.face) == (1, 3.0, 2, face)


def test_a_face_that_is_not_found_for_a_while_is_waited_for() -> None:
    tracks = Tracks()
    assert numbers(tracks, [face_at(100, 100)], 0.0) == [1]
    for step in range(1, 6):
        assert numbers(tracks, [], step * STEP) == []
    assert numbers(tracks, [face_at(120, 100)], 6 * STEP) == [1]


def test_a_face_that_is_gone_for_long_comes_back_as_another() -> None:
    tracks = Tracks()
    numbers(tracks, [face_at(100, 100)], 0.0)
    assert numbers(tracks, [face_at(100, 100)], PATIENCE + 0.1) == [2]


def test_two_faces_that_cross_keep_their_numbers() -> None:
    tracks = Tracks()
    for step in range(25):
        right, left = face_at(100 + 20 * step, 200), face_at(580 - 20 * step, 215)
        assert numbers(tracks, [right, left], step * STEP) == [1, 2]


def test_two_faces_that_cross_and_hide_each_other_keep_their_numbers() -> None:
    tracks = Tracks()
    for step in range(25):
        right, left = face_at(100 + 20 * step, 200, 110), face_at(580 - 20 * step, 215, 90)
        hidden = math.dist(right.centre, left.centre) < 70
        found = [right] if hidden else [right, left]
        assert numbers(tracks, found, step * STEP) == ([1] if hidden else [1, 2])


def test_people_who_pass_before_one_another_are_seldom_confused() -> None:
    assert sum(swapped(seed) for seed in range(300)) <= 15


def test_a_person_who_turns_round_behind_another_is_not_taken_for_them() -> None:
    tracks = Tracks()
    for step in range(12):
        assert numbers(tracks, [face_at(300, 200), face_at(420 - 9 * step, 200, 60)], step * STEP) == [1, 2]


def test_after_a_cut_everybody_is_new() -> None:
    tracks = Tracks()
    same = face_at(100, 100)
    assert numbers(tracks, [same], 0.0) == [1]
    assert numbers(tracks, [same], 0.2, cut=True) == [2]
    assert numbers(tracks, [same], 0.4) == [2]


def test_where_time_does_not_go_on_everybody_is_new() -> None:
    tracks = Tracks()
    assert numbers(tracks, [face_at(100, 100)], 5.0) == [1]
    assert numbers(tracks, [face_at(100, 100)], 5.0) == [2]
    assert numbers(tracks, [face_at(100, 100)], 0.0) == [3]
    assert numbers(tracks, [face_at(100, 100)], 0.2) == [3]


def test_a_face_does_not_jump_through_the_picture_or_swell() -> None:
    tracks = Tracks()
    assert numbers(tracks, [face_at(100, 100)], 0.0) == [1]
    assert numbers(tracks, [face_at(400, 100)], 0.2) == [2]
    assert numbers(tracks, [face_at(400, 100, 250)], 0.4) == [3]


boxes = st.builds(face_at, x=st.floats(0, 640), y=st.floats(0, 360), size=st.floats(0, 300))


class Life(RuleBasedStateMachine):
    """Anything may be found at any time."""

    def __init__(self) -> None:
        super().__init__()
        self.tracks = Tracks()
        self.position = 0.0
        self.last = 0  # number that was ever given
        self.seen: dict[int, float] = {}  # when each number was given last
        self.gone: set[int] = set()  # numbers of before a cut

    @rule(faces=st.lists(boxes, max_size=6), gap=st.floats(0.01, 2), cut=st.booleans())
    def goes_on(self, faces: list[Face], gap: float, cut: bool) -> None:
        self.position += gap
        if cut:
            self.gone |= set(self.seen)
        told = self.tracks.follow(faces, self.position, cut=cut)
        assert [one.face for one in told] == faces
        given_now = [one.number for one in told]
        assert len(set(given_now)) == len(given_now), "two faces, one number"
        assert not self.gone & set(given_now), "a number of before the cut"
        for one in told:
            if one.number in self.seen:
                assert self.position - self.seen[one.number] <= PATIENCE + 1e-9
                assert one.sightings > 1 and one.since < self.position
            else:
                assert one.number > self.last, "a number of long ago"
                assert one.sightings == 1 and one.since == self.position
                self.last = max(self.last, one.number)
            self.seen[one.number] = self.position

    @rule(back=st.floats(0, 5), faces=st.lists(boxes, max_size=3))
    def time_turns_back(self, back: float, faces: list[Face]) -> None:
        self.position -= back
        self.gone |= set(self.seen)
        for one in self.tracks.follow(faces, self.position):
            assert one.number > self.last and one.sightings == 1
            self.last, self.seen[one.number] = one.number, self.position

    @rule(count=st.integers(MOST, MOST + 20))
    def a_crowd(self, count: int) -> None:
        self.position += 0.1
        for one in self.tracks.follow([face_at(9.0 * each, 0, 5) for each in range(count)], self.position):
            assert one.number not in self.gone
            self.last = max(self.last, one.number)
            self.seen[one.number] = self.position

    @invariant()
    def memory_is_bounded(self) -> None:
        assert self.tracks.followed <= MOST


TestLife = Life.TestCase
TestLife.settings = settings(max_examples=20, stateful_step_count=15)
