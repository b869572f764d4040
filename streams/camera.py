"""A live source: frames while there is a picture, outages while there is none, and never an end."""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from config.settings import StreamSettings
from streams import forkserver
from streams.backoff import delays
from streams.child import Birth, Child, job_for
from streams.fault import stream_error
from streams.frame import Frame, Outage, StreamError
from streams.message import LONGEST_GROUP, Picture, StreamInfo, Trouble, Unchanged
from streams.waiting import Waiting

log = logging.getLogger(__name__)

GOOD_SECONDS = 10.0  # of frames, until a camera counts as well again and the backoff starts anew
OUTAGE_EVERY = 1.0  # seconds
LATE = 0.25  # seconds that the gate kept a picture back, from which on it waits for its turn


class Camera:
    """Keeps one camera connected, each connection in a child of its own, and the newest picture at hand.

    Counts: packets, bytes, decoded, sampled, delivered; dropped_before_keyframe, dropped_shed (there was room
    for a share of the pictures only), dropped_unfetched (no slot was free), dropped_replaced (a newer picture
    came first); unchanged (due, and not decoded: see gate.py, which counts here too); damaged (pictures and
    packets with errors);
    connects, connect_failed_<fault>, lost_<fault>; children_killed (hung), children_died,
    children_not_started (no process, memory or open file left for one).
    """

    def __init__(
        self,
        settings: StreamSettings,
        sample_fps: float,
        width: int,
        *,
        birth: Birth = forkserver.fork,
        clock: Callable[[], float] = time.monotonic,
        waits: Callable[[], Iterator[float]] = delays,
    ) -> None:
        """`birth` bears a child, `clock` is that of its pictures, `waits` are those between attempts."""
        self.name = settings.name
        self.counts: Counter[str] = Counter()
        self.state = "connecting"  # then online or offline, and ended
        self.opened: StreamInfo | None = None
        self.last_frame: float | None = None  # time.monotonic() of the last picture
        self._birth, self._clock, self._waits = birth, clock, waits
        self._job = job_for(settings, live=True, sample_fps=sample_fps, width=width)
        # A slow sampler, or one late picture, is no outage yet.
        self._patience = max(2 * OUTAGE_EVERY, 3 / sample_fps)
        if settings.decode == "gated":
            self._patience = max(self._patience, LONGEST_GROUP + OUTAGE_EVERY)
        elif settings.decode == "keyframes":  # which may be far apart: a child tells where no packets come
            self._patience = max(self._patience, settings.read_timeout + OUTAGE_EVERY)
        self._by_hardware: bool | None = None  # as was last said
        self._waiting = Waiting(self.counts)
        self._last: Frame | None = None  # of this connection, that came
        self._connected = False
        self._trouble: StreamError | None = None  # the last one, while it lasts
        self._outage_due = 0.0  # time.monotonic()
        self._news = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._closed = False
        self._child: Child | None = None  # that is connected
        self._share = 1.0  # of the pictures, that are kept
        self._wanted: list[Callable[[bytes], None]] = []  # who gets the next clip

    async def sights(self) -> AsyncGenerator[Frame | Outage, None]:
        """Yields until closed; raises nothing a camera may cause."""
        self._task = asyncio.create_task(self._stay_connected(), name=f"camera {self.name}")
        self._task.add_done_callback(lambda _: self._news.set())
        last = self._clock()  # picture, or start
        self._outage_due = last + OUTAGE_EVERY
        try:
            while not self._closed:
                self._news.clear()
                if self._task.done():
                    self._task.result()  # a mistake of ours is not hidden
                now = self._clock()
                if (frame := self._waiting.take()) is not None:
                    last, self._outage_due = frame.captured, now + self._patience
                    number = self.counts["delivered"]
                    self.counts["delivered"] += 1
                    yield replace(frame, number=number)
                elif now >= self._outage_due:
                    self._outage_due = now + OUTAGE_EVERY
                    yield self._outage(now - last)
                else:
                    with suppress(TimeoutError):
                        async with asyncio.timeout(self._outage_due - now):
                            await self._news.wait()
        finally:
            await self._disconnect()

    async def close(self) -> None:
        """Ends the iterator and the child behind it. May be called twice."""
        self._closed = True
        self._news.set()
        await self._disconnect()

    async def _disconnect(self) -> None:
        self.state = "ended"
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def _stay_connected(self) -> None:
        waits = self._waits()
        while True:
            self._connected, self._last = False, None
            first: float | None = None
            try:
                async with Child(self._job, self.counts, self._birth) as child:
                    async for message in child.messages():
                        if isinstance(message, StreamInfo):
                            self._connect(message)
                            if self._child is None and self._share < 1:
                                child.keep_only(self._share)
                            self._child = child
                        elif isinstance(message, bytes):
                            self._hand_over(message)
                        elif isinstance(message, Unchanged):
                            self._again(message)
                        else:
                            first = first or message.captured
                            self._last = self._frame(child, message)
                            self._arrive(self._last, late=message.late > LATE)
            except StreamError as error:
                self._lose(error)
            finally:
                self._child = None
                self._wanted.clear()
            if first and self.last_frame and self.last_frame - first >= GOOD_SECONDS:
                waits = self._waits()
            await asyncio.sleep(next(waits))

    def film(self, take: Callable[[bytes], None]) -> bool:
        """Whether a clip around this moment may come: `take` gets it, an MP4, unless the camera goes away."""
        if self._child is None or not self._job.clip_seconds:
            return False
        self._wanted.append(take)
        self._child.film()
        return True

    def keep_only(self, share: float) -> None:
        """From the next picture on keeps a share of them, 0..1, also after reconnecting: see thinning.py."""
        if share != self._share:
            self._share = share
            if self._child is not None:
                self._child.keep_only(share)

    def _hand_over(self, clip: bytes) -> None:
        wanted, self._wanted = self._wanted, []
        for take in wanted if clip else ():
            take(clip)

    def _connect(self, info: StreamInfo) -> None:
        if not self._connected:
            self._connected = True
            self.counts["connects"] += 1
            if self._job.hardware != "none" and info.hardware != self._by_hardware:
                self._by_hardware = info.hardware
                log.info(
                    "%s: decoded %s", self.name, "on a card" if info.hardware else
                    f"in software: no card that 'hardware: {self._job.hardware}' means decodes it here"
                )  # fmt: skip
        self.opened = info

    def _arrive(self, frame: Frame, *, late: bool = False) -> None:
        self._waiting.put(frame, late=late)
        self._trouble = None
        self.state = "online"
        self.last_frame = frame.captured
        self._news.set()

    def _lose(self, error: StreamError) -> None:
        self.counts[f"{'lost' if self._connected else 'connect_failed'}_{error.fault}"] += 1
        if self._trouble is None:  # the first is told at once, what follows about every second
            self._outage_due = self._clock()
            self._news.set()
        self._trouble = error
        self.state = "offline"

    def _frame(self, child: Child, message: Picture) -> Frame:
        captured = min(message.captured, self._clock())
        return Frame(
            stream=self.name,
            number=0,  # given when it is handed over
            picture=child.take(message),
            captured_at=datetime.now(UTC) - timedelta(seconds=self._clock() - captured + message.late),
            captured=captured,
            position=message.position,
            live=True,
            keyframe=message.keyframe,
            damaged=message.damaged,
            fresh=message.fresh,
        )

    def _again(self, message: Unchanged) -> None:
        """The last picture, at a moment at which it was still what there was to be seen."""
        if self._last is not None:
            now = self._clock()
            again = replace(
                self._last,
                captured_at=datetime.now(UTC) - timedelta(seconds=max(0.0, now - message.captured)),
                captured=now,
                position=message.position,
                keyframe=False,
                fresh=False,
                unchanged=True,
            )
            self._arrive(again, late=True)

    def _outage(self, lasted: float) -> Outage:
        if self.state == "online":
            self.state = "offline"
        trouble = self._trouble or stream_error(
            Trouble.NO_PICTURE if self._connected else Trouble.CONNECTING, self._job.url, lasted
        )
        return Outage(self.name, datetime.now(UTC), lasted, trouble.fault, str(trouble))
