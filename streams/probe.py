"""A look at one source: what it is, how fast it comes, and how long it takes to show a picture."""

import time
from collections import Counter
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from config.settings import StreamSettings
from streams.child import Child, job_for
from streams.fault import stream_error
from streams.frame import StreamError
from streams.message import Picture, StreamInfo, Trouble
from streams.source import is_live

EVERY_PICTURE = 1000.0  # pictures a second: more than any source has
SMALL = 32  # pixels wide: enough to look at times


@dataclass(frozen=True, slots=True, eq=False)
class ProbeReport:
    """What a source turned out to be. Seconds, pixels, bits a second; None where it could not be known."""

    live: bool
    container: str
    codec: str
    profile: str | None
    transport: str | None  # tcp or udp for RTSP
    width: int
    height: int
    nominal_fps: float | None  # as the source says
    measured_fps: float | None
    keyframe_interval: float | None
    bitrate: float | None
    duration: float | None
    open_seconds: float
    first_picture_seconds: float
    damaged: int  # pictures and packets with errors
    picture: NDArray[np.uint8]  # (H, W, 3) BGR: the last one that was seen


async def probe(settings: StreamSettings, seconds: float = 5, width: int = SMALL) -> ProbeReport:
    """Watches a camera for `seconds`, or reads as much of a recording; `width`: of the picture, at most.

    Raises StreamError with the sentence that a stream's outage would carry.
    """
    live = is_live(settings.url)
    counts: Counter[str] = Counter()
    job = replace(job_for(settings, live=live, sample_fps=EVERY_PICTURE, width=width), decode="all")
    info: StreamInfo | None = None
    pictures: list[Picture] = []
    seen: NDArray[np.uint8] | None = None
    asked = time.monotonic()
    opened = first = asked
    async with Child(job, counts) as child:
        try:
            async for message in child.messages():
                now = time.monotonic()
                if isinstance(message, StreamInfo):
                    opened = opened if info else now
                    info = message
                    continue
                if not isinstance(message, Picture):  # a clip, which nobody asks for here
                    continue
                seen = child.take(message)
                pictures.append(message)
                if len(pictures) == 1:
                    first = now
                    counts["bytes"] = counts["packets"] = 0
                if message.position >= seconds or (live and now - first >= seconds):
                    break
        except StreamError:
            if len(pictures) < 2:
                raise
    if info is None or seen is None:
        raise stream_error(Trouble.NO_PICTURES, settings.url)
    return _report(live, info, pictures, seen, counts, opened - asked, first - asked)


def _report(
    live: bool,
    info: StreamInfo,
    pictures: list[Picture],
    seen: NDArray[np.uint8],
    counts: Counter[str],
    open_seconds: float,
    first_picture_seconds: float,
) -> ProbeReport:
    span = pictures[-1].position - pictures[0].position
    keys = [picture.position for picture in pictures if picture.keyframe and picture.position > 0]
    keys = [pictures[0].position, *keys] if pictures[0].keyframe else keys
    return ProbeReport(
        live=live,
        container=info.container,
        codec=info.codec,
        profile=info.profile or None,
        transport=info.transport or None,
        width=info.width,
        height=info.height,
        nominal_fps=info.fps or None,
        measured_fps=(len(pictures) - 1) / span if span else None,
        keyframe_interval=(keys[-1] - keys[0]) / (len(keys) - 1) if len(keys) > 1 else None,
        bitrate=8 * counts["bytes"] / span if span else None,
        duration=info.duration or None,
        open_seconds=open_seconds,
        first_picture_seconds=first_picture_seconds,
        damaged=counts["damaged"],
        picture=seen,
    )
