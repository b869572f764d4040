"""Gathers what waits from all streams into small batches, and has them looked at on one device thread."""

import asyncio
import time
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from types import MappingProxyType, TracebackType
from typing import Self, TypeVar, TypeVarTuple

from detectors.detection import Detection, Detector
from detectors.device import limit_threads
from detectors.fair_order import FairOrder
from detectors.panel import Panel
from streams.frame import Frame

_T = TypeVar("_T")
_Arguments = TypeVarTuple("_Arguments")

BATCH = 8  # frames at most: with more, the first would wait longer and the last not less
BATCH_SECONDS = 0.1  # that a batch should take: each of its frames waits for all of them
PAUSE = 0.25  # seconds until a recording's frame is shown again to a detector that said 'not yet'
PATIENCE = 1.0  # seconds that the frame of a recording lets cameras go before


@dataclass(slots=True, eq=False)
class _Wish:
    """A frame that somebody wants judged."""

    frame: Frame
    since: float  # by the clock
    plan: tuple[str, ...]
    answer: asyncio.Future[tuple[Detection, ...]]
    said: dict[str, tuple[Detection, ...]] = field(default_factory=dict)
    resting: bool = False  # a detector said 'not yet'

    @property
    def missing(self) -> list[str]:
        """The detectors that have not looked yet; nobody's, where the answer is given."""
        return [] if self.answer.done() else [name for name in self.plan if name not in self.said]

    def note(self, name: str, said: tuple[Detection, ...]) -> None:
        """What one detector says. The last one completes the answer."""
        self.said[name] = said
        if not self.missing:
            self.grant(tuple(each for name in self.plan for each in self.said[name]))

    def grant(self, said: tuple[Detection, ...]) -> None:
        """Answers, unless nobody waits any more."""
        if not self.answer.done():
            self.answer.set_result(said)

    def fail(self, error: BaseException) -> None:
        """Lets a mistake come out where the frame was handed in."""
        if not self.answer.done():
            self.answer.set_exception(error)


@dataclass(slots=True)
class Effort:
    """What the device has spent on one stream so far."""

    frames: int = 0  # looked at
    seconds: float = 0.0  # of the device; what a batch took together counts in equal parts
    waited: float = 0.0  # seconds that its frames waited for their turn
    dropped_stale: int = 0


def _cameras_first(wishes: Sequence[_Wish], now: float) -> list[str]:
    """The streams to choose from. A recording can wait, and so is in no camera's batch, which it would delay.

    One that has waited for long has a batch of its own, or cameras that fill the device would starve it.
    """
    live = [wish.frame.stream for wish in wishes if wish.frame.live]
    others = [wish for wish in wishes if not wish.frame.live]
    overdue = [wish.frame.stream for wish in others if now - wish.since > PATIENCE]
    return (overdue[:1] or live) if live else [wish.frame.stream for wish in others]


class Examiner:
    """A stream stands at most once in a batch, and its frames are looked at in the order they came.

    `detectors` by name, `plan` (stream: names of its detectors) and `weights` (stream: its share of the turns
    where more wait than a batch holds, 1 if not named) are read for every frame: they may change.
    A frame is answered as soon as its own detectors are done, whatever others of its batch still wait for.
    A live frame older than `stale_after` seconds when its turn comes is dropped and counted.
    """

    def __init__(
        self,
        detectors: Mapping[str, Detector],
        plan: Mapping[str, Sequence[str]],
        stale_after: float,
        clock: Callable[[], float] = time.monotonic,
        weights: Mapping[str, float] = MappingProxyType({}),
    ) -> None:
        self._panel = Panel(detectors, clock)
        self.counts: Counter[str] = self._panel.counts  # also batches, dropped_stale, dropped_closing
        self.efforts: defaultdict[str, Effort] = defaultdict(Effort)  # by stream
        self.seconds: Mapping[str, float] = self._panel.seconds  # spent by each detector
        self.frames: Mapping[str, int] = self._panel.frames  # looked at by each detector
        self._plan = plan
        self._stale_after = stale_after
        self._clock = clock
        self._waiting: deque[_Wish] = deque()
        self._order = FairOrder(weights)
        self._wanted = asyncio.Event()
        self._batch_began: float | None = None
        self._frame_seconds = 0.0  # that a frame took of late
        self._device = ThreadPoolExecutor(1, "device", initializer=limit_threads)
        self._work: asyncio.Task[None] | None = None
        self._closing = False

    @property
    def troubles(self) -> Mapping[str, str]:
        """By detector, why it cannot judge now."""
        return self._panel.troubles

    @property
    def busy_seconds(self) -> float:
        """For how long the device has been at the present batch; 0 when it is idle."""
        began = self._batch_began
        return 0.0 if began is None else self._clock() - began

    async def examine(self, frame: Frame) -> tuple[Detection, ...]:
        """What the stream's detectors say of the frame; () where it was dropped, which is counted.

        A detector's DetectorError is answered with Doubt.DETECTOR_DEGRADED; any other error comes out here.
        """
        if self._closing:
            raise RuntimeError("a frame came to the examiner after it was closed")
        if self._work is None:
            self._work = asyncio.create_task(self._serve(), name="examiner")
        plan = tuple(self._plan.get(frame.stream, ()))
        wish = _Wish(frame, self._clock(), plan, asyncio.get_running_loop().create_future())
        self._waiting.append(wish)
        self._wanted.set()
        return await wish.answer

    async def _serve(self) -> None:
        while not self._closing:
            await self._wanted.wait()
            if batch := self._next_batch():
                self._batch_began = self._clock()
                before = sum(self.seconds.values())
                await self._judge(batch)
                for wish in batch:
                    self.efforts[wish.frame.stream].frames += 1
                took = (sum(self.seconds.values()) - before) / len(batch)
                self._frame_seconds += 0.2 * (took - self._frame_seconds)
                self._batch_began = None
            else:
                self._wanted.clear()

    def _next_batch(self) -> list[_Wish]:
        """The oldest frame of each stream whose turn it is, without stale ones. What is left waits on."""
        first: dict[str, _Wish] = {}  # of each stream
        left: deque[_Wish] = deque()
        now = self._clock()
        for wish in self._waiting:
            frame = wish.frame
            if wish.answer.done():  # whoever waited was cancelled
                continue
            if frame.live and now - frame.captured > self._stale_after:
                self.counts["dropped_stale"] += 1
                self.efforts[frame.stream].dropped_stale += 1
                wish.grant(())
                continue
            left.append(wish)
            first.setdefault(frame.stream, wish)
        ready = _cameras_first([wish for wish in first.values() if not wish.resting], now)
        most = BATCH if not self._frame_seconds else min(BATCH, int(BATCH_SECONDS / self._frame_seconds))
        batch = [first[stream] for stream in self._order.take(ready, max(1, most))]
        for wish in batch:
            self.efforts[wish.frame.stream].waited += now - wish.since
        self._waiting = deque(wish for wish in left if wish not in batch)
        return batch

    async def _judge(self, batch: Sequence[_Wish]) -> None:
        """Each detector in turn looks at those frames of the batch that it is planned for.

        Short plans come first: who waits for quality alone does not wait for what takes longer.
        """
        self.counts["batches"] += 1
        by_length = sorted(batch, key=lambda wish: len(wish.plan))
        for wish in batch:
            if not wish.plan:
                wish.grant(())
        for name in dict.fromkeys(name for wish in by_length for name in wish.plan):
            concerned = [wish for wish in batch if name in wish.missing]
            if not concerned:
                continue
            # Gathered alone only for this: an error is handed on to those concerned, and no other.
            before = self.seconds.get(name, 0.0)
            (said,) = await asyncio.gather(
                self._on_device(self._panel.ask, name, [wish.frame for wish in concerned]),
                return_exceptions=True,
            )
            took = self.seconds.get(name, 0.0) - before
            for wish in concerned:
                self.efforts[wish.frame.stream].seconds += took / len(concerned)
            for place, wish in enumerate(concerned):
                if isinstance(said, BaseException):
                    wish.fail(said)
                elif (answer := said[place]) is None:
                    self._rest(wish)
                else:
                    wish.note(name, answer)

    def _rest(self, wish: _Wish) -> None:
        """Puts a wish back to the front, to be taken up again after a pause; its stream waits with it."""
        if not wish.resting:
            wish.resting = True
            self._waiting.appendleft(wish)
            asyncio.get_running_loop().call_later(PAUSE, self._wake, wish)

    def _wake(self, wish: _Wish) -> None:
        wish.resting = False
        self._wanted.set()

    async def forget(self, stream: str) -> None:
        """Has every detector drop what it remembers of a stream."""
        self._order.forget(stream)
        self.efforts.pop(stream, None)
        await self._on_device(self._panel.forget, stream)

    async def close(self) -> None:
        """Ends the batch at hand, drops what waits, closes the detectors. May be called twice."""
        if self._closing:
            return
        self._closing = True
        self._wanted.set()
        if self._work is not None:
            await asyncio.wait([self._work])
        for wish in self._waiting:
            self.counts["dropped_closing"] += 1
            wish.grant(())
        self._waiting.clear()
        await self._on_device(self._panel.close)
        self._device.shutdown()

    def _on_device(self, work: Callable[[*_Arguments], _T], *arguments: *_Arguments) -> asyncio.Future[_T]:
        return asyncio.get_running_loop().run_in_executor(self._device, work, *arguments)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()
