"""Blocking work beside the event loop: a disk or a library that hangs holds up neither it nor an exit."""

import asyncio
import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


class Aside:
    """Does one piece of work at a time, in order, each on a thread that ends with the process."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._busy: asyncio.Future[object] | None = None

    async def run(self, work: Callable[[], T]) -> T:
        """Waits for what was begun before, also for what was given up; then does `work`.

        Whoever is cancelled does not know whether it was done.
        """
        while self._busy is not None and not self._busy.done():
            await asyncio.wait([self._busy])
        loop = asyncio.get_running_loop()
        done: asyncio.Future[T] = loop.create_future()
        done.add_done_callback(_retrieve)
        self._busy = done  # type: ignore[assignment]  # a future that is only waited for
        thread = threading.Thread(target=_do, args=(work, loop, done), name=self._name, daemon=True)
        thread.start()
        return await asyncio.shield(done)


def _do(work: Callable[[], T], loop: asyncio.AbstractEventLoop, done: asyncio.Future[T]) -> None:
    try:
        result = work()
    except BaseException as error:  # noqa: BLE001 - it is raised where it is waited for
        tell: Callable[[], None] = lambda error=error: done.set_exception(error)  # type: ignore[misc]  # noqa: E731
    else:
        tell = lambda: done.set_result(result)  # noqa: E731
    if not loop.is_closed():
        loop.call_soon_threadsafe(tell)


def _retrieve(done: asyncio.Future[T]) -> None:
    """What nobody waits for any more is no news."""
    if not done.cancelled():
        done.exception()
