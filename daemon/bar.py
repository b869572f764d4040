"""How far long work is, on a terminal; nothing elsewhere."""

import asyncio
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self, TypeVar

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

Tell = Callable[[str, float], None]  # what is done now, and the share 0..1 of it that is done
T = TypeVar("T")


class _NobodyWaitsError(Exception):
    """Whoever asked for the work has gone."""


class Bar:
    """Shown while it is open."""

    def __init__(self, console: Console) -> None:
        columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
        self._progress = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
        self._task = self._progress.add_task("", total=1.0)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def tell(self, what: str, share: float) -> None:
        """What is done now, and the share 0..1 of it that is done."""
        self._progress.update(self._task, description=what, completed=share)


async def told(work: Callable[[Tell], T]) -> T:
    """What `work` returns, done in a thread with a bar. When it is cancelled, what it tells next ends it."""
    gone = threading.Event()
    with Bar(Console(stderr=True)) as bar:

        def tell(what: str, share: float) -> None:
            if gone.is_set():
                raise _NobodyWaitsError
            bar.tell(what, share)

        try:
            return await asyncio.to_thread(work, tell)
        except asyncio.CancelledError:
            gone.set()
            raise
