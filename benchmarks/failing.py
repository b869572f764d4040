"""Cameras that fail, each in a way of its own: what benchmarks/faults.py sets beside cameras that do not."""

import asyncio
import contextlib
import os
import signal
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import psutil

from config.settings import StreamSettings
from streams import forkserver
from streams.camera import Camera
from streams.child import Birth
from tests.clips import write_clip
from tests.rtsp import RtspServer
from tests.streams.hungry import hungry
from tests.streams.meddler import Meddler

FPS, WIDTH = 5.0, 320
DEAD = 16
FAULTS = (
    *("nothing", "refused", "unauthorized", "not_found", "silent", "stall", "killed", "ends", "garbage"),
    *("lost_packets", "another_size", "flaps", "child_crashes", "child_hangs", "child_eats_memory"),
    "sixteen_dead",
)


def camera(name: str, url: str, birth: Birth = forkserver.fork, **more: Any) -> Camera:
    """One as the daemon makes it, less patient."""
    settings = StreamSettings(name=name, url=url, clip_seconds=0, open_timeout=3, read_timeout=2, **more)
    return Camera(settings, FPS, WIDTH, birth=birth)


class Clips:
    """What they show, drawn and encoded before anything is measured."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.usual = write_clip(folder / "usual.h264", seconds=2, noise=10, bit_rate=800_000)
        self.wider = write_clip(folder / "wider.h264", seconds=2, width=480, height=270)
        self.large = write_clip(folder / "large.h264", seconds=1, width=2560, height=1440)
        self.ends = write_clip(folder / "ends.ts", seconds=1).read_bytes()


class Failing:
    """One fault after the other is a context: inside it, `cameras` fail."""

    def __init__(self, clips: Clips) -> None:
        self.cameras: list[Camera] = []
        self._clips = clips

    def fault(self, name: str, seconds: float) -> contextlib.AbstractAsyncContextManager[None]:
        """One of FAULTS, that is to show within so many seconds."""
        faults: dict[str, Callable[[float], contextlib.AbstractAsyncContextManager[None]]] = {
            each: getattr(self, f"_{each}") for each in FAULTS
        }
        return faults[name](seconds)

    def _fails(self, url: str, birth: Birth = forkserver.fork, **more: Any) -> None:
        self.cameras.append(camera(f"failing{len(self.cameras)}", url, birth, **more))

    @asynccontextmanager
    async def _serving(self, clip: Path, **more: Any) -> AsyncIterator[RtspServer]:
        """Started and ended beside the loop, in which cameras are read."""
        server = RtspServer({"/a": clip}, **more)
        await asyncio.to_thread(server.start)
        try:
            yield server
        finally:
            await asyncio.to_thread(server.kill)

    @asynccontextmanager
    async def _nothing(self, _: float) -> AsyncIterator[None]:
        async with self._serving(self._clips.usual) as server:
            self._fails(server.url("/a"))
            yield

    @asynccontextmanager
    async def _refused(self, _: float) -> AsyncIterator[None]:
        self._fails("rtsp://127.0.0.1:9/none")
        yield

    @asynccontextmanager
    async def _unauthorized(self, _: float) -> AsyncIterator[None]:
        async with self._serving(self._clips.usual, user="me", password="right") as server:  # noqa: S106
            self._fails(server.url("/a", "me", "wrong"))
            yield

    @asynccontextmanager
    async def _not_found(self, _: float) -> AsyncIterator[None]:
        async with self._serving(self._clips.usual) as server:
            self._fails(server.url("/b"))
            yield

    @asynccontextmanager
    async def _silent(self, _: float) -> AsyncIterator[None]:
        with socket.create_server(("127.0.0.1", 0)) as server:
            self._fails(f"rtsp://127.0.0.1:{server.getsockname()[1]}/a")
            yield

    @asynccontextmanager
    async def _stall(self, seconds: float) -> AsyncIterator[None]:
        async with self._harmed(seconds / 3, RtspServer.freeze) as server:
            yield
            server.thaw()

    @asynccontextmanager
    async def _killed(self, seconds: float) -> AsyncIterator[None]:
        async with self._harmed(seconds / 3, RtspServer.kill):
            yield

    @asynccontextmanager
    async def _flaps(self, seconds: float) -> AsyncIterator[None]:
        async with self._harmed(seconds / 6, RtspServer.restart, again=True):
            yield

    @asynccontextmanager
    async def _another_size(self, seconds: float) -> AsyncIterator[None]:
        changing = self._clips.folder / "changing.h264"
        changing.write_bytes(self._clips.usual.read_bytes())

        def change(server: RtspServer) -> None:
            changing.write_bytes(self._clips.wider.read_bytes())
            server.restart()

        async with self._harmed(seconds / 3, change, clip=changing):
            yield

    @asynccontextmanager
    async def _ends(self, _: float) -> AsyncIterator[None]:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                await reader.readuntil(b"\r\n\r\n")
                writer.write(b"HTTP/1.0 200 OK\r\nContent-Type: video/mp2t\r\n\r\n" + self._clips.ends)
                await writer.drain()
            writer.close()

        async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
            self._fails(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/a.ts")
            yield

    @asynccontextmanager
    async def _garbage(self, _: float) -> AsyncIterator[None]:
        async with self._serving(self._clips.usual) as server:
            meddler = Meddler(server.port)
            async with meddler.listening() as port:
                self._fails(f"rtsp://127.0.0.1:{port}/a", transport="tcp")
                asyncio.get_running_loop().call_later(1.5, setattr, meddler, "harm", "payload")
                yield

    @asynccontextmanager
    async def _lost_packets(self, _: float) -> AsyncIterator[None]:
        async with self._serving(self._clips.usual) as server:
            self._fails(server.url("/a"), transport="udp")
            yield

    @asynccontextmanager
    async def _child_crashes(self, seconds: float) -> AsyncIterator[None]:
        async with self._signalled(seconds / 4, signal.SIGSEGV):
            yield

    @asynccontextmanager
    async def _child_hangs(self, seconds: float) -> AsyncIterator[None]:
        async with self._signalled(seconds / 4, signal.SIGSTOP):
            yield

    @asynccontextmanager
    async def _child_eats_memory(self, _: float) -> AsyncIterator[None]:
        async with self._serving(self._clips.large) as server:
            self._fails(server.url("/a"), hungry)
            yield

    @asynccontextmanager
    async def _sixteen_dead(self, _: float) -> AsyncIterator[None]:
        with socket.create_server(("127.0.0.1", 0)) as server:
            for number in range(DEAD):
                port = server.getsockname()[1] if number % 2 else 9
                self._fails(f"rtsp://127.0.0.1:{port}/{number}")
            yield

    @asynccontextmanager
    async def _harmed(
        self,
        after: float,
        harm: Callable[[RtspServer], object],
        *,
        again: bool = False,
        clip: Path | None = None,
    ) -> AsyncIterator[RtspServer]:
        async with self._serving(clip or self._clips.usual) as server:
            self._fails(server.url("/a"))

            async def do() -> None:
                while True:
                    await asyncio.sleep(after)
                    await asyncio.to_thread(harm, server)
                    if not again:
                        return

            doing = asyncio.create_task(do())
            yield server
            doing.cancel()
            await asyncio.gather(doing, return_exceptions=True)

    @asynccontextmanager
    async def _signalled(self, after: float, number: signal.Signals) -> AsyncIterator[None]:
        async with self._serving(self._clips.usual) as server:
            before = _children()
            self._fails(server.url("/a"))

            async def do() -> None:
                await asyncio.sleep(after)
                for pid in _children() - before:
                    os.kill(pid, number)

            doing = asyncio.create_task(do())
            yield
            await doing


def _children() -> set[int]:
    """Of our fork server."""
    ours = [child for child in psutil.Process().children() if "streams.forkserver" in child.cmdline()]
    return {child.pid for each in ours for child in each.children()}
