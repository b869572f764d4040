"""Faults on the way to a camera, by hand-made servers in between: each is said, marked, and got over."""

import asyncio
import contextlib
import json
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from pathlib import Path

import pytest

from config.settings import StreamSettings
from streams.camera import Camera
from streams.frame import Frame, Outage, StreamFault
from tests.clips import write_clip
from tests.real import absent
from tests.rtsp import RtspServer
from tests.streams.hungry import hungry
from tests.streams.meddler import Harm, Meddler
from tests.streams.test_rtsp import camera, next_frame


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RtspServer]:
    clip = write_clip(tmp_path_factory.mktemp("clips") / "gate.h264", noise=10, bit_rate=600_000)
    with RtspServer({"/gate": clip}) as server:
        yield server


async def until_fresh_and_whole(source: AsyncIterator[Frame | Outage], frames: int = 15) -> None:
    """So many pictures in a row without damage."""
    row = 0
    async for sight in source:
        row = row + 1 if isinstance(sight, Frame) and not sight.damaged else 0
        if row == frames:
            return


@pytest.mark.real("GStreamer RTSP server")
@pytest.mark.parametrize("harm", ["payload", "framing"])
async def test_garbage_on_the_way_is_marked_or_an_outage_and_is_got_over(
    server: RtspServer, harm: Harm
) -> None:
    meddler = Meddler(server.port)
    async with meddler.listening() as port, asyncio.timeout(60):
        source = camera(f"rtsp://127.0.0.1:{port}/gate", transport="tcp", fps=10)
        async with aclosing(source.sights()) as sights:
            await until_fresh_and_whole(sights)
            meddler.harm = harm
            marked = outages = 0
            async for sight in sights:
                marked += isinstance(sight, Frame) and sight.damaged
                outages += isinstance(sight, Outage)
                if marked >= 5 or outages >= 2:
                    break
            assert meddler.harmed
            meddler.harm = "none"
            await until_fresh_and_whole(sights)
    counts = source.counts
    assert counts["damaged"] or any(what.startswith("lost_") for what in counts)
    assert counts["children_killed"] == 0


async def test_a_camera_that_says_goodbye_is_tried_again(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.ts", seconds=2).read_bytes()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.0 200 OK\r\nContent-Type: video/mp2t\r\n\r\n")
        with contextlib.suppress(ConnectionError, asyncio.CancelledError):
            for piece in range(0, len(clip), len(clip) // 40):  # at about the pace of a camera
                writer.write(clip[piece : piece + len(clip) // 40])
                await asyncio.sleep(0.05)
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as http, asyncio.timeout(30):
        source = camera(f"http://127.0.0.1:{http.sockets[0].getsockname()[1]}/clip.ts", fps=25)
        outage: Outage | None = None
        async with aclosing(source.sights()) as sights:
            async for sight in sights:
                if isinstance(sight, Outage) and "ended the stream" in sight.text:
                    outage = sight
                elif outage and isinstance(sight, Frame):
                    assert sight.fresh
                    break
    assert outage is not None and outage.fault is StreamFault.ENDED
    assert source.counts["lost_ended"] >= 1
    assert not [what for what in source.counts if what.startswith("lost_") and what != "lost_ended"]


@pytest.mark.real("GStreamer RTSP server")
async def test_a_camera_that_comes_back_with_another_size_is_fresh(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "gate.h264", width=320, height=180)
    with RtspServer({"/gate": clip}) as server:
        source = camera(server.url("/gate"))
        shapes: list[tuple[int, ...]] = []
        async with asyncio.timeout(40), aclosing(source.sights()) as sights:
            async for sight in sights:
                if not isinstance(sight, Frame):
                    continue
                if not shapes or sight.picture.shape != shapes[-1]:
                    assert sight.fresh
                    shapes.append(sight.picture.shape)
                    if len(shapes) == 2:
                        break
                    server.kill()
                    write_clip(clip, width=480, height=360)
                    server.start()
    assert shapes == [(180, 320, 3), (360, 480, 3)]
    assert source.opened is not None and (source.opened.width, source.opened.height) == (480, 360)


@pytest.mark.real("GStreamer RTSP server")
async def test_a_child_that_eats_memory_hits_its_limit_and_no_other_feels_it(
    server: RtspServer, tmp_path: Path
) -> None:
    large = write_clip(tmp_path / "large.h264", seconds=1, width=2560, height=1440)
    with RtspServer({"/large": large}) as other:
        settings = StreamSettings(name="large", url=other.url("/large"), open_timeout=5, read_timeout=5)
        starved = Camera(settings, 5, 2560, birth=hungry)
        well = camera(server.url("/gate"))
        outages: list[Outage] = []

        async def go_hungry() -> None:
            async with aclosing(starved.sights()) as sights:
                async for sight in sights:
                    assert isinstance(sight, Outage), "it has room for pictures: the limit is no limit"
                    outages.append(sight)
                    if "connecting" not in sight.text:
                        return

        async with asyncio.timeout(30), aclosing(well.sights()) as sights:
            await next_frame(sights)
            hungering = asyncio.create_task(go_hungry())
            seen = [await next_frame(sights)]
            while not hungering.done():
                seen.append(await next_frame(sights))
            await hungering
    # FFmpeg says so itself, or dies of it.
    words = "needs more memory to decode than a stream is allowed", "or memory or computing time ran out"
    assert any(each in outages[-1].text for each in words)
    assert not any(each.fresh for each in seen) and well.counts["lost_crashed"] == 0
    assert sum(count for what, count in well.counts.items() if what.startswith("dropped")) == 0


@pytest.mark.real("network namespaces and iptables")
@pytest.mark.real("GStreamer RTSP server")
@pytest.mark.parametrize(("share", "damaged"), [(0.0, False), (0.1, True)])
def test_lost_packets_damage_pictures_that_are_marked(tmp_path: Path, share: float, damaged: bool) -> None:
    """The same camera with and without losses: what is damaged says so, and the stream goes on."""
    clip = write_clip(tmp_path / "gate.h264", noise=12, width=640, height=360, bit_rate=1_000_000)
    for program in ("unshare", "ip", "iptables"):
        if not shutil.which(program):
            absent(f"the program {program} is not installed")
    inside = ["unshare", "--map-root-user", "--net"]
    tried = subprocess.run(
        [*inside, "iptables", "-A", "INPUT", "-m", "statistic", "--mode", "random", "--probability", "0.5"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if tried.returncode:
        absent(f"no network of its own may be made here: {tried.stderr.strip()}")
    done = subprocess.run(
        [*inside, sys.executable, "-m", "tests.streams.lossy_network", str(share), "6", str(clip)],
        capture_output=True, text=True, check=True, timeout=60, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    said = json.loads(done.stdout)
    assert said["frames"] > 15
    assert (said["damaged"] > 0.3 * said["frames"]) is damaged
    assert (said["damaged"] > 0) is damaged
    assert said["counts"]["connects"] == 1, "losses are no reason to connect anew"
