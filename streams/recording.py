"""A recording: every sampled picture is handed over, at the pace of whoever takes them."""

import logging
import time
from collections import Counter
from collections.abc import AsyncGenerator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from config.settings import StreamSettings
from streams.child import Child, job_for
from streams.frame import Frame, Outage, StreamError
from streams.message import Picture, StreamInfo, Unchanged

log = logging.getLogger(__name__)

# What may lack at the end of a sound file: sampling leaves out some, and lengths in headers are rounded.
CUT_SECONDS, CUT_SHARE = 3.0, 0.05


class Recording:
    """Reads a file to its end, or to where it breaks, and loses no picture on the way.

    Counts as a Camera does, but drops nothing after the first keyframe; failed_<fault> where it cannot go on.
    """

    def __init__(self, settings: StreamSettings, sample_fps: float, width: int) -> None:
        self.name = settings.name
        self.counts: Counter[str] = Counter()
        self.state = "connecting"  # then online, ended
        self.opened: StreamInfo | None = None
        self._job = job_for(settings, live=False, sample_fps=sample_fps, width=width)
        self._child: Child | None = None
        self._closed = False

    async def sights(self) -> AsyncGenerator[Frame | Outage, None]:
        """Frames until the end. Raises StreamError for a recording that cannot be read."""
        filmed, read_to = datetime.fromtimestamp(0, UTC), 0.0
        last: Frame | None = None
        try:
            async with Child(self._job, self.counts) as self._child:
                async for message in self._child.messages():
                    if isinstance(message, StreamInfo):
                        self.opened, self.state = message, "online"
                        filmed = datetime.fromtimestamp(message.filmed_at, UTC)
                    elif isinstance(message, Picture) and not self._closed:
                        read_to = message.position
                        last = self._frame(message, self._child, filmed)
                        yield last
                    elif isinstance(message, Unchanged) and last and not self._closed:
                        read_to = message.position
                        yield self._again(last, message, filmed)
            self._tell_if_cut_short(read_to)
        except StreamError as error:
            if not self._closed:
                self.counts[f"failed_{error.fault}"] += 1
                raise
        finally:
            self._child = None
            self.state = "ended"

    def _tell_if_cut_short(self, read_to: float) -> None:
        """A file whose end is missing plays to where it breaks without an error; only its own index knows."""
        says = self.opened.duration if self.opened else None
        if says is not None and says - read_to > max(CUT_SECONDS, CUT_SHARE * says):
            self.counts["cut_short"] += 1
            log.warning(
                "%s: only %.0f of %.0f s could be read: the file is cut short or damaged",
                self.name, read_to, says,
            )  # fmt: skip

    async def close(self) -> None:
        """Ends the iterator and the child behind it. May be called twice."""
        self._closed = True
        if self._child is not None:
            self._child.kill()

    def _frame(self, message: Picture, child: Child, filmed: datetime) -> Frame:
        captured = min(message.captured, time.monotonic())
        frame = Frame(
            stream=self.name,
            number=self.counts["delivered"],
            picture=child.take(message),
            captured_at=filmed + timedelta(seconds=message.position),
            captured=captured,
            position=message.position,
            live=False,
            keyframe=message.keyframe,
            damaged=message.damaged,
            fresh=message.fresh,
        )
        self.counts["delivered"] += 1
        return frame

    def _again(self, last: Frame, message: Unchanged, filmed: datetime) -> Frame:
        """The last picture, at a moment at which it was still what there was to be seen."""
        number = self.counts["delivered"]
        self.counts["delivered"] += 1
        return replace(
            last,
            number=number,
            captured_at=filmed + timedelta(seconds=message.position),
            captured=time.monotonic(),
            position=message.position,
            keyframe=False,
            fresh=False,
            unchanged=True,
        )
