"""What runs in a decoding child: opens a source, decodes, puts what is kept into shared memory.

It imports neither numpy nor the seams: every megabyte here is paid once for each stream.
"""

from __future__ import annotations  # Packet takes its type only where it is checked

import contextlib
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import av
import av.error
from av.container import InputContainer
from av.packet import Packet
from av.video.stream import VideoStream

from streams.filmed import filmed_at
from streams.message import LONGEST_RECORDING, Failed, Finished, Job, StreamInfo, Trouble, unpack_job
from streams.opening import Mishap, open_source, trouble_of
from streams.outlet import SIGN_OF_LIFE, Outlet
from streams.pace import Pace
from streams.reading import read
from streams.screen import Screen
from streams.timeline import Timeline

BURSTS = {"hls"}
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


def _last_words(job: Job, outlet: Outlet) -> Failed | Finished:
    try:
        _read(job, outlet)
    except Mishap as mishap:
        return Failed(mishap.trouble)
    except MemoryError:
        return Failed(Trouble.TOO_LARGE)
    return Failed(Trouble.ENDED) if job.live else Finished()


def _read(job: Job, outlet: Outlet) -> None:
    container, stream, transport = open_source(job)
    stream.thread_count = 1  # more threads than cores slow all streams down
    filmed = 0.0 if job.live else _filmed_at(job, container, stream)
    info = _describe(job, container, stream, transport, filmed)
    outlet.tell(info)
    # A file may claim one picture in thousands of years.
    usual_step = min(1 / (info.fps or USUAL_FPS), Timeline.longest_step)

    def describe(width: int, height: int) -> StreamInfo:
        return _describe(job, container, stream, transport, filmed, width, height)

    screen = Screen(job, outlet, describe, usual_step)
    packets = _packets(job, container, stream, outlet, usual_step)
    for step in read(job.decode, packets, stream, outlet.counts, job.live):
        screen.show(step)
    if not screen.began and not job.live:
        raise Mishap(Trouble.NO_PICTURES)


def _packets(
    job: Job, container: InputContainer, stream: VideoStream, outlet: Outlet, usual_step: float
) -> Iterator[tuple[Packet[VideoStream], float]]:
    """All packets, and when they came: by our clock, or by a recording's own."""
    packets = container.demux(stream)
    at, tick = 0.0, float(stream.time_base or 0)  # once: fractions cost a sixth of reading a packet
    pace = Pace() if job.live and container.format.name in BURSTS else None
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
            late = waited >= 0.9 * job.read_timeout
            raise Mishap(Trouble.STALLED if late else trouble_of(error, opened=True)) from None
        outlet.counts["packets"] += 1
        outlet.counts["bytes"] += packet.size
        outlet.show_life()
        now = time.monotonic()
        outlet.ring.add(packet, now)
        if outlet.ring.due(now):
            clip = outlet.ring.cut(stream)
            outlet.hand_over(clip if len(clip) <= job.longest_clip else b"")
        stamp = packet.dts if packet.dts is not None else packet.pts
        if stamp is None or not tick:
            at += usual_step
        else:
            at = stamp * tick
            while pace and (ahead := pace.ahead(at, time.monotonic())) > 0:
                time.sleep(min(ahead, SIGN_OF_LIFE / 2))
                outlet.show_life()
        yield packet, time.monotonic() if job.live else at


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
        hardware=codec.is_hwaccel,
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
