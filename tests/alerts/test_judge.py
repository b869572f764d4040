"""When alerts open, change and close: a table to read, and a state machine that looks for holes in it."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import zip_longest

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from alerts.judge import Closed, Judge
from alerts.rules import Case, Rules
from alerts.verdict import Change, Severity, Verdict
from config.hours import hours
from detectors.detection import Detection, DetectorCard, Doubt, Kind, Region
from streams.frame import Frame, Outage, StreamFault

BEGIN = datetime(2026, 11, 23, 12, tzinfo=UTC)
CARD = DetectorCard("fake", "by hand")
PICTURE = np.zeros((2, 2, 3), np.uint8)
RULES = Rules(cooldown=5, update_every=3.9, offline_after=3, give_up_after=60)

# One letter is what one frame, or one second without frames, says; the score's threshold is 1.
# '?' is doubt.
SAYS = {".": 0.1, "-": 0.9, "#": 1.5, "!": 3.0, "n": float("nan")}


def a_frame(at: datetime, number: int = 0) -> Frame:
    return Frame("gate", number, PICTURE, at, 0.0, 0.0, live=True)


def an_outage(at: datetime, lasted: float) -> Outage:
    return Outage("gate", at, lasted, StreamFault.REFUSED, "gate.example:554 refused the connection")


def a_detection(says: str, kind: Kind, label: str, subject: str = "") -> Detection:
    if says == "?":
        return Detection(kind, label, float("nan"), 1.0, CARD, subject, doubt=Doubt.LEARNING, progress=0.42)
    return Detection(kind, label, SAYS[says], 1.0, CARD, subject)


class Scene:
    """Plays letters to a judge, five frames a second, and writes down what it says and when."""

    def __init__(self, rules: Rules = RULES, fps: float = 5.0) -> None:
        self.judge = Judge("gate", rules)
        self.rules = rules
        self.at = BEGIN
        self.step = timedelta(seconds=1 / fps)
        self.outage = 0.0
        self.said: list[Verdict] = []
        self.open: dict[str, Verdict] = {}

    def hear(self, verdicts: list[Verdict]) -> None:
        for verdict in verdicts:
            self.said.append(verdict)
            self.open[verdict.alert_id] = verdict
            if verdict.change is Change.CLOSED:
                del self.open[verdict.alert_id]

    def frame(self, *detections: Detection) -> None:
        self.outage = 0.0
        self.hear(self.judge.weigh(a_frame(self.at), detections))
        self.at += self.step

    def lost_second(self) -> None:
        self.outage += 1
        self.at += timedelta(seconds=1)
        self.hear(self.judge.weigh_outage(an_outage(self.at, self.outage)))

    def restart(self) -> None:
        self.outage = 0.0
        self.judge = Judge("gate", self.rules)
        self.judge.resume([replace(verdict, detection=None) for verdict in self.open.values()])

    def play(self, script: str, kind: Kind = Kind.ANOMALY, label: str = "motion") -> str:
        """'o': a second without a picture; 'R': the daemon starts anew; 'E': the recording ends;
        '<' and '>': the clock is set back or forward by an hour; blanks are for the eye."""
        for letter in script.replace(" ", ""):
            match letter:
                case "o":
                    self.lost_second()
                case "R":
                    self.restart()
                case "E":
                    self.hear(self.judge.finish(self.at))
                case "<":
                    self.at -= timedelta(hours=1)
                case ">":
                    self.at += timedelta(hours=1)
                case _:
                    self.frame(a_detection(letter, kind, label))
        return self.told()

    def told(self, since: datetime = BEGIN) -> str:
        words = []
        for verdict in self.said:
            seconds = (verdict.captured_at - since).total_seconds()
            words.append(f"{verdict.label} {verdict.change} {seconds:.1f}")
        return ", ".join(words)


TABLE = [
    # what happens                          the frames, five a second              what is told, and when
    ("nothing", ".........", ""),
    ("two alarming frames are chance", "..##......", ""),
    ("three of five open", "..###", "motion opened 0.8"),
    ("a gap does no harm", "..#.##", "motion opened 1.0"),
    ("three in six do not", "..#..#..#..#..#..", ""),
    ("2.5 fine seconds close", "###" + "." * 14, "motion opened 0.4, motion closed 3.2"),
    ("not quite fine is not fine", "###" + "......-" * 4, "motion opened 0.4"),
    ("below the threshold is not enough", "###" + "-" * 40, "motion opened 0.4"),
    ("one event is one alert", "###...##..#....###", "motion opened 0.4"),
    (
        "an update after four seconds, then after eight",
        "#" * 64,
        "motion opened 0.4, motion updated 4.4, motion updated 12.4",
    ),
    ("worse is told at once, once", "###!!!", "motion opened 0.4, motion updated 0.6"),
    (
        "again within five seconds: cooling down",
        "###" + "." * 14 + "#" * 20,
        "motion opened 0.4, motion closed 3.2",
    ),
    (
        "again after five seconds",
        "###" + "." * 14 + "." * 24 + "###",
        "motion opened 0.4, motion closed 3.2, motion opened 8.6",
    ),
    (
        "still there when cooled down",
        "###" + "." * 14 + "#" * 25,
        "motion opened 0.4, motion closed 3.2, motion opened 8.2",
    ),
    ("doubt opens nothing", "?????????", ""),
    ("no number opens nothing", "nnnnnnnnn", ""),
    ("a short doubt is skipped", "#?#??#", "motion opened 1.0"),
    ("a long doubt wipes out what was gathered", "##" + "?" * 15 + "#", ""),
    ("doubt closes nothing", "###" + "." * 10 + "?" * 15, "motion opened 0.4"),
    ("doubt that lasts is told once", "###" + "?" * 200, "motion opened 0.4, motion updated 4.6"),
    (
        "doubt without end is given up",
        "###" + "?" * 310,
        "motion opened 0.4, motion updated 4.6, motion closed 60.4",
    ),
    ("hovering without end ends too", "###" + "-" * 310, "motion opened 0.4, motion closed 60.4"),
    ("three seconds without a picture", "..." + "ooo", "offline opened 3.6"),
    ("two seconds are no outage", "..." + "oo....", ""),
    ("offline closes with the pictures", "..." + "oooo" + "." * 6, "offline opened 3.6, offline closed 5.6"),
    ("one frame is not back", "oooo.ooooooooo", "offline opened 3.0, offline updated 7.2"),
    (
        "offline closes no other alert",
        "###" + "ooo" + ".." + "ooo",
        "motion opened 0.4, offline opened 3.6, motion updated 6.0",
    ),
    ("the end closes", "###..E", "motion opened 0.4, motion closed 1.0"),
    ("the end closes once", "###..EE", "motion opened 0.4, motion closed 1.0"),
    ("a restart opens nothing twice", "###R###", "motion opened 0.4"),
    ("a restart loses no close", "###R" + "." * 14, "motion opened 0.4, motion closed 3.2"),
    ("clock back while open", "### < ###" + "." * 14, "motion opened 0.4, motion closed -3596.2"),
    ("clock back while opening", "# < ###...", "motion opened -3599.4"),
    (
        "clock forward while open",
        "### > #" + "." * 14,
        "motion opened 0.4, motion updated 3600.6, motion closed 3603.4",
    ),
    ("clock forward by more than an alert's life", "### > ...", "motion opened 0.4, motion closed 3601.0"),
    ("clock forward while opening", "# > ##...", "motion opened 3600.4"),
]  # fmt: skip


@pytest.mark.parametrize(("what", "script", "told"), TABLE, ids=[row[0] for row in TABLE])
def test_the_table(what: str, script: str, told: str) -> None:
    assert Scene().play(script) == told


@pytest.mark.parametrize("fps", [0.2, 1, 5, 15, 30, 60])
def test_at_any_rate_an_event_opens_in_time_and_a_flash_does_not(fps: float) -> None:
    scene = Scene(fps=fps)
    scene.play("#" * 2 + "." * 20)
    assert not scene.said
    scene.play("#" * round(max(3, fps * 0.6)))
    assert [verdict.change for verdict in scene.said] == [Change.OPENED]


@pytest.mark.parametrize("fps", [15, 30, 60])
def test_a_tenth_of_a_second_is_a_flash_however_many_frames_it_has(fps: float) -> None:
    scene = Scene(fps=fps)
    scene.play(("#" * round(fps / 10) + "." * round(fps / 2)) * 5)
    assert not scene.said


def test_two_fine_frames_do_not_close_however_far_apart() -> None:
    scene = Scene(fps=0.2)
    assert scene.play("###..") == "motion opened 10.0"
    assert scene.play(".") == "motion opened 10.0, motion closed 25.0"


@pytest.mark.parametrize("label", ["frozen", "black", "covered", "smeared", "moved"])
def test_a_hidden_view_holds_other_alerts(label: str) -> None:
    scene = Scene()
    for _ in range(20):
        scene.frame(a_detection("#", Kind.ANOMALY, "motion"), a_detection("#", Kind.QUALITY, label))
    assert scene.told() == f"{label} opened 0.6"
    assert scene.judge.standing == {"anomaly": f"cannot_tell:{label}", "quality": f"alarming:{label}"}
    assert scene.judge.counts == Counter({"opened:quality": 1, "held:anomaly": 1})
    for _ in range(20):  # the view comes back, and what is there now is judged by what is seen now
        scene.frame(a_detection("#", Kind.ANOMALY, "motion"), a_detection(".", Kind.QUALITY, label))
    assert scene.told() == f"{label} opened 0.6, {label} closed 6.6, motion opened 7.0"


def test_a_view_hidden_for_one_frame_wipes_out_what_was_gathered() -> None:
    scene = Scene()
    for letter in "..#.":
        scene.frame(a_detection("#", Kind.ANOMALY, "motion"), a_detection(letter, Kind.QUALITY, "black"))
    assert not scene.said


def test_a_blurred_picture_holds_nothing() -> None:
    scene = Scene()
    for _ in range(4):
        scene.frame(a_detection("#", Kind.ANOMALY, "motion"), a_detection("#", Kind.QUALITY, "blurred"))
    assert scene.told() == "motion opened 0.4, blurred opened 0.6"


def test_what_is_open_stays_open_behind_a_hidden_view() -> None:
    scene = Scene()
    scene.play("###")
    for _ in range(50):
        scene.frame(a_detection(".", Kind.ANOMALY, "motion"), a_detection("#", Kind.QUALITY, "frozen"))
    assert scene.told() == "motion opened 0.4, frozen opened 1.2, motion updated 4.6, frozen updated 5.2"
    held = scene.said[2]
    assert held.reason == "Cannot tell for 4 s whether it goes on: frozen"
    assert held.detection and held.detection.doubt is Doubt.DETECTOR_DEGRADED
    assert (held.score, held.regions) == (1.5, ())


def test_reasons_are_words_for_people() -> None:
    scene = Scene()
    scene.play("###" + "." * 14)
    assert [verdict.reason for verdict in scene.said] == [
        "motion: score 1.5, alarming from 1",
        "Fine for 2.6 s: score 0.1, alarming from 1",
    ]
    scene = Scene()
    scene.play("###" + "?" * 310)
    assert (
        scene.said[-1].reason
        == "Given up after 1 min, not an all-clear: cannot tell whether it goes on: learning 42%"
    )
    assert scene.said[-1].score == 1.5
    scene = Scene()
    scene.play("oooo" + "." * 6)
    assert [verdict.reason for verdict in scene.said] == [
        "gate.example:554 refused the connection",
        "Fine for 1.0 s: Pictures come again.",
    ]
    scene = Scene()
    scene.play("###E")
    assert scene.said[-1].reason == "No longer watched."
    assert scene.said[-1].detection and scene.said[-1].detection.doubt is Doubt.STREAM_DOWN


def test_an_anomaly_is_one_alert_whatever_its_label() -> None:
    scene = Scene()
    scene.play("##", label="motion")
    scene.play("##", label="shape")
    scene.play("." * 14, label="motion")
    assert scene.told() == "shape opened 0.4, shape closed 3.4"
    assert scene.said[0].alert_id == scene.said[1].alert_id


def test_each_fault_of_the_picture_is_an_alert_of_its_own() -> None:
    scene = Scene()
    for _ in range(5):
        scene.frame(a_detection("#", Kind.QUALITY, "blurred"), a_detection("#", Kind.QUALITY, "dark"))
    assert scene.told() == "blurred opened 0.6, dark opened 0.6"


def test_the_worst_of_several_counts_and_doubt_is_never_fine() -> None:
    scene = Scene()
    for _ in range(3):
        scene.frame(*(a_detection(letter, Kind.OBJECT, "person") for letter in ".!#?"))
    assert scene.said[0].score == 3.0
    for _ in range(40):
        scene.frame(*(a_detection(letter, Kind.OBJECT, "person") for letter in ".?."))
    assert scene.judge.standing == {"object": "cannot_tell:learning 42%"}
    assert [verdict.change for verdict in scene.said] == [Change.OPENED, Change.UPDATED]


def test_a_failing_detector_is_in_doubt_of_all_its_labels_and_leaves_nothing_behind() -> None:
    """What it says then has no label: nobody knows what it would have seen."""
    failing = Detection(Kind.QUALITY, "", 0.0, 1.0, CARD, doubt=Doubt.DETECTOR_DEGRADED, reason="card lost")
    well = [a_detection(".", Kind.QUALITY, label) for label in ("black", "blurred")]
    scene = Scene()
    scene.frame(failing)
    assert scene.judge.standing == {"quality": "cannot_tell:detector_degraded"}
    scene.frame(*well)
    assert scene.judge.standing == {"quality": "fine"}
    for _ in range(5):
        scene.frame(a_detection("#", Kind.QUALITY, "black"), a_detection(".", Kind.QUALITY, "blurred"))
    for _ in range(25):
        scene.frame(failing)
    assert scene.judge.standing == {"quality": "cannot_tell:detector_degraded"}
    assert scene.told() == "black opened 1.0, black updated 5.4"
    assert scene.said[-1].reason == "Cannot tell for 4 s whether it goes on: card lost"
    for _ in range(14):
        scene.frame(a_detection(".", Kind.QUALITY, "black"), a_detection("?", Kind.QUALITY, "blurred"))
    assert scene.told().endswith("black closed 9.0")
    assert scene.judge.standing == {"quality": "fine:except blurred (learning 42%)"}


def test_a_subject_that_leaves_closes_its_alert_and_is_forgotten() -> None:
    scene = Scene()
    for _ in range(10):
        scene.frame(
            a_detection("#", Kind.DEEPFAKE, "face", "7"), a_detection(".", Kind.DEEPFAKE, "face", "8")
        )
    for _ in range(14):
        scene.frame(a_detection(".", Kind.DEEPFAKE, "face", "8"))
    assert scene.told() == "face opened 1.0, face closed 4.6"
    assert scene.said[-1].reason == "Fine for 2.6 s: It is no longer seen."
    for number in range(1000):
        scene.frame(a_detection("#", Kind.DEEPFAKE, "face", f"one of many {number}"))
    scene.play("." * 40, Kind.DEEPFAKE, "face")
    assert len(scene.judge._tracks) < 5


# What each frame says of face 1, of face 2, and of all faces as a whole; a blank: nothing is said of it.
FACES = [
    # what happens                      face 1       face 2       all        what is told, and when
    ("two fakes are two alerts", "#" * 12, "#" * 12, "", "1 opened 1.0, 2 opened 1.0"),
    ("each opens in its time", "#" * 12, "..." + "#" * 9, "", "1 opened 1.0, 2 opened 1.6"),
    ("a real face beside a fake", "#" * 12, "." * 12, "", "1 opened 1.0"),
    (
        "one leaves, the other goes on",
        "#" * 12,
        "#" * 40,
        "",
        "1 opened 1.0, 2 opened 1.0, 2 updated 5.0, 1 closed 5.0",
    ),
    (
        "one cannot be told, the other ends",
        "#" * 12 + "?" * 20,
        "#" * 12 + "." * 20,
        "",
        "1 opened 1.0, 2 opened 1.0, 2 closed 5.0",
    ),
    (
        "one has gone, of the other nothing can be told",
        "#" * 12,
        "?" * 32,
        "",
        "1 opened 1.0, 1 closed 5.0",
    ),
    (
        "no face at all: nobody can tell of either",
        "#" * 12,
        "#" * 12,
        " " * 12 + "?" * 30,
        "1 opened 1.0, 2 opened 1.0, 1 updated 6.4, 2 updated 6.4",
    ),
    (
        "both come back after nobody could tell",
        "#" * 12 + " " * 5 + "." * 16,
        "#" * 12 + " " * 5 + "#" * 16,
        " " * 12 + "?" * 5,
        "1 opened 1.0, 2 opened 1.0, 2 updated 5.0, 1 closed 6.0",
    ),
]


@pytest.mark.parametrize(("what", "one", "two", "every", "told"), FACES, ids=[row[0] for row in FACES])
def test_the_table_of_two_faces(what: str, one: str, two: str, every: str, told: str) -> None:
    scene = Scene()
    for said in zip_longest(one, two, every, fillvalue=" "):
        seen = zip(said, ("1", "2", ""), strict=True)
        scene.frame(
            *(a_detection(letter, Kind.DEEPFAKE, "face", who) for letter, who in seen if letter != " ")
        )
    times = [(verdict.captured_at - BEGIN).total_seconds() for verdict in scene.said]
    assert (
        ", ".join(f"{v.subject} {v.change} {at:.1f}" for v, at in zip(scene.said, times, strict=True)) == told
    )
    assert len({verdict.alert_id for verdict in scene.said}) == len({v.subject for v in scene.said})


def test_a_doubt_about_one_face_without_a_label_is_none_about_the_other() -> None:
    scene = Scene()
    blurred = Detection(Kind.DEEPFAKE, "", 0.0, 1.0, CARD, "2", doubt=Doubt.TOO_BLURRED, reason="blurred")
    for _ in range(10):
        scene.frame(*(a_detection("#", Kind.DEEPFAKE, "face", who) for who in ("1", "2")))
    for _ in range(14):
        scene.frame(a_detection(".", Kind.DEEPFAKE, "face", "1"), blurred)
    assert [(v.subject, v.change) for v in scene.said] == [
        ("1", Change.OPENED), ("2", Change.OPENED), ("1", Change.CLOSED),
    ]  # fmt: skip
    assert scene.judge.standing == {"deepfake": "fine:except face (too_blurred)"}


def test_why_nobody_can_tell_of_a_face_is_said_in_the_detectors_words() -> None:
    scene = Scene()
    nobody = Detection(Kind.DEEPFAKE, "face", 0.0, 1.0, CARD, doubt=Doubt.NO_FACE, reason="no face is seen")
    for _ in range(10):
        scene.frame(a_detection("#", Kind.DEEPFAKE, "face", "1"))
    for _ in range(30):
        scene.frame(nobody)
    assert scene.said[-1].reason == "Cannot tell for 4 s whether it goes on: no face is seen"
    assert scene.said[-1].detection and scene.said[-1].detection.doubt is Doubt.NO_FACE


def test_a_face_that_is_not_seen_is_not_real() -> None:
    scene = Scene()
    for _ in range(10):
        scene.frame(a_detection("#", Kind.DEEPFAKE, "face", "7"))
    for _ in range(40):
        scene.frame(a_detection("?", Kind.DEEPFAKE, "face"))
    assert [verdict.change for verdict in scene.said] == [Change.OPENED, Change.UPDATED]


def test_a_detector_that_falls_silent_closes_nothing_until_given_up() -> None:
    scene = Scene()
    scene.play("###")
    for _ in range(5 * 70):
        scene.frame(a_detection(".", Kind.QUALITY, "blurred"))
    assert scene.told() == "motion opened 0.4, motion updated 4.6, motion closed 60.4"
    assert "Its detector said nothing of it." in scene.said[-1].reason


@pytest.mark.parametrize(
    ("script", "standing"),
    [
        ("", {}),
        (".", {"anomaly": "fine"}),
        ("#", {"anomaly": "fine"}),
        ("###", {"anomaly": "alarming:motion"}),
        ("###..", {"anomaly": "alarming:motion"}),
        ("###E", {"anomaly": "cannot_tell:stream_down"}),
        ("?", {"anomaly": "cannot_tell:learning 42%"}),
        ("n", {"anomaly": "cannot_tell:no_number"}),
        (".o", {"anomaly": "cannot_tell:stream_down", "stream": "fine"}),
        (".ooo", {"anomaly": "cannot_tell:offline", "stream": "alarming:offline"}),
        (".ooo" + "." * 6, {"anomaly": "fine", "stream": "fine"}),
    ],
)  # fmt: skip
def test_standing_is_three_way(script: str, standing: dict[str, str]) -> None:
    scene = Scene()
    scene.play(script)
    if script.endswith("." * 6):  # the frame that closes 'offline' is the last one that it held
        scene.play(".")
    assert scene.judge.standing == standing


def test_a_fault_of_which_nothing_can_be_told_is_named_beside_what_is_fine() -> None:
    scene = Scene()
    scene.frame(a_detection(".", Kind.QUALITY, "black"), a_detection("?", Kind.QUALITY, "moved"))
    assert scene.judge.standing == {"quality": "fine:except moved (learning 42%)"}
    scene.frame(a_detection("?", Kind.QUALITY, "black"), a_detection("?", Kind.QUALITY, "moved"))
    assert scene.judge.standing == {"quality": "cannot_tell:learning 42%"}


def test_severity_rises_and_never_falls_and_little_footage_makes_nothing_critical() -> None:
    scene = Scene()
    scene.play("###!" + "#" * 25 + "." * 14)
    assert [verdict.severity for verdict in scene.said] == [Severity.WARNING] + [Severity.CRITICAL] * 2
    scene = Scene()
    for _ in range(5):
        scene.frame(replace(a_detection("!", Kind.ANOMALY, "motion"), provisional=True))
    assert [(verdict.severity, verdict.provisional) for verdict in scene.said] == [(Severity.WARNING, True)]


def test_an_infinite_score_is_critical_and_does_not_break_the_judge() -> None:
    scene = Scene()
    for _ in range(3):
        scene.frame(Detection(Kind.ANOMALY, "motion", float("inf"), 1.0, CARD))
    assert scene.said[0].severity is Severity.CRITICAL


def test_a_threshold_below_nought_needs_no_release() -> None:
    scene = Scene()
    for score in [-1.0] * 3 + [-2.5] * 14:
        scene.frame(Detection(Kind.ANOMALY, "likelihood", score, -2.0, CARD))
    assert scene.told() == "likelihood opened 0.4, likelihood closed 3.2"


def test_what_was_kept_back_is_counted_once() -> None:
    scene = Scene()
    scene.play("###" + "." * 14 + "#" * 20)
    assert scene.judge.counts == Counter({"opened:anomaly": 1, "closed:anomaly": 1, "cooldown:anomaly": 1})


def test_a_verdict_carries_what_was_seen() -> None:
    regions = (Region(0, 0, 0.5, 0.5),)
    seen = Detection(Kind.ANOMALY, "motion", 1.5, 1.0, CARD, reason="too fast", regions=regions)
    scene = Scene()
    for _ in range(3):
        scene.frame(seen)
    verdict = scene.said[0]
    assert verdict.detection is seen
    assert (verdict.reason, verdict.regions, verdict.made_by) == ("too fast", seen.regions, CARD)
    assert (verdict.first_frame_at, verdict.captured_at) == (BEGIN, BEGIN + timedelta(seconds=0.4))


def test_an_outage_began_when_the_picture_was_lost() -> None:
    scene = Scene()
    scene.play("...ooo")
    assert scene.said[0].first_frame_at == BEGIN + timedelta(seconds=0.6)
    assert scene.said[0].detection is None
    assert (scene.said[0].score, scene.said[0].threshold) == (3.0, 3.0)


def test_the_same_footage_gives_the_same_ids_and_another_stream_others() -> None:
    script = "###" + "." * 60 + "ooo" + "." * 20 + "###"
    first, second = Scene(), Scene()
    assert first.play(script) == second.play(script)
    assert [verdict.alert_id for verdict in first.said] == [verdict.alert_id for verdict in second.said]
    assert len({verdict.alert_id for verdict in first.said}) == 3
    other = Judge("yard", RULES)
    said = [v for n in range(3) for v in other.weigh(
        a_frame(BEGIN + n * first.step), [a_detection("#", Kind.ANOMALY, "motion")]
    )]  # fmt: skip
    assert said[0].alert_id != first.said[0].alert_id


def test_two_alerts_with_the_same_times_have_different_ids() -> None:
    scene = Scene(replace(RULES, cooldown=0))
    scene.play("###" + "." * 14)
    scene.at = BEGIN
    scene.play("###")
    first, _, second = scene.said
    assert first.first_frame_at == second.first_frame_at
    assert first.alert_id != second.alert_id


def test_alerts_of_another_stream_are_refused() -> None:
    scene = Scene()
    scene.play("###")
    with pytest.raises(ValueError, match="an alert of gate was given to the judge of yard"):
        Judge("yard", RULES).resume(scene.said)


def closed_after(scene: Scene) -> list[Closed]:
    return [
        Closed(v.kind, v.label, v.subject, v.captured_at) for v in scene.said if v.change is Change.CLOSED
    ]


@pytest.mark.parametrize(
    ("away", "told"),
    [
        (-3600, "motion opened -3596.2"),  # a recording that is watched again, or a clock set back
        (0, "motion opened 8.2"),
        (2, "motion opened 8.2"),
        (4.9, "motion opened 8.7"),
        (60, "motion opened 63.8"),
    ],
)
def test_a_cooldown_outlives_a_restart_and_is_no_longer_than_it_was(away: float, told: str) -> None:
    scene = Scene()
    scene.play("###" + "." * 14)
    closed = closed_after(scene)
    scene.restart()
    scene.said.clear()
    scene.judge.resume([], [*closed, Closed(Kind.QUALITY, "black", "", scene.at)])
    scene.at += timedelta(seconds=away)
    assert scene.play("#" * 30).partition(", ")[0] == told


def test_a_cooldown_is_that_of_its_kind() -> None:
    rules = replace(
        RULES, of_kind={**RULES.of_kind, Kind.ANOMALY: replace(RULES.of_kind[Kind.ANOMALY], cooldown=1)}
    )
    scene = Scene(rules)
    assert scene.play("###" + "." * 14 + "." * 4 + "###").endswith("motion opened 4.6")


def test_an_update_comes_at_the_pace_of_its_kind() -> None:
    quick = replace(RULES.of_kind[Kind.ANOMALY], update_every=0.9)
    scene = Scene(replace(RULES, of_kind={**RULES.of_kind, Kind.ANOMALY: quick}))
    assert scene.play("#" * 20) == "motion opened 0.4, motion updated 1.4, motion updated 3.2"


def test_severity_by_a_rule_rises_at_its_hour_and_never_falls() -> None:
    hour = Case(kind=Kind.ANOMALY, hours=hours("12:00-12:01", (), "UTC"), severity=Severity.CRITICAL)
    scene = Scene(replace(RULES, cases=(hour,)))
    scene.at -= timedelta(seconds=1)
    scene.play("#" * 15)
    scene.at += timedelta(minutes=2)
    scene.play("#")
    assert [verdict.severity for verdict in scene.said] == [Severity.WARNING] + [Severity.CRITICAL] * 2
    assert scene.said[1].captured_at == BEGIN


def test_two_open_alerts_for_what_is_now_one_both_close() -> None:
    scene = Scene()
    scene.play("###")
    old = replace(scene.said[0], alert_id="older", label="shape")
    scene.hear([old])
    scene.restart()
    scene.play("." * 20)
    assert not scene.open


@given(st.text("..--##!?no<>RE", max_size=200))
@settings(max_examples=200)
def test_any_script_can_be_played_twice_with_the_same_result(script: str) -> None:
    first, second = Scene(), Scene()
    first.play(script)
    second.play(script)
    assert [replace(v, detection=None) for v in first.said] == [
        replace(v, detection=None) for v in second.said
    ]


THINGS: list[tuple[Kind, str, str]] = [
    (Kind.ANOMALY, "motion", ""),
    (Kind.ANOMALY, "shape", ""),
    (Kind.QUALITY, "frozen", ""),
    (Kind.QUALITY, "blurred", ""),
    (Kind.DEEPFAKE, "face", "1"),
    (Kind.DEEPFAKE, "face", "2"),
    (Kind.DEEPFAKE, "face", ""),
    (Kind.OBJECT, "person", "9"),
]
SAID = st.dictionaries(st.sampled_from(THINGS), st.sampled_from(".-##!?n"), max_size=5)


class Lives(RuleBasedStateMachine):
    """Whatever is seen: each alert opens once, closes once, in order, and nothing stays open for ever."""

    def __init__(self) -> None:
        super().__init__()
        self.scene = Scene(fps=5)
        self.seen = 0
        self.lives: dict[str, list[Verdict]] = {}
        self.stepped = False

    @initialize(fps=st.sampled_from([0.5, 5, 25]), cooldown=st.sampled_from([0, 5]))
    def begin(self, fps: float, cooldown: float) -> None:
        self.scene = Scene(replace(RULES, cooldown=cooldown), fps)

    @rule(said=SAID, times=st.integers(1, 30))
    def frames(self, said: dict[tuple[Kind, str, str], str], times: int) -> None:
        for _ in range(times):
            self.scene.frame(*(a_detection(letter, *thing) for thing, letter in said.items()))

    @rule(seconds=st.integers(1, 90))
    def outage(self, seconds: int) -> None:
        for _ in range(seconds):
            self.scene.lost_second()

    @rule(hours=st.floats(-30, 30, allow_nan=False))
    def clock_is_set(self, hours: float) -> None:
        self.scene.at += timedelta(hours=hours)
        self.stepped = self.stepped or hours < 0

    @rule()
    def restart(self) -> None:
        self.scene.restart()

    @precondition(lambda self: self.scene.said)
    @rule()
    def recording_ends(self) -> None:
        self.scene.hear(self.scene.judge.finish(self.scene.at))
        assert not self.scene.open

    @rule(letter=st.sampled_from(".-?n"))
    def nothing_alarming_for_long(self, letter: str) -> None:
        """The liveness: after a while without an alarm, nothing is open but what cannot be seen to end."""
        everything = [a_detection(letter, *thing) for thing in THINGS]
        step, self.scene.step = self.scene.step, timedelta(seconds=1)
        for _ in range(65):
            self.scene.frame(*everything)
        self.scene.step = step
        assert not self.scene.open

    @invariant()
    def every_life_is_in_order(self) -> None:
        new, self.seen = self.scene.said[self.seen :], len(self.scene.said)
        for verdict in new:
            life = self.lives.setdefault(verdict.alert_id, [])
            if verdict.change is Change.OPENED:
                assert not life, "opened twice"
            else:
                assert life, "changed before it opened"
                assert life[-1].change is not Change.CLOSED, "changed after it closed"
                assert verdict.first_frame_at == life[0].first_frame_at
                assert (verdict.stream, verdict.kind, verdict.label) == (
                    life[0].stream,
                    life[0].kind,
                    life[0].label,
                )
            assert self.stepped or verdict.first_frame_at <= verdict.captured_at
            life.append(verdict)

    @invariant()
    def one_thing_has_one_open_alert(self) -> None:
        things = [
            (v.kind, "" if v.kind in (Kind.ANOMALY, Kind.DEEPFAKE) else v.label, v.subject)
            for v in self.scene.open.values()
        ]
        assert len(things) == len(set(things))

    def teardown(self) -> None:
        self.scene.hear(self.scene.judge.finish(self.scene.at))
        self.every_life_is_in_order()
        assert not self.scene.open
        assert all(life[-1].change is Change.CLOSED for life in self.lives.values())


LivesTest = Lives.TestCase
LivesTest.settings = settings(max_examples=200, stateful_step_count=25)
