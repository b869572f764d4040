"""One stream's story, with whole fakes around it: what is announced, and what is left open."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from alerts.judge import Judge
from alerts.rules import Rules
from alerts.verdict import Verdict
from daemon.watch import Watch
from detectors.detection import Detection, DetectorCard, Doubt, Kind
from streams.frame import Frame, Outage, StreamError, StreamFault

BEGIN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
CARD = DetectorCard("fake", "fake")


def frames(number: int) -> list[Frame]:
    picture = np.zeros((2, 2, 3), np.uint8)
    return [
        Frame("gate", n, picture, BEGIN + timedelta(seconds=n / 5), 0.0, n / 5, live=True)
        for n in range(number)
    ]


@dataclass
class FakeSource:
    """Hands over what it was given, then ends, fails, or waits for ever."""

    given: Sequence[Frame | Outage]
    then: StreamError | None = None
    for_ever: bool = False
    name: str = "gate"
    state: str = "online"
    counts: Counter[str] = field(default_factory=Counter)
    closed: bool = False

    async def sights(self) -> AsyncIterator[Frame | Outage]:
        for sight in self.given:
            yield sight
        if self.then:
            raise self.then
        if self.for_ever:
            await asyncio.Event().wait()

    async def close(self) -> None:
        self.closed = True


class FakeExaminer:
    """Says the same score of every frame, and nothing of those that are named as dropped."""

    def __init__(self, score: float, dropped: range = range(0)) -> None:
        self._score, self._dropped = score, dropped

    async def examine(self, frame: Frame) -> tuple[Detection, ...]:
        if frame.number in self._dropped:
            return ()
        return (Detection(Kind.ANOMALY, "content", self._score, 1.0, CARD),)


@dataclass
class FakeAnnouncer:
    """Remembers what it was told."""

    told: list[str] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)

    async def announce_all(
        self, stream: str, verdicts: Sequence[Verdict], at: datetime, frame: Frame | None
    ) -> None:
        self.told += [f"{verdict.label} {verdict.change}" for verdict in verdicts]
        self.reasons += [verdict.reason for verdict in verdicts]


def a_watch(source: FakeSource, examiner: FakeExaminer) -> tuple[Watch, FakeAnnouncer, list[int]]:
    announcer, judged = FakeAnnouncer(), list[int]()
    watch = Watch(
        source,
        examiner,
        Judge("gate", Rules()),
        announcer,
        lambda frame: judged.append(frame.number),
        live=True,
    )
    return watch, announcer, judged


async def test_a_recording_that_ends_closes_its_alerts() -> None:
    source = FakeSource(frames(10))
    watch, announcer, judged = a_watch(source, FakeExaminer(2.0))
    await watch.run()
    assert announcer.told == ["content opened", "content closed"]
    assert "The recording ended." in announcer.reasons[-1]
    assert judged == list(range(10))
    assert source.closed


async def test_a_recording_that_breaks_closes_its_alerts_and_says_why() -> None:
    source = FakeSource(frames(10), then=StreamError(StreamFault.CRASHED, "the decoder crashed on clip.mp4"))
    watch, announcer, _ = a_watch(source, FakeExaminer(2.0))
    with pytest.raises(StreamError):
        await watch.run()
    assert announcer.told == ["content opened", "content closed"]
    assert "the decoder crashed on clip.mp4" in announcer.reasons[-1]
    assert source.closed


async def test_a_watch_that_is_cancelled_leaves_its_alerts_open_for_the_next_start() -> None:
    source = FakeSource(frames(10), for_ever=True)
    watch, announcer, judged = a_watch(source, FakeExaminer(2.0))
    task = asyncio.create_task(watch.run())
    while len(judged) < 10:  # noqa: ASYNC110 - the fakes need a turn each
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert announcer.told == ["content opened"]
    assert source.closed


async def test_frames_that_were_dropped_end_an_outage_but_do_not_count_as_judged() -> None:
    lost = [Outage("gate", BEGIN + timedelta(seconds=n), n, StreamFault.ENDED, "gone") for n in range(8)]
    back = [
        Frame(
            "gate",
            n,
            np.zeros((2, 2, 3), np.uint8),
            BEGIN + timedelta(seconds=8 + n / 5),
            0.0,
            0.0,
            live=True,
        )
        for n in range(20)
    ]
    watch, announcer, judged = a_watch(FakeSource([*lost, *back]), FakeExaminer(0.0, dropped=range(20)))
    await watch.run()
    assert announcer.told == ["offline opened", "offline closed"]
    assert judged == []
    assert (watch.frames, watch.judged_until) == (0, None)


async def test_the_summary_names_what_could_not_be_told() -> None:
    class Learner(FakeExaminer):
        async def examine(self, frame: Frame) -> tuple[Detection, ...]:
            learning = Detection(Kind.ANOMALY, "", 0.0, 1.0, CARD, doubt=Doubt.LEARNING)
            return (learning, Detection(Kind.QUALITY, "black", 0.0, 1.0, CARD))

    watch, _, _ = a_watch(FakeSource(frames(4)), Learner(0.0))
    await watch.run()
    assert watch.summary() == (
        "4 pictures judged, no alert; anomaly could not tell at all (learning: `framewarden learn` teaches "
        "it beforehand)"
    )


async def test_the_summary_counts_a_picture_once_however_many_labels_are_in_doubt() -> None:
    class Quality(FakeExaminer):
        async def examine(self, frame: Frame) -> tuple[Detection, ...]:
            doubts = [
                Detection(Kind.QUALITY, label, 0.0, 1.0, CARD, doubt=Doubt.LEARNING)
                for label in ("moved", "noisy", "covered")
            ]
            known = [Detection(Kind.QUALITY, "black", 0.0, 1.0, CARD)] if frame.number >= 2 else []
            return (*doubts, *known)

    watch, _, _ = a_watch(FakeSource(frames(8)), Quality(0.0))
    await watch.run()
    assert watch.summary() == "8 pictures judged, no alert; quality could not tell of 2 of them (learning)"


async def test_the_summary_counts_what_was_spent_on_learning() -> None:
    class Learner(FakeExaminer):
        async def examine(self, frame: Frame) -> tuple[Detection, ...]:
            doubt = Doubt.LEARNING if frame.number < 3 else None
            return (Detection(Kind.ANOMALY, "", 0.0, 1.0, CARD, doubt=doubt),)

    watch, _, _ = a_watch(FakeSource(frames(8)), Learner(0.0))
    await watch.run()
    assert watch.summary() == (
        "8 pictures judged, no alert; anomaly could not tell of 3 of them (learning: `framewarden learn` "
        "teaches it beforehand)"
    )


async def test_a_recording_that_cannot_be_read_keeps_why() -> None:
    gone = StreamError(StreamFault.UNREADABLE, "clip.mp4 does not exist: check the path")
    watch, _, _ = a_watch(FakeSource([], then=gone), FakeExaminer(0.0))
    with pytest.raises(StreamError):
        await watch.run()
    assert watch.trouble == "clip.mp4 does not exist: check the path"


async def test_a_camera_that_flaps_is_told_to_be_degraded_and_each_sight_says_who_is_blind() -> None:
    def flapping() -> list[Frame | Outage]:
        sights: list[Frame | Outage] = []
        for second in range(0, 40, 4):
            at = BEGIN + timedelta(seconds=second)
            sights.append(Outage("gate", at, 1.0, StreamFault.ENDED, "it ended the stream"))
            picture = frames(1)[0]
            sights += [
                replace(picture, number=n, captured_at=at + timedelta(seconds=2 + n / 5)) for n in range(5)
            ]
        return sights

    class Flapping(FakeSource):
        """Counts a connection that was lost before each outage."""

        async def sights(self) -> AsyncIterator[Frame | Outage]:
            for sight in self.given:
                if isinstance(sight, Outage):
                    self.counts["lost_ended"] += 1
                    self.counts["connects"] += 1
                yield sight

    watch, announcer, _ = a_watch(Flapping(flapping()), FakeExaminer(0.0))
    causes: list[str] = []
    watch.blinded = causes.append
    states: list[str] = []
    watch.judged = lambda _: states.append(watch.state)
    await watch.run()
    assert announcer.told[0] == "degraded opened", "and not offline again and again"
    assert "offline opened" not in announcer.told
    assert "The connection was lost 4 times in 5 minutes" in announcer.reasons[0]
    assert states[0] == "online" and states[-1] == "degraded"
    assert causes == ["offline", *[""] * 5] * 10
    assert watch.trouble == ""


async def test_a_recording_is_not_degraded_however_it_comes() -> None:
    source = FakeSource([replace(each, damaged=True, live=False) for each in frames(200)])
    watch, announcer, _ = a_watch(source, FakeExaminer(0.0))
    watch.live = False
    await watch.run()
    assert announcer.told == []
