"""What an operator reads when a zone, a line or a reason is wrong."""

from pathlib import Path

import pytest

from config.doubts import doubts
from tests.config.test_load import good, problems

STREAM = "streams:\n  - name: gate\n    url: clip.mp4\n    detectors: [objects]\n"
ZONE = "    zones: [{{name: drive, points: {points}}}]\n"
SQUARE = "    zones: [{name: drive, points: [[0, 0], [1, 0], [1, 1], [0, 1]]}]\n"
FENCE = "    lines: [{name: fence, points: [[0, 0], [1, 1]]}]\n"


@pytest.mark.parametrize(
    ("points", "words"),
    [
        ("[[0, 0], [1, 1]]", "needs at least 3, found 2"),
        ("[[0, 0], [1, 1], [1, 0], [0, 1]]", "its sides cross each other"),
        ("[[0, 0], [0.5, 0.5], [1, 1]]", "it has no area"),
        ("[[0, 0], [1.5, 0], [1, 1]]", "at most 1, found 1.5"),
        ("[[0, 0], [640, 0], [640, 360]]", "at most 1, found 640"),
    ],
)
def test_a_zone_that_is_none_is_refused_in_words(tmp_path: Path, points: str, words: str) -> None:
    (told, *_) = problems(tmp_path, STREAM + ZONE.format(points=points))
    assert words in told
    assert "zones" in told


@pytest.mark.parametrize(
    ("stream", "words"),
    [
        (
            "    alert_on: [{zone: yard}]\n",
            "'zone: yard' of the 1. reason is not there: this stream has no zones",
        ),
        (
            SQUARE + "    alert_on: [{zone: drvie}]\n",
            "'zone: drvie' of the 1. reason is not there: did you mean 'drive'?",
        ),
        (SQUARE + "    alert_on: [{}, {zone: west}]\n", "of the 2. reason is not there: there are: drive"),
        (
            SQUARE + FENCE + "    alert_on: [{zone: fence}, {line: fenec}]\n",
            "so write 'line: fence'; 'line: fenec' of the 2. reason is not there: did you mean 'fence'?",
        ),
        (SQUARE + "    alert_on: [{line: drive}]\n", "'drive' is a zone, so write 'zone: drive'"),
        (SQUARE + FENCE.replace("fence", "drive"), "two zones or lines are called 'drive'"),
        (FENCE + "    alert_on: [{line: fence, longer_than: 5}]\n", "crossing a line takes no time"),
        (SQUARE + "    alert_on: [{zone: drive, way: to_left}]\n", "name the line"),
        ("    alert_on: [{min_height: 0.5, max_height: 0.2}]\n", "nothing is larger than 'min_height'"),
        ("    alert_on: [{between: '10:00-10:00'}]\n", "is no time at all"),
        ("    alert_on: [{between: '10-12'}]\n", "between"),
        ("    alert_on: [{time_zone: Europe/Atlantis}]\n", "Europe/Atlantis"),
        ("    lines: [{name: fence, points: [[0, 0], [0, 0]]}]\n", "both ends are the same point"),
        ("    lines: [{name: fence, points: [[0, 0], [0.5, 0], [1, 1]]}]\n", "takes at most 2, found 3"),
        ("    lines: [{name: fence, points: [[0, 0]]}]\n", "points: is too short"),
        ("    alert_on: [person]\n", "alert_on: item 1: expected"),
    ],
)
def test_a_reason_that_cannot_be_is_refused_in_words(tmp_path: Path, stream: str, words: str) -> None:
    assert any(words in each for each in problems(tmp_path, STREAM + stream))


def test_zones_of_any_shape_and_reasons_about_them_are_taken(tmp_path: Path) -> None:
    hook = "[[0, 0], [1, 0], [1, 0.2], [0.2, 0.2], [0.2, 1], [0, 1]]"
    text = STREAM + ZONE.format(points=hook) + FENCE
    text += "    alert_on: [{zone: drive, label: person}, {line: fence, way: to_left}]\n"
    stream = good(tmp_path, text).streams[0]
    assert len(stream.zones[0].points) == 6
    assert [each.zone or each.line for each in stream.alert_on] == ["drive", "fence"]


def test_without_a_word_whatever_moves_is_told_and_an_empty_list_is_nothing(tmp_path: Path) -> None:
    (reason,) = good(tmp_path, STREAM).streams[0].alert_on
    assert (reason.label, reason.zone, reason.stationary) == ("*", None, False)
    assert good(tmp_path, STREAM + "    alert_on: []\n").streams[0].alert_on == ()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            STREAM.replace("objects", "quality") + SQUARE,
            "zones: 'objects' is not one of its detectors: add it",
        ),
        (STREAM + "    alert_on: [{label: person}]\n", "'person' is never told without a model"),
        (STREAM + "detectors: {objects: {slices: auto}}\n", "slices: does nothing without"),
        (STREAM + "    alert_on: [{label: 'mov*'}]\n", None),
        (
            STREAM
            + "    alert_on: [{label: person}]\ndetectors: {objects: {model: yolo11n, slices: auto}}\n",
            None,
        ),
    ],
)
def test_what_can_never_be_told_is_doubted(tmp_path: Path, text: str, words: str | None) -> None:
    said = [each for each in doubts(good(tmp_path, text)) if "is not there" not in each]
    assert len(said) == (words is not None)
    assert words is None or words in said[0]
