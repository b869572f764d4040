"""Hours of cameras that are dead or flap, in seconds: attempts are bounded, and nothing piles up."""

import asyncio
import contextlib
import gc
import os
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import aclosing

import pytest

from config.settings import StreamSettings
from streams.camera import Camera
from streams.frame import Frame, Outage
from streams.message import SLOTS, Failed, Message, Picture, pack
from tests.streams.hurried import hurried
from tests.streams.test_child import INFO, PICTURE


class Births:
    """Stands where the fork server would bear children: they live in this loop, and do what `life` says."""

    def __init__(self, life: Callable[["Line"], object]) -> None:
        self.number = 0
        self.living: set[asyncio.Task[None]] = set()
        self._life = life
        self._body = subprocess.Popen(["true"])  # what a kill falls on; not waited for, so its pid stays

    async def __call__(self, channel: socket.socket, memory: int) -> int:
        self.number += 1
        line = await Line.over(channel.dup())
        child = asyncio.create_task(self._live(line))
        self.living.add(child)
        child.add_done_callback(self.living.discard)
        return os.pidfd_open(self._body.pid)

    async def _live(self, line: "Line") -> None:
        with contextlib.suppress(ConnectionError):
            await line.reader.readline()  # the job
            await self._life(line)  # type: ignore[misc]
        line.writer.close()

    def close(self) -> None:
        self._body.wait()


class Line:
    """A child's end of the line to its parent."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self._slots = list(range(SLOTS))

    @classmethod
    async def over(cls, channel: socket.socket) -> "Line":
        channel.setblocking(False)
        return cls(*await asyncio.open_connection(sock=channel))

    async def say(self, message: Message, **counts: int) -> None:
        self.writer.write(pack(message, counts))
        await self.writer.drain()

    async def show(self, seconds: float, clock: Callable[[], float], fps: float = 5) -> None:
        """Pictures for so long."""
        await self.say(INFO)
        for number in range(int(seconds * fps)):
            if not self._slots:
                self._slots.extend(byte for byte in await self.reader.read(64) if byte < SLOTS)
            picture = Picture(
                **{
                    **{name: getattr(PICTURE, name) for name in PICTURE.__slots__},
                    "slot": self._slots.pop(),
                    "position": number / fps,
                    "captured": clock(),
                    "fresh": number == 0,
                }
            )
            await self.say(picture, packets=5, sampled=1)
            await asyncio.sleep(1 / fps)


@pytest.fixture
def births() -> Iterator[Callable[[Callable[[Line], object]], Births]]:
    made: list[Births] = []

    def make(life: Callable[[Line], object]) -> Births:
        made.append(Births(life))
        return made[-1]

    yield make
    for each in made:
        each.close()


def camera(name: str, births: Births, clock: Callable[[], float]) -> Camera:
    settings = StreamSettings(name=name, url=f"rtsp://{name}.example/1", clip_seconds=0)
    return Camera(settings, 5, 64, birth=births, clock=clock)


def blocks() -> int:
    """Of memory that are in use."""
    gc.collect()
    return sys.getallocatedblocks()


def test_sixteen_dead_cameras_for_two_hours(births: Callable[..., Births]) -> None:
    """One half refuses, the other takes connections and says nothing."""
    hours, half = 2, 8
    told: Counter[str] = Counter()

    async def refuse(line: Line) -> None:
        await line.say(Failed("refused"))

    async def be_silent(line: Line) -> None:
        await line.reader.read()  # until the parent has had enough

    async def watch(source: Camera) -> None:
        async with aclosing(source.sights()) as sights:
            async for sight in sights:
                assert isinstance(sight, Outage)
                told[str(sight.fault)] += 1

    async def main(clock: Callable[[], float]) -> tuple[list[Camera], list[int], list[int]]:
        dead = [
            camera(f"c{number}", births((refuse, be_silent)[number % 2]), clock) for number in range(2 * half)
        ]
        watches = [asyncio.create_task(watch(each)) for each in dead]
        used, files = [], []
        for _ in range(2 * hours):
            await asyncio.sleep(1800)
            used.append(blocks())
            files.append(len(os.listdir("/proc/self/fd")))  # noqa: PTH208
        for each in watches:
            each.cancel()
        await asyncio.gather(*watches, return_exceptions=True)
        return dead, used, files

    dead, used, files = hurried(main)
    for number, source in enumerate(dead):
        attempts = sum(count for what, count in source.counts.items() if "connect_failed" in what)
        lasts = 11.5 if number % 2 else 0.0  # seconds of an attempt; then 15 to 30, after a quick beginning
        assert hours * 3600 / (30 + lasts) - 1 <= attempts <= hours * 3600 / (15 + lasts) + 20
    assert set(told) == {"refused", "silent"}
    assert told.total() == pytest.approx(2 * half * hours * 3600, rel=0.1), "told about every second"
    assert max(used[1:]) < used[0] + 2000, f"memory grows: {used} blocks"
    assert max(files) - min(files) <= 4 * half, "at most those of an attempt more or less"


def test_a_camera_that_flaps_every_few_seconds_for_an_hour(births: Callable[..., Births]) -> None:
    """What is told of it: tests/alerts/test_flow.py."""

    async def main(clock: Callable[[], float]) -> tuple[Camera, int, int, list[int]]:
        async def flap(line: Line) -> None:
            await line.show(3, clock)
            await line.say(Failed("ended"))

        born = births(flap)
        source = camera("gate", born, clock)
        used: list[int] = []
        frames, began = 0, clock()
        async with aclosing(source.sights()) as sights:
            async for sight in sights:
                frames += isinstance(sight, Frame)
                if clock() > began + 600 * (len(used) + 1):
                    used.append(blocks())
                if len(used) == 6:
                    break
        return source, born.number, frames, used

    source, born, frames, used = hurried(main)
    # It was never well for long, so the waits grow: it is asked twice a minute, not every few seconds.
    assert 3600 / (30 + 4) - 2 <= born <= 3600 / (15 + 3) + 12
    assert source.counts["connects"] - 1 <= source.counts["lost_ended"] <= source.counts["connects"] == born
    assert frames == source.counts["delivered"] >= 14 * (born - 1), "what it shows is seen"
    assert max(used[1:]) < used[0] + 2000, f"memory grows: {used} blocks"
