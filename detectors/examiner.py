"""Gathers what waits from all streams into small batches, and has them looked at on one device thread."""

import asyncio
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from types import TracebackType
from typing import Self, TypeVar, TypeVarTuple

from detectors.detection import Detection, Detector
from detectors.device import limit_threads
from detectors.panel import Panel
from streams.frame import Frame

_T = TypeVar("_T")
_Arguments = TypeVarTuple("_Arguments")

BATCH = 8  # frames at most: with more, the first would wait longer and the last not less


@dataclass(frozen=True, slots=True, eq=False)
class _Wish:
    """A frame that somebody wants judged."""

    frame: Frame
    answer: asyncio.Future[tuple[Detection, ...]]

    def grant(self, said: tuple[Detection, ...]) -> None:
        """Answers, unless nobody waits any more."""
        if not self.answer.done():
            self.answer.set_result(said)

    def fail(self, error: BaseException) -> None:
        """Lets a mistake come out where the frame was handed in."""
        if not self.answer.done():
            self.answer.set_exception(error)


class Examiner:
    """A stream stands at most once in a batch, and its frames are looked at in the order they came.

    `detectors` by name and `plan` (stream: names of its detectors) are read for every batch: they may change.
    A live frame older than `stale_after` seconds when its turn comes is dropped and counted.
    """

    def __init__(
        self,
        detectors: Mapping[str, Detector],
        plan: Mapping[str, Sequence[str]],
        stale_after: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._panel = Panel(detectors, clock)
        self.counts: Counter[str] = self._panel.counts  # also batches, dropped_stale, dropped_closing
        self.seconds: Mapping[str, float] = self._panel.seconds  # spent by each detector
        self.frames: Mapping[str, int] = self._panel.frames  # looked at by each detector
        self._plan = plan
        self._stale_after = stale_after
        self._clock = clock
        self._waiting: deque[_Wish] = deque()
        self._wanted = asyncio.Event()
        self._batch_began: float | None = None
        self._device = ThreadPoolExecutor(1, "device", initializer=limit_threads)
        self._work: asyncio.Task[None] | None = None
        self._closing = False

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
        wish = _Wish(frame, asyncio.get_running_loop().create_future())
        self._waiting.append(wish)
        self._wanted.set()
        return await wish.answer

    async def _serve(self) -> None:
        while not self._closing:
            await self._wanted.wait()
            if batch := self._next_batch():
                self._batch_began = self._clock()
                await self._judge(batch)
                self._batch_began = None
            else:
                self._wanted.clear()

    def _next_batch(self) -> list[_Wish]:
        """The oldest frame of each stream, without stale ones. What is left waits on, in its order."""
        batch: dict[str, _Wish] = {}
        left: deque[_Wish] = deque()
        for wish in self._waiting:
            frame = wish.frame
            if wish.answer.done():  # whoever waited was cancelled
                continue
            if frame.live and self._clock() - frame.captured > self._stale_after:
                self.counts["dropped_stale"] += 1
                wish.grant(())
            elif frame.stream in batch or len(batch) == BATCH:
                left.append(wish)
            else:
                batch[frame.stream] = wish
        self._waiting = left
        return list(batch.values())

    async def _judge(self, batch: Sequence[_Wish]) -> None:
        """Each detector in turn looks at those frames of the batch that it is planned for."""
        self.counts["batches"] += 1
        plans = {wish: tuple(self._plan.get(wish.frame.stream, ())) for wish in batch}
        answers: dict[_Wish, tuple[Detection, ...]] = dict.fromkeys(batch, ())
        for name in dict.fromkeys(name for plan in plans.values() for name in plan):
            concerned = [wish for wish in batch if name in plans[wish]]
            # Gathered alone only for this: an error is handed on to those concerned, and no other.
            (said,) = await asyncio.gather(
                self._on_device(self._panel.ask, name, [wish.frame for wish in concerned]),
                return_exceptions=True,
            )
            for place, wish in enumerate(concerned):
                if isinstance(said, BaseException):
                    wish.fail(said)
                else:
                    answers[wish] += said[place]
        for wish, answer in answers.items():
            wish.grant(answer)

    async def forget(self, stream: str) -> None:
        """Has every detector drop what it remembers of a stream."""
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
