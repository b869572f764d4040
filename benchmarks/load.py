"""What else kept the machine busy while something was measured: a figure without it says little."""

import os
import time

import psutil


class Load:
    """Counts from when it is made."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._all = _busy_seconds()
        self._own = _own_seconds()

    def in_words(self) -> str:
        """How many cores this program and its children used on average, and how many all others did."""
        lasted = time.monotonic() - self._began
        own = (_own_seconds() - self._own) / lasted
        others = max(0.0, (_busy_seconds() - self._all) / lasted - own)
        return (
            f"{os.cpu_count()} cores: {own:.2f} of them busy for this program, {others:.2f} for others; "
            f"load average {os.getloadavg()[0]:.1f}"
        )


def _busy_seconds() -> float:
    times = psutil.cpu_times()
    return float(sum(times) - times.idle - times.iowait - times.guest - times.guest_nice)


def _own_seconds() -> float:
    """Of children that ended meanwhile, too, once they were waited for."""
    me = psutil.Process()
    times = [process.cpu_times() for process in (me, *me.children(recursive=True))]
    return float(sum(t.user + t.system + t.children_user + t.children_system for t in times))
