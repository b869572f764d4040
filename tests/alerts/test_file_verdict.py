"""The verdict on a file: fine only where somebody could tell, whatever was said in whatever order."""

import json
import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import jsonschema  # type: ignore[import-untyped]  # comes with check-jsonschema, without types
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts import file_message, file_report
from alerts.channel import Message
from alerts.client import read
from alerts.file_facts import curves_of, facts_of
from alerts.file_verdict import POINTS, Answer, FileVerdict, Tally, unreadable
from alerts.filtered import Filtered
from alerts.judge import Judge
from alerts.log_channel import LogChannel
from alerts.plain_words import in_plain_words
from alerts.rules import RULES, Rules
from alerts.told import Told
from alerts.verdict import Severity, UploadedFile
from config.channels import Only
from detectors.detection import Detection, DetectorCard, Doubt, Kind, Region
from tests.fakes import frame

CARD = DetectorCard("fake", "none")
FILE = UploadedFile("clip.mp4", 64 * "a")
AT = datetime(2026, 11, 26, 1, 2, 3, tzinfo=UTC)


def said(kind: Kind, score: float | None, doubt: Doubt = Doubt.LEARNING, **more: object) -> Detection:
    """One word of one detector; None: it cannot tell."""
    seen = Detection(kind, "thing", score or 0.0, 1.0, CARD, doubt=doubt if score is None else None)
    return replace(seen, **more)  # type: ignore[arg-type]


def judged(
    pictures: Sequence[Sequence[Detection]], rules: Rules | None = None, lacking: str = ""
) -> FileVerdict:
    """As the watch of a file does it."""
    rules = rules or Rules()
    tally, judge = Tally(rules), Judge("uploads/1", rules)
    for number, detections in enumerate(pictures):
        one = frame("uploads/1", number, live=False)
        tally.note(one, detections)
        tally.decided(judge.weigh(one, detections))
    return tally.verdict(lacking)


def test_what_was_judged_and_raised_no_alert_is_fine() -> None:
    verdict = judged([[said(Kind.QUALITY, 0.2)]] * 10)
    assert (verdict.answer, verdict.doubt, verdict.severity) == (Answer.FINE, "", Severity.INFO)
    assert verdict.reason == "Quality: nothing alarming on the 10 of 10 pictures that it could judge."


def test_where_every_detector_was_learning_nobody_can_tell() -> None:
    verdict = judged([[said(Kind.ANOMALY, None), said(Kind.QUALITY, None)]] * 30)
    assert (verdict.answer, verdict.doubt) == (Answer.CANNOT_TELL, "learning")


def test_no_face_is_not_real_though_the_picture_is_fine() -> None:
    nobody = said(Kind.DEEPFAKE, None, Doubt.NO_FACE, reason="There is no face to judge.")
    verdict = judged([[said(Kind.QUALITY, 0.1), nobody]] * 30)
    assert (verdict.answer, verdict.doubt) == (Answer.CANNOT_TELL, "no_face")
    assert verdict.reason == (
        "Deepfake cannot tell: it could judge 0 of 30 pictures (no face on 30): there is no face to judge."
    )


def test_a_face_on_too_few_pictures_to_raise_an_alert_is_not_fine() -> None:
    few = [[said(Kind.DEEPFAKE, 0.1)]] * 3 + [[said(Kind.DEEPFAKE, None, Doubt.NO_FACE)]] * 60
    assert judged(few).answer is Answer.CANNOT_TELL


def test_an_alert_is_alarming_whatever_else_could_not_be_told() -> None:
    pictures = [
        [said(Kind.QUALITY, 3.0, reason="it is frozen"), said(Kind.DEEPFAKE, None, Doubt.NO_FACE)]
    ] * 20
    verdict = judged(pictures)
    assert (verdict.answer, verdict.severity) == (Answer.ALARMING, Severity.CRITICAL)
    assert verdict.alerts and verdict.doubt == ""
    assert verdict.reason.startswith("Quality: 1 alert, the worst at ") and "it is frozen" in verdict.reason


def test_one_alarming_picture_among_many_is_no_alert() -> None:
    pictures = [[said(Kind.QUALITY, 0.1)]] * 20
    pictures[7] = [said(Kind.QUALITY, 9.0)]
    assert judged(pictures).answer is Answer.FINE


@pytest.mark.parametrize(
    ("score", "answer"),
    [(0.4, Answer.FINE), (2.0, Answer.ALARMING), (None, Answer.CANNOT_TELL), (math.nan, Answer.CANNOT_TELL)],
)
def test_a_single_picture_is_judged_by_its_own_score(score: float | None, answer: Answer) -> None:
    assert judged([[said(Kind.QUALITY, score)]]).answer is answer


def test_what_could_not_be_read_to_its_end_is_not_fine() -> None:
    verdict = judged([[said(Kind.QUALITY, 0.2)]] * 10, lacking="only 2 of 9 s could be read")
    assert (verdict.answer, verdict.doubt) == (Answer.CANNOT_TELL, "damaged")
    assert verdict.reason == "What could be looked at is fine; only 2 of 9 s could be read."


def test_a_kind_in_shadow_is_reported_and_has_no_say() -> None:
    shadow = Rules(shadow=frozenset({Kind.DEEPFAKE}))
    pictures = [[said(Kind.QUALITY, 0.2), said(Kind.DEEPFAKE, 5.0)]] * 30
    verdict = judged(pictures, shadow)
    assert verdict.answer is Answer.FINE
    assert {each.kind: each.answer for each in verdict.kinds}[Kind.DEEPFAKE] is Answer.ALARMING


def test_nothing_said_of_it_is_no_verdict() -> None:
    assert judged([]).answer is Answer.CANNOT_TELL


SCORES = st.one_of(st.none(), st.floats(0, 5), st.just(math.nan))
PICTURES = st.lists(
    st.lists(st.tuples(st.sampled_from([Kind.QUALITY, Kind.DEEPFAKE, Kind.ANOMALY]), SCORES), max_size=4),
    max_size=60,
)


@given(PICTURES)
def test_cannot_tell_is_never_fine(pictures: list[list[tuple[Kind, float | None]]]) -> None:
    detections = [[said(kind, score) for kind, score in each] for each in pictures]
    verdict = judged(detections)
    asked = {kind for each in pictures for kind, _ in each}
    assert {each.kind for each in verdict.kinds} == asked
    for each in verdict.kinds:
        able = sum(
            any(kind is each.kind and score is not None and not math.isnan(score) for kind, score in one)
            for one in pictures
        )
        assert each.told == able and each.told + sum(each.doubts.values()) == each.pictures
        if each.answer is Answer.FINE:
            assert able >= min(RULES[each.kind].of, each.pictures) or each.pictures < RULES[each.kind].of
            assert able
    if verdict.answer is Answer.FINE:
        assert verdict.kinds and all(each.answer is Answer.FINE for each in verdict.kinds)
    assert (verdict.doubt != "") == (verdict.answer is Answer.CANNOT_TELL)


def test_a_long_files_curve_stays_short_and_keeps_its_peaks() -> None:
    tally = Tally(Rules())
    for number in range(20_000):
        score = 7.0 if number == 12_345 else None if 5_000 <= number < 9_000 else 0.3
        tally.note(frame("uploads/1", number, live=False), [said(Kind.QUALITY, score)])
    (kind,) = tally.verdict().kinds
    assert POINTS / 3 < len(kind.curve) <= POINTS
    assert max(times for _, times in kind.curve if not math.isnan(times)) == 7.0
    assert any(math.isnan(times) for _, times in kind.curve), "where it could not tell there is a gap"
    assert [at for at, _ in kind.curve] == sorted(at for at, _ in kind.curve)


def test_the_worst_moments_are_apart_and_the_worst_is_first() -> None:
    tally = Tally(Rules())
    for number, score in enumerate([0.1, 0.9, 0.8, 0.2] + [0.1] * 20 + [0.5, 0.6] + [0.1] * 20):
        tally.note(frame("uploads/1", number, live=False), [said(Kind.QUALITY, score)])
    (kind,) = tally.verdict().kinds
    assert [(each.position, each.times) for each in kind.worst[:2]] == [(0.2, 0.9), (5.0, 0.6)]


# ---- what is made of it


def seen() -> FileVerdict:
    heat = np.linspace(0, 1, 64, dtype=np.float32).reshape(8, 8)
    empty = np.zeros((24, 32, 3), np.uint8)
    here = (Region(0.1, 0.1, 0.5, 0.5),)
    word = said(Kind.ANOMALY, 3.0, reason="<b>odd</b>", heatmap=heat, expected=empty, regions=here)
    return judged([[word, said(Kind.QUALITY, 0.2)]] * 20)


def test_the_report_is_one_page_that_needs_nothing_and_runs_nothing(tmp_path: Path) -> None:
    file = UploadedFile("<script>alert(1)</script>\n\N{RIGHT-TO-LEFT OVERRIDE}gpj.exe\udcff.mp4", 64 * "b")
    facts = facts_of(seen(), file, 1234, "uploads", AT)
    report = file_report.write(tmp_path / "r", facts, seen())
    page = report.html.read_text(encoding="utf-8")
    assert "<script" not in page and "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "<b>odd" not in page and "\N{RIGHT-TO-LEFT OVERRIDE}" not in page
    assert page.count("data:image/jpeg;base64,") == 8, "two moments of each kind, anomaly's with two maps"
    assert page.count("<figcaption>What was expected there") == 2
    assert page.count("<svg") == 2, "a curve for each kind of detector"
    assert "http://" not in page.replace("http://www.w3.org/2000/svg", "") and "https://" not in page
    assert "default-src 'none'" in page
    told = json.loads(report.json.read_text(encoding="utf-8"))
    assert told["verdict"] == "alarming" and told["file"]["size"] == 1234
    assert len(told["curves"]["anomaly"]) == 20 == len(curves_of(seen())["quality"])
    assert told["kinds"]["anomaly"]["worst"][0]["times_threshold"] == 3.0
    assert report.heatmap and report.heatmap.read_bytes()[:2] == b"\xff\xd8"


@pytest.mark.parametrize("verdict", [seen(), unreadable("it is no video")], ids=["seen", "unreadable"])
def test_readers_of_alerts_can_read_the_one_message(verdict: FileVerdict, tmp_path: Path) -> None:
    facts = facts_of(verdict, UploadedFile("a\udcff.mp4", 64 * "c", "17-0"), 9, "uploads", AT)
    file_report.write(tmp_path, facts, verdict)
    message = file_message.render(facts, 3, "//h/framewarden")
    jsonschema.Draft202012Validator(file_message.schema()).validate(json.loads(message.body))
    alert = read(message.body)
    assert (message.kind, alert.kind, alert.state, alert.open) == ("verdict", "verdict", "judged", False)
    assert (alert.stream, alert.sequence, alert.label) == ("uploads", 3, facts["verdict"])
    assert alert.file == "a?.mp4" and alert.data["file"]["job"] == "17-0"
    assert (alert.doubt is None) == (verdict.answer is Answer.ALARMING)
    assert alert.data["evidence"]["report"] == str(tmp_path / "report.html")
    assert facts_of(verdict, FILE, 9, "uploads", AT)["id"] == facts_of(verdict, FILE, 8, "uploads", AT)["id"]


async def test_channels_say_it_once_and_keep_nothing_open(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    facts = facts_of(seen(), UploadedFile("a\nb.mp4", 64 * "c"), 9, "uploads", AT)
    message = file_message.render(facts, 3, "//h/framewarden")
    caplog.set_level("INFO")
    await LogChannel().publish([message])
    (line,) = caplog.messages
    assert line.startswith("uploads: a b.mp4: alarming at 0:00:00: Anomaly: ") or "a b.mp4: alarming" in line
    told = Told(tmp_path / "told.json")
    told.note(read(message.body), message.body)
    assert len(told) == 0, "there is no end that would ever be told"
    words = in_plain_words(read(message.body), "https://watch.example/{alert_id}")
    assert words.title == "ALARMING: uploads: a b.mp4"
    assert "Look at the report before anybody relies on this file." in words.text
    doubtful = file_message.render(
        facts_of(unreadable("it is no video"), FILE, 9, "uploads", AT), 4, "//h/framewarden"
    )
    assert "this is no all-clear" in in_plain_words(read(doubtful.body)).text


async def test_a_channel_can_be_given_verdicts_alone_or_be_spared_them() -> None:
    message = file_message.render(facts_of(seen(), FILE, 9, "uploads", AT), 3, "//h/framewarden")
    for only, wanted in [
        (Only(kinds=("verdict",)), True),
        (Only(kinds=("anomaly",)), False),
        (Only(states=("opened", "updated", "closed")), False),
        (Only(states=("judged",), streams=("uploads",), labels=("alarming",)), True),
        (Only(min_severity="critical"), True),
    ]:
        inner = Notes()
        await Filtered(inner, only).publish([message])
        assert bool(inner.messages) is wanted, only


class Notes:
    """A channel that takes everything."""

    name, batch = "notes", 10

    def __init__(self) -> None:
        self.messages: list[Message] = []

    async def publish(self, messages: Sequence[Message]) -> None:
        self.messages += messages

    async def tend(self) -> bool:
        return False

    async def close(self) -> None:
        """Nothing to let go of."""
