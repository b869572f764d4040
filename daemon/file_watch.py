"""The whole story of one file: looked at like a recording, weighed like a camera, and answered once."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from alerts.file_verdict import FileVerdict, Tally
from alerts.judge import Judge
from alerts.rules import Rules
from alerts.verdict import UploadedFile, Verdict
from config.settings import StreamSettings
from daemon.watch import Examines, Gatekeeps, Watch
from detectors.detection import Detection
from streams.frame import Frame, Outage, StreamError, StreamFault
from streams.message import Trouble
from streams.recording import Recording

PATIENCE: Final = 600.0  # seconds for the next picture
DAMAGED: Final = 0.1  # of all pictures: so many say that what was done to the file hides something
TOO_LONG: Final = "too_long"
# What is no fault of the file: it may be tried again.
PASSING: Final = {Trouble.NOT_STARTED, Trouble.MISSING, Trouble.FORBIDDEN}
# What may be mended by the rest of a file that is still on its way.
INCOMPLETE: Final = {Trouble.TRUNCATED, Trouble.EMPTY}


class NotNowError(Exception):
    """The file cannot be looked at now; says why. It may be so later."""

    def __init__(self, text: str, *, incomplete: bool) -> None:
        """`incomplete`: the file itself may go on growing."""
        super().__init__(text)
        self.incomplete = incomplete


class UnreadableError(Exception):
    """Nobody will ever see a picture of this file; says why."""


@dataclass
class FileWatch:
    """One file from its first picture to its verdict."""

    recording: Recording
    examiner: Examines
    judge: Judge
    gatekeeper: Gatekeeps
    rules: Rules
    file: UploadedFile
    longest: float  # seconds that are judged
    noted: Callable[[str, datetime, Sequence[Detection]], None] = lambda *_: None

    def __post_init__(self) -> None:
        self.tally = Tally(self.rules)
        self._source = _Cut(self.recording, self.longest)

    async def run(self) -> FileVerdict:
        """Raises UnreadableError, or NotNowError."""
        watch = Watch(
            source=self._source,
            examiner=self,
            judge=self.judge,
            gatekeeper=self,
            judged=lambda _: None,
            live=False,
            noted=self.noted,
        )
        lacking = ""
        try:
            await watch.run()
        except StreamError as error:
            if error.trouble in INCOMPLETE | PASSING:
                raise NotNowError(str(error), incomplete=error.trouble in INCOMPLETE) from None
            if not watch.frames:
                raise UnreadableError(str(error)) from None
            lacking = f"only its first {self._source.position:.0f} s could be read: {error}"
        if self._source.ended_early:
            lacking = f"only its first {self.longest / 3600:g} h were judged (uploads.hours)"
            return self.tally.verdict(lacking, TOO_LONG)
        if not lacking and self.recording.counts["cut_short"] and self.recording.opened:
            says = self.recording.opened.duration
            lacking = (
                f"only {self._source.position:.0f} of {says:.0f} s could be read: it is cut short or damaged"
            )
        counts = self.recording.counts
        if not lacking and counts["damaged"] >= DAMAGED * (counts["decoded"] + counts["damaged"]):
            lacking = f"{counts['damaged']} of its pictures or packets are damaged"
        return self.tally.verdict(lacking)

    async def examine(self, frame: Frame) -> tuple[Detection, ...]:
        """As the watch wants it; beside that, what was said is kept for the verdict."""
        detections = await self.examiner.examine(frame)
        if detections:
            self.tally.note(frame, detections)
        return detections

    async def announce_all(
        self, stream: str, verdicts: Sequence[Verdict], at: datetime, frame: Frame | None
    ) -> None:
        """As the watch wants it; each alert says which file it is about."""
        self.tally.decided(verdicts)
        named = [replace(each, file=self.file) for each in verdicts]
        await self.gatekeeper.announce_all(stream, named, at, frame)


class _Cut:
    """A recording that ends after so many seconds, however long it says that it is."""

    def __init__(self, recording: Recording, longest: float) -> None:
        self.name = recording.name
        self.counts = recording.counts
        self.state = "online"
        self.position = 0.0  # of the last picture
        self.ended_early = False
        self._recording = recording
        self._longest = longest

    async def sights(self) -> AsyncIterator[Frame | Outage]:
        async with aclosing(self._recording.sights()) as sights:
            while (sight := await self._next(sights)) is not None:
                if isinstance(sight, Frame):
                    if sight.position > self._longest:
                        self.ended_early = True
                        return
                    self.position = sight.position
                yield sight

    async def _next(self, sights: AsyncIterator[Frame | Outage]) -> Frame | Outage | None:
        """None at the end. A child that was taken over may say for ever that it reads, and show nothing."""
        try:
            async with asyncio.timeout(PATIENCE):
                return await anext(sights, None)
        except TimeoutError:
            raise StreamError(
                StreamFault.SILENT, f"it showed no picture for {PATIENCE:.0f} s, though it was being read"
            ) from None

    async def close(self) -> None:
        await self._recording.close()


def settings_of(stream: StreamSettings, name: str, path: str) -> StreamSettings:
    """Those of a stream for this one file. Nothing of `path` is taken for an address."""
    return stream.model_copy(update={"name": name, "url": path, "folder": None})
