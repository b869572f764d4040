"""A channel's blocking work, in order: what hangs, a disk or a library, holds up neither loop nor exit."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

from streams.beside import begun

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
        done = begun(work, self._name)
        self._busy = done  # type: ignore[assignment]  # a future that is only waited for
        return await asyncio.shield(done)
