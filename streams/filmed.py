"""When a recording was most likely filmed: the same at every reading, so that its alerts are the same."""

from datetime import UTC, datetime, timedelta

LATEST = 1e10  # seconds since 1970: the year 2286
_OLDEST = datetime(2001, 1, 1, tzinfo=UTC)  # clocks that were never set begin in 1904, 1970, 1980 or 2000
_ZONES = timedelta(days=1)  # some cameras write their local time where UTC belongs


def filmed_at(created: str | None, modified: float, duration: float) -> float:
    """When the first picture was taken, in seconds since 1970, from 0 to LATEST.

    `created` is what the file says of itself in ISO 8601, `modified` when it was written, in seconds since
    1970, and `duration` is in seconds, 0 where unknown. A file is believed unless its time is one that a
    clock has before it is set, or lies after the writing. Else its last picture was taken at the writing.
    """
    said = _moment(created)
    written = min(max(modified, 0.0), LATEST)
    at_most = written + _ZONES.total_seconds() if written >= _OLDEST.timestamp() else LATEST
    if said is not None and _OLDEST.timestamp() <= said <= at_most:
        return said
    return max(written - duration, 0.0)


def _moment(text: str | None) -> float | None:
    try:
        moment = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
