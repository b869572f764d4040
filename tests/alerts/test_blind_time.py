"""Blind time: every second counts once, by its cause, over restarts and midnight."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.blind_time import CAUSES, NOT_JUDGED, NOT_RUNNING, PATIENCE, BlindTime, gravest
from alerts.judge import Judge
from alerts.rules import Rules
from detectors.detection import Detection, DetectorCard, Doubt, Kind
from streams.frame import Outage, StreamFault
from tests.fakes import EPOCH, frame

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
CARD = DetectorCard("fake", "fake")


@dataclass
class Time:
    """Passes when the test says so, on both clocks."""

    now: float = 100.0
    at: datetime = field(default=NOON)

    def passes(self, seconds: float) -> None:
        self.now += seconds
        self.at += timedelta(seconds=seconds)

    def blind(self, memory: str = "") -> BlindTime:
        return BlindTime(lambda: self.now, lambda: self.at, memory)


def test_each_second_counts_for_what_was_said_last() -> None:
    time = Time()
    blind = time.blind()
    blind.begin("gate")
    for cause, seconds in (("learning", 3), ("", 20), ("frozen", 4), ("offline", 1.5), ("", 0)):
        time.passes(2)
        blind.see("gate", cause)
        for _ in range(int(2 * seconds)):
            time.passes(0.5)
            blind.see("gate", cause)
    time.passes(1)
    totals = blind.totals()["gate"]
    # Until the next word the last one holds: two seconds more for each, and at first it is offline.
    assert totals == pytest.approx({"offline": 2 + 1.5 + 2, "learning": 3 + 2, "frozen": 4 + 2})
    assert blind.today("gate") == totals


def test_where_nothing_is_judged_for_long_that_is_the_cause() -> None:
    time = Time()
    blind = time.blind()
    blind.begin("gate", sample_fps=0.1)
    blind.see("gate", "")
    time.passes(29)
    assert blind.totals() == {"gate": {}}, "a picture every ten seconds is what was wanted"
    blind.begin("gate", sample_fps=5)
    blind.see("gate", "learning")
    time.passes(PATIENCE + 10)
    assert blind.totals()["gate"] == pytest.approx({"learning": PATIENCE, NOT_JUDGED: 10})
    blind.see("gate", "")
    time.passes(2)
    blind.see("gate", "")
    assert blind.totals()["gate"] == pytest.approx({"learning": PATIENCE, NOT_JUDGED: 10})


def test_it_goes_on_after_a_restart_and_the_time_between_was_blind() -> None:
    time = Time()
    before = time.blind()
    before.begin("gate")
    before.begin("gone")
    time.passes(5)
    memory = before.to_json()
    time.passes(60)
    time.now = 3.0  # the machine was started anew
    after = time.blind(memory)
    after.begin("gate")
    after.begin("new")
    after.see("gate", "")
    assert after.totals() == {"gate": {"offline": 5, NOT_RUNNING: 60}, "new": {}}
    after.begin("gate")  # its settings changed
    assert after.totals()["gate"] == {"offline": 5, NOT_RUNNING: 60}
    again = time.blind(after.to_json())
    assert again.totals() == {}
    again.begin("gone")
    assert again.totals() == {"gone": {}}, "what is out of the configuration is forgotten"


def test_a_day_ends_at_midnight() -> None:
    time = Time(at=datetime(2026, 5, 1, 23, 59).astimezone())
    blind = time.blind()
    blind.begin("gate")
    time.passes(30)
    blind.see("gate", "offline")
    assert blind.today("gate") == {"offline": 6, NOT_JUDGED: 24}
    memory = blind.to_json()
    time.passes(60)
    blind.see("gate", "frozen")
    time.passes(4)
    assert blind.today("gate") == {"offline": 6, NOT_JUDGED: 54, "frozen": 4}, "yesterday is over"
    assert blind.totals()["gate"]["offline"] == 12
    after = time.blind(memory)  # it was down over midnight
    after.begin("gate")
    assert after.today("gate") == {NOT_RUNNING: 34}
    assert after.totals()["gate"][NOT_RUNNING] == 64


@pytest.mark.parametrize(
    "memory",
    ["{", "[]", "{}", '{"version": 2}', '{"version": 1, "at": 5, "day": "2026-05-01", "streams": {}}',
     '{"version": 1, "at": "2026-05-01T00:00:00+00:00", "day": "2026-05-01", "streams": {"a": 5}}'],
)  # fmt: skip
def test_damaged_memory_is_refused(memory: str) -> None:
    with pytest.raises(ValueError, match=r"damaged|version|Expecting"):
        Time().blind(memory)


@given(
    words=st.lists(
        st.tuples(st.sampled_from([*CAUSES, "", "no_face"]), st.floats(0, 1000), st.booleans()), max_size=40
    )
)
def test_no_second_counts_twice(words: list[tuple[str, float, bool]]) -> None:
    time = Time()
    blind = time.blind()
    blind.begin("gate")
    began = time.now
    for cause, seconds, restarted in words:
        blind.see("gate", gravest([cause]))
        time.passes(seconds)
        if restarted:
            blind = time.blind(blind.to_json())
            blind.begin("gate")
    totals = blind.totals()["gate"]
    assert set(totals) <= set(CAUSES)
    assert sum(totals.values()) <= time.now - began + 1e-6


def said(kind: Kind, label: str, score: float = 0.0, doubt: Doubt | None = None) -> Detection:
    return Detection(kind, label, score, 1.0, CARD, doubt=doubt)


@pytest.mark.parametrize(
    ("frames", "cause"),
    [
        ([[said(Kind.QUALITY, "black"), said(Kind.ANOMALY, "motion")]], ""),
        ([[said(Kind.QUALITY, "black"), said(Kind.ANOMALY, "motion", 5)]], ""),
        ([[said(Kind.QUALITY, "black", 2), said(Kind.ANOMALY, "motion")]], "black"),
        ([[said(Kind.QUALITY, "moved", 2), said(Kind.QUALITY, "frozen", 2)]], "frozen"),
        ([[said(Kind.QUALITY, "noisy", 2)]], ""),
        ([[said(Kind.QUALITY, "noisy", 2), said(Kind.ANOMALY, "motion")]], "noisy"),
        ([[said(Kind.QUALITY, "black"), said(Kind.ANOMALY, "", doubt=Doubt.LEARNING)]], "learning"),
        ([[said(Kind.QUALITY, "moved", doubt=Doubt.LEARNING), said(Kind.QUALITY, "black")]], ""),
        ([[said(Kind.DEEPFAKE, "", doubt=Doubt.NO_FACE)]], ""),
        ([[said(Kind.QUALITY, "", doubt=Doubt.DETECTOR_DEGRADED)]], "detector_degraded"),
    ],
)
def test_the_judge_knows_why_nobody_can_see(frames: list[list[Detection]], cause: str) -> None:
    judge = Judge("gate", Rules())
    for number, detections in enumerate(frames):
        judge.weigh(frame("gate", number), detections)
    assert judge.blind == cause


def test_a_doubt_with_progress_is_one_cause() -> None:
    judge = Judge("gate", Rules())
    judge.weigh(frame(), [replace(said(Kind.ANOMALY, "", doubt=Doubt.LEARNING), progress=0.4)])
    assert judge.blind == "learning"


def test_an_outage_after_a_fault_is_an_outage() -> None:
    judge = Judge("gate", Rules())
    for number in range(10):
        judge.weigh(frame("gate", number), [said(Kind.QUALITY, "frozen", 2)])
    outage = Outage("gate", EPOCH + timedelta(seconds=20), 18.0, StreamFault.SILENT, "gone")
    judge.weigh_outage(outage)
    assert judge.blind == "offline"
