"""Judges, gate and restarts together: whatever happens, each alert is told in order, once, and to its end."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from alerts.gate import Gate, Passed
from alerts.gate_memory import Memory, memory_from_json, memory_to_json
from alerts.judge import Judge
from alerts.open_alert import Why
from alerts.orders import Acknowledgement, Orders, Silence
from alerts.roll_up import HOUSE
from alerts.rules import Case, Rule, Rules
from alerts.verdict import Change, Severity, Verdict
from alerts.verdict_text import verdict_from_json, verdict_to_json
from detectors.detection import Detection, DetectorCard, Doubt, Kind
from streams.frame import Frame, Outage, StreamFault

BEGIN = datetime(2026, 11, 23, 12, tzinfo=UTC)
CARD = DetectorCard("fake", "by hand")
PICTURE = np.zeros((2, 2, 3), np.uint8)
STREAMS = ("gate", "yard", "dock", "hall")
HOSTS = {"gate": "10.0.0.5", "yard": "10.0.0.5", "dock": "10.0.0.6", "hall": ""}
THINGS = [
    (Kind.ANOMALY, "motion", ""),
    (Kind.QUALITY, "black", ""),
    (Kind.OBJECT, "person", ""),
    (Kind.DEEPFAKE, "face", "1"),
    (Kind.DEEPFAKE, "face", "2"),
]
CALM = dict.fromkeys(THINGS, ".")
SCORES = {".": 0.1, "-": 0.9, "#": 1.5, "!": 3.0}
QUICK: Final = Rule(alarming=2, of=3, over=0.3, calm=1, calm_frames=2)  # or most of the time is spent waiting
PLAIN: Final = Rules(
    cooldown=2, update_every=4, offline_after=2, give_up_after=30, of_kind=dict.fromkeys(Kind, QUICK)
)
NIGHT: Final = Case(kind=Kind.OBJECT, tell=False)
SAID = st.none() | st.dictionaries(st.sampled_from(THINGS), st.sampled_from(".-##!?"), max_size=3)
Seen = dict[tuple[Kind, str, str], str] | None  # what frames say of each thing; None: there is no picture


def a_detection(kind: Kind, label: str, subject: str, says: str) -> Detection:
    doubt = Doubt.LEARNING if says == "?" else None
    return Detection(kind, label, SCORES.get(says, 0.0), 1.0, CARD, subject, doubt=doubt)


class Lives(RuleBasedStateMachine):
    """Four cameras, two of them on one host. What is told goes into a list, as into the outbox."""

    def __init__(self) -> None:
        super().__init__()
        self.at = BEGIN
        self.stepped = False
        self.rules_of = dict.fromkeys(STREAMS, PLAIN)
        self.orders = Orders()
        self.told: list[Verdict] = []
        self.open: dict[str, Verdict] = {}
        self.lives: dict[str, list[Verdict]] = {}
        self.saved: Memory | None = None
        self.outage = dict.fromkeys(STREAMS, 0.0)
        self.seen: dict[str, Seen] = {stream: {} for stream in STREAMS}

    @initialize(
        more_than=st.sampled_from([1, 3, 100]),
        shadow=st.sampled_from([frozenset[Kind](), frozenset({Kind.QUALITY})]),
        cases=st.sampled_from([(), (NIGHT,), (Case(kind=Kind.ANOMALY, severity=Severity.CRITICAL),)]),
    )
    def begin(self, more_than: int, shadow: frozenset[Kind], cases: tuple[Case, ...]) -> None:
        self.more_than = more_than
        self.rules_of["gate"] = replace(PLAIN, shadow=shadow)
        self.rules_of["dock"] = replace(PLAIN, cases=cases)
        self.start()

    def start(self) -> None:
        """As the daemon does."""
        self.gate = Gate(self.more_than, within=10, host_wait=1, update_every=4)
        for stream in STREAMS:
            self.gate.add(stream, self.rules_of[stream], HOSTS[stream])
        kept = [verdict_from_json(verdict_to_json(verdict)) for verdict in self.open.values()]
        self.gate.recall(memory_from_json(memory_to_json(self.saved)) if self.saved else None, kept)
        self.gate.heed(self.orders)
        self.judges = {stream: Judge(stream, self.rules_of[stream]) for stream in STREAMS}
        for stream, judge in self.judges.items():
            open_alerts = [alert.verdict for alert in self.gate.open_alerts(stream)]
            judge.resume(open_alerts, self.gate.closed(stream))

    def hear(self, passed: Passed) -> None:
        if passed.late:
            self.saved = self.gate.memory()
        for verdict in passed.told:
            life = self.lives.setdefault(verdict.alert_id, [])
            if verdict.change is Change.OPENED:
                assert not life, "opened twice"
            else:
                assert life, "changed before it opened"
                assert life[-1].change is not Change.CLOSED, "changed after it closed"
                assert not life[-1].severity.above(verdict.severity), "its severity fell"
            life.append(verdict)
            self.told.append(verdict)
            self.open[verdict.alert_id] = verdict
            if verdict.change is Change.CLOSED:
                del self.open[verdict.alert_id]

    def second(self) -> None:
        """Three frames of each camera that has a picture, one report of each that has none."""
        for step in range(3):
            for stream, said in self.seen.items():
                if said is not None:
                    self.outage[stream] = 0.0
                    frame = Frame(stream, 0, PICTURE, self.at, 0.0, 0.0, live=True)
                    detections = [a_detection(*thing, says) for thing, says in said.items()]
                    verdicts = self.judges[stream].weigh(frame, detections)
                    self.hear(self.gate.sift(stream, verdicts, self.at, self.at))
                elif step == 0:
                    self.outage[stream] += 1
                    lost = Outage(stream, self.at, self.outage[stream], StreamFault.REFUSED, "refused")
                    verdicts = self.judges[stream].weigh_outage(lost)
                    self.hear(self.gate.sift(stream, verdicts, self.at, self.at, picture=False))
            self.at += timedelta(seconds=1 / 3)
        self.hear(self.gate.tick(self.at))

    @rule(streams=st.sets(st.sampled_from(STREAMS), min_size=1), seen=SAID, seconds=st.integers(0, 6))
    def something_happens(self, streams: set[str], seen: Seen, seconds: int) -> None:
        self.seen.update(dict.fromkeys(streams, seen))
        for _ in range(seconds):
            self.second()

    @rule(streams=st.sets(st.sampled_from(STREAMS), min_size=1))
    def all_is_well(self, streams: set[str]) -> None:
        self.something_happens(streams, CALM, 3)

    @rule(hours=st.floats(-30, 30, allow_nan=False))
    def clock_is_set(self, hours: float) -> None:
        self.at += timedelta(hours=hours)
        self.stepped = True

    @rule(
        stream=st.sampled_from(["*", "g*", "yard", HOUSE]),
        kind=st.sampled_from(["*", "stream", "anomaly"]),
        seconds=st.integers(1, 30),
    )
    def silence(self, stream: str, kind: str, seconds: int) -> None:
        until = self.at + timedelta(seconds=seconds)
        given = Silence("s", stream, kind, "*", until, "Ann", "", self.at)
        self.orders = replace(self.orders, silences=(*self.orders.silences, given)[-5:])
        self.gate.heed(self.orders)

    @rule()
    def silences_are_removed(self) -> None:
        self.orders = replace(self.orders, silences=())
        self.gate.heed(self.orders)

    @rule(which=st.integers(0, 20))
    def acknowledge(self, which: int) -> None:
        if self.open:
            alert_id = list(self.open)[which % len(self.open)]
            given = Acknowledgement(alert_id, "Ann", "on my way", self.at)
            self.orders = replace(self.orders, acknowledgements=(*self.orders.acknowledgements, given))
            self.gate.heed(self.orders)

    @rule()
    def memory_is_written(self) -> None:
        self.saved = self.gate.memory()

    @rule()
    def daemon_restarts(self) -> None:
        self.saved = self.gate.memory()
        self.start()

    @rule(memory_too=st.booleans())
    def daemon_is_killed(self, memory_too: bool) -> None:
        """What was written last may be old, or lost."""
        if memory_too:
            self.saved = None
        self.start()

    @invariant()
    def what_nothing_holds_back_is_told(self) -> None:
        if not hasattr(self, "gate"):
            return
        for alert in self.gate.open_alerts():
            if alert.told is None:
                assert alert.why is not None
            else:
                assert alert.verdict.alert_id in self.open

    def whatever_goes_on_is_told(self) -> None:
        """Nobody holds it back, no storm rages, and all cameras have a picture."""
        held = [alert.why for alert in self.gate.open_alerts() if alert.told is None]
        few = self.more_than // 2
        assert set(held) <= {Why.SHADOW, Why.SCHEDULE} | (
            {Why.STORM} if held.count(Why.STORM) > few else set()
        )

    @invariant()
    def a_thing_is_told_by_one_alert(self) -> None:
        things = [verdict.fingerprint for verdict in self.open.values() if verdict.kind is not Kind.ANOMALY]
        assert len(things) == len(set(things))

    @invariant()
    def what_nobody_is_to_know_is_not_told(self) -> None:
        for verdict in self.told[-20:]:
            assert verdict.stream == HOUSE or verdict.kind not in self.rules_of[verdict.stream].shadow

    def teardown(self) -> None:
        """All is well again, and stays so: whatever was told is closed, and nothing is left."""
        if not hasattr(self, "gate"):
            return
        self.orders = Orders()
        self.gate.heed(self.orders)
        # What hides a view may be given up after 30 s only; then what it hid opens, and that may be a storm.
        self.something_happens({stream for stream, seen in self.seen.items() if seen is None}, CALM, 50)
        self.whatever_goes_on_is_told()
        self.something_happens(set(STREAMS), CALM, 40)
        assert not self.open, "a close was lost"
        assert self.gate.open_alerts() == []
        assert all(life[-1].change is Change.CLOSED for life in self.lives.values())
        if not self.stepped:
            for stream in (*STREAMS, HOUSE):
                times = [verdict.captured_at for verdict in self.told if verdict.stream == stream]
                assert times == sorted(times), "told out of order"


LivesTest = Lives.TestCase
LivesTest.settings = settings(max_examples=150, stateful_step_count=25)
