"""Which of a stream's packets are decoded: all, keyframes alone, or what the gate says.

A way of reading yields, in the order of time, pictures, packets that can be decoded by themselves where
somebody wants them, and packets whose pictures look like the last one did; None stands for what could not be
decoded.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Literal

from av.video.codeccontext import VideoCodecContext
from av.video.stream import VideoStream

from streams.gated import Gated
from streams.steps import Alone, Seen, Step, Video, decoded

Way = Literal["all", "keyframes", "gated"]


def read(
    way: Way, packets: Iterable[tuple[Video, float]], stream: VideoStream, counts: Counter[str], live: bool
) -> Iterator[Step]:
    """Goes through a stream's packets, each with the time it came at. Passes on what `packets` raises."""
    codec = stream.codec_context
    if codec.codec.intra_only:
        return _alone(packets)
    match way:
        case "all":
            return _all(packets, codec, counts)
        case "keyframes":
            return _alone((packet, at) for packet, at in packets if packet.is_keyframe)
        case "gated":
            return iter(Gated(packets, codec, counts, live))


def _all(
    packets: Iterable[tuple[Video, float]], codec: VideoCodecContext, counts: Counter[str]
) -> Iterator[Step]:
    for packet, arrived in packets:
        for picture in decoded(codec, packet, counts):
            yield None if picture is None else Seen(picture, arrived)


def _alone(packets: Iterable[tuple[Video, float]]) -> Iterator[Step]:
    for packet, arrived in packets:
        if packet.size:
            yield Alone(packet, arrived)
