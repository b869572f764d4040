"""Object alerts, from found objects to what the judge tells."""

import json
import logging
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.judge import Judge
from alerts.rules import Rules
from alerts.verdict import Change, Verdict
from config.detectors import ObjectsSettings
from config.scene import MOVING, Line, ObjectAlert, Zone
from detectors.detection import Detection, DetectorError
from detectors.objects.detector import ObjectDetector
from detectors.objects.found import Found
from detectors.objects.view import View
from tests.detectors.objects.walk import BEGAN, PACE, Script, found, frame, walks

DRIVE = Zone(name="drive", points=((0.5, 0), (1, 0), (1, 1), (0.5, 1)))  # the right half
FENCE = Line(name="fence", points=((0.5, 1), (0.5, 0)))  # looking up: its left is the left of the picture


def detector(tmp_path: Path, script: Script, *alerts: ObjectAlert, **settings: Any) -> ObjectDetector:
    views = {"yard": View((DRIVE,), (FENCE,), alerts or (ObjectAlert(),))}
    return ObjectDetector(ObjectsSettings(model="m", **settings), lambda: script, views, tmp_path)


def shown(tmp_path: Path, pictures: Sequence[Sequence[Found]], *alerts: ObjectAlert) -> list[list[Detection]]:
    """What is said of each picture."""
    asked = detector(tmp_path, Script({"yard": pictures}), *alerts)
    return [list(asked.examine([frame(number)])[0]) for number in range(len(pictures))]


def told(tmp_path: Path, pictures: Sequence[Sequence[Found]], *alerts: ObjectAlert) -> list[Verdict]:
    """What the judge makes of that."""
    judge = Judge("yard", Rules())
    said = shown(tmp_path, pictures, *alerts)
    return [verdict for number, each in enumerate(said) for verdict in judge.weigh(frame(number), each)]


def opened(verdicts: Sequence[Verdict]) -> list[tuple[str, str]]:
    return [(each.label, each.subject) for each in verdicts if each.change is Change.OPENED]


def test_somebody_walks_by_is_told_once_and_it_closes_when_nobody_is_there(tmp_path: Path) -> None:
    verdicts = told(tmp_path, [*([one] for one in walks("person", 0.1, 0.9, 0.8, 30)), *[[]] * 40])
    assert [(each.change, each.label) for each in verdicts] == [
        (Change.OPENED, "person"),
        (Change.CLOSED, "person"),
    ]
    assert verdicts[0].reason.startswith("a person is there")
    assert len(verdicts[0].regions) == 1
    assert verdicts[0].severity == "info"


def test_thirty_people_are_one_alert_that_says_so(tmp_path: Path) -> None:
    rows = [
        [found("person", 0.05 + 0.03 * n + 0.01 * i, 0.9, height=0.1) for n in range(30)] for i in range(40)
    ]
    verdicts = told(tmp_path, rows)
    assert opened(verdicts) == [("person", "")]
    assert any("in all" in each.reason for each in verdicts)
    assert len(verdicts[-1].regions) > 20


def test_what_is_hidden_for_a_moment_is_the_same_alert(tmp_path: Path) -> None:
    way = [[one] for one in walks("person", 0.1, 0.9, 0.8, 40)]
    way[20:26] = [[]] * 6  # behind a tree, for more than a second
    assert opened(told(tmp_path, way)) == [("person", "")]


def test_what_stands_there_from_the_beginning_is_told_only_where_that_is_wanted(tmp_path: Path) -> None:
    parked = [[found("car", 0.7, 0.8)]] * 30
    assert opened(told(tmp_path, parked)) == []
    assert opened(told(tmp_path, parked, ObjectAlert(stationary=True))) == [("car", "")]


def test_what_parks_is_told_until_it_has_stood_for_a_minute(tmp_path: Path) -> None:
    came = [[one] for one in walks("car", 0.1, 0.7, 0.8, 30)]
    verdicts = told(tmp_path, [*came, *[[found("car", 0.7, 0.8)]] * round(80 / PACE)])
    assert [each.change for each in verdicts if each.change is not Change.UPDATED] == [
        Change.OPENED,
        Change.CLOSED,
    ]
    assert 55 < (verdicts[-1].captured_at - verdicts[0].captured_at).total_seconds() < 75


def test_a_zone_is_where_somebody_stands(tmp_path: Path) -> None:
    tall = walks("person", 0.1, 0.45, 0.9, 20, height=0.8)  # its box reaches into the zone, its foot does not
    assert opened(told(tmp_path, [[one] for one in tall], ObjectAlert(zone="drive"))) == []
    verdicts = told(
        tmp_path, [[one] for one in walks("person", 0.1, 0.9, 0.8, 30)], ObjectAlert(zone="drive")
    )
    assert opened(verdicts) == [("person", "drive")]
    assert "a person is in 'drive'" in verdicts[0].reason
    assert verdicts[0].captured_at > frame(14).captured_at, "not before he is half way across"


def test_who_stays_too_long_is_told_then_and_who_passes_is_not(tmp_path: Path) -> None:
    lingers = ObjectAlert(label="person", zone="drive", longer_than=4)
    passes = [[one] for one in walks("person", 0.1, 0.95, 0.8, 30)]
    assert opened(told(tmp_path, passes, lingers)) == []
    about = [[found("person", 0.7 + 0.01 * abs(i % 20 - 10), 0.8)] for i in range(50)]
    verdicts = told(tmp_path, [*passes[:20], *about], lingers)
    assert opened(verdicts) == [("person", "drive")]


def test_who_lingers_is_told_even_where_they_stand_and_are_hidden_now_and_then(tmp_path: Path) -> None:
    lingers = ObjectAlert(label="person", zone="drive", longer_than=70)
    stands = [[found("person", 0.7, 0.8)] for _ in range(round(90 / PACE))]
    for hidden in range(50, len(stands), 50):
        stands[hidden : hidden + 9] = [[]] * 9  # nearly two seconds behind a lorry
    came = [[one] for one in walks("person", 0.1, 0.7, 0.8, 20)]
    assert opened(told(tmp_path, [*came, *stands], lingers)) == [("person", "drive")]
    assert opened(told(tmp_path, stands, lingers)) == [], "what was there from the beginning did not come"


def test_who_stands_on_a_line_does_not_cross_it_all_the_time(tmp_path: Path) -> None:
    stands = [[found("person", 0.5 + 0.004 * (-1) ** i, 0.8)] for i in range(60)]
    asked = detector(tmp_path, Script({"yard": stands}), ObjectAlert(line="fence"))
    for number in range(60):
        (said,) = asked.examine([frame(number)])
        assert not any(each.alarming for each in said)
    assert not asked.crossed["yard"]


def test_a_line_is_told_also_where_pictures_are_rare(tmp_path: Path) -> None:
    way = [[one] for one in walks("car", 0.1, 0.9, 0.8, 30)]
    asked = detector(tmp_path, Script({"yard": way}), ObjectAlert(line="fence"))
    judge, verdicts = Judge("yard", Rules()), []
    for number in range(len(way)):
        at = replace(frame(number), captured_at=BEGAN + timedelta(seconds=number))
        verdicts += judge.weigh(at, asked.examine([at])[0])
    assert opened(verdicts) == [("car", "fence")]
    assert dict(asked.crossed["yard"]) == {("fence", "car", "right"): 1}


def test_a_line_is_told_when_it_is_crossed_to_the_side_that_matters(tmp_path: Path) -> None:
    to_the_right = [[one] for one in walks("person", 0.3, 0.7, 0.8, 20)]
    assert opened(told(tmp_path, to_the_right, ObjectAlert(line="fence", way="to_left"))) == []
    verdicts = told(
        tmp_path, [*to_the_right, *[[]] * 40], ObjectAlert(label="person", line="fence", way="to_right")
    )
    assert [each.change for each in verdicts] == [Change.OPENED, Change.CLOSED]
    assert verdicts[0].subject == "fence"
    assert verdicts[0].reason == "a person crossed 'fence' to its right"


def test_a_crowd_is_told_by_its_number(tmp_path: Path) -> None:
    def people(many: int) -> list[list[Found]]:
        return [[found("person", 0.55 + 0.08 * n + 0.003 * i, 0.8) for n in range(many)] for i in range(40)]

    crowd = ObjectAlert(label="person", zone="drive", more_than=3, stationary=True)
    assert opened(told(tmp_path, people(3), crowd)) == []
    verdicts = told(tmp_path, people(5), crowd)
    assert opened(verdicts) == [("crowd", "drive")]
    assert (verdicts[0].score, verdicts[0].threshold) == (5, 4)
    assert "5 of 'person' in 'drive' at once" in verdicts[0].reason


def test_who_came_and_stands_in_a_crowd_counts_and_who_was_always_there_does_not(tmp_path: Path) -> None:
    comes = [walks("person", 0.1 - 0.02 * n, 0.55 + 0.1 * n, 0.8, 30)[i] for i in range(30) for n in range(3)]
    pictures = [comes[3 * i : 3 * i + 3] for i in range(30)]
    pictures += [pictures[-1]] * round(75 / PACE)  # they stand for longer than a minute
    crowd = ObjectAlert(label="person", zone="drive", more_than=2)
    verdicts = told(tmp_path, pictures, crowd)
    assert opened(verdicts) == [("crowd", "drive")]
    assert verdicts[-1].change is not Change.CLOSED
    assert opened(told(tmp_path / "parked", [pictures[-1]] * 40, crowd)) == []


def test_reasons_about_one_place_are_one_alert_unless_they_are_named(tmp_path: Path) -> None:
    stays = [[one] for one in walks("person", 0.1, 0.7, 0.8, 30)] + [[found("person", 0.7, 0.8)]] * 60
    at_all, lingers = ObjectAlert(zone="drive"), ObjectAlert(zone="drive", longer_than=8)
    assert opened(told(tmp_path / "a", stays, at_all, lingers)) == [("person", "drive")]
    named = lingers.model_copy(update={"name": "lingering"})
    verdicts = told(tmp_path / "b", stays, at_all, named)
    assert opened(verdicts) == [("person", "drive"), ("person", "lingering")]
    assert verdicts[-1].subject in ("drive", "lingering")
    assert any("is in 'drive' for" in each.reason for each in verdicts if each.subject == "lingering")


def test_hours_sizes_labels_and_confidence_narrow_it_down(tmp_path: Path) -> None:
    way = [[one] for one in walks("person", 0.1, 0.9, 0.8, 30)]
    for alert in (
        ObjectAlert(label="car"),
        ObjectAlert(min_confidence=0.9),
        ObjectAlert(min_height=0.5),
        ObjectAlert(max_height=0.1),
        ObjectAlert(between="20:00-06:00", time_zone="UTC"),
        ObjectAlert(days=("sat", "sun"), time_zone="UTC"),
    ):
        assert opened(told(tmp_path, way, alert)) == [], alert
    wanted = ObjectAlert(label="per*", between="11:00-13:00", days=("mon",), time_zone="UTC")
    assert opened(told(tmp_path, way, wanted)) == [("person", "")]


def test_something_is_said_of_every_picture_so_that_nothing_is_fine(tmp_path: Path) -> None:
    (said,) = shown(tmp_path, [[]])
    assert [(each.score, each.doubt) for each in said] == [(0, None)]


def test_a_picture_that_is_as_before_is_not_looked_at_again_and_nobody_leaves(tmp_path: Path) -> None:
    script = Script({"yard": [[one] for one in walks("person", 0.2, 0.5, 0.8, 10)]})
    asked = detector(tmp_path, script)
    for number in range(10):
        asked.examine([frame(number)])
    for number in range(10, 14):
        (said,) = asked.examine([frame(number, unchanged=True)])
        assert [each.label for each in said if each.alarming] == ["person"]
    assert len(script.asked) == 10


def test_an_empty_picture_that_is_as_before_is_not_looked_at_again(tmp_path: Path) -> None:
    script = Script({"yard": [[]] * 10})
    asked = detector(tmp_path, script)
    for number in range(10):
        (said,) = asked.examine([frame(number, unchanged=number > 0)])
        assert [each.score for each in said] == [0]
    assert len(script.asked) == 1


def test_the_place_is_told_for_the_picture(tmp_path: Path) -> None:
    way = [[found("person", 0.6 + 0.02 * i, 0.8)] for i in range(12)]
    said = shown(tmp_path, way, ObjectAlert(zone="drive"))
    assert said[-1][0].outline == DRIVE.points


def test_nothing_goes_on_over_a_gap(tmp_path: Path) -> None:
    script = Script({"yard": [[found("person", 0.3 + 0.4 * (i >= 5), 0.8)] for i in range(10)]})
    asked = detector(tmp_path, script, ObjectAlert(line="fence"))
    said = [asked.examine([frame(number, fresh=number in (0, 5))])[0] for number in range(10)]
    assert not any(each.alarming for some in said for each in some), "connected anew is not crossed"


def test_numbers_by_label_and_zone_are_there_for_metrics(tmp_path: Path) -> None:
    asked = detector(tmp_path, Script({"yard": [[found("person", 0.3, 0.8), found("car", 0.8, 0.8)]] * 3}))
    for number in range(3):
        asked.examine([frame(number)])
    assert {key: many for key, many in asked.there["yard"].items() if many} == {
        ("person", ""): 1,
        ("car", ""): 1,
        ("car", "drive"): 1,
    }


def test_streams_are_looked_at_together_and_apart(tmp_path: Path) -> None:
    way = [[one] for one in walks("person", 0.1, 0.4, 0.8, 10)]
    script = Script({"yard": way, "shop": [[]] * 10})
    asked = detector(tmp_path, script)
    for number in range(10):
        yard, shop = asked.examine([frame(number), frame(number, "shop")])
    assert [each.alarming for each in yard] == [True]
    assert [each.alarming for each in shop] == [False]
    asked.forget("yard")
    assert script.forgotten == ["yard"]


def test_missing_weights_are_told_and_asked_for_again_after_a_while(tmp_path: Path) -> None:
    tries: list[float] = []
    now = [0.0]
    script = Script({})

    def opens() -> Script:
        tries.append(now[0])
        if now[0] < 30:
            raise DetectorError("there is no yolo11n: framewarden models pull it")
        return script

    asked = ObjectDetector(ObjectsSettings(model="yolo11n"), opens, {}, tmp_path, lambda: now[0])
    with pytest.raises(DetectorError, match="models pull"):
        asked.examine([frame(0)])
    now[0] = 31.0
    assert asked.examine([frame(1)])
    assert tries == [0.0, 31.0]


def test_a_label_that_the_model_cannot_tell_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        detector(tmp_path, Script({}), ObjectAlert(label="cat")).examine([frame(0)])
    assert "alert_on waits for 'cat', which script cannot tell; it tells person, car, dog" in caplog.text


def day(tmp_path: Path, script: Script, first: int, pictures: int, step: int) -> list[Detection]:
    """What is said while a camera is watched, a picture every so many."""
    asked = detector(tmp_path, script)
    said: list[Detection] = []
    for number in range(first, first + pictures * step, step):
        said += asked.examine([frame(number, fresh=False)])[0]
    asked.close()
    return said


def test_a_kind_that_a_camera_never_showed_is_told_after_its_first_day(tmp_path: Path) -> None:
    """What was seen in that day is familiar, over restarts, too."""
    people = {"yard": [[found("person", 0.5, 0.8)]] * 40}
    assert not [each for each in day(tmp_path, Script(people), 0, 40, 1) if each.label == "unfamiliar"]
    kept = tmp_path / "yard.json"
    state = json.loads(kept.read_text())
    assert list(state["known"]) == ["person"]
    kept.write_text(json.dumps(state | {"watched": 86_400.0}))
    both = {"yard": [[found("person", 0.5, 0.8), found("dog", 0.2 + 0.005 * i, 0.9)] for i in range(40)]}
    said = [each for each in day(tmp_path, Script(both), 0, 40, 1) if each.label == "unfamiliar"]
    assert {each.subject for each in said} == {"dog"}
    assert said[0].reason == "a dog, the first that this camera has ever shown"
    assert all(each.alarming for each in said)


def test_where_no_reason_is_wanted_nothing_is_unfamiliar_either(tmp_path: Path) -> None:
    (tmp_path / "yard.json").write_text(
        json.dumps({"version": 1, "model": "5c", "watched": 86_400.0, "known": {}})
    )
    script = Script({"yard": [[found("dog", 0.2 + 0.01 * i, 0.9)] for i in range(20)]})
    asked = ObjectDetector(ObjectsSettings(model="m"), lambda: script, {"yard": View(alert_on=())}, tmp_path)
    for number in range(20):
        (said,) = asked.examine([frame(number)])
        assert not any(each.alarming for each in said)
    assert asked.there["yard"]["dog", ""] == 1, "counted all the same"


@pytest.mark.parametrize(
    "damage", ["", "{", '{"version": 9}', '{"version": 1, "model": "5c", "watched": "x"}']
)
def test_what_was_familiar_and_cannot_be_read_is_learned_anew(
    tmp_path: Path, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "yard.json").write_text(damage)
    day(tmp_path, Script({"yard": [[found("person", 0.5, 0.8)]] * 10}), 0, 10, 1)
    assert list(json.loads((tmp_path / "yard.json").read_text())["known"]) == ["person"]


def test_what_moves_has_no_kind_that_could_be_unfamiliar(tmp_path: Path) -> None:
    script = Script({"yard": [[found(MOVING, 0.5, 0.8)]] * 10}, labels=(MOVING,))
    day(tmp_path, script, 0, 10, 1)
    assert not (tmp_path / "yard.json").exists()


@given(
    st.lists(
        st.lists(
            st.builds(found, st.sampled_from(["person", "car"]), st.floats(0.1, 0.9), st.floats(0.3, 1)),
            max_size=6,
        ),
        max_size=25,
    )
)
def test_whatever_is_found_counts_add_up_and_scores_are_what_was_found(
    tmp_path_factory: pytest.TempPathFactory, pictures: list[list[Found]]
) -> None:
    tmp_path = tmp_path_factory.mktemp("any")
    asked = detector(
        tmp_path, Script({"yard": pictures}), ObjectAlert(stationary=True), ObjectAlert(more_than=2)
    )
    for number, objects in enumerate(pictures):
        (said,) = asked.examine([frame(number)])
        assert said
        there = asked.there["yard"]
        assert sum(many for (_, zone), many in there.items() if not zone) <= len(objects)
        for each in said:
            assert each.score <= max((one.confidence for one in objects), default=0) or each.label == "crowd"
