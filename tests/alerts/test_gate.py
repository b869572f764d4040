"""What passes the gate, what is held back and until when: tables to read."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest

from alerts.gate import Gate, Passed
from alerts.gate_memory import Memory, memory_from_json, memory_to_json
from alerts.open_alert import Why
from alerts.orders import Acknowledgement, Orders, Silence
from alerts.rules import Case, Rules
from alerts.verdict import Change, Severity, Verdict
from config.hours import hours
from detectors.detection import DetectorCard, Kind

BEGIN = datetime(2026, 11, 23, 12, tzinfo=UTC)  # a Monday
CARD = DetectorCard("fake", "by hand")
PLAIN = Rules()
FOR_EVER = datetime(2100, 1, 1, tzinfo=UTC)
LETTERS = {"o": Change.OPENED, "u": Change.UPDATED, "c": Change.CLOSED}


def a_verdict(
    change: Change, stream: str, name: str, at: datetime, severity: Severity = Severity.WARNING
) -> Verdict:
    """`name` is kind/label; one of its alerts is open at a time."""
    kind, _, label = name.partition("/")
    return Verdict(
        change=change,
        alert_id=f"{stream}:{name}",
        stream=stream,
        kind=Kind(kind),
        label=label,
        subject="",
        severity=severity,
        score=2.0,
        threshold=1.0,
        reason="it was seen",
        regions=(),
        first_frame_at=at,
        captured_at=at,
        made_by=CARD,
    )


def silence(stream: str = "*", kind: str = "*", label: str = "*", until: datetime = FOR_EVER) -> Silence:
    return Silence("s1", stream, kind, label, until, "Ann", "painters", BEGIN)


@dataclass
class Desk:
    """Plays verdicts to a gate, and writes down what is told: '<stream> <label> <change>'."""

    gate: Gate = field(default_factory=lambda: Gate(more_than=3, within=10, update_every=4))
    at: datetime = BEGIN
    told: list[Verdict] = field(default_factory=list)
    held: list[tuple[str, Why | None]] = field(default_factory=list)

    def watch(self, *streams: str, rules: Rules = PLAIN, host: str = "", live: bool = True) -> None:
        for stream in streams:
            self.gate.add(stream, rules, host, live)

    def sight(
        self,
        stream: str,
        change: str = "",
        name: str = "anomaly/motion",
        severity: Severity = Severity.WARNING,
        picture: bool = True,
    ) -> None:
        verdicts = [a_verdict(LETTERS[change], stream, name, self.at, severity)] if change else []
        self.hear(self.gate.sift(stream, verdicts, self.at, self.at, picture))

    def hear(self, passed: Passed) -> None:
        self.told += passed.told
        self.held += [(f"{verdict.stream} {verdict.label}", why) for verdict, why in passed.held]

    def wait(self, seconds: float) -> None:
        """As the daemon does: the house is looked after twice a second."""
        for _ in range(round(seconds * 2)):
            self.at += timedelta(seconds=0.5)
            self.hear(self.gate.tick(self.at))

    def restart(
        self, fresh: Gate, *, forgotten: bool = False, memory: Memory | None = None, lost: int = 0
    ) -> None:
        """A new daemon, with the memory of the old one, and what its outbox knows.

        `memory`: an older one, where the last could not be written any more. `lost`: so many of the last
        verdicts did not reach the outbox before the crash.
        """
        open_told: dict[str, Verdict] = {}
        del self.told[len(self.told) - lost :]
        for verdict in self.told:
            open_told[verdict.alert_id] = verdict
            if verdict.change is Change.CLOSED:
                del open_told[verdict.alert_id]
        memory = memory_from_json(memory_to_json(memory or self.gate.memory()))
        fresh.recall(None if forgotten else memory, list(open_told.values()))
        self.gate = fresh

    def storms(self) -> bool:
        return self.gate.storming

    def said(self, stream: str = "") -> str:
        wanted = [verdict for verdict in self.told if stream in ("", verdict.stream)]
        return ", ".join(f"{verdict.stream} {verdict.label} {verdict.change}" for verdict in wanted)


def test_what_nobody_holds_back_passes_at_once_and_unchanged() -> None:
    desk = Desk()
    desk.watch("gate")
    for change in "ouuc":
        desk.sight("gate", change)
    assert [verdict.change for verdict in desk.told] == [LETTERS[change] for change in "ouuc"]
    assert desk.told[0] == a_verdict(Change.OPENED, "gate", "anomaly/motion", BEGIN)
    assert desk.gate.counts == {"told:anomaly": 1}
    assert desk.gate.open_alerts() == []


DAY = Case(hours=hours("06:00-22:00", (), "UTC"), tell=False)  # at noon it is not told
TABLE = [
    # what holds it back          rules                                   orders                  why
    ("nothing", Rules(), Orders(), None),
    ("another stream's silence", Rules(), Orders((silence("yard"),)), None),
    ("another kind's silence", Rules(), Orders((silence(kind="quality"),)), None),
    ("another label's silence", Rules(), Orders((silence(label="shape"),)), None),
    ("a silence that is over", Rules(), Orders((silence(until=BEGIN),)), None),
    ("a silence", Rules(), Orders((silence(),)), Why.SILENCE),
    ("a silence by patterns", Rules(), Orders((silence("g*", "a*", "mo?ion"),)), Why.SILENCE),
    ("the time of day", Rules(cases=(DAY,)), Orders(), Why.SCHEDULE),
    ("the time, for its kind", Rules(cases=(replace(DAY, kind=Kind.ANOMALY),)), Orders(), Why.SCHEDULE),
    ("the time, for another kind", Rules(cases=(replace(DAY, kind=Kind.OBJECT),)), Orders(), None),
    ("the time, for another label", Rules(cases=(replace(DAY, label="person"),)), Orders(), None),
    ("the last rule has the word", Rules(cases=(DAY, Case(kind=Kind.ANOMALY, tell=True))), Orders(), None),
    ("shadow", Rules(shadow=frozenset({Kind.ANOMALY})), Orders(), Why.SHADOW),
    ("another detector's shadow", Rules(shadow=frozenset({Kind.QUALITY})), Orders(), None),
    ("the first is named", Rules(shadow=frozenset(Kind), cases=(DAY,)), Orders((silence(),)), Why.SHADOW),
]  # fmt: skip


@pytest.mark.parametrize(("what", "rules", "orders", "why"), TABLE, ids=[row[0] for row in TABLE])
def test_the_table(what: str, rules: Rules, orders: Orders, why: Why | None) -> None:
    desk = Desk()
    desk.watch("gate", rules=rules)
    desk.gate.heed(orders)
    for change in "ouc":
        desk.sight("gate", change)
    if why is None:
        assert desk.said() == "gate motion opened, gate motion updated, gate motion closed"
        assert desk.held == []
    else:
        assert desk.said() == ""
        assert desk.held == [("gate motion", why)] * 2, "said when it began, and when it ended untold"
        assert desk.gate.counts == {f"{why}:anomaly": 1}


def test_what_goes_on_when_a_silence_ends_is_told_then_with_the_next_picture() -> None:
    desk = Desk()
    desk.watch("gate")
    desk.gate.heed(Orders((silence(until=BEGIN + timedelta(seconds=5)),)))
    desk.sight("gate", "o")
    desk.wait(4)
    desk.sight("gate")
    assert desk.said() == ""
    desk.wait(1)
    desk.sight("gate", picture=False)
    assert desk.said() == "", "a lost camera shows nobody what it is about"
    desk.sight("gate")
    (told,) = desk.told
    assert (told.change, told.reason) == (Change.OPENED, "it was seen (it was silenced until now)")
    assert (told.first_frame_at, told.captured_at) == (BEGIN, desk.at)
    desk.sight("gate", "c")
    assert desk.said() == "gate motion opened, gate motion closed"


def test_a_silence_that_begins_later_keeps_updates_but_never_the_close() -> None:
    desk = Desk()
    desk.watch("gate")
    desk.sight("gate", "o")
    desk.gate.heed(Orders((silence(),)))
    desk.sight("gate", "u")
    desk.sight("gate", "u", severity=Severity.CRITICAL)
    assert desk.said() == "gate motion opened"
    desk.gate.heed(Orders())
    desk.sight("gate")
    assert [(v.change, v.severity) for v in desk.told[1:]] == [(Change.UPDATED, Severity.CRITICAL)]
    desk.gate.heed(Orders((silence(),)))
    desk.sight("gate", "c")
    assert desk.told[-1].change is Change.CLOSED


def test_an_acknowledged_alert_is_told_when_that_happens_when_it_gets_worse_and_when_it_closes() -> None:
    desk = Desk()
    desk.watch("gate")
    desk.sight("gate", "o")
    desk.gate.heed(Orders((), (Acknowledgement("gate:anomaly/motion", "Ann", "on my way", BEGIN),)))
    desk.sight("gate")
    for _ in range(5):
        desk.sight("gate", "u")
    desk.sight("gate", "u", severity=Severity.CRITICAL)
    desk.sight("gate", "u", severity=Severity.CRITICAL)
    desk.sight("gate", "c", severity=Severity.CRITICAL)
    assert [(v.change, v.severity, v.acknowledged_by, v.reason) for v in desk.told] == [
        (Change.OPENED, Severity.WARNING, "", "it was seen"),
        (Change.UPDATED, Severity.WARNING, "Ann", "Acknowledged by Ann: on my way"),
        (Change.UPDATED, Severity.CRITICAL, "Ann", "it was seen"),
        (Change.CLOSED, Severity.CRITICAL, "Ann", "it was seen"),
    ]


def test_a_storm_is_one_alert_that_grows_and_closes_when_it_is_calm() -> None:
    desk = Desk()
    streams = [f"cam{number:02}" for number in range(20)]
    desk.watch(*streams)
    for stream in streams[:10]:
        desk.sight(stream, "o")
        desk.wait(0.5)
    for stream in streams[10:]:
        desk.sight(stream, "o")
    desk.wait(1)
    opened = ", ".join(f"cam{number:02} motion opened" for number in range(3))
    assert desk.said().startswith(f"{opened}, _house storm opened, _house storm updated")
    first = desk.told[3]
    assert first.gathered is not None
    assert (first.kind, first.subject, first.gathered.count) == (Kind.STREAM, "", 1)
    assert first.reason == (
        "More than 3 alerts opened within 10 s: 1 more are gathered here, 1 still open on cam03."
    )
    assert [(m.stream, m.label, m.alert_id) for m in first.gathered.members] == [
        ("cam03", "motion", "cam03:anomaly/motion")
    ]
    last = desk.told[-1]
    assert last.gathered is not None and last.gathered.count == last.gathered.still_open == 17
    assert sum(len(v.gathered.members) for v in desk.told if v.gathered) == 17, (
        "each of them stands somewhere"
    )
    assert desk.storms()
    assert desk.gate.counts["storm:anomaly"] == 17
    for stream in streams[:18]:
        desk.sight(stream, "c")
    desk.wait(12)
    assert not desk.storms()
    assert "closed" not in desk.said("_house"), "two gathered alerts go on, and few of three are one"
    desk.sight(streams[18], "c")
    desk.wait(1)
    assert (desk.told[-1].label, desk.told[-1].change) == ("storm", Change.CLOSED)
    assert desk.told[-1].reason == (
        "The storm is over: 17 alerts were gathered; 1 still open on cam19, told one by one from now on."
    )
    desk.sight(streams[19])
    desk.sight(streams[19], "c")
    assert [(v.stream, v.change) for v in desk.told[-2:]] == [
        ("cam19", Change.OPENED),
        ("cam19", Change.CLOSED),
    ]
    assert "gathered with others" in desk.told[-2].reason


def test_once_the_storm_is_calm_new_alerts_are_told_though_old_ones_go_on() -> None:
    desk = Desk()
    streams = [f"cam{number:02}" for number in range(20)]
    desk.watch(*streams)
    for stream in streams:
        desk.sight(stream, "o")
    desk.wait(30)
    desk.told.clear()
    desk.sight("cam00", "o", "quality/black")
    assert desk.said() == "cam00 black opened"
    assert [v.change for v in desk.told] == [Change.OPENED]


def test_what_is_critical_is_told_by_itself_in_any_storm() -> None:
    desk = Desk()
    streams = [f"cam{number:02}" for number in range(10)]
    desk.watch(*streams, "vault", "safe")
    for stream in streams:
        desk.sight(stream, "o")
    desk.wait(1)
    desk.told.clear()
    desk.sight("vault", "o", severity=Severity.CRITICAL)
    assert desk.storms() and desk.said() == "vault motion opened"
    desk.sight("safe", "o")
    assert desk.said("safe") == ""
    desk.sight("safe", "u", severity=Severity.CRITICAL)
    assert desk.said("safe") == "safe motion opened"
    desk.sight("safe", "c", severity=Severity.CRITICAL)
    assert desk.said("safe") == "safe motion opened, safe motion closed"


def test_recordings_make_no_storm() -> None:
    desk = Desk()
    desk.watch("upload", live=False)
    for number in range(20):
        desk.sight("upload", "o", f"object/thing{number}")
    assert len(desk.told) == 20


def test_what_is_held_for_another_reason_makes_no_storm() -> None:
    desk = Desk()
    desk.watch(*(f"cam{number}" for number in range(20)), rules=Rules(shadow=frozenset(Kind)))
    for number in range(20):
        desk.sight(f"cam{number}", "o")
    desk.wait(1)
    assert desk.told == [] and not desk.storms()


OFFLINE = "stream/offline"


def test_all_cameras_of_a_host_offline_are_one_alert() -> None:
    desk = Desk()
    desk.watch("a", "b", "c", host="10.0.0.5")
    desk.watch("d", host="10.0.0.6")
    for stream in "abc":
        desk.sight(stream)
    for stream in "abc":
        desk.sight(stream, picture=False)
    for stream in "abc":
        desk.sight(stream, "o", OFFLINE, picture=False)
        desk.wait(0.5)
    (told,) = desk.told
    assert (told.stream, told.label, told.subject, told.change) == (
        "_house", "host_offline", "10.0.0.5", Change.OPENED
    )  # fmt: skip
    assert told.reason == "All 3 cameras of 10.0.0.5 are offline: a, b, c. it was seen"
    assert told.gathered is not None and (told.gathered.count, told.gathered.still_open) == (3, 3)
    for stream in "ab":
        desk.sight(stream, "c", OFFLINE)
    desk.wait(5)
    assert desk.told[-1].reason == "1 of 3 cameras of 10.0.0.5 are still offline: c. it was seen"
    desk.sight("c", "c", OFFLINE)
    desk.wait(1)
    assert desk.said() == (
        "_house host_offline opened, _house host_offline updated, _house host_offline closed"
    )
    assert desk.told[-1].reason == "All cameras of 10.0.0.5 are back."


def test_a_host_names_no_camera_that_nobody_is_to_be_told_of() -> None:
    desk = Desk()
    desk.watch("a", "b", host="10.0.0.5")
    desk.watch("secret", rules=Rules(shadow=frozenset(Kind)), host="10.0.0.5")
    for stream in ("secret", "a", "b"):
        desk.sight(stream, "o", OFFLINE, picture=False)
    desk.wait(1)
    (told,) = desk.told
    assert told.reason == "All 2 cameras of 10.0.0.5 are offline: a, b. it was seen"
    for stream in "ab":
        desk.sight(stream, "c", OFFLINE)
    desk.wait(5)
    assert desk.told[-1].reason == (
        "Of the cameras of 10.0.0.5, only such are still offline as are not told of."
    )
    assert ("a offline", Why.HOST) in desk.held, "its end: it was told with the others"


def test_the_end_of_a_camera_that_waited_in_vain_for_its_host_is_told_to_nobody() -> None:
    desk = Desk()
    desk.watch("a", "b", host="10.0.0.5")
    desk.sight("a", "o", OFFLINE, picture=False)
    desk.sight("a", "c", OFFLINE)
    assert desk.held == [("a offline", Why.HOST), ("a offline", None)]


def test_one_camera_of_a_host_is_told_as_soon_as_another_has_a_picture() -> None:
    desk = Desk()
    desk.watch("a", "b", host="10.0.0.5")
    desk.sight("a", picture=False)
    desk.sight("b")
    desk.sight("a", "o", OFFLINE, picture=False)
    assert desk.said() == "", "that b had a picture before says nothing of now"
    desk.wait(0.5)
    desk.sight("b")
    desk.sight("a", picture=False)
    assert desk.said() == "a offline opened"


def test_cameras_that_vanish_together_are_one_alert_though_the_first_sight_without_picture_is_one() -> None:
    desk = Desk()
    desk.watch("a", "b", host="10.0.0.5")
    desk.sight("a")
    desk.sight("b")
    desk.wait(2)
    desk.sight("a", "o", OFFLINE, picture=False)
    desk.wait(1)
    desk.sight("b", "o", OFFLINE, picture=False)
    desk.wait(1)
    assert desk.said() == "_house host_offline opened"


def test_one_camera_does_not_wait_for_ever_for_the_others() -> None:
    desk = Desk()
    desk.watch("a", "b", host="10.0.0.5")
    desk.sight("a", "o", OFFLINE, picture=False)
    for _ in range(3):
        desk.wait(1)
        desk.sight("a", picture=False)
        desk.sight("b", picture=False)
    assert desk.said() == "a offline opened"
    desk.wait(60)
    desk.sight("b", "o", OFFLINE, picture=False)
    assert desk.said() == "a offline opened, b offline opened", "one that was told speaks for itself"


def test_a_camera_alone_on_its_host_waits_for_nobody() -> None:
    desk = Desk()
    desk.watch("a", host="10.0.0.5")
    desk.sight("a", "o", OFFLINE, picture=False)
    assert desk.said() == "a offline opened"


def test_a_silenced_host_is_silent_and_one_camera_of_it_speaks_for_itself() -> None:
    desk = Desk()
    desk.watch("a", "b", host="10.0.0.5")
    desk.gate.heed(Orders((silence("a"),)))
    for stream in "ab":
        desk.sight(stream, "o", OFFLINE, picture=False)
    desk.wait(4)
    desk.sight("b", picture=False)
    assert desk.said() == "b offline opened"


@pytest.mark.parametrize("forgotten", [False, True])
def test_a_host_that_was_down_at_a_restart_closes_once(forgotten: bool) -> None:
    desk = Desk()
    desk.watch("a", "b", host="10.0.0.5")
    for stream in "ab":
        desk.sight(stream, "o", OFFLINE, picture=False)
    desk.wait(1)
    fresh = Gate()
    for stream in "ab":
        fresh.add(stream, Rules(), "10.0.0.5")
    desk.restart(fresh, forgotten=forgotten)
    desk.wait(1)
    for stream in "ab":
        if not forgotten:
            desk.sight(stream, "c", OFFLINE)
    desk.wait(1)
    assert desk.said() == "_house host_offline opened, _house host_offline closed"


def two_cameras() -> Gate:
    gate = Gate()
    for stream in "ab":
        gate.add(stream, Rules(), "10.0.0.5")
    return gate


def test_a_host_that_is_down_is_told_though_a_crash_lost_its_first_message() -> None:
    desk = Desk(two_cameras())
    for stream in "ab":
        desk.sight(stream, "o", OFFLINE, picture=False)
    desk.wait(0.5)
    desk.restart(two_cameras(), lost=1)
    assert desk.said() == "", "the daemon was killed before the roll-up was in the outbox"
    desk.wait(0.5)
    for stream in "ab":
        desk.sight(stream, picture=False)
    desk.wait(0.5)
    assert desk.said() == "_house host_offline opened"
    assert desk.told[0].reason.startswith("All 2 cameras of 10.0.0.5 are offline: a, b.")
    assert desk.told[0].gathered is not None and desk.told[0].gathered.count == 2


def test_what_a_host_spoke_for_is_told_though_a_crash_lost_the_memory_of_its_end() -> None:
    desk = Desk(two_cameras())
    for stream in "ab":
        desk.sight(stream, "o", OFFLINE, picture=False)
    desk.wait(0.5)
    before = desk.gate.memory()
    for stream in "ab":
        desk.sight(stream, "c", OFFLINE)
    desk.wait(0.5)
    assert desk.said() == "_house host_offline opened, _house host_offline closed"
    desk.restart(two_cameras(), memory=before)
    desk.sight("b", "c", OFFLINE)  # a is away again
    for _ in range(4):
        desk.wait(1)
        desk.sight("a", picture=False)
    assert desk.said("a") == "a offline opened"


def stormy() -> tuple[Desk, list[str]]:
    """Eight cameras with an alert each: three are told, and a storm has gathered five."""
    desk, streams = Desk(), [f"cam{number}" for number in range(8)]
    desk.watch(*streams)
    for stream in streams:
        desk.sight(stream, "o")
    desk.wait(0.5)
    assert desk.said("_house") == "_house storm opened"
    return desk, streams


def test_what_a_storm_gathered_is_told_though_a_crash_lost_its_first_message() -> None:
    desk, streams = stormy()
    desk.restart(Gate(more_than=3, within=10), lost=1)
    assert desk.said("_house") == "", "the daemon was killed before the roll-up was in the outbox"
    desk.watch(*streams)
    for stream in streams:
        desk.sight(stream)
    desk.wait(0.5)
    *alone, storm = desk.told
    assert storm.gathered is not None
    assert [each.stream for each in alone] == streams[:6]
    assert {each.stream for each in storm.gathered.members} == set(streams[6:])


def test_what_a_storm_gathered_is_told_though_a_crash_lost_the_memory_of_its_end() -> None:
    desk, streams = stormy()
    for stream in streams[:7]:
        desk.sight(stream, "c")
    desk.wait(9.5)
    before = desk.gate.memory()
    desk.wait(1)
    assert desk.said("_house").endswith("_house storm closed")
    desk.restart(Gate(more_than=3, within=10), memory=before)
    desk.watch(*streams)
    desk.sight("cam7")
    assert desk.said("cam7") == "cam7 motion opened"


def test_a_storm_goes_on_through_a_restart_and_counts_on() -> None:
    desk = Desk()
    streams = [f"cam{number}" for number in range(8)]
    desk.watch(*streams)
    for stream in streams:
        desk.sight(stream, "o")
    desk.wait(1)
    desk.restart(Gate(more_than=3, within=10))
    desk.watch(*streams)
    desk.sight("cam0", "o", "quality/black")
    for stream in streams:
        desk.sight(stream, "c")
    desk.sight("cam0", "c", "quality/black")
    desk.wait(20)
    last = desk.told[-1]
    assert (last.label, last.change) == ("storm", Change.CLOSED)
    assert last.gathered is not None and last.gathered.count == 6
    ids = [verdict.alert_id for verdict in desk.told if verdict.label == "storm"]
    assert len(set(ids)) == 1


def test_what_was_held_outlives_a_restart_and_is_told_under_its_id() -> None:
    desk = Desk()
    desk.watch("gate")
    desk.gate.heed(Orders((silence(),)))
    desk.sight("gate", "o")
    desk.restart(Gate())
    desk.watch("gate")
    assert [alert.verdict.alert_id for alert in desk.gate.open_alerts("gate")] == ["gate:anomaly/motion"]
    desk.sight("gate")
    assert [(v.alert_id, v.change, v.first_frame_at) for v in desk.told] == [
        ("gate:anomaly/motion", Change.OPENED, BEGIN)
    ]


def test_a_memory_older_than_what_was_told_opens_nothing_twice() -> None:
    desk = Desk()
    desk.watch("gate")
    desk.gate.heed(Orders((silence(),)))
    desk.sight("gate", "o")
    memory = desk.gate.memory()
    desk.gate.heed(Orders())
    desk.sight("gate")
    fresh = Gate()
    fresh.recall(memory, desk.told)
    assert fresh.sift("gate", [], desk.at, desk.at).told == []
    closed = a_verdict(Change.CLOSED, "gate", "anomaly/motion", desk.at)
    assert fresh.sift("gate", [closed], desk.at, desk.at).told == [closed]


def test_what_closed_is_remembered_for_its_cooldown_and_no_longer() -> None:
    desk = Desk()
    desk.watch("gate", rules=Rules(cooldown=60))
    for change in "oc":
        desk.sight("gate", change)
    desk.restart(Gate())
    (closed,) = desk.gate.closed("gate")
    assert (closed.kind, closed.label, closed.at) == (Kind.ANOMALY, "motion", BEGIN)
    assert desk.gate.closed("yard") == []
    desk.watch("gate", rules=Rules(cooldown=60))
    desk.wait(61)
    assert desk.gate.memory().closed == ()


def test_memory_is_bounded() -> None:
    desk = Desk()
    desk.watch("gate")
    for number in range(3000):
        for change in "oc":
            desk.sight("gate", change, f"object/thing{number}")
    assert len(desk.gate.closed("gate")) == 1000
    assert desk.gate.open_alerts() == []


def test_the_clock_set_back_keeps_nothing_for_ever() -> None:
    desk = Desk()
    desk.watch("a", "b", host="10.0.0.5")
    desk.sight("a", "o", OFFLINE, picture=False)
    desk.at -= timedelta(hours=5)
    desk.wait(4)
    desk.sight("a", picture=False)
    assert desk.said() == "a offline opened"
