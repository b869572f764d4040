"""Every trouble has words without credentials, and no option that guards us is misspelt."""

import asyncio
from contextlib import aclosing
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import av
import av.error
import pytest

from config.settings import StreamSettings
from streams import opening
from streams.fault import stream_error
from streams.frame import Outage, StreamFault
from streams.message import Trouble
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
    with av.open(f"file:{path}", options=opening.RECORDING_OPTIONS):
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


async def test_a_scheme_that_nobody_knows() -> None:
    settings = StreamSettings(name="gate", url="rstp://gate.example/1")
    async with asyncio.timeout(10), aclosing(source_for(settings, 5, 640).sights()) as sights:
        async for sight in sights:
            assert isinstance(sight, Outage)
            outage = sight
            if "connecting" not in sight.text:
                break
    assert "begins with a scheme that is not known here: use rtsp://" in outage.text
