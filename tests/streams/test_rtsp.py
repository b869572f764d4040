"""Cameras over real RTSP: frames, outages in words, recovery, and nothing left behind."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import aclosing, contextmanager
from pathlib import Path
from typing import Literal

import numpy as np
import psutil
import pytest

from config.settings import StreamSettings
from streams import forkserver
from streams.camera import Camera
from streams.frame import Frame, Outage, StreamError, StreamFault
from streams.probe import probe
from streams.source import source_for
from tests.clips import scene, write_clip
from tests.rtsp import RtspServer

PASSWORD = "p@s:s/w%25d?#"

pytestmark = pytest.mark.real("GStreamer RTSP server")


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("clips")
    return {
        "/gate": write_clip(folder / "gate.h264"),
        "/yard": write_clip(folder / "yard.h265", codec="libx265"),
    }


@pytest.fixture(scope="module")
def server(clips: dict[str, Path]) -> Iterator[RtspServer]:
    with RtspServer(clips) as server:
        yield server


def camera(
    url: str,
    *,
    fps: float = 5,
    width: int = 640,
    transport: Literal["auto", "tcp", "udp"] = "auto",
    read_timeout: float = 3,
) -> Camera:
    settings = StreamSettings(
        name="gate", url=url, transport=transport, open_timeout=3, read_timeout=read_timeout
    )
    source = source_for(settings, fps, width)
    assert isinstance(source, Camera)
    return source


@contextmanager
def no_child_left() -> Iterator[None]:
    """Every decoding child that was born inside has gone after a moment."""
    yield
    deadline = time.monotonic() + 2
    while left := decoding_children():
        assert time.monotonic() < deadline, f"still there: {left}"
        time.sleep(0.02)


def decoding_children() -> list[psutil.Process]:
    return [
        grandchild
        for child in psutil.Process().children()
        if "streams.forkserver" in child.cmdline()
        for grandchild in child.children()
    ]


async def watch(
    source: Camera, until: Callable[[Frame | Outage], bool], seconds: float = 15
) -> list[Frame | Outage]:
    """What the camera shows, up to and with what `until` waits for."""
    seen: list[Frame | Outage] = []
    async with asyncio.timeout(seconds), aclosing(source.sights()) as sights:
        async for sight in sights:
            seen.append(sight)
            if until(sight):
                break
    return seen


async def frames(source: Camera, number: int) -> list[Frame]:
    count = 0

    def enough(sight: Frame | Outage) -> bool:
        nonlocal count
        count += isinstance(sight, Frame)
        return count == number

    return [sight for sight in await watch(source, enough) if isinstance(sight, Frame)]


async def first_outage(source: Camera) -> Outage:
    *_, last = await watch(source, lambda sight: isinstance(sight, Outage) and "connecting" not in sight.text)
    assert isinstance(last, Outage)
    return last


@pytest.mark.parametrize("transport", ["tcp", "udp"])
@pytest.mark.parametrize("path", ["/gate", "/yard"])
async def test_a_camera_shows_its_pictures(
    server: RtspServer, path: str, transport: Literal["tcp", "udp"]
) -> None:
    source = camera(server.url(path), transport=transport, width=160)
    with no_child_left():
        seen = await frames(source, 6)
    first = seen[0]
    assert first.keyframe and first.fresh and first.live and not first.damaged
    assert not any(frame.fresh for frame in seen[1:])
    assert first.picture.shape == (90, 160, 3) and not first.picture.flags.writeable
    assert np.abs(first.picture.mean() - scene(0, 320, 180).mean()) < 12
    assert [frame.number for frame in seen] == list(range(6))
    gaps = np.diff([frame.position for frame in seen[1:]])
    assert gaps == pytest.approx([0.2] * 4, abs=0.09)
    ages = [time.monotonic() - frame.captured for frame in seen]
    assert all(0 <= age < 5 for age in ages)
    assert source.opened is not None
    assert (source.opened.transport, source.opened.width) == (transport, 320)
    assert source.counts["connects"] == 1


async def test_a_camera_that_refuses_tcp_is_read_over_udp(clips: dict[str, Path]) -> None:
    with RtspServer(clips, protocol="udp") as server:
        source = camera(server.url("/gate"))
        await frames(source, 2)
        assert source.opened is not None and source.opened.transport == "udp"
        outage = await first_outage(camera(server.url("/gate"), transport="tcp"))
    assert "does not offer this transport: set the stream's transport to auto" in outage.text


@pytest.mark.parametrize("auth", ["basic", "digest"])
async def test_a_password_with_odd_letters_opens_and_never_shows(
    clips: dict[str, Path], auth: Literal["basic", "digest"], capfd: pytest.CaptureFixture[str]
) -> None:
    with RtspServer(clips, user="admin", password=PASSWORD, auth=auth) as server:
        await frames(camera(server.url("/gate", "admin", PASSWORD)), 2)
        wrong = server.url("/gate", "admin", "wrong-" + PASSWORD)
        outage = await first_outage(camera(wrong))
        with pytest.raises(StreamError) as failed:
            await probe(StreamSettings(name="gate", url=wrong))
    assert outage.fault is failed.value.fault is StreamFault.UNAUTHORIZED
    assert outage.text == str(failed.value)
    assert outage.text.startswith(f"rtsp://***@127.0.0.1:{server.port}/gate rejects user or password")
    captured = capfd.readouterr()
    for text in (outage.text, repr(failed.value), captured.out, captured.err):
        assert "wrong-" not in text and "admin" not in text


async def test_a_password_may_be_typed_as_it_is(clips: dict[str, Path]) -> None:
    with RtspServer(clips, user="admin", password="pa/ss:w@rd") as server:
        await frames(camera(f"rtsp://admin:pa/ss:w@rd@127.0.0.1:{server.port}/gate"), 1)


async def test_a_stream_that_is_not_there(server: RtspServer) -> None:
    outage = await first_outage(camera(server.url("/cellar")))
    assert outage.fault is StreamFault.NOT_FOUND
    assert "has no such stream: check the part of the address after the host" in outage.text


async def test_a_port_that_refuses_is_tried_again_and_again() -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    source = camera(f"rtsp://127.0.0.1:{port}/gate")
    with no_child_left():
        seen = await watch(source, lambda sight: isinstance(sight, Outage) and sight.lasted > 3)
    outages = [sight for sight in seen if isinstance(sight, Outage)]
    assert {outage.fault for outage in outages} == {StreamFault.REFUSED}
    assert 4 <= len(outages) <= 6  # one at once, then about every second
    assert "refuses connections: is the port right" in outages[0].text
    assert 3 <= source.counts["connect_failed_refused"] <= 8
    assert source.state == "ended"


async def test_a_host_that_does_not_exist() -> None:
    outage = await first_outage(camera("rtsp://nowhere.invalid/gate"))
    assert outage.fault is StreamFault.UNREACHABLE
    assert outage.text.startswith("rtsp://nowhere.invalid/gate cannot be reached")


async def test_a_listener_that_says_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        source = camera(f"rtsp://127.0.0.1:{silent.getsockname()[1]}/gate")
        seen = await watch(source, lambda sight: isinstance(sight, Outage) and "says nothing" in sight.text)
    outages = [sight for sight in seen if isinstance(sight, Outage)]
    assert {outage.fault for outage in outages} == {StreamFault.SILENT}
    assert len(outages) >= 3  # told every second while the attempt hangs
    assert "still connecting" in outages[0].text


async def test_a_killed_camera_is_missed_at_once_and_comes_back_fresh(clips: dict[str, Path]) -> None:
    with RtspServer(clips) as server:
        source = camera(server.url("/gate"))
        killed = 0.0
        seen: list[Frame | Outage] = []
        async with asyncio.timeout(20), aclosing(source.sights()) as sights:
            async for sight in sights:
                seen.append(sight)
                if len(seen) == 5:
                    server.kill()
                    killed = time.monotonic()
                if isinstance(sight, Outage):
                    if server.process is None:
                        assert time.monotonic() - killed < 1
                        assert source.state == "offline"
                        server.start()
                elif killed and sight.fresh:
                    assert sight.keyframe and source.state == "online"
                    break
    lost = next(sight for sight in seen if isinstance(sight, Outage))
    assert lost.fault is StreamFault.ENDED
    assert "ended the stream" in lost.text
    assert source.counts["connects"] == 2 and source.counts["lost_ended"] == 1


async def test_a_frozen_camera_is_an_outage_and_recovers(clips: dict[str, Path]) -> None:
    with RtspServer(clips) as server:
        source = camera(server.url("/gate"), read_timeout=2)
        seen: list[Frame | Outage] = []
        frozen = 0.0
        async with asyncio.timeout(30), aclosing(source.sights()) as sights:
            async for sight in sights:
                seen.append(sight)
                if len(seen) == 5:
                    server.freeze()
                    frozen = time.monotonic()
                if isinstance(sight, Outage) and "has sent nothing for 2 s" in sight.text:
                    assert time.monotonic() - frozen < 4.5
                    server.thaw()
                if frozen and isinstance(sight, Frame) and sight.fresh:
                    break
    outages = [sight for sight in seen if isinstance(sight, Outage)]
    assert outages[0].fault is StreamFault.SILENT
    assert outages[0].lasted == pytest.approx(2, abs=0.5)


async def test_a_camera_that_hangs_holds_up_no_other(server: RtspServer) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        dead = [camera(f"rtsp://127.0.0.1:{silent.getsockname()[1]}/{number}") for number in range(6)]
        sights = [source.sights() for source in dead]
        waiting = [asyncio.ensure_future(anext(sight)) for sight in sights]
        await asyncio.sleep(0.1)
        began = time.monotonic()
        with no_child_left():
            await frames(camera(server.url("/gate")), 1)
            assert time.monotonic() - began < 2.5
            began = time.monotonic()
            await asyncio.gather(*(source.close() for source in dead))
            assert time.monotonic() - began < 1  # also while a child is blocked in opening
            await asyncio.gather(*waiting, return_exceptions=True)
            for sight in sights:
                await sight.aclose()


async def test_closing_ends_the_iteration_and_may_be_done_twice(server: RtspServer) -> None:
    source = camera(server.url("/gate"))

    async def look() -> int:
        return len([sight async for sight in source.sights()])

    with no_child_left():
        looking = asyncio.create_task(look())
        await asyncio.sleep(2)
        began = time.monotonic()
        await source.close()
        await source.close()
        assert await looking > 0
        assert time.monotonic() - began < 0.5
    assert source.state == "ended"


async def test_who_takes_too_slowly_gets_the_newest_picture(server: RtspServer) -> None:
    source = camera(server.url("/gate"), fps=25)
    async with asyncio.timeout(15), aclosing(source.sights()) as sights:
        await next_frame(sights)
        await asyncio.sleep(1)
        frame = await next_frame(sights)
    assert time.monotonic() - frame.captured < 0.2
    assert frame.number == 1
    assert source.counts["dropped_replaced"] >= 15


async def test_what_was_fresh_stays_fresh_where_a_newer_picture_replaces_it(server: RtspServer) -> None:
    source = camera(server.url("/gate"), fps=25)
    async with asyncio.timeout(15), aclosing(source.sights()) as sights:
        await next_frame(sights)
        assert not (await next_frame(sights)).fresh
        decoding_children()[0].kill()
        before = source.counts["delivered"] + source.counts["dropped_replaced"]
        await asyncio.sleep(2)  # it is back after half a second, and nobody looks
        assert source.counts["connects"] == 2
        assert source.counts["delivered"] + source.counts["dropped_replaced"] > before + 10
        assert (await next_frame(sights)).fresh


async def test_of_a_camera_only_a_share_of_the_pictures_is_kept_also_after_reconnecting(
    server: RtspServer,
) -> None:
    source = camera(server.url("/gate"), fps=10)
    async with asyncio.timeout(20), aclosing(source.sights()) as sights:
        await next_frame(sights)
        source.keep_only(0.2)
        await asyncio.sleep(0.3)
        for _ in range(2):
            counts = source.counts.copy()
            seen = [await next_frame(sights) for _ in range(6)]
            kept, shed = (source.counts[each] - counts[each] for each in ("sampled", "dropped_shed"))
            assert 0.12 < kept / (kept + shed) < 0.4
            gaps = np.diff([frame.position for frame in seen])
            assert min(gaps) == pytest.approx(0.1, abs=0.05), "two follow on each other at the usual pace"
            assert max(gaps) == pytest.approx(0.9, abs=0.2)
            decoding_children()[0].kill()
            while not (await next_frame(sights)).fresh:
                pass
        source.keep_only(1)
        await next_frame(sights)
        shed = source.counts["dropped_shed"]
        seen = [await next_frame(sights) for _ in range(10)]
    assert source.counts["dropped_shed"] <= shed + 8
    assert seen[-1].position - seen[-5].position == pytest.approx(0.4, abs=0.15)


async def next_frame(sights: AsyncIterator[Frame | Outage]) -> Frame:
    async for sight in sights:
        if isinstance(sight, Frame):
            return sight
    raise AssertionError("the camera ended")


async def test_a_killed_child_or_fork_server_is_replaced(server: RtspServer) -> None:
    source = camera(server.url("/gate"))
    murders = 0
    outages: list[Outage] = []
    async with asyncio.timeout(20), aclosing(source.sights()) as sights:
        async for sight in sights:
            if isinstance(sight, Outage):
                outages.append(sight)
            elif sight.fresh and murders == 2:
                break
            elif sight.fresh:
                murders += 1
                victim = decoding_children()[0] if murders == 1 else decoding_children()[0].parent()
                assert victim is not None
                victim.kill()
    crashed = [outage for outage in outages if outage.fault is StreamFault.CRASHED]
    assert len(crashed) >= 2
    assert "the process that decodes" in crashed[0].text and "died" in crashed[0].text
    assert source.counts["lost_crashed"] == source.counts["children_died"] == 2


def test_no_child_outlives_a_daemon_that_is_killed(server: RtspServer) -> None:
    script = f"""
import asyncio
from config.settings import StreamSettings
from streams.frame import Frame
from streams.source import source_for
async def main():
    async for sight in source_for(StreamSettings(name="gate", url={server.url("/gate")!r}), 5, 640).sights():
        if isinstance(sight, Frame):
            print("seen", flush=True)
asyncio.run(main())
"""
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as daemon:
        assert daemon.stdout is not None
        assert daemon.stdout.readline() == "seen\n"
        family = psutil.Process(daemon.pid).children(recursive=True)
        assert len(family) == 2  # the fork server and one child
        for name in (signal.SIGINT, signal.SIGTERM):  # what a terminal sends to all is not for them
            os.kill(family[0].pid, name)
            os.kill(family[1].pid, name)
        gone, _ = psutil.wait_procs(family, timeout=0.5)
        assert not gone
        daemon.kill()
        _, alive = psutil.wait_procs(family, timeout=3)
    assert not alive


async def test_a_child_is_confined_and_knows_nothing_of_the_house(server: RtspServer) -> None:
    source = camera(server.url("/gate"))
    async with asyncio.timeout(15), aclosing(source.sights()) as sights:
        await next_frame(sights)
        child = decoding_children()[0]
        assert child.rlimit(psutil.RLIMIT_AS)[0] == forkserver.MEMORY_LIMIT
        assert child.rlimit(psutil.RLIMIT_CORE) == (0, 0)
        assert child.rlimit(psutil.RLIMIT_NOFILE)[0] == forkserver.OPEN_FILES_LIMIT
        house = child.parent()  # a child's own memory is closed to all but root
        assert house is not None
        loaded = "\n".join(place.path for place in house.memory_maps())
        assert "libavcodec" in loaded
        for stranger in ("numpy", "torch", "cv2", "pydantic"):
            assert stranger not in loaded
        assert server.url("/gate") not in " ".join(child.cmdline() + list(house.environ().values()))


async def test_probe_tells_what_a_camera_is(server: RtspServer) -> None:
    report = await probe(StreamSettings(name="gate", url=server.url("/gate")), seconds=2.2)
    assert (report.codec, report.transport, report.width, report.height) == ("h264", "tcp", 320, 180)
    assert report.live and report.duration is None
    assert report.nominal_fps == pytest.approx(25)
    assert report.measured_fps == pytest.approx(25, rel=0.1)
    assert report.keyframe_interval == pytest.approx(1, abs=0.1)
    assert report.bitrate is not None and 20_000 < report.bitrate < 5_000_000
    assert 0 < report.open_seconds <= report.first_picture_seconds < 3
