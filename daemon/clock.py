"""How commands show times, by this machine's clock with its zone, and how long something took."""

from datetime import datetime


def clock(at: datetime) -> str:
    """Such as '2026-11-23 18:00:05 CET'. `at` has a zone."""
    return f"{at.astimezone():%Y-%m-%d %H:%M:%S %Z}"


def so_long(seconds: float) -> str:
    """Such as '3 d', '5 h', '12 min', '42 s', '2.6 s'."""
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{max(0.0, seconds):.1f} s" if seconds < 10 else f"{seconds:.0f} s"
