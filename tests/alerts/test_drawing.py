"""What is drawn into an evidence picture."""

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np

from alerts.drawing import annotated
from alerts.verdict import Change, Severity, Verdict
from detectors.detection import Detection, DetectorCard, Kind, Region

AT = datetime(2026, 3, 2, 12, tzinfo=UTC)
CARD = DetectorCard("objects", "script")


def verdict(outline: tuple[tuple[float, float], ...], *regions: Region) -> Verdict:
    seen = Detection(Kind.OBJECT, "person", 0.8, 0.5, CARD, "drive", regions=regions, outline=outline)
    return Verdict(
        Change.OPENED, "id", "yard", seen.kind, seen.label, seen.subject, Severity.INFO,
        seen.score, seen.threshold, "", seen.regions, AT, AT, CARD, detection=seen,
    )  # fmt: skip


def test_the_place_is_drawn_around_and_the_boxes_in_another_colour() -> None:
    picture = np.zeros((360, 640, 3), np.uint8)
    square = ((0.25, 0.25), (0.75, 0.25), (0.75, 1.0), (0.25, 1.0))
    drawn = annotated(picture, verdict(square, Region(0.4, 0.4, 0.1, 0.4)))[-360:]
    bare = annotated(picture, verdict((), Region(0.4, 0.4, 0.1, 0.4)))[-360:]
    changed = (drawn != bare).any(axis=2)
    for across, down in ((320, 90), (160, 200), (479, 200), (320, 359)):
        assert changed[down - 3 : down + 4, across - 3 : across + 4].any(), (across, down)
    assert not changed[100:350, 170:470].any(), "neither its inside nor the box"
    assert not picture.any(), "what is kept as it came stays so"


def test_a_line_is_drawn_from_end_to_end() -> None:
    picture = np.zeros((360, 640, 3), np.uint8)
    drawn = annotated(picture, verdict(((0.5, 1.0), (0.5, 0.0))))[-360:]
    assert drawn[5:355, 317:323].any(axis=(1, 2)).all()
    assert not drawn[:, :300].any()


def test_the_reason_stands_under_the_line_as_far_as_it_fits() -> None:
    picture = np.zeros((360, 640, 3), np.uint8)
    said = verdict((), Region(0.4, 0.4, 0.1, 0.4))
    bars = [
        annotated(picture, replace(said, reason=reason))[:-360]
        for reason in ("", "runs", "runs where nobody walks " * 3, "runs where nobody walks " * 99)
    ]
    heights = [len(bar) for bar in bars]
    assert heights[0] < heights[1] < heights[2] == heights[3]
    last = bars[3][heights[1] :].max(axis=(0, 2))
    assert last[: 640 // 2].max() > 150, "the second line is used"
    assert last[-2:].max() < 60, "and nothing is cut off at the border"
