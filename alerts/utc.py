"""Universal time: what it is now, and how messages and pages write it."""

from datetime import UTC, datetime


def utc_now() -> datetime:
    """The clock on the wall."""
    return datetime.now(UTC)


def stamp(at: datetime) -> str:
    """ISO 8601 with milliseconds and Z. Raises ValueError for a time without a zone: a mistake of ours."""
    if at.tzinfo is None:
        raise ValueError(f"{at} has no time zone")
    zulu = at if at.tzinfo is UTC else at.astimezone(UTC)
    return zulu.isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"
