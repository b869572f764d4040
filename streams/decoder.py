"""What runs in a decoding child: opens a source, decodes, puts what is kept into shared memory.

It imports neither numpy nor the seams: every megabyte here is paid once for each stream.
"""

import contextlib
import mmap
import socket
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import av
import av.error
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.reformatter import Interpolation, VideoReformatter
from av.video.stream import VideoStream

from streams.filmed import filmed_at
from streams.message import (
    FILM,
    LONGEST_RECORDING,
    SHARE,
    SLOTS,
    Alive,
    Clip,
    Failed,
    Finished,
    Job,
    Message,
    Picture,
    StreamInfo,
    Trouble,
    pack,
    unpack_job,
)
from streams.opening import Mishap, open_source, trouble_of
from streams.ring import Ring
from streams.sampler import Sampler
from streams.thinning import Thinning
from streams.timeline import Timeline

SIGN_OF_LIFE = 0.5  # seconds between two messages at most, while packets come
USUAL_FPS = 25.0  # where a source says nothing of its rate


def run(channel: socket.socket, memory: int) -> None:
    """Serves one job, which is the first line that arrives, and returns when it is done."""
    line = b""
    while not line.endswith(b"\n"):
        part = channel.recv(65_536)
        if not part:
            return
        line += part
    job = unpack_job(line)
    outlet = Outlet(channel, memory, job)
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # the parent has had enough
        outlet.tell(_last_words(job, outlet))
        while channel.recv(4096):  # leaving first would tear up what the parent has not read yet
            pass


def _last_words(job: Job, outlet: "Outlet") -> Failed | Finished:
    try:
        _read(job, outlet)
    except Mishap as mishap:
        return Failed(mishap.trouble)
    except MemoryError:
        return Failed(Trouble.TOO_LARGE)
    return Failed(Trouble.ENDED) if job.live else Finished()


class Outlet:
    """The line to the parent, and the slots of shared memory that the pictures go through."""

    def __init__(self, channel: socket.socket, memory: int, job: Job) -> None:
        self.counts: Counter[str] = Counter()
        self._channel = channel
        self._size = job.slot_bytes
        self._patient = not job.live
        self._pixels = memoryview(mmap.mmap(memory, SLOTS * self._size))
        self._free = list(range(SLOTS))
        self._told = time.monotonic()
        self.ring = Ring(job.clip_seconds, job.clip_bytes)
        self.thinning = Thinning()

    def tell(self, message: Message) -> None:
        """Sends a message, and with it what was counted since the last."""
        self._channel.sendall(pack(message, dict(self.counts)))
        self.counts.clear()
        self._told = time.monotonic()

    def show_life(self) -> None:
        """Lets the parent know that reading goes on."""
        if time.monotonic() - self._told >= SIGN_OF_LIFE:
            self.tell(Alive())

    def hear(self, *, wait: bool = False) -> None:
        """What the parent says: it gives slots back, asks for a clip, or names the share to keep."""
        try:
            said = self._channel.recv(16, 0 if wait else socket.MSG_DONTWAIT)
        except BlockingIOError:
            return
        if not said:
            raise BrokenPipeError
        for byte in said:
            if byte == FILM:
                self.ring.want(time.monotonic())
            elif byte >= SHARE:
                self.thinning.share = (byte - SHARE) / 100
            else:
                self._free.append(byte)

    def slot(self) -> int | None:
        """A slot to write to. For a recording this waits; for a live source there may be none."""
        while self._patient and not self._free:
            self.hear(wait=True)
        return self._free.pop() if self._free else None

    def hand_over(self, clip: bytes) -> None:
        """Sends a clip, whole, through the line."""
        self.counts["clips" if clip else "clips_failed"] += 1
        self.tell(Clip(len(clip)))
        self._channel.sendall(clip)

    def write(self, slot: int, rows: memoryview) -> None:
        """Copies a picture's bytes into its slot."""
        start = slot * self._size
        self._pixels[start : start + len(rows)] = rows


def _read(job: Job, outlet: Outlet) -> None:
    container, stream, transport = open_source(job)
    stream.thread_count = 1  # more threads than cores slow all streams down
    filmed = 0.0 if job.live else _filmed_at(job, container, stream)
    info = _describe(job, container, stream, transport, filmed)
    outlet.tell(info)
    timeline, sampler = Timeline(job.live), Sampler(job.sample_fps)
    reformatter = VideoReformatter()
    # A file may claim one picture in thousands of years.
    usual_step = min(1 / (info.fps or USUAL_FPS), Timeline.longest_step)
    size = (0, 0)
    began = fresh = suspect = False
    for picture in _pictures(job, container, stream, outlet):
        now = time.monotonic()
        if picture is None:  # a packet that could not be decoded: what builds upon it is suspect, too
            suspect = True
            continue
        outlet.counts["decoded"] += 1
        if picture.key_frame:
            began, suspect = True, False
        if not began:
            outlet.counts["dropped_before_keyframe"] += 1
            continue
        if picture.is_corrupt:
            suspect = True
            outlet.counts["damaged"] += 1
        stamp = None if picture.pts is None else picture.time
        position = timeline.at(stamp, now, usual_step)
        if (picture.width, picture.height) != size:
            size = (picture.width, picture.height)
            fresh = True
            outlet.tell(_describe(job, container, stream, transport, filmed, *size))
        if not sampler.keep(position):
            continue
        outlet.hear()
        if not outlet.thinning.keep():
            outlet.counts["dropped_shed"] += 1
            continue
        outlet.counts["sampled"] += 1
        slot = outlet.slot()
        if slot is None:
            outlet.counts["dropped_unfetched"] += 1
            continue
        turns = round(picture.rotation / 90) % 4
        small = reformatter.reformat(
            picture, *_fit(*size, job.width, turns), "bgr24", interpolation=Interpolation.FAST_BILINEAR
        )
        plane = small.planes[0]
        outlet.write(slot, memoryview(plane))
        outlet.tell(
            Picture(
                slot=slot,
                width=small.width,
                height=small.height,
                stride=plane.line_size,
                turns=turns,
                position=position,
                captured=now,
                keyframe=bool(picture.key_frame),
                damaged=suspect,
                fresh=fresh,
            )
        )
        fresh = False
    if not began and not job.live:
        raise Mishap(Trouble.NO_PICTURES)


def _pictures(
    job: Job, container: InputContainer, stream: VideoStream, outlet: Outlet
) -> Iterator[VideoFrame | None]:
    """All pictures; None stands for each packet that could not be decoded."""
    packets = container.demux(stream)
    while True:
        asked = time.monotonic()
        try:
            packet = next(packets)
        except (StopIteration, av.error.EOFError):
            return
        except av.error.FFmpegError as error:
            if not job.live:  # what there is of a broken recording has been shown
                outlet.counts["damaged"] += 1
                return
            waited = time.monotonic() - asked
            raise Mishap(Trouble.STALLED if waited >= 0.9 * job.read_timeout else trouble_of(error)) from None
        outlet.counts["packets"] += 1
        outlet.counts["bytes"] += packet.size
        outlet.show_life()
        now = time.monotonic()
        outlet.ring.add(packet, now)
        if outlet.ring.due(now):
            clip = outlet.ring.cut(stream)
            outlet.hand_over(clip if len(clip) <= job.longest_clip else b"")
        try:
            yield from packet.decode()
        except av.error.MemoryError:
            raise
        except av.error.FFmpegError:
            outlet.counts["damaged"] += 1
            yield None


def _fit(width: int, height: int, widest: int, turns: int) -> tuple[int, int]:
    """The size to convert to: aspect kept, never enlarged, upright within widest × (2 · widest)."""
    across, down = (height, width) if turns % 2 else (width, height)
    scale = min(1.0, widest / across, 2 * widest / down)
    return max(1, round(width * scale)), max(1, round(height * scale))


def _describe(
    job: Job,
    container: InputContainer,
    stream: VideoStream,
    transport: str,
    filmed: float,
    width: int = 0,
    height: int = 0,
) -> StreamInfo:
    codec = stream.codec_context
    rate = stream.average_rate or stream.guessed_rate
    return StreamInfo(
        container=container.format.name[:80],
        codec=codec.name,
        profile=codec.profile or "",
        width=width or codec.width,
        height=height or codec.height,
        fps=float(rate) if rate else 0.0,
        duration=0.0 if job.live else _duration(container),
        transport=transport,
        filmed_at=filmed,
    )


def _filmed_at(job: Job, container: InputContainer, stream: VideoStream) -> float:
    created = container.metadata.get("creation_time") or stream.metadata.get("creation_time")
    try:
        modified = Path(job.url).stat().st_mtime
    except OSError:  # it was taken away meanwhile
        raise Mishap(Trouble.MISSING) from None
    return filmed_at(created, modified, _duration(container))


def _duration(container: InputContainer) -> float:
    """Seconds; 0 where the file does not say, or says what cannot be."""
    seconds = (container.duration or 0) / av.time_base
    return seconds if 0 < seconds <= LONGEST_RECORDING else 0.0
