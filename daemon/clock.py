"""How commands show a time: by this machine's clock, with its zone."""

from datetime import datetime


def clock(at: datetime) -> str:
    """Such as '2026-11-23 18:00:05 CET'. `at` has a zone."""
    return f"{at.astimezone():%Y-%m-%d %H:%M:%S %Z}"
