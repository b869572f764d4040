"""Cameras beside plain RTSP: each way of sending pictures, by a real encoder, read as the daemon does."""

import asyncio
import logging
import os
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import ExitStack, aclosing, contextmanager
from fractions import Fraction
from functools import partial
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path
from threading import Thread
from typing import Any

import av
import numpy as np
import pytest

from config.settings import StreamSettings
from streams.camera import Camera
from streams.device import device
from streams.frame import Frame, Outage, StreamFault
from streams.hardware import acceleration
from streams.opening import GLANCE_OPTIONS
from streams.source import source_for
from tests.clips import scene, write_clip
from tests.real import require
from tests.rtsp import RtspServer

pytest_plugins = ["tests.own_certificate"]
WRAPS = 95_443.7  # seconds at which a transport stream's 33 bits begin anew
SIZE = (320, 180)
X264 = ("-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-g", "25", "-pix_fmt", "yuv420p")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


@contextmanager
def ffmpeg(*arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """Runs in real time until the block ends."""
    process = subprocess.Popen(
        [require("ffmpeg"), "-hide_banner", "-loglevel", "error", "-re", *arguments],
        stdin=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_clip(tmp_path_factory.mktemp("live") / "a.mp4", seconds=8)


def camera(url: str, **settings: Any) -> Camera:
    source = source_for(
        StreamSettings(name="gate", url=url, **{"open_timeout": 8, "read_timeout": 3, **settings}), 5, 320
    )
    assert isinstance(source, Camera)
    return source


async def first_outage(source: Camera) -> Outage:
    """The first one that says more than that it is still connecting."""
    async with asyncio.timeout(15), aclosing(source.sights()) as sights:
        async for sight in sights:
            assert isinstance(sight, Outage)
            if "connecting" not in sight.text:
                return sight
    raise AssertionError("it ended")


async def frames(source: Camera, number: int, seconds: float = 25) -> list[Frame]:
    seen: list[Frame] = []
    async with asyncio.timeout(seconds), aclosing(source.sights()) as sights:
        async for sight in sights:
            if isinstance(sight, Frame):
                seen.append(sight)
                if len(seen) == number:
                    break
    return seen


def well_timed(seen: Sequence[Frame]) -> None:
    """Positions rise, at the pace of the pictures, whatever the timestamps say.

    The first ones were gathered while the source was opened, and come at once: the newest replaces them.
    """
    gaps = [there.position - here.position for here, there in pairwise(seen[3:])]
    assert all(0.1 < gap < 0.6 for gap in gaps), gaps


@contextmanager
def web(handler: Any) -> Iterator[int]:
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()


class _Silent(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


class _Slow(_Silent):
    """Gives files at about the pace at which they play."""

    def copyfile(self, source: Any, outputfile: Any) -> None:
        size = os.fstat(source.fileno()).st_size
        for _ in range(80):
            outputfile.write(source.read(size // 80 + 1))
            time.sleep(0.1)


@pytest.mark.parametrize("codec", ["libx264", "libx265"])
async def test_a_video_that_a_web_server_sends(tmp_path: Path, codec: str) -> None:
    write_clip(tmp_path / "a.ts", codec=codec, seconds=8)
    with web(partial(_Slow, directory=str(tmp_path))) as port:
        source = camera(f"http://127.0.0.1:{port}/a.ts")
        seen = await frames(source, 10)
    assert [each.fresh for each in seen] == [True] + 9 * [False] and not any(each.damaged for each in seen)
    assert source.opened is not None and source.opened.container == "mpegts"
    well_timed(seen)


async def test_its_end_is_an_outage_and_it_is_fetched_again(tmp_path: Path) -> None:
    write_clip(tmp_path / "a.ts", seconds=1)
    with web(partial(_Silent, directory=str(tmp_path))) as port:
        source = camera(f"http://127.0.0.1:{port}/a.ts")
        await frames(source, 8)
    assert source.counts["lost_ended"] >= 1 and source.counts["connects"] >= 2


async def test_hls(tmp_path: Path, clip: Path) -> None:
    with (
        ffmpeg(
            *(
                "-stream_loop",
                "-1",
                "-i",
                str(clip),
                *X264,
                "-f",
                "hls",
                "-hls_time",
                "1",
                "-hls_list_size",
                "4",
            ),
            *("-hls_flags", "delete_segments", str(tmp_path / "live.m3u8")),
        ),
        web(partial(_Silent, directory=str(tmp_path))) as port,
    ):
        source = camera(f"http://127.0.0.1:{port}/live.m3u8")
        seen = await frames(source, 20)
    assert source.opened is not None and source.opened.container == "hls"
    well_timed(seen)


async def test_mjpeg_over_http_as_cameras_send_it() -> None:
    """And of 25 pictures a second only those that are due are decoded."""
    picture = av.VideoFrame.from_ndarray(scene(0, *SIZE), "bgr24")
    encoder = av.CodecContext.create("mjpeg", "w")
    encoder.width, encoder.height = SIZE
    encoder.pix_fmt, encoder.time_base = "yuvj420p", Fraction(1, 25)
    jpeg = bytes(encoder.encode(picture.reformat(format="yuvj420p"))[0])

    class Mjpeg(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=cam")
            self.end_headers()
            for _ in range(250):
                head = f"--cam\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
                try:
                    self.wfile.write(head.encode() + jpeg + b"\r\n")
                except OSError:
                    return
                time.sleep(0.04)

    with web(Mjpeg) as port:
        source = camera(f"http://127.0.0.1:{port}/video")
        seen = await frames(source, 12)
    assert source.opened is not None and source.opened.codec == "mjpeg"
    assert np.abs(seen[-1].picture.mean() - scene(0, *SIZE).mean()) < 12
    well_timed(seen)
    assert source.counts["decoded"] < 0.4 * source.counts["packets"]


async def test_rtmp_from_a_server(clip: Path) -> None:
    url = f"rtmp://127.0.0.1:{free_port()}/live/gate"
    with ffmpeg("-stream_loop", "-1", "-i", str(clip), "-c", "copy", "-f", "flv", "-listen", "1", url):
        source = camera(url)
        seen = await frames(source, 10)
    assert source.opened is not None and source.opened.container == "flv"
    well_timed(seen)


@pytest.mark.parametrize(
    ("scheme", "how"), [("rtsp", ("-f", "rtsp", "-rtsp_transport", "tcp")), ("rtmp", ("-f", "flv"))]
)
async def test_a_camera_that_pushes_to_us_may_come_late_go_and_come_again(
    clip: Path, scheme: str, how: Sequence[str]
) -> None:
    url = f"{scheme}://127.0.0.1:{free_port()}/live/gate"
    source = camera(url, listen=True)

    async def pushed() -> AsyncIterator[Frame | Outage]:
        async with aclosing(source.sights()) as sights:
            async for sight in sights:
                yield sight

    pushing = ("-stream_loop", "-1", "-i", str(clip), "-c", "copy", *how, url)
    async with asyncio.timeout(50):
        with ExitStack() as pushers:
            begun = False
            seen: list[Frame] = []
            async for sight in pushed():
                if not begun and isinstance(sight, Outage):
                    assert "connecting" in sight.text
                    pushers.enter_context(ffmpeg(*pushing))
                    begun = True
                elif isinstance(sight, Frame):
                    seen.append(sight)
                    if len(seen) == 6:
                        pushers.close()  # it is killed
                        await asyncio.sleep(0.5)
                        pushers.enter_context(ffmpeg(*pushing))
                    if len(seen) > 6 and sum(each.fresh for each in seen) == 2 and not seen[-1].fresh:
                        break
    assert source.counts["connects"] >= 2


async def test_where_nobody_pushes_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.child.LISTENS", 1.0)
    source = camera(f"rtsp://admin:hunter2@127.0.0.1:{free_port()}/live", listen=True, open_timeout=1)
    sight = await first_outage(source)
    assert sight.fault is StreamFault.SILENT and "no camera has pushed its picture here" in sight.text
    assert "hunter2" not in sight.text


def test_only_what_can_be_pushed_may_be_listened_for() -> None:
    with pytest.raises(ValueError, match="'listen' waits for a camera that pushes rtsp or rtmp, not http"):
        StreamSettings(name="gate", url="http://127.0.0.1/x", listen=True)


async def test_a_transport_stream_whose_clock_wraps_goes_on_without_a_gap(clip: Path) -> None:
    """Its timestamps begin anew about four seconds in."""
    port = free_port()
    with ffmpeg(
        *("-stream_loop", "-1", "-i", str(clip), "-c", "copy", "-muxdelay", "0", "-muxpreload", "0"),
        *("-output_ts_offset", str(WRAPS - 5), "-f", "mpegts", f"udp://127.0.0.1:{port}?pkt_size=1316"),
    ):
        source = camera(f"udp://127.0.0.1:{port}")
        seen = await frames(source, 40)
    well_timed(seen)
    assert source.counts["connects"] == 1
    took = seen[-1].captured_at - seen[0].captured_at
    assert seen[-1].position - seen[0].position == pytest.approx(took.total_seconds(), abs=1)


def at_time(path: Path, seconds: float, width: int) -> Path:
    """A transport stream whose timestamps begin there."""
    made = write_clip(path.with_suffix(".mp4"), seconds=4, width=width, height=90)
    shifts = ("-output_ts_offset", str(seconds), "-muxdelay", "0")
    subprocess.run(
        [require("ffmpeg"), "-loglevel", "error", "-i", made, "-c", "copy", *shifts, "-f", "mpegts", path],
        check=True,
    )
    return path


@pytest.mark.parametrize("decode", ["all", "gated"])
async def test_a_camera_that_sets_its_clock_back_goes_on(tmp_path: Path, decode: str) -> None:
    """What comes after was filmed an hour before, by its timestamps, and in another size and rate."""
    parts = [at_time(tmp_path / "0.ts", 7200, 320), at_time(tmp_path / "1.ts", 3600, 160)]
    (tmp_path / "a.ts").write_bytes(b"".join(part.read_bytes() for part in parts))
    with web(partial(_Slow, directory=str(tmp_path))) as port:
        source = camera(f"http://127.0.0.1:{port}/a.ts", decode=decode)
        seen = await frames(source, 30)
    sizes = [each.picture.shape[1] for each in seen]
    assert sizes == sorted(sizes, reverse=True) and set(sizes) == {320, 160}
    assert [each.fresh for each in seen] == [number in (0, sizes.index(160)) for number in range(30)]
    positions = [each.position for each in seen]
    assert positions == sorted(positions) and positions[-1] < 12
    assert source.counts["connects"] == 1


async def test_a_camera_that_changes_its_codec_is_opened_anew(tmp_path: Path) -> None:
    for number, codec in enumerate(["libx264", "libx265"]):
        write_clip(tmp_path / f"{number}.ts", codec=codec, seconds=3)
    both = (tmp_path / "0.ts").read_bytes() + (tmp_path / "1.ts").read_bytes()

    class Changing(_Silent):
        """Sends both, one after the other; who comes later gets the second."""

        asked = 0

        def do_GET(self) -> None:
            type(self).asked += 1
            what = both if self.asked == 1 else (tmp_path / "1.ts").read_bytes()
            self.send_response(200)
            self.end_headers()
            for start in range(0, len(what), 8192):
                try:
                    self.wfile.write(what[start : start + 8192])
                except OSError:
                    return
                time.sleep(0.02)
            time.sleep(20)

    with web(Changing) as port:
        source = camera(f"http://127.0.0.1:{port}/a.ts", read_timeout=2)
        codecs: list[str] = []
        async with asyncio.timeout(40), aclosing(source.sights()) as sights:
            async for sight in sights:
                if isinstance(sight, Frame) and source.opened is not None:
                    codecs.append(source.opened.codec)
                    if codecs[-1] == "hevc":
                        break
    assert codecs[0] == "h264"


@pytest.mark.real("GStreamer RTSP server")
async def test_rtsps(tmp_path: Path, own_certificate: tuple[Path, Path, Path]) -> None:
    clip = write_clip(tmp_path / "gate.h264")
    with RtspServer(
        {"/gate": clip}, user="admin", password="p@ss", certificate=own_certificate[1:]
    ) as server:
        source = camera(server.url("/gate", "admin", "p@ss"))
        seen = await frames(source, 8)
        assert source.opened is not None and source.opened.container == "rtsp"
        well_timed(seen)
        wrong = camera(server.url("/gate", "admin", "hunter2"))
        sight = await first_outage(wrong)
    assert sight.fault is StreamFault.UNAUTHORIZED and "hunter2" not in sight.text


@pytest.mark.skipif(not Path("/dev/video0").exists(), reason="this machine has no camera at /dev/video0")
async def test_a_device_of_this_machine() -> None:
    assert await frames(camera("v4l2:///dev/video0"), 3)


async def test_a_device_that_is_not_there_is_said() -> None:
    sight = await first_outage(camera("v4l2:///dev/video63"))
    assert "/dev/video63 does not exist" in sight.text


def test_a_devices_options_are_told_to_ffmpeg() -> None:
    path, options = device("v4l2:///dev/video0?video_size=1280x720&framerate=25&input_format=mjpeg")
    assert path == "/dev/video0"
    assert options == {"video_size": "1280x720", "framerate": "25", "input_format": "mjpeg"}
    with pytest.raises(av.error.FFmpegError) as trouble:  # it knows the names: else it would not look at them
        av.open("/dev/null", format="v4l2", options={**options, "video_size": "nonsense"})
    assert trouble.value.errno == 22


@pytest.mark.parametrize("name", GLANCE_OPTIONS)
def test_ffmpeg_knows_the_options_for_a_first_glance(name: str) -> None:
    with pytest.raises(av.error.FFmpegError) as trouble:
        av.open("http://127.0.0.1:9/", options={name: "nonsense"}, timeout=2)
    assert not isinstance(trouble.value, av.error.ConnectionRefusedError)


@pytest.mark.parametrize("hardware", ["cuda", "vaapi", "auto"])
async def test_without_a_card_it_is_decoded_in_software_and_said_once(
    tmp_path: Path, hardware: str, caplog: pytest.LogCaptureFixture
) -> None:
    if acceleration(hardware) is not None:
        pytest.skip("this machine has a card that decodes")
    write_clip(tmp_path / "a.ts")
    with caplog.at_level(logging.INFO), web(partial(_Silent, directory=str(tmp_path))) as port:
        source = camera(f"http://127.0.0.1:{port}/a.ts", hardware=hardware)
        assert len(await frames(source, 3)) == 3
    assert source.opened is not None and not source.opened.hardware
    words = f"gate: decoded in software: no card that 'hardware: {hardware}' means decodes it here"
    assert [record.message for record in caplog.records if "software" in record.message] == [words]
