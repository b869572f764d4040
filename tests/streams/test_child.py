"""A child that was taken over by what it decodes: it can lie, flood or fall silent, and does no harm."""

import asyncio
import contextlib
import dataclasses
import os
import resource
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import aclosing
from pathlib import Path

import psutil
import pytest

from config.settings import StreamSettings
from streams import forkserver
from streams.camera import Camera
from streams.child import Child
from streams.frame import Outage, StreamError, StreamFault
from streams.message import Alive, Failed, Job, Message, Picture, StreamInfo, pack

JOB = Job(
    url="rtsp://gate.example/1",
    live=True,
    sample_fps=5,
    width=64,
    transport="tcp",
    open_timeout=0.5,
    read_timeout=0.5,
)
INFO = StreamInfo(
    container="rtsp",
    codec="h264",
    profile="",
    width=64,
    height=36,
    fps=25.0,
    duration=0.0,
    transport="tcp",
    hardware=False,
    filmed_at=0.0,
)
PICTURE = Picture(
    slot=0,
    width=64,
    height=36,
    planar=False,
    stride=192,
    turns=0,
    position=0.0,
    captured=1.0,
    late=0.0,
    keyframe=True,
    damaged=False,
    fresh=True,
)
PLANAR = dataclasses.replace(PICTURE, planar=True, stride=64)


class Liar:
    """Stands where the fork server would bear a child: says what it was told to, whatever is asked."""

    def __init__(self, *says: bytes) -> None:
        self._says = says
        self.body: subprocess.Popen[bytes] | None = None
        self.shrank = False

    async def __call__(self, channel: socket.socket, memory: int) -> int:
        line, shared = channel.dup(), os.dup(memory)
        threading.Thread(target=self._live, args=(line, shared), daemon=True).start()
        self.body = subprocess.Popen(["sleep", "60"])  # noqa: ASYNC220 - what a kill falls on
        return os.pidfd_open(self.body.pid)

    def _live(self, line: socket.socket, shared: int) -> None:
        with line, contextlib.suppress(BrokenPipeError, ConnectionResetError):
            line.recv(65_536)
            with contextlib.suppress(PermissionError):
                os.ftruncate(shared, 0)  # would make the daemon die of a bus error
                self.shrank = True
            os.close(shared)
            for text in self._says:
                line.sendall(text)
            while line.recv(64):
                pass


def said(*messages: Message) -> list[bytes]:
    return [pack(message, {}) for message in messages]


async def hear(liar: Liar, counts: Counter[str] | None = None) -> list[Message | bytes]:
    heard: list[Message | bytes] = []
    async with Child(JOB, Counter() if counts is None else counts, liar) as child:
        async for message in child.messages():
            heard.append(message)
            if isinstance(message, Picture) and len(heard) > 5:
                child.take(message)
    return heard


@pytest.mark.parametrize(
    "says",
    [
        [b"\n"],
        [b"\xff\xfe garbage\n"],
        [b"x" * 1_000_000],
        [b'{"is": "Picture"}\n'],
        said(INFO, dataclasses.replace(PICTURE, slot=3)),
        said(INFO, dataclasses.replace(PICTURE, width=0)),
        said(INFO, dataclasses.replace(PICTURE, height=0)),
        said(INFO, dataclasses.replace(PICTURE, width=65)),
        said(INFO, dataclasses.replace(PICTURE, height=2**30)),
        said(INFO, dataclasses.replace(PICTURE, stride=2**30)),
        said(INFO, dataclasses.replace(PLANAR, height=35)),
        said(INFO, dataclasses.replace(PLANAR, width=66)),
        said(INFO, dataclasses.replace(PLANAR, stride=65)),
        said(INFO, dataclasses.replace(PLANAR, stride=2**30)),
        said(INFO, dataclasses.replace(PLANAR, height=2**30)),
        said(INFO, PICTURE, PICTURE),  # the slot is not its own any more
        said(INFO, Failed("a trouble of its own making")),
    ],
)
async def test_a_child_that_says_what_cannot_be_is_ended(says: list[bytes]) -> None:
    liar = Liar(*says)
    with pytest.raises(StreamError) as failed:
        await hear(liar)
    assert failed.value.fault is StreamFault.CRASHED
    assert "the process that decodes rtsp://gate.example/1 died" in str(failed.value)
    assert liar.body is not None and liar.body.wait(1) == -9
    assert not liar.shrank


async def test_no_child_makes_up_what_is_counted() -> None:
    liar = Liar(*said(INFO), *(pack(Alive(), {f"made_up_{number}": 1}) for number in range(100)))
    counts: Counter[str] = Counter()
    with pytest.raises(StreamError, match="died"):
        await hear(liar, counts)
    assert counts == {"children_died": 1}


@pytest.mark.parametrize("says", [[], said(INFO, Alive())])
async def test_a_child_that_falls_silent_is_ended(says: list[bytes]) -> None:
    liar = Liar(*says)
    began = time.monotonic()
    with pytest.raises(StreamError, match=r"has sent nothing for 0\.5 s"):
        await hear(liar)
    assert time.monotonic() - began < 3
    assert liar.body is not None and liar.body.wait(1) == -9


async def test_a_child_that_holds_no_slot_is_not_called_silent() -> None:
    says = said(INFO, *(dataclasses.replace(PICTURE, slot=slot) for slot in range(3)))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(2.4):
            await hear(Liar(*says))


async def test_a_child_is_told_no_secret_of_the_daemon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATE_PASSWORD", "hunter2")
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    forkserver.stop()  # the next one is started with this environment
    before = set(psutil.Process().children())
    try:
        async with Child(JOB, Counter()):
            (server,) = set(psutil.Process().children()) - before
            environment = server.environ()
            assert len(server.children()) == 1  # a fork, so with the same environment
    finally:
        forkserver.stop()
    assert "hunter2" not in environment.values() and "GATE_PASSWORD" not in environment
    assert environment["LC_ALL"] == "C.UTF-8" and environment["PATH"] == os.environ["PATH"]


def test_a_child_gains_no_right_and_hides_its_memory_from_its_siblings() -> None:
    # A root user sees through all this, so the kernel is asked what it was told.
    script = """
import ctypes, os
from streams.forkserver import _confine
_confine(os.getppid())
prctl, zero = ctypes.CDLL(None).prctl, ctypes.c_ulong(0)
print("no new privileges:", prctl(39, zero, zero, zero, zero), "dumpable:", prctl(3, zero, zero, zero, zero))
"""
    told = subprocess.run([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, check=True)
    assert told.stdout == "no new privileges: 1 dumpable: 0\n"


@contextlib.contextmanager
def open_files_run_out(pid: int) -> Iterator[None]:
    """The process may open nothing more."""
    before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (3, before[1]))
    try:
        yield
    finally:
        resource.prlimit(pid, resource.RLIMIT_NOFILE, before)


async def test_a_camera_whose_child_cannot_be_started_is_out_until_it_can() -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    source = Camera(StreamSettings(name="gate", url=f"rtsp://me:secret@127.0.0.1:{port}/gate"), 5, 64)
    texts = []
    with contextlib.ExitStack() as lack:
        lack.enter_context(open_files_run_out(os.getpid()))
        async with asyncio.timeout(10), aclosing(source.sights()) as sights:
            async for sight in sights:
                assert isinstance(sight, Outage)
                texts.append(sight.text)
                if source.counts["children_not_started"] >= 2:  # it was tried again
                    lack.close()
                if "refuses" in sight.text:
                    break
    assert texts[0].startswith("no process could be started to decode rtsp://***@127.0.0.1:")
    assert "/gate: Too many open files; raise that limit" in texts[0]
    assert source.counts["connect_failed_crashed"] >= 2


async def test_a_fork_server_that_cannot_fork_loses_no_child(tmp_path: Path) -> None:
    forkserver.stop()
    before = set(psutil.Process().children())
    with socket.create_server(("127.0.0.1", 0)) as silent:
        job = dataclasses.replace(JOB, url=f"rtsp://127.0.0.1:{silent.getsockname()[1]}/1", open_timeout=9)
        async with Child(job, Counter()):
            (server,) = set(psutil.Process().children()) - before
            (first,) = server.children()
            with open_files_run_out(server.pid), pytest.raises(StreamError, match="Too many open files"):
                await Child(job, Counter()).__aenter__()
            async with Child(job, Counter()):
                pass
            assert first.is_running() and server.is_running()


async def test_a_fork_server_that_dies_at_once_is_an_outage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    forkserver.stop()
    monkeypatch.setattr(sys, "executable", shutil.which("false"))
    with pytest.raises(StreamError, match="dies as soon as it is asked") as failed:
        await Child(JOB, Counter()).__aenter__()
    assert failed.value.fault is StreamFault.CRASHED
    monkeypatch.setattr(sys, "executable", str(tmp_path / "uninstalled"))
    with pytest.raises(StreamError, match="No such file"):
        await Child(JOB, Counter()).__aenter__()


async def test_a_cancelled_birth_leaves_nothing(tmp_path: Path) -> None:
    async def enter() -> None:
        async with Child(JOB, Counter()):
            await asyncio.sleep(10)

    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    for wait in (0.0, 0.001, 0.003, 0.01):
        task = asyncio.create_task(enter())
        await asyncio.sleep(wait)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    await asyncio.sleep(0.1)
    assert len(os.listdir("/proc/self/fd")) <= before + 1  # noqa: PTH208 - the fork server's line may be new
