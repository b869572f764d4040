"""The picture that goes along with a message, for channels that can carry one."""

from pathlib import Path
from typing import Any


def picture_of(data: dict[str, Any], limit: int) -> tuple[bytes, str]:
    """The JPEG with its boxes, of at most `limit` bytes, and why there is none. Reads a disk: for a thread.

    `data` is the message's. A message without evidence has no picture, and there is nothing to say of it.
    """
    if limit <= 0:
        return b"", ""
    evidence = data.get("evidence") or {}
    path = evidence.get("annotated") or evidence.get("picture")
    if not path:
        return b"", ""
    try:
        with Path(path).open("rb") as file:
            jpeg = file.read(limit + 1)
    except (OSError, ValueError):  # swept meanwhile; ValueError: no path at all
        return b"", "the picture is no longer there"
    if len(jpeg) > limit:
        return b"", f"the picture is larger than {limit / 1000:g} kB"
    return jpeg, ""
