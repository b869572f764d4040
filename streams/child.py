"""A decoding child as the daemon sees it: listened to with a deadline, never believed, killed at will."""

import asyncio
import contextlib
import fcntl
import mmap
import os
import signal
import socket
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import unquote

import numpy as np
from numpy.typing import NDArray

from config.secrets import understand_url
from config.settings import StreamSettings
from streams import forkserver
from streams.fault import stream_error
from streams.frame import StreamError
from streams.message import (
    FILM,
    LONGEST_LINE,
    SHARE,
    SLOTS,
    Clip,
    Failed,
    Finished,
    Job,
    Message,
    Picture,
    StreamInfo,
    Trouble,
    Unchanged,
    pack_job,
    unpack,
)
from streams.pixels import bytes_of, coloured, well_formed

LISTENS = 60.0  # seconds that a camera which is to come to us is waited for, before listening anew
GRACE = 1.5  # seconds beyond the timeouts that a child keeps by itself
Birth = Callable[[socket.socket, int], Awaitable[int]]  # see forkserver.fork
_SEALS = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL


class Child:
    """One process that reads one source. Use it as `async with Child(job, counts) as child`.

    Pictures come through anonymous shared memory, sealed so that the child cannot change its size; nothing
    of it is left behind whoever dies. No lock is shared: a slot belongs to the child until its message
    arrives, and then to the parent until `give_back`.
    """

    def __init__(
        self,
        job: Job,
        counts: Counter[str],
        birth: Birth = forkserver.fork,
    ) -> None:
        self._birth = birth
        self._job = job
        self._counts = counts
        self._held: set[int] = set()
        self._filming = False
        self._pidfd = -1

    async def __aenter__(self) -> Self:
        """Raises StreamError where processes, memory or open files have run out."""
        try:
            await self._start()
        except OSError as lack:
            self._counts["children_not_started"] += 1
            reason = lack.strerror or str(lack)
            raise stream_error(Trouble.NOT_STARTED, self._job.url, reason=reason) from None
        return self

    async def _start(self) -> None:
        with contextlib.ExitStack() as failed, contextlib.ExitStack() as handed_over:
            memory = os.memfd_create("framewarden", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
            handed_over.callback(os.close, memory)
            ours, theirs = socket.socketpair()
            failed.callback(ours.close)
            handed_over.callback(theirs.close)
            os.ftruncate(memory, SLOTS * self._job.slot_bytes)
            fcntl.fcntl(memory, fcntl.F_ADD_SEALS, _SEALS)
            self._memory = mmap.mmap(memory, SLOTS * self._job.slot_bytes, prot=mmap.PROT_READ)
            failed.callback(self._memory.close)
            self._pidfd = await self._birth(theirs, memory)
            failed.callback(self._end)
            ours.setblocking(False)
            self._reader, self._writer = await asyncio.open_connection(sock=ours, limit=LONGEST_LINE)
            failed.pop_all()
        self._writer.write(pack_job(self._job))

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()
        self._writer.close()
        self._memory.close()

    def _end(self) -> None:
        self.kill()
        os.close(self._pidfd)
        self._pidfd = -1

    def kill(self) -> None:
        """Ends the child at once, whatever it is doing."""
        if self._pidfd >= 0:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)

    async def messages(self) -> AsyncIterator[StreamInfo | Picture | Unchanged | bytes]:
        """What the child tells, until a recording is finished; bytes are a clip. Counts what it counted.

        Raises StreamError where it cannot go on, hangs, dies, or says what cannot be.
        """
        opened = False
        while True:
            patience = self._job.read_timeout if opened else self._job.open_timeout
            message = await self._next(patience)
            match message:
                case StreamInfo():
                    opened = True
                    yield message
                case Picture():
                    self._accept(message)
                    yield message
                case Unchanged():
                    if self._job.decode != "gated":
                        raise self._crashed()
                    yield message
                case Clip(size):
                    yield await self._clip(size, patience)
                case Finished():
                    return
                case Failed(name):
                    raise stream_error(_trouble(name), self._job.url, patience)

    async def _next(self, patience: float) -> Message:
        # A child whose slots are all here waits for us: that is no hanging.
        deadline = None if len(self._held) == SLOTS else patience + GRACE
        try:
            async with asyncio.timeout(deadline):
                line = await self._reader.readline()
        except TimeoutError:
            self._counts["children_killed"] += 1
            self.kill()
            trouble = Trouble.STALLED if self._job.live else Trouble.HUNG
            raise stream_error(trouble, self._job.url, patience) from None
        except (ValueError, ConnectionError):  # a line too long; a death in mid-sentence
            line = b""
        try:
            message, counts = unpack(line)
        except ValueError:
            self._counts["children_died"] += 1
            self.kill()
            raise stream_error(Trouble.CRASHED, self._job.url) from None
        self._counts.update(counts)
        return message

    async def _clip(self, size: int, patience: float) -> bytes:
        """The bytes that follow its message."""
        if not self._filming or size > self._job.longest_clip:
            raise self._crashed()
        self._filming = False
        try:
            async with asyncio.timeout(patience + GRACE):
                return await self._reader.readexactly(size)
        except (TimeoutError, asyncio.IncompleteReadError, ConnectionError):
            raise self._crashed() from None

    def _crashed(self) -> StreamError:
        self._counts["children_died"] += 1
        self.kill()
        return stream_error(Trouble.CRASHED, self._job.url)

    def _accept(self, picture: Picture) -> None:
        fits = (
            picture.slot < SLOTS
            and picture.slot not in self._held
            and well_formed(picture)
            and bytes_of(picture) <= self._job.slot_bytes
        )
        if not fits:
            raise self._crashed()
        self._held.add(picture.slot)

    def film(self) -> None:
        """Asks for a clip around this moment, which comes when the moment is over."""
        if not self._filming:
            self._filming = True
            self._writer.write(bytes([FILM]))

    def keep_only(self, share: float) -> None:
        """From the next picture on, a share of those that are due is kept, 0..1: see thinning.py."""
        self._writer.write(bytes([SHARE + max(1, min(100, round(100 * share)))]))

    def take(self, picture: Picture) -> NDArray[np.uint8]:
        """An own, read-only copy (H, W, 3) BGR of the picture; its slot goes back to the child."""
        start = picture.slot * self._job.slot_bytes
        copy = coloured(np.frombuffer(self._memory, np.uint8, bytes_of(picture), start), picture)
        copy.flags.writeable = False
        self._held.remove(picture.slot)
        self._writer.write(bytes([picture.slot]))
        return copy


def job_for(settings: StreamSettings, *, live: bool, sample_fps: float, width: int) -> Job:
    """What a child is to do for this stream. A password typed as it is gets the form an address wants."""
    url = understand_url(settings.url)
    if url.startswith("file://"):
        url = unquote(url.removeprefix("file://"))
    if not live:
        url = str(Path(url).absolute())  # a child does not run where the daemon was started
    return Job(
        url=url,
        live=live,
        sample_fps=sample_fps,
        width=width,
        transport=settings.transport,
        open_timeout=max(settings.open_timeout, LISTENS) if settings.listen else settings.open_timeout,
        read_timeout=settings.read_timeout,
        clip_seconds=settings.clip_seconds if live else 0.0,
        clip_bytes=round(settings.clip_megabytes * 1e6),
        decode=settings.decode,
        hardware=settings.hardware,
        listen=settings.listen,
    )


def _trouble(name: str) -> Trouble:
    try:
        return Trouble(name)
    except ValueError:
        return Trouble.CRASHED
