"""Every trouble has words without credentials, and no option that guards us is misspelt."""

import asyncio
import time
from contextlib import aclosing
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socketserver import StreamRequestHandler, ThreadingTCPServer
from threading import Event, Thread
from typing import ClassVar

import av
import av.error
import pytest

from config.settings import StreamSettings
from streams import opening
from streams.fault import stream_error
from streams.frame import Outage, StreamError, StreamFault
from streams.message import Trouble
from streams.probe import probe
from streams.source import source_for
from tests.clips import write_clip


@pytest.mark.parametrize("trouble", Trouble)
def test_every_trouble_says_where_and_shows_no_secret(trouble: Trouble) -> None:
    text = str(stream_error(trouble, "rtsp://admin:p@ss:w/rd@gate.example/1?token=abc", 7))
    assert "gate.example" in text and len(text) > 30
    for secret in ("admin", "p@ss", "w/rd", "abc"):
        assert secret not in text


@pytest.mark.parametrize("name", ["rtsp_transport", *opening.RTSP_OPTIONS, *opening.QUICK_OPTIONS])
def test_ffmpeg_knows_the_options_for_rtsp(name: str) -> None:
    with pytest.raises(av.error.ArgumentError):  # were the name unknown, the port would refuse
        av.open("rtsp://127.0.0.1:9/", options={name: "nonsense"}, timeout=2)


@pytest.mark.parametrize("name", opening.RECORDING_OPTIONS)
def test_ffmpeg_knows_the_options_for_recordings(tmp_path: Path, name: str) -> None:
    path = write_clip(tmp_path / "a.mp4", seconds=0.2)
    with path.open("rb") as file, av.open(file, options=opening.RECORDING_OPTIONS):  # as we open it
        pass
    with pytest.raises(av.error.ArgumentError):
        av.open(f"file:{path}", options={name: "avi"})


async def test_a_web_page_is_no_camera(tmp_path: Path) -> None:
    (tmp_path / "video").write_text("<html>Sign in</html>\n" * 300)
    handler = partial(SimpleHTTPRequestHandler, directory=str(tmp_path))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        port = server.server_address[1]
        settings = StreamSettings(name="gate", url=f"http://127.0.0.1:{port}/video")
        async with asyncio.timeout(10), aclosing(source_for(settings, 5, 640).sights()) as sights:
            async for sight in sights:
                assert isinstance(sight, Outage)
                outage = sight
                if "connecting" not in sight.text:
                    break
        server.shutdown()
    assert outage.fault is StreamFault.NOT_VIDEO
    assert "is not a video that can be read: is it the right address" in outage.text


class SlowToRefuse(StreamRequestHandler):
    """A camera that takes its time, then does not offer TCP, and is never heard of again."""

    asked: ClassVar[Event] = Event()

    def handle(self) -> None:
        if self.asked.is_set():
            self.rfile.read()
            return
        self.asked.set()
        sdp = "v=0\r\ns=-\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=control:1\r\n"
        while request := self.rfile.readline().decode():
            headers = {}
            while line := self.rfile.readline().decode().strip():
                name, _, value = line.partition(":")
                headers[name.lower()] = value.strip()
            method = request.split()[0]
            if method == "SETUP":
                time.sleep(1.7)
            status = "461 Unsupported Transport" if method == "SETUP" else "200 OK"
            body = sdp if method == "DESCRIBE" else ""
            lines = (
                f"RTSP/1.0 {status}",
                f"CSeq: {headers.get('cseq')}",
                "Public: OPTIONS, DESCRIBE, SETUP, PLAY",
                "Content-Type: application/sdp",
                f"Content-Length: {len(body)}",
            )
            self.wfile.write("\r\n".join((*lines, "", body)).encode())


async def test_all_looks_at_a_camera_share_one_timeout() -> None:
    with ThreadingTCPServer(("127.0.0.1", 0), SlowToRefuse) as server:
        server.daemon_threads = True
        Thread(target=server.serve_forever, daemon=True).start()
        url = f"rtsp://127.0.0.1:{server.server_address[1]}/1"
        began = time.monotonic()
        with pytest.raises(StreamError, match="says nothing for 2 s"):
            await probe(StreamSettings(name="gate", url=url, open_timeout=2))
        assert SlowToRefuse.asked.is_set()
        assert 1.7 < time.monotonic() - began < 3
        server.shutdown()


async def test_a_scheme_that_nobody_knows() -> None:
    # The settings refuse this; FFmpeg may have been built without one that they know.
    settings = StreamSettings.model_construct(name="gate", url="rstp://gate.example/1")
    async with asyncio.timeout(10), aclosing(source_for(settings, 5, 640).sights()) as sights:
        async for sight in sights:
            assert isinstance(sight, Outage)
            outage = sight
            if "connecting" not in sight.text:
                break
    assert "begins with a scheme that is not known here: use rtsp://" in outage.text
