"""What comes of a stream's packets, one by one: pictures, and packets of which none was made, or not yet."""

from __future__ import annotations  # Packet takes its type only where it is checked

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

import av.error
from av.packet import Packet
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

Video: TypeAlias = "Packet[VideoStream]"


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """A picture, and when its packet came, in seconds."""

    picture: VideoFrame
    arrived: float
    wanted: bool = False  # to be handed over, whether or not one is due: it stands for what follows


@dataclass(frozen=True, slots=True, eq=False)
class Alone:
    """A packet that needs no other one to be decoded: `decoded_alone` does it."""

    packet: Video
    arrived: float


@dataclass(frozen=True, slots=True)
class Unseen:
    """A picture that was not decoded, because it looks like the one before."""

    stamp: float | None  # seconds by the stream's own clock
    arrived: float


Step = Seen | Alone | Unseen | None


def stamp_of(packet: Video) -> float | None:
    """When a packet's picture is shown, in seconds by the stream's clock."""
    if packet.pts is None or packet.time_base is None:
        return None
    return float(packet.pts * packet.time_base)


def decoded_alone(packet: Video, counts: Counter[str]) -> VideoFrame | None:
    """The picture of a keyframe, without waiting for what follows it; None where it cannot be decoded."""
    codec = packet.stream.codec_context
    try:
        pictures = codec.decode(packet)
        if not codec.codec.intra_only:
            pictures += codec.decode(None)
            codec.flush_buffers()
    except av.error.MemoryError:
        raise
    except av.error.FFmpegError:
        codec.flush_buffers()
        pictures = []
    if not pictures:
        counts["damaged"] += 1
        return None
    picture = pictures[-1]
    picture.time_base = packet.time_base  # which a drained picture lacks
    return picture


def decoded(
    codec: VideoCodecContext, packet: Video | None, counts: Counter[str]
) -> Iterator[VideoFrame | None]:
    """The pictures that a packet completes; of no packet, those that the decoder still holds back.

    None where something cannot be decoded, which is counted.
    """
    try:
        yield from codec.decode(packet)
    except av.error.MemoryError:
        raise
    except av.error.FFmpegError:
        counts["damaged"] += 1
        yield None
