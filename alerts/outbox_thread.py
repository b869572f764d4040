"""The outbox's own thread: gathers what is asked for, does it in few transactions, tells those who wait."""

import asyncio
import queue
import sqlite3
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from alerts.outbox_file import OutboxFile, Work
from alerts.outbox_opening import OutboxError
from alerts.outbox_put import Put, Waiting, put_all

T = TypeVar("T")

GROUP: Final = 1_000  # requests that share a transaction; no more are gathered then
TOGETHER: Final = 16  # requests that are handed over to the thread together, at most: each time wakes it
LOOK_EVERY: Final = 1.0  # seconds between two looks at what another program did, where nothing comes in


@dataclass(frozen=True, slots=True)
class Request:
    """Something to do in the next transaction, and who waits for it."""

    what: Work | Put
    answer: asyncio.Future[Any]


class OutboxThread:
    """Called on the event loop, but for what stands below the line."""

    def __init__(
        self,
        file: OutboxFile,
        idle: float,
        stored: Callable[[Sequence[Waiting]], None],
        changed: Callable[[], None],
    ) -> None:
        """`idle`: seconds between two looks while the disk refuses. Called on the loop: `stored`, with what
        was put and is on disk, in order, before anybody is answered; `changed`, where another program did
        something to the file."""
        self._file = file
        self._idle = idle
        self._stored = stored
        self._changed = changed
        self._asking: list[Request] = []  # to be handed over together
        self._requests: queue.SimpleQueue[list[Request] | None] = queue.SimpleQueue()
        self._asked: set[asyncio.Future[Any]] = set()
        self._thread: threading.Thread | None = None
        self._death: BaseException | None = None  # what ended the thread: a mistake of ours

    def start(self) -> None:
        """The file is open."""
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._work, name="outbox", daemon=True)
        self._thread.start()

    async def end(self) -> None:
        """Finishes what was asked for, and closes the file."""
        thread, self._thread = self._thread, None
        if thread:
            self._file.hurry()
            self._hand_over()
            self._requests.put(None)
            await asyncio.to_thread(thread.join)

    def ask(self, work: Callable[[sqlite3.Connection], T]) -> asyncio.Future[T]:
        """What it returned, or raises what it raised. Outlives the daemon, but not a power cut."""
        return self._request(work)

    def put(self, put: Put) -> asyncio.Future[Waiting]:
        """Done once it is on disk."""
        return self._request(put)

    def _request(self, what: Work | Put) -> asyncio.Future[Any]:
        if self._thread is None:
            raise RuntimeError("the outbox is not open")
        answer: asyncio.Future[Any] = self._loop.create_future()
        self._asked.add(answer)
        if self._death:
            self._tell_death(self._death)
        if not self._asking:
            self._loop.call_soon(self._hand_over)
        self._asking.append(Request(what, answer))
        if len(self._asking) == TOGETHER:
            self._hand_over()
        return answer

    def _hand_over(self) -> None:
        """What was asked for while the loop went round once, or as much of it as keeps the thread busy."""
        requests, self._asking = self._asking, []
        if requests:
            self._requests.put(requests)

    def _answer(self, requests: Sequence[Request], outcomes: Sequence[Any]) -> None:
        if stored := [each for each in outcomes if isinstance(each, Waiting)]:
            self._stored(stored)
        for request, outcome in zip(requests, outcomes, strict=True):
            self._asked.discard(request.answer)
            if request.answer.done():  # whoever asked was cancelled
                continue
            if isinstance(outcome, Exception):
                request.answer.set_exception(outcome)
            else:
                request.answer.set_result(outcome)

    def _tell_death(self, death: BaseException) -> None:
        """Nobody waits for a thread that is no more."""
        self._death = death
        for answer in self._asked:
            if not answer.done():
                answer.set_exception(RuntimeError(f"the outbox's thread died of {death!r}"))

    # ---- on the thread

    def _work(self) -> None:
        stopping = False
        try:
            while not stopping:
                requests, stopping = self._gather()
                self._file.back_to_disk()
                # What deliveries ask and mark need not wait for the fsync of what others put.
                self._serve([each for each in requests if not isinstance(each.what, Put)], self._do)
                self._serve([each for each in requests if isinstance(each.what, Put)], self._put_all)
                if not requests and self._file.look():
                    self._call(self._changed)
            self._file.close()
        except BaseException as death:
            self._call(self._tell_death, death)
            raise

    def _gather(self) -> tuple[list[Request], bool]:
        """What waits now (after a while nothing, as the disk wants a look), and if it is time to stop."""
        requests: list[Request] = []
        try:
            more = self._requests.get(timeout=LOOK_EVERY if self._file.durable else self._idle)
            while more is not None:
                requests += more
                if len(requests) >= GROUP:
                    return requests, False
                more = self._requests.get_nowait()
        except queue.Empty:
            return requests, False
        return requests, True

    def _serve(self, requests: Sequence[Request], do: Callable[[list[Any]], list[Any]]) -> None:
        """Does all of them in one transaction."""
        if not requests:
            return
        outcomes: list[Any]
        try:
            outcomes = do([each.what for each in requests])
        except OutboxError as error:
            outcomes = [error] * len(requests)
        self._call(self._answer, requests, outcomes)

    def _do(self, works: list[Work]) -> list[Any]:
        return self._file.transact(works, through_power_cuts=False)

    def _put_all(self, puts: list[Put]) -> list[Any]:
        def work(connection: sqlite3.Connection) -> list[Waiting | Exception]:
            return put_all(connection, puts, self._file.clock.now())

        (outcome,) = self._file.transact([work], through_power_cuts=True)
        return [outcome] * len(puts) if isinstance(outcome, Exception) else list(outcome)

    def _call(self, what: Callable[..., None], *arguments: object) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(what, *arguments)
