"""How long to wait before a camera is tried again: growing, jittered, capped."""

import random
from collections.abc import Iterator


def delays(first: float = 0.4, factor: float = 1.25, longest: float = 30.0) -> Iterator[float]:
    """Endless waits in seconds. Each is drawn from the upper half of its step: many cameras behind one
    switch that comes back are not all asked at the same moment, and none is asked in a tight loop. A step is
    about a third of all that was waited before: who was away for long may wait as much longer."""
    step = first
    while True:
        yield random.uniform(step / 2, step)
        step = min(step * factor, longest)
