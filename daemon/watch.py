"""The whole story of one stream: a frame is examined, the detections are weighed, verdicts are announced."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

from alerts.channel import Message
from alerts.judge import Judge
from alerts.verdict import Verdict
from detectors.detection import Detection
from streams.frame import Frame, Outage, Source


class Examines(Protocol):
    """What looks at a frame, whenever its turn comes."""

    async def examine(self, frame: Frame) -> tuple[Detection, ...]: ...


class Announces(Protocol):
    """What tells the world."""

    async def announce(self, verdict: Verdict, frame: Frame | None) -> Message: ...


@dataclass
class Watch:
    """One stream from its source to its alerts."""

    source: Source
    examiner: Examines
    judge: Judge
    announcer: Announces
    judged: Callable[[Frame], None]  # told of every frame that was judged
    frames: int = field(default=0, init=False)  # judged so far
    last_frame: Frame | None = field(default=None, init=False)

    @property
    def state(self) -> str:
        """connecting, online, offline or ended."""
        return self.source.state

    async def run(self) -> None:
        """Ends with the recording; a live source is watched until the task is cancelled.

        Raises StreamError for a recording that cannot be read.
        """
        try:
            await self._sights()
        finally:
            await self.source.close()
        ended_at = self.last_frame.captured_at if self.last_frame else datetime.now(UTC)
        await self._announce(self.judge.finish(ended_at), None)

    async def _sights(self) -> None:
        async for sight in self.source.sights():
            match sight:
                case Frame() as frame:
                    self.last_frame = frame
                    detections = await self.examiner.examine(frame)
                    await self._announce(self.judge.weigh(frame, detections), frame)
                    if detections:  # none: too old when its turn came; dropped there, and counted
                        self.frames += 1
                        self.judged(frame)
                case Outage() as outage:
                    await self._announce(self.judge.weigh_outage(outage), None)

    async def _announce(self, verdicts: list[Verdict], frame: Frame | None) -> None:
        for verdict in verdicts:
            await self.announcer.announce(verdict, frame)
