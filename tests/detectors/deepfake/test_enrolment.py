"""A stream's own people: how far few of them move what was shipped, and who is judged by it."""

import dataclasses
import json
import logging
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.detectors import DeepfakeSettings
from config.state import ENROLMENT, enrolment_file
from detectors.deepfake.detector import DeepfakeDetector
from detectors.deepfake.enrolment import Enrolment, load, measured, read, save
from detectors.deepfake.gathering import FEWEST, Gathering
from detectors.deepfake.likelihood import Clips
from detectors.deepfake.suspicion import RECENT
from detectors.detection import Detection, DetectorError
from tests.detectors.deepfake.people import CLIPS, Colours, Finder, face, seen

RED, GREY = (60, 60, 200), (110, 110, 110)
ADDRESS = "a hash of an address"
STRICT = dataclasses.replace(CLIPS, real=-8.0, between=0.5)
MADE = Enrolment(Colours.sha256, ADDRESS, STRICT, 3, 90, "2026-11-26T01:00:00+00:00")


def sittings(means: list[float], spread: float = 0.5) -> list[np.ndarray]:
    chance = np.random.default_rng(3)
    return [mean + chance.normal(0, spread, 20) for mean in means]


@given(st.lists(st.floats(-12, 4), min_size=2, max_size=30))
def test_a_mean_moves_towards_what_was_seen_and_never_past_it(means: list[float]) -> None:
    scores = sittings(means)
    found = float(np.mean([one.mean() for one in scores]))
    told = measured(CLIPS, scores, range(len(scores)))
    low, high = sorted((CLIPS.real, found))
    assert low - 1e-9 <= told.real <= high + 1e-9
    assert told.fake == CLIPS.fake
    assert told.between > 0
    assert told.within > 0


def test_the_more_people_the_farther_the_mean_moves() -> None:
    one, four, forty = (
        measured(CLIPS, sittings([-7.0, -7.1] * many), [n // 2 for n in range(2 * many)]).real
        for many in (1, 4, 40)
    )
    assert CLIPS.real > one > four > forty > -7.1
    assert forty == pytest.approx(-7.05, abs=0.4)


def test_no_spread_narrows_further_than_so_few_can_show() -> None:
    """Of one person, nothing is known of how people differ, whatever was seen of them."""
    alike = [-4.0] * 12
    one = measured(CLIPS, sittings(alike, 0.01), [1] * 12)
    three = measured(CLIPS, sittings(alike[:3], 0.01), [1, 2, 3])
    many = measured(CLIPS, sittings([-4.0] * 100, 0.01), range(100))
    assert CLIPS.between > one.between > 0.5 * CLIPS.between
    assert one.between > three.between > many.between
    assert many.between < 0.2 * CLIPS.between
    assert three.within > 0.7 * CLIPS.within


def test_people_who_differ_more_than_elsewhere_are_given_more_room() -> None:
    told = measured(CLIPS, sittings([-8.0, 0.0, -6.0, -1.0, -9.0, 1.0]), range(6))
    assert told.between > CLIPS.between


def test_it_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = enrolment_file(tmp_path, "studio")
    assert load(path, ADDRESS, Colours.sha256) is None
    save(path, MADE)
    assert load(path, ADDRESS, Colours.sha256) == MADE
    assert load(path, ADDRESS, None) == MADE


@pytest.mark.parametrize(
    ("other", "words"),
    [
        (
            dataclasses.replace(MADE, source="elsewhere"),
            "was made when the stream had another address: enrol anew",
        ),
        (
            dataclasses.replace(MADE, weights_sha256="f" * 64),
            "belongs to the weights ffffffffffff, and here are c0104: enrol anew",
        ),
    ],
)
def test_that_of_another_source_or_other_weights_is_refused_in_words(
    tmp_path: Path, other: Enrolment, words: str
) -> None:
    save(tmp_path / "own", other)
    with pytest.raises(DetectorError, match=words):
        load(tmp_path / "own", ADDRESS, Colours.sha256)


@pytest.mark.parametrize(
    "blob",
    [
        b"",
        b"[]",
        b"\xff\xfe",
        b'{"version": 1}',
        MADE.to_bytes().replace(b'"version": 1', b'"version": 2'),
        MADE.to_bytes().replace(b'"between": 0.5', b'"between": 0'),
        MADE.to_bytes().replace(b'"between": 0.5', b'"between": "wide"'),
        MADE.to_bytes().replace(b'"between": 0.5', b'"between": NaN'),
    ],
)
def test_what_is_none_is_refused_in_words(blob: bytes) -> None:
    with pytest.raises(DetectorError, match="enrol anew"):
        read(blob)


def test_what_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "deepfake").write_text("in the way")
    with pytest.raises(DetectorError, match="cannot write"):
        save(enrolment_file(tmp_path, "studio"), MADE)


def detector(state: Path, address: str = ADDRESS) -> tuple[DeepfakeDetector, Finder]:
    finder = Finder()
    return (
        DeepfakeDetector(DeepfakeSettings(), finder, Colours, state=state, sources={"studio": address}),
        finder,
    )


def last(of: tuple[DeepfakeDetector, Finder], colour: tuple[int, int, int], first: int = 0) -> Detection:
    looking, finder = of
    finder.faces = [face()]
    for number in range(first, first + 16):
        ((said,),) = looking.examine([seen(number, finder.faces, colour)])
    return said


def test_a_stream_is_judged_by_what_its_own_people_score(tmp_path: Path) -> None:
    before = last(detector(tmp_path), RED)
    save(enrolment_file(tmp_path, "studio"), MADE)
    enrolled = last(detector(tmp_path), RED)
    assert enrolled.score == pytest.approx(STRICT.log_ratio(4.0, 16))
    assert enrolled.score != pytest.approx(before.score)
    assert enrolled.made_by.model == f"{before.made_by.model}, enrolled {MADE.sha256[:12]}"
    assert enrolled.made_by.model_sha256 == before.made_by.model_sha256
    assert enrolled.before is not None
    kept = enrolled.before.pack()
    assert read(kept[ENROLMENT]) == MADE
    assert before.before is not None
    assert ENROLMENT not in before.before.pack()


def test_an_enrolment_that_does_not_fit_changes_nothing_and_is_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    plain = last(detector(tmp_path), RED)
    save(enrolment_file(tmp_path, "studio"), MADE)
    with caplog.at_level(logging.WARNING):
        other = last(detector(tmp_path, "another address"), RED)
    assert other.score == pytest.approx(plain.score)
    assert "enrolled" not in other.made_by.model
    assert "studio: its people are judged as if they were not enrolled" in caplog.text
    assert "had another address: enrol anew" in caplog.text


def test_a_stream_that_is_watched_anew_is_judged_by_what_was_enrolled_meanwhile(tmp_path: Path) -> None:
    running = detector(tmp_path)
    plain = last(running, RED)
    save(enrolment_file(tmp_path, "studio"), MADE)
    assert last(running, RED, 16).made_by == plain.made_by
    running[0].forget("studio")
    assert "enrolled" in last(running, RED).made_by.model


def gathered(frames: int, *, apart: float = 0.2, faces: int = 1) -> Gathering:
    finder = Finder()
    gathering = Gathering(DeepfakeSettings(), finder, Colours())
    finder.faces = [face(left=40 + 180 * number) for number in range(faces)]
    for number in range(frames):
        one = seen(number, finder.faces, GREY)
        gathering.add(dataclasses.replace(one, position=number * apart))
    return gathering


def test_people_who_stay_are_looked_at_again_after_a_while() -> None:
    once = gathered(RECENT + 10)
    assert [len(one.scores) for one in once.sittings] == [RECENT]
    again = gathered(RECENT + 40, apart=1.0)
    assert [len(one.scores) for one in again.sittings] == [RECENT, 11]
    assert again.faces == 1
    assert all((scores == -4.0).all() for scores in again.by_sitting)


def test_who_is_hardly_seen_does_not_count() -> None:
    few = gathered(FEWEST - 1, faces=3)
    assert (few.faces, few.pictures, few.seen, few.good) == (0, 0, 3 * (FEWEST - 1), 3 * (FEWEST - 1))
    assert gathered(FEWEST, faces=3).faces == 3


def test_another_recording_shows_other_people() -> None:
    gathering = gathered(FEWEST)
    gathering.begin_part()
    for number in range(FEWEST):
        gathering.add(seen(number, [face(left=40)], GREY))
    assert [one.face for one in gathering.sittings] == [1, 2]


def test_the_file_is_for_people_to_read(tmp_path: Path) -> None:
    save(tmp_path / "own", MADE)
    told = json.loads((tmp_path / "own").read_text())
    assert told["clips"] == dataclasses.asdict(STRICT)
    assert Clips(**told["clips"]) == STRICT
