"""The demo's two children: the camera, and the real daemon. Both end with the demo, however it ends."""

import asyncio
import os
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from daemon.demo.reels import PLAYED

START_SECONDS = 30.0
STOP_SECONDS = 10.0  # the daemon stops within 5

# Asks the kernel to end the child when the demo dies, even when it is killed; then becomes the child.
ENDS_WITH_US = (
    "import ctypes, os, signal, sys\n"
    "ctypes.CDLL(None).prctl(1, signal.SIGTERM)\n"  # PR_SET_PDEATHSIG
    "if os.getppid() != int(sys.argv[1]): sys.exit('the demo ended first')\n"
    "os.execv(sys.executable, [sys.executable, *sys.argv[2:]])\n"
)


class DemoError(Exception):
    """The demo cannot go on; says what happened, and where to look."""


class Child:
    """A running child whose stderr, and stdout unless it is read, go to a file."""

    def __init__(self, name: str, process: asyncio.subprocess.Process, log: Path) -> None:
        self.name = name
        self.process = process
        self._log = log

    async def lost(self) -> DemoError:
        """Returns when the child has ended, with what it said last."""
        code = await self.process.wait()
        lines = self._log.read_text(errors="replace").strip().splitlines()
        last = "\n".join(f"    {line}" for line in lines[-5:])
        said = f"; it said last:\n{last}" if last else ""
        return DemoError(
            f"{self.name} ended by itself (exit code {code}, all it said is in {self._log}){said}"
        )


class Camera:
    """The camera that is being played, seen from the demo: where it is, and which half it shows."""

    def __init__(self, child: Child, port: int) -> None:
        self.child = child
        self.url = f"rtsp://127.0.0.1:{port}/{PLAYED}?play_count=0"
        self.half = 1
        self._ready = asyncio.Event()
        self._begun = (asyncio.Event(), asyncio.Event())

    async def listen(self) -> None:
        """Follows what the camera says, until it ends."""
        said = self.child.process.stdout
        if said is None:
            raise ValueError("the camera must be started with talks=True")
        async for line in said:
            match line.split():
                case [b"ready"]:
                    self._ready.set()
                case [b"on", b"air", half]:
                    self.half = int(half)
                    self._begun[self.half].set()

    async def ready(self) -> None:
        """Returns when it can be connected to."""
        await self._ready.wait()

    async def begins(self, half: int) -> float:
        """Waits until this half begins the next time; returns that moment (monotonic seconds)."""
        self._begun[half].clear()
        await self._begun[half].wait()
        return time.monotonic()


@asynccontextmanager
async def running(
    name: str, module: str, arguments: Sequence[str], log: Path, talks: bool
) -> AsyncIterator[Child]:
    """Runs a module of ours as a child; on leaving it is asked to end, and killed if it does not.

    It has a session of its own: Ctrl-C reaches the demo alone, which ends its children in their order.
    """
    with log.open("wb") as file:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", ENDS_WITH_US, str(os.getpid()), "-m", module, *arguments),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE if talks else file,
            stderr=file,
            start_new_session=True,
        )
    try:
        yield Child(name, process, log)
    finally:
        with suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await process.wait()
        except TimeoutError:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()


@asynccontextmanager
async def camera(reels: Path, half_seconds: float, log: Path) -> AsyncIterator[Camera]:
    """Plays the reels in a folder on a free port of loopback. Raises DemoError when it does not start."""
    port = free_port()
    arguments = (str(reels), str(port), str(half_seconds))
    async with running("the demo's camera", "daemon.demo.camera_server", arguments, log, talks=True) as child:
        camera = Camera(child, port)
        ears = asyncio.create_task(camera.listen())
        ready, lost = asyncio.create_task(camera.ready()), asyncio.create_task(child.lost())
        try:
            await asyncio.wait({ready, lost}, timeout=START_SECONDS, return_when=asyncio.FIRST_COMPLETED)
            if lost.done():
                raise lost.result()
            if not ready.done():
                raise DemoError(f"the demo's camera did not start within {START_SECONDS:.0f} s; see {log}")
            yield camera
        finally:
            for task in (ears, ready, lost):
                task.cancel()


def free_port() -> int:
    """A port of loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
