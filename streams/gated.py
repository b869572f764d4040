"""The way of reading that decodes what the gate lets through, and of the rest keyframes alone."""

from collections import Counter, deque
from collections.abc import Iterable, Iterator
from fractions import Fraction

from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame

from streams.gate import Gate
from streams.glance import Glance, Glimpse
from streams.opening import Mishap
from streams.rank import LOOKED_AT, rank_of
from streams.steps import Seen, Step, Unseen, Video, decoded, decoded_alone, stamp_of

CATCH_UP = 8  # kept packets are decoded for each that arrives: the next ones must not wait long
KEPT = 12_000_000  # bytes that a group may take while it is kept back
LOOK_EVERY = 0.35  # seconds between two looks at what an open gate lets through,
LOOK_AGAIN = 0.9  # and after one that found something
LOOK_BACK = 2.0  # seconds to the picture that is compared with: slow things have moved by then
LEAD = 1.0  # seconds by which pictures may be shown before their keyframe


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
        yield from self._shows(decoded(self._codec, packet, self._counts), arrived)

    def _drained(self) -> Iterator[Step]:
        """What the decoder holds back."""
        yield from self._shows(decoded(self._codec, None, self._counts), self._last)
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


def _leads(stamp: float, keyframe: float) -> bool:
    """Whether a picture is its keyframe, or shown before it; where the clock jumped it is neither."""
    return 0 <= keyframe - stamp < LEAD
