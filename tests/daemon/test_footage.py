"""A real fixed camera through the whole daemon: learned by itself, then watched without a false word."""

import subprocess
from pathlib import Path

import av
import pytest
from av.video.frame import PictureType
from av.video.stream import VideoStream

from tests.daemon.daemon_process import Daemon, eventually
from tests.daemon.test_run import told
from tests.real import require, shared
from tests.redis_server import RedisServer
from tests.rtsp import RtspServer


def as_camera(recording: Path, target: Path) -> Path:
    """The footage as a camera encodes it: no B-frames, and access units that a server can tell apart."""
    options = {"preset": "ultrafast", "crf": "20", "x264-params": "aud=1:keyint=20:bframes=0:scenecut=0"}
    with av.open(str(recording)) as source, av.open(str(target), "w", format="h264") as camera:
        footage = source.streams.video[0]
        stream = camera.add_stream("libx264", rate=footage.average_rate, options=options)
        assert isinstance(stream, VideoStream)
        stream.width, stream.height, stream.pix_fmt = footage.width, footage.height, "yuv420p"
        stream.thread_count = 1
        for number, picture in enumerate(source.decode(footage)):
            picture.pts, picture.pict_type = number, PictureType.NONE
            camera.mux(stream.encode(picture))
        camera.mux(stream.encode())
    return target


@pytest.mark.real("footage")
@pytest.mark.timeout(180)
def test_a_real_camera_is_learned_and_watched(tmp_path: Path) -> None:
    clip = as_camera(shared("data/videos/vtest.mp4"), tmp_path / "vtest.h264")
    body = "detectors: {{anomaly: {{learn_minutes: 0.5}}}}\nstreams:\n  - {{name: square, url: '{url}'}}\n"
    with (
        RedisServer(require("redis-server"), tmp_path / "redis") as redis,
        RtspServer({"/square": clip}) as server,
        Daemon(tmp_path, body.format(url=server.url("/square")), redis_url=redis.url) as daemon,
    ):
        eventually("pictures are judged", lambda: int(daemon.stream("square").get("frames", 0)) > 5)
        assert "learning" in daemon.stream("square")["anomaly"]
        eventually("the camera is learned", lambda: daemon.stream("square").get("anomaly") == "fine", 120)
        then = int(daemon.stream("square")["frames"])
        eventually("ten more seconds", lambda: int(daemon.stream("square")["frames"]) > then + 50, 30)
        state = daemon.stream("square")
        metrics = daemon.get("metrics")
        assert daemon.stop() < 5
        alerts = told(redis)
    assert state["state"] == "online"
    assert state["quality"].startswith("fine")
    assert alerts == []
    assert 'framewarden_normal_learned_ratio{stream="square"} 1.0' in metrics
    assert 'framewarden_normal_lessons{stream="square"} 1.0' in metrics
    assert 'framewarden_normal_provisional{stream="square"} 1.0' in metrics
    assert 'framewarden_normal_events_total{event="learned"} 1.0' in metrics
    checked = subprocess.run(
        [require("promtool"), "check", "metrics"], input=metrics, capture_output=True, text=True, check=False
    )
    assert (checked.returncode, checked.stderr) == (0, "")
    assert "learned from" in daemon.log
    assert "Traceback" not in daemon.log
