"""The whole story of one stream: a frame is examined, the detections are weighed, verdicts are announced."""

import logging
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from alerts.flow import Flow
from alerts.judge import Judge
from alerts.rules import DEGRADED, OFFLINE
from alerts.utc import utc_now
from alerts.verdict import Verdict
from detectors.detection import Detection, Doubt, Kind
from streams.frame import Frame, Outage, Source, StreamError, StreamFault

log = logging.getLogger(__name__)

FEW = 0.1  # times as many pictures as could be told of, from which it is said that others could not


def _mostly(kind: Kind, why: Counter[Doubt]) -> str:
    """Of what could not be told."""
    ((doubt, _),) = why.most_common(1)
    words = doubt.replace("_", " ")
    taught = kind is Kind.ANOMALY and doubt is Doubt.LEARNING
    hint = ": `framewarden learn` teaches it beforehand" if taught else ""
    return f" ({words}{hint})"


def _nowhere(stream: str, at: datetime, detections: Sequence[Detection]) -> None:
    """Where nobody keeps what was said."""


def _unseen(cause: str) -> None:
    """Where nobody counts blind time."""


class Examines(Protocol):
    """What looks at a frame, whenever its turn comes."""

    async def examine(self, frame: Frame) -> tuple[Detection, ...]: ...


class Gatekeeps(Protocol):
    """What tells the world, of every sight: also where nothing was decided, what was held back may be due."""

    async def announce_all(
        self, stream: str, verdicts: Sequence[Verdict], at: datetime, frame: Frame | None
    ) -> None: ...


@dataclass
class Watch:
    """One stream from its source to its alerts."""

    source: Source
    examiner: Examines
    judge: Judge
    gatekeeper: Gatekeeps
    judged: Callable[[Frame], None]  # told of every frame that was judged
    live: bool
    sample_fps: float = 0.0  # pictures a second that are wanted
    blinded: Callable[[str], None] = _unseen  # told after every sight why nobody could see; empty: all could
    noted: Callable[[str, datetime, Sequence[Detection]], None] = (
        _nowhere  # told what was said of every frame
    )
    began_at: datetime = field(default_factory=utc_now, init=False)
    frames: int = field(default=0, init=False)  # judged so far
    trouble: str = field(default="", init=False)  # why there is no picture, while there is none, or no more
    judged_until: datetime | None = field(default=None, init=False)  # capture time of the last judged frame
    _flow: Flow = field(init=False)
    _fault: StreamFault | None = field(default=None, init=False)  # last said of why there is no picture
    _told: Counter[Kind] = field(default_factory=Counter, init=False)  # pictures that a kind could tell of,
    _doubted: defaultdict[Kind, Counter[Doubt]] = field(  # and could not, by why
        default_factory=lambda: defaultdict(Counter), init=False
    )

    def __post_init__(self) -> None:
        self._flow = Flow(self.sample_fps)

    async def run(self) -> None:
        """Ends with the recording; a live source is watched until the task is cancelled.

        Raises StreamError for a recording that cannot be read to its end. Its alerts are closed all the same:
        nobody will see any more whether they go on. Cancelled, it leaves them open for the next start.
        """
        try:
            await self._sights()
        except StreamError as error:
            self.trouble = str(error)
            await self._close_alerts(str(error))
            raise
        finally:
            await self.source.close()
        await self._close_alerts("The recording ended.")

    @property
    def state(self) -> str:
        """In a word: connecting, online, degraded (pictures come, but hardly), offline, ended."""
        state = self.source.state
        return DEGRADED if state == "online" and self.judge.degraded else state

    def summary(self) -> str:
        """What was seen, for whoever reads the log: above all of what nothing could be told."""
        counts = self.judge.counts
        opened = sum(count for what, count in counts.items() if what.startswith("opened:"))
        alerts = f"{opened} alert{'' if opened == 1 else 's'} opened" if opened else "no alert"
        blind = [
            f"{kind} could not tell "
            + (f"of {why.total()} of them" if self._told[kind] else "at all")
            + _mostly(kind, why)
            for kind, why in self._doubted.items()
            if why.total() > FEW * self._told[kind]
        ]
        return "; ".join([f"{self.frames} pictures judged, {alerts}", *blind])

    def _tally(self, detections: Sequence[Detection]) -> None:
        """A picture counts once for each kind: as one that something could be told of, if anything could."""
        told = {each.kind for each in detections if each.doubt is None}
        self._told.update(told)
        why = {each.kind: each.doubt for each in detections if each.doubt is not None}
        for kind in why.keys() - told:
            self._doubted[kind][why[kind]] += 1

    async def _sights(self) -> None:
        async for sight in self.source.sights():
            match sight:
                case Frame() as frame:
                    self._tell_pictures(frame)
                    detections = await self.examiner.examine(frame)
                    flow = self._flowing(frame.captured_at, frame)
                    verdicts = self.judge.weigh(frame, [*detections, *flow])
                    self.noted(frame.stream, frame.captured_at, detections)
                    await self.gatekeeper.announce_all(frame.stream, verdicts, frame.captured_at, frame)
                    if detections:  # none: too old when its turn came; dropped there, and counted
                        self.frames += 1
                        self._tally(detections)
                        self.judged_until = frame.captured_at
                        self.blinded(self.judge.blind)
                        self.judged(frame)
                case Outage() as outage:
                    self._tell_outage(outage)
                    self.blinded(OFFLINE)
                    verdicts = self.judge.weigh_outage(outage, *self._flowing(outage.at, None))
                    await self.gatekeeper.announce_all(outage.stream, verdicts, outage.at, None)

    def _flowing(self, at: datetime, frame: Frame | None) -> list[Detection]:
        """How the camera delivers; a recording is read as fast as it can be judged."""
        if not self.live:
            return []
        damaged = None if frame is None else frame.damaged
        return [self._flow.weigh(at, self.source.counts, damaged=damaged)]

    def _tell_pictures(self, frame: Frame) -> None:
        if frame.fresh:
            height, width = frame.picture.shape[:2]
            log.info("%s: pictures come, judged at %d x %d", frame.stream, width, height)
            self._fault = None
        self.trouble = ""

    def _tell_outage(self, outage: Outage) -> None:
        self.trouble = outage.text
        if outage.fault is not self._fault:  # its text counts the seconds
            log.info("%s: no picture: %s", outage.stream, outage.text)
            self._fault = outage.fault

    async def _close_alerts(self, reason: str) -> None:
        at = self.judged_until or utc_now()
        await self.gatekeeper.announce_all(self.source.name, self.judge.finish(at, reason), at, None)
