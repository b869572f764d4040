"""An event loop whose time jumps to whatever is due next: hours pass in seconds, in the same order."""

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class _Impatient(selectors.DefaultSelector):
    """Does not wait: what nothing is ready for, the clock is put forward by."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1000.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """What is ready; where nothing is, the time that was to be waited has passed."""
        ready = super().select(0)
        if not ready:
            if timeout is None:  # only something outside could wake us
                return super().select(0.01)
            self.now += timeout
        return ready


class _HurriedLoop(asyncio.SelectorEventLoop):
    def __init__(self, selector: _Impatient) -> None:
        super().__init__(selector)
        self._impatient = selector

    def time(self) -> float:
        """Seconds, that pass by themselves only while something is waited for."""
        return self._impatient.now


def hurried(main: Callable[[Callable[[], float]], Coroutine[Any, Any, T]]) -> T:
    """Runs `main(clock)` in such a loop. All that it waits for must happen in the loop, or be time."""
    selector = _Impatient()
    with asyncio.Runner(loop_factory=lambda: _HurriedLoop(selector)) as runner:
        return runner.run(main(lambda: selector.now))
