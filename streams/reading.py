"""Which of a stream's packets are decoded: all, keyframes alone, or what the gate says.

A way of reading yields, in the order of time, pictures, packets that can be decoded by themselves where
somebody wants them, and packets whose pictures look like the last one did; None stands for what could not be
decoded.
"""

from __future__ import annotations  # Packet takes its type only where it is checked

from collections import Counter, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, TypeAlias

import av.error
from av.packet import Packet
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from streams.gate import Gate
from streams.glance import Glance, Glimpse
from streams.opening import Mishap
from streams.rank import LOOKED_AT, rank_of

CATCH_UP = (
    8  # packets that were kept back are decoded for each that arrives: the next ones must not wait long
)
KEPT = 12_000_000  # bytes that a group may take while it is kept back
LOOK_EVERY = 0.35  # seconds between two looks at what an open gate lets through,
LOOK_AGAIN = 0.9  # and after one that found something
LOOK_BACK = 2.0  # seconds to the picture that is compared with: slow things have moved by then
LEAD = 1.0  # seconds by which pictures may be shown before their keyframe
Way = Literal["all", "keyframes", "gated"]
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


def _all(
    packets: Iterable[tuple[Video, float]], codec: VideoCodecContext, counts: Counter[str]
) -> Iterator[Step]:
    for packet, arrived in packets:
        for picture in _decoded(codec, packet, counts):
            yield None if picture is None else Seen(picture, arrived)


def _alone(packets: Iterable[tuple[Video, float]]) -> Iterator[Step]:
    for packet, arrived in packets:
        if packet.size:
            yield Alone(packet, arrived)


def _decoded(
    codec: VideoCodecContext, packet: Video | None, counts: Counter[str]
) -> Iterator[VideoFrame | None]:
    try:
        yield from codec.decode(packet)
    except av.error.MemoryError:
        raise
    except av.error.FFmpegError:
        counts["damaged"] += 1
        yield None


def _leads(stamp: float, keyframe: float) -> bool:
    """Whether a picture is its keyframe, or shown before it; where the clock jumped it is neither."""
    return 0 <= keyframe - stamp < LEAD


class Gated:
    """Decodes keyframes, keeps the packets between them, and decodes these at once where the gate opens."""

    def __init__(
        self,
        packets: Iterable[tuple[Video, float]],
        codec: VideoCodecContext,
        counts: Counter[str],
        live: bool,
    ) -> None:
        self._packets = packets
        self._codec = codec
        self._counts = counts
        self._hurry = CATCH_UP if live else 1_000_000  # a recording is not kept waiting
        self._gate = Gate(counts)
        self._glance = Glance()
        self._group: list[tuple[Video, float]] = []  # of a closed gate, from its keyframe on
        self._bytes = 0
        self._glimpse: Glimpse = b""  # of that keyframe
        self._pending: deque[tuple[Video, float]] = deque()  # to be decoded, of an open gate
        self._shown: float | None = None  # stamp of the keyframe that was handed over before
        self._arrivals: dict[int, float] = {}  # by pts
        self._last = 0.0  # of them
        self._time_base: Fraction | None = None
        self._look_after = LOOK_EVERY
        self._looks: deque[tuple[float, Glimpse]] = deque()  # of the last LOOK_BACK seconds

    def __iter__(self) -> Iterator[Step]:
        end: Mishap | None = None
        packets = iter(self._packets)
        while True:
            try:
                packet, arrived = next(packets)
            except StopIteration:
                break
            except Mishap as mishap:  # what was kept is shown first
                end = mishap
                break
            if not packet.size:
                continue
            if self._gate.open:
                yield from self._on(packet, arrived)
            else:
                yield from self._off(packet, arrived)
        if not self._gate.open:
            self._gate.opens("other")
            self._let_through()
        while self._pending:
            yield from self._next()
        yield from self._drained()
        if end:
            raise end

    def _on(self, packet: Video, arrived: float) -> Iterator[Step]:
        """One more packet, while the gate is open."""
        if packet.is_keyframe:
            self._gate.keyframe(arrived)
            if self._gate.may_close and not self._pending:
                yield from self._drained()
                if picture := decoded_alone(packet, self._counts):
                    self._gate.close()
                    self._begin(packet, arrived, picture)
                    yield Seen(picture, arrived, wanted=True)
                    return
                yield None
        else:
            self._gate.packet(packet.size, self._rank(packet), arrived)
        self._pending.append((packet, arrived))
        yield from self._some()

    def _off(self, packet: Video, arrived: float) -> Iterator[Step]:
        """One more packet, while the gate is closed."""
        if not packet.is_keyframe:
            self._keep(packet, arrived)
            self._gate.packet(packet.size, self._rank(packet), arrived)
            if self._bytes > KEPT and not self._gate.open:
                self._gate.opens("other")
            if self._gate.open:
                self._let_through()
                yield from self._some()
            return
        check = self._gate.keyframe(arrived)
        picture = decoded_alone(packet, self._counts)
        now = self._glance.at(picture) if picture else b""
        if picture is None or check or self._glance.differs(now, self._glimpse):
            self._keep(packet, arrived)
            self._gate.opens("other" if picture is None else "shadow" if check else "picture")
            self._let_through()
            yield from self._some()
            return
        self._gate.passed()
        yield from self._unseen()
        self._begin(packet, arrived, picture)
        yield Seen(picture, arrived, wanted=True)

    def _unseen(self) -> Iterator[Unseen]:
        """The kept pictures behind the keyframe, in the order in which they would be shown."""
        (first, _), *others = self._group
        stamps, times, begin = (
            [stamp_of(each) for each, _ in others],
            [at for _, at in others],
            stamp_of(first),
        )
        known = [stamp for stamp in stamps if stamp is not None]
        if begin is not None and len(known) == len(stamps):  # they come in the order of decoding
            stamps = [*sorted(stamp for stamp in known if not _leads(stamp, begin))]
        for stamp, at in zip(stamps, times, strict=False):
            yield Unseen(stamp, at)

    def _rank(self, packet: Video) -> int:
        return rank_of(bytes(memoryview(packet)[:LOOKED_AT]), self._codec.name)

    def _begin(self, packet: Video, arrived: float, picture: VideoFrame) -> None:
        self._group, self._bytes = [], 0
        self._keep(packet, arrived)
        self._glimpse = self._glance.at(picture)

    def _keep(self, packet: Video, arrived: float) -> None:
        self._group.append((packet, arrived))
        self._bytes += packet.size

    def _let_through(self) -> None:
        """All that was kept is decoded, from its keyframe on, which was handed over before."""
        first, arrived = self._group[0]
        self._pending.extend(self._group)
        self._group, self._bytes = [], 0
        self._shown = stamp_of(first)
        self._arrivals.clear()
        self._looks.clear()
        self._looks.append((arrived, self._glimpse))

    def _some(self) -> Iterator[Step]:
        for _ in range(min(self._hurry, len(self._pending))):
            yield from self._next()

    def _next(self) -> Iterator[Step]:
        packet, arrived = self._pending.popleft()
        self._last, self._time_base = arrived, packet.time_base
        if packet.pts is not None:
            if len(self._arrivals) > 1000:  # no picture ever came out of these
                self._arrivals.clear()
            self._arrivals[packet.pts] = arrived
        yield from self._shows(_decoded(self._codec, packet, self._counts), arrived)

    def _drained(self) -> Iterator[Step]:
        """What the decoder holds back."""
        yield from self._shows(_decoded(self._codec, None, self._counts), self._last)
        self._codec.flush_buffers()
        self._shown = None

    def _shows(self, pictures: Iterator[VideoFrame | None], arrived: float) -> Iterator[Step]:
        for picture in pictures:
            if picture is None:
                yield None
                continue
            picture.time_base = self._time_base  # which a drained picture lacks
            at = arrived if picture.pts is None else self._arrivals.pop(picture.pts, arrived)
            if self._shown is not None and picture.time is not None and _leads(picture.time, self._shown):
                continue
            self._look(picture, at)
            yield Seen(picture, at)

    def _look(self, picture: VideoFrame, at: float) -> None:
        if self._looks and 0 <= at - self._looks[-1][0] < self._look_after:
            return
        now = self._glance.at(picture)
        while len(self._looks) > 1 and self._looks[1][0] <= at - LOOK_BACK:
            self._looks.popleft()
        if self._looks:
            changed = self._glance.differs(now, self._looks[0][1])
            self._look_after = LOOK_AGAIN if changed else LOOK_EVERY
            self._gate.looked(changed, at)
        self._looks.append((at, now))
