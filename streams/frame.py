"""What a source hands over: a Frame, or an Outage where there is none."""

from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class StreamFault(StrEnum):
    """Why there is no picture, in one word that metrics and messages share."""

    REFUSED = "refused"
    UNREACHABLE = "unreachable"
    UNAUTHORIZED = "unauthorized"
    NOT_FOUND = "not_found"
    SILENT = "silent"  # opened or connected, then nothing came in time
    ENDED = "ended"  # a live source said goodbye, or its server was killed
    NOT_VIDEO = "not_video"
    UNREADABLE = "unreadable"  # a recording that cannot be opened: empty, truncated, no permission
    CRASHED = "crashed"  # the decoding child died or was killed


class StreamError(Exception):
    """A source that cannot go on. `fault` is for machines; the text is for people, without credentials."""

    def __init__(self, fault: StreamFault, text: str, trouble: str = "") -> None:
        """`trouble`: in one word, finer than the fault, where a decoding child met it."""
        super().__init__(text)
        self.fault = fault
        self.trouble = trouble


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One sampled picture on its way through the house."""

    stream: str
    number: int  # counts the frames handed over by this source, from 0
    picture: NDArray[np.uint8]  # (H, W, 3) BGR, read-only, at most the width that the detectors asked for
    captured_at: datetime  # UTC; of a recording: when it was most likely filmed, see filmed.py
    captured: float  # time.monotonic() at decoding, seconds: age is measured from here
    position: float  # seconds since the first frame of this connection or recording
    live: bool
    keyframe: bool = False
    damaged: bool = False  # the decoder saw errors in this picture
    fresh: bool = False  # first after (re)connecting or after a change of size: nothing before it compares
    unchanged: bool = False  # not decoded: the packets, and the next keyframe, say that it looks as before


@dataclass(frozen=True, slots=True)
class Outage:
    """There is no picture now. Repeated about once a second for as long as it lasts."""

    stream: str
    at: datetime  # UTC
    lasted: float  # seconds since the last picture, or since the start if there never was one
    fault: StreamFault
    text: str  # what happened, where, what to do; without credentials


class Source(Protocol):
    """Where frames come from. Reconnecting is hidden in the iterator: a live source never ends by itself."""

    name: str
    counts: Counter[str]  # frames decoded, delivered, dropped by reason; connection attempts by outcome
    state: str  # connecting, online, offline, ended

    def sights(self) -> AsyncIterator[Frame | Outage]:
        """Yields until closed (live) or read to the end (recording).

        Raises StreamError only for a recording that cannot be read: a live source yields an Outage instead.
        """
        ...

    async def close(self) -> None:
        """Ends the iterator and the child behind it. May be called twice."""
        ...
