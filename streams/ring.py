"""The last packets of a camera, as they came: what a clip is made of, without encoding anything."""

from __future__ import annotations  # Packet takes its type only where it is checked

import io
from collections import deque

import av
import av.error
from av.packet import Packet
from av.stream import Stream
from av.video.stream import VideoStream

OVERHEAD = 512  # bytes that a packet takes besides what it holds


class Ring:
    """Whole groups of pictures, each from its keyframe on: the last `seconds` of them, at most `limit` bytes.

    A clip is asked for at a moment, and due `seconds` later: it shows as much before the moment as after it.
    """

    def __init__(self, seconds: float, limit: int) -> None:
        self.size = 0  # bytes
        self._seconds = seconds
        self._limit = limit
        self._groups: deque[_Group] = deque()
        self._since: float | None = None  # the moment that a clip is wanted of
        self._last: int | None = None  # timestamp

    def add(self, packet: Packet[VideoStream], now: float) -> None:
        """One more packet, which arrived at `now` seconds."""
        stamp = packet.dts if packet.dts is not None else packet.pts
        if not self._seconds or not packet.size or stamp is None:
            return
        if self._last is not None and stamp <= self._last:  # the camera set its clock: another footage
            self._clear()
        if packet.is_keyframe:
            self._groups.append(_Group(now))
        elif not self._groups:
            return
        self._groups[-1].add(packet)
        self.size += packet.size + OVERHEAD
        self._last = stamp
        begin = (now if self._since is None else self._since) - self._seconds
        while len(self._groups) > 1 and (self.size > self._limit or self._groups[1].began <= begin):
            self.size -= self._groups.popleft().size
        if self.size > self._limit:  # one group alone
            self._clear()

    def want(self, now: float) -> None:
        """A clip around this moment, unless one is under way: that shows it too."""
        self._since = now if self._since is None else self._since

    def due(self, now: float) -> bool:
        """Whether the clip can be cut."""
        return self._since is not None and now >= self._since + self._seconds

    def cut(self, stream: VideoStream) -> bytes:
        """The clip, a fragmented MP4; empty where there is nothing, or what MP4 cannot hold."""
        self._since = None
        packets = [packet for group in self._groups for packet in group.packets]
        if not packets:
            return b""
        begin = min(_stamp(packet) for packet in packets)
        file = io.BytesIO()
        try:
            with av.open(file, "w", format="mp4", options={"movflags": "frag_keyframe+empty_moov"}) as clip:
                track = clip.add_stream_from_template(stream, opaque=True)  # as it is: no encoder is opened
                for packet in packets:
                    clip.mux(_moved(packet, begin, track))
        except (av.error.FFmpegError, ValueError, OverflowError):
            return b""
        return file.getvalue()

    def _clear(self) -> None:
        self._groups.clear()
        self.size, self._last = 0, None


class _Group:
    """A keyframe, and what builds upon it."""

    def __init__(self, began: float) -> None:
        self.began = began  # time.monotonic()
        self.packets: list[Packet[VideoStream]] = []
        self.size = 0  # bytes

    def add(self, packet: Packet[VideoStream]) -> None:
        self.packets.append(packet)
        self.size += packet.size + OVERHEAD


def _stamp(packet: Packet[VideoStream]) -> int:
    stamp = packet.dts if packet.dts is not None else packet.pts
    return stamp or 0


def _moved(packet: Packet[VideoStream], begin: int, track: VideoStream) -> Packet[Stream]:
    """A packet of its own, on a time line that begins with the clip."""
    copy: Packet[Stream] = Packet(bytes(packet))
    copy.dts = _stamp(packet) - begin
    copy.pts = copy.dts if packet.pts is None else max(packet.pts - begin, copy.dts)
    copy.duration = packet.duration
    copy.time_base = packet.time_base
    copy.is_keyframe = packet.is_keyframe
    copy.stream = track
    return copy
