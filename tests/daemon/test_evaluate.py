"""`framewarden evaluate anomaly` on drawn footage: figures that are true, and words for what is wrong."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import cast
from xml.etree import ElementTree

import numpy as np
import pytest
from typer.testing import CliRunner

from alerts.verdict import Verdict
from daemon import evaluate_labelled, evaluate_own
from daemon.cli import app
from daemon.evaluate import tables_of_own
from daemon.evaluate_events import Found, found, iou, unless_anyway
from daemon.evaluate_footage import recordings
from daemon.evaluate_plot import curve, draw, roc
from daemon.evaluate_trial import Trial
from detectors.detection import Region
from detectors.planting.events import EventKind
from streams.recoding import encoded
from tests.detectors.anomaly.area import Area
from tests.detectors.anomaly.street import RATE, street


def film(path: Path, seconds: Iterable[float], intruder: tuple[float, float] = (0, 0)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pictures = [street(at, intruder=intruder[0] <= at < intruder[1]) for at in seconds]
    path.write_bytes(encoded(pictures, RATE))


def times(began: float, seconds: float) -> list[float]:
    return [began + number / RATE for number in range(round(seconds * RATE))]


def asked(*arguments: object) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["evaluate", "anomaly", *map(str, arguments)])
    return result.exit_code, result.stdout, result.stderr


def nothing(what: str, share: float) -> None:
    assert 0 <= share <= 1


async def test_a_labelled_folder(tmp_path: Path) -> None:
    for number in range(4):
        film(tmp_path / "train" / f"{number}.mp4", times(100 * number, 12))
    film(tmp_path / "test" / "1.mp4", times(500, 12), intruder=(504, 507))
    film(tmp_path / "test" / "2.mp4", times(600, 12), intruder=(602, 605))
    (tmp_path / "test" / "labels.csv").write_text(
        "clip,first_abnormal_frame,last_abnormal_frame\n1,21,35\n2,11,25\n"
    )
    data = await evaluate_labelled.read(tmp_path, 1, nothing)
    assert [one.abnormal.sum() for one in data.test] == [15, 15]
    told = evaluate_labelled.measure(data, 1.0, nothing, method=Area())
    assert told["frame_auc"] > 0.9
    assert told["frame_eer"] < 0.2
    assert told["caught_at_threshold_from_training"] > 0.8
    assert told["false_at_threshold_from_training"] <= 0.2
    assert told["learn_frames"] == 240
    assert told["frames_per_second_one_core"] > 20
    assert (told["events"], told["normal_hours"]) == (2, pytest.approx(90 / RATE / 3600))
    assert set(told["baselines"]) == {"speed", "mahalanobis", "mahalanobis_cell", "mog2"}
    assert all(0.3 < area <= 1 for area in told["baselines"].values())
    low, high = told["frame_auc_interval"]
    assert low <= told["frame_auc"] <= high
    json.dumps(told)


async def test_footage_of_ones_own(tmp_path: Path) -> None:
    film(tmp_path / "yard.mp4", times(0, 45))
    film(tmp_path / "yard2.mp4", times(200, 40))
    (tmp_path / "state").mkdir()
    told = await evaluate_own.measure(
        recordings(tmp_path), RATE, 0.6, 1.0, tmp_path / "state", nothing, method=Area()
    )
    assert told["watched_seconds"] == pytest.approx(85 - 36, abs=3)
    assert told["alerts"] == 0
    assert told["hard_normals"] is None  # this method cannot draw
    assert told["counted_a_day"][0] == 0
    assert told["counted_a_day"][2] == pytest.approx(3.69 * 86_400 / told["watched_seconds"], rel=0.01)
    assert set(told["events"]) == set(EventKind)
    assert told["events"]["partial_cover"]["recall"] == 1  # a fifth of the picture is more than any walker
    assert told["events"]["partial_cover"]["delay_seconds"] < 2
    assert told["events"]["too_slow"]["recall"] == 0  # of speed this method knows nothing
    shown = "\n".join(str(each) for each in tables_of_own(told))
    assert "watched 0.8 minutes after them; budget: 1 false alarm a day" in shown
    assert "That is too little to judge by: below 2 minutes of learning" in shown


def test_figures_of_own_footage_are_plain_numbers() -> None:
    figures = {
        "alerts": 3, "counted_a_day": (3.0, 0.0217, 11_234.6), "expected_a_day": (1000.4, 9.87, 123_456.7),
        "watched_seconds": 600, "learn_minutes": 2, "false_alarms_per_day": 1, "events": {}, "caution": "",
        "not_planted": [], "threshold": 4.6,
        "hard_normals": {"drawn": 20_000, "reached": 12, "highest": 6.04},
    }  # fmt: skip
    shown = "\n".join(str(each) for each in tables_of_own(figures))
    assert "alerts: 3, which says between 0.022 and 11,235 a day" in shown
    assert "1,000 alarms a day (95 %: 9.9 to 123,457)" in shown
    assert "too little" not in shown
    assert "of 20,000 that a model of the footage after those minutes draws, 12 would reach the" in shown
    assert "threshold of 4.6; the strangest comes to 6.0" in shown
    assert "let it learn from more footage" in shown
    figures["hard_normals"] = {"drawn": 20_000, "reached": 0, "highest": 2.0}
    shown = "\n".join(str(each) for each in tables_of_own(figures))
    assert "draws, none would reach" in shown
    assert "That proves little" in shown


def test_too_little_footage_is_told(tmp_path: Path) -> None:
    film(tmp_path / "yard.mp4", times(0, 20))
    code, said, errors = asked(tmp_path / "yard.mp4", "--learn-minutes", 5)
    assert (code, said) == (1, "")
    assert "the footage ends before enough was seen to learn from" in errors


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, "holds no recording"),
        ({"train/1.mp4": ""}, "has only one of train/ and test/"),
        ({"train/1.mp4": "", "test/1.mp4": ""}, "labels.csv cannot be read: No such file"),
        (
            {"train/1.mp4": "", "test/1.mp4": "", "test/labels.csv": "clip,first\n1,2\n"},
            "labels.csv, line 2: wanted",
        ),
        (
            {"train/a.mp4": "", "test/a.mp4": "",
             "test/labels.csv": "clip,first_abnormal_frame,last_abnormal_frame\nb,1,2\n"},
            "names clips that are not there: b",
        ),
        (
            {"train/a.mp4": "", "test/a.mp4": "",
             "test/labels.csv": "clip,first_abnormal_frame,last_abnormal_frame\na,1,2\n"},
            "a.mp4",
        ),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_folder_is_told(tmp_path: Path, files: dict[str, str], expected: str) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    code, said, errors = asked(tmp_path)
    assert (code, said) == (1, "")
    assert expected in errors
    assert "Traceback" not in errors


def test_overlap_of_boxes() -> None:
    assert iou(Region(0.0, 0.0, 0.5, 0.5), (0.0, 0.0, 0.5, 0.5)) == pytest.approx(1)
    assert iou(Region(0.0, 0.0, 0.5, 1.0), (0.25, 0.0, 0.75, 1.0)) == pytest.approx(1 / 3)
    assert iou(Region(0.0, 0.0, 0.2, 0.2), (0.5, 0.5, 1.0, 1.0)) == 0


def test_an_event_without_an_alert_is_not_found() -> None:
    present = np.array([False] * 5 + [True] * 5)
    outcome = found(EventKind.TOO_FAST, present, np.zeros((10, 4)), RATE, Trial(scores=[0.0] * 10))
    assert not outcome.opened
    assert not outcome.named_right


def test_the_curves_are_drawn(tmp_path: Path) -> None:
    points = curve(np.array([1.0, 2.0, 3.0, 3.0]), np.array([False, False, True, False]))
    assert points.tolist() == [[0, 0], [pytest.approx(1 / 3), 1], [pytest.approx(2 / 3), 1], [1, 1]]
    draw(tmp_path / "curves.svg", [roc({"ours": points.tolist(), "<theirs>": [(0, 0), (1, 1)]})])
    drawn = ElementTree.parse(tmp_path / "curves.svg").getroot()  # noqa: S314  # we wrote it
    lines = [each for each in drawn.iter() if each.tag.endswith("polyline")]
    assert [line.get("points", "").split()[0] for line in lines] == ["50.0,450.0", "50.0,450.0"]
    assert "<theirs>" in [each.text for each in drawn.iter()]


def test_an_alert_that_opens_without_the_event_too_proves_nothing() -> None:
    present = np.array([False] * 5 + [True] * 5)
    outcome = Found(EventKind.TOO_FAST, True, 0.4, 0.5, "motion", 0)
    verdict = cast(Verdict, None)
    alike, early = Trial(opened=[(7, verdict)]), Trial(opened=[(2, verdict)])
    assert not unless_anyway(outcome, present, RATE, alike).opened
    assert unless_anyway(outcome, present, RATE, early) == outcome
