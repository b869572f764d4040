"""The whole way: real cameras and recordings in, real Redis out, through the daemon as systemd starts it."""

import json
import re
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

import av
import numpy as np
import psutil
import pytest
from av.video.stream import VideoStream

from daemon.run import run
from tests.clips import FPS, scene, write_clip
from tests.daemon.daemon_process import Daemon, eventually
from tests.real import require
from tests.redis_server import RedisServer, free_port
from tests.rtsp import RtspServer


def messages(server: RedisServer) -> list[dict[str, Any]]:
    """What stands in the durable stream, oldest first."""
    entries: Any = server.client().xrange("framewarden:alerts")
    return [json.loads(fields["body"]) for _, fields in entries]


def told(server: RedisServer) -> list[tuple[str, str, str]]:
    """(stream, label, opened|updated|closed) of each message."""
    return [(m["subject"], m["data"]["label"], m["type"].rsplit(".", 1)[1]) for m in messages(server)]


def clip_that_freezes(path: Path, lively: int = 14, still: int = 12) -> Path:
    """Seconds of a scene with sensor noise, seconds of one exactly repeated picture, the scene again."""
    noise = np.random.default_rng(1)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(
            "libx264", rate=FPS, options={"preset": "ultrafast", "crf": "20", "g": "50"}
        )
        assert isinstance(stream, VideoStream)
        stream.width, stream.height, stream.pix_fmt, stream.thread_count = 320, 180, "yuv420p", 1
        for number in range((lively + still + lively) * FPS):
            if not lively * FPS <= number < (lively + still) * FPS:
                picture = scene(number, 320, 180).astype(np.int16) + noise.normal(0, 4, (180, 320, 3)).astype(
                    np.int16
                )
            container.mux(
                stream.encode(av.VideoFrame.from_ndarray(picture.clip(0, 255).astype(np.uint8), "bgr24"))
            )
        container.mux(stream.encode())
    return path


@pytest.fixture
def redis(tmp_path: Path) -> Any:
    with RedisServer(
        require("redis-server"), tmp_path / "redis", "--appendonly", "yes", "--appendfsync", "always"
    ) as server:
        yield server


def test_a_recording_is_judged_and_told_and_the_daemon_ends_by_itself(
    tmp_path: Path, redis: RedisServer
) -> None:
    clip = clip_that_freezes(tmp_path / "freeze.mp4")
    body = f"streams:\n  - {{name: upload, url: '{clip}', detectors: [quality]}}\n"
    with Daemon(tmp_path, body, redis_url=redis.url) as daemon:
        assert daemon.wait() == 0, daemon.log
    changes = ["opened", "updated", "closed"]  # updated: it lasts so long that it becomes critical
    assert told(redis) == [("upload", "frozen", change) for change in changes]
    opened, updated, closed = messages(redis)
    assert opened["data"]["alert_id"] == updated["data"]["alert_id"] == closed["data"]["alert_id"]
    assert [m["data"]["sequence"] for m in (opened, updated, closed)] == [1, 2, 3]
    assert [m["data"]["severity"] for m in (opened, updated)] == ["warning", "critical"]
    assert 14 < opened["data"]["position"] < 14 + 12, "seconds into the recording"
    assert re.search(r"upload: quality frozen opened at 0:00:\d\d: nothing new for", daemon.log)
    picture = Path(opened["data"]["evidence"]["picture"])
    assert picture.read_bytes()[:2] == b"\xff\xd8", "the evidence is a JPEG"
    assert picture.stat().st_mode & 0o077 == 0, "pictures of people are for this user alone"
    assert re.search(r"upload: ended; \d+ pictures judged, 1 alert opened", daemon.log)


def test_a_recording_that_cannot_be_read_fails_the_run_and_says_why(
    tmp_path: Path, redis: RedisServer
) -> None:
    (tmp_path / "notes.mp4").write_text("no video at all")
    body = f"streams:\n  - {{name: upload, url: '{tmp_path / 'notes.mp4'}', detectors: [quality]}}\n"
    with Daemon(tmp_path, body, redis_url=redis.url) as daemon:
        assert daemon.wait() == 1
    assert "upload: " in daemon.log
    assert "notes.mp4" in daemon.log
    assert "Traceback" not in daemon.log


def test_two_cameras_a_killed_redis_and_a_clean_stop(tmp_path: Path, redis: RedisServer) -> None:
    camera = write_clip(tmp_path / "camera.h264", seconds=4)
    body = (  # on two hosts: where both cameras of one begin slowly, that is told as one outage
        "defaults: {detectors: [quality]}\n"
        "alerts: {offline_after: 1}\n"
        "streams:\n"
        "  - {name: gate, url: '${GATE_URL}', read_timeout: 2, open_timeout: 3}\n"
        "  - {name: absent, url: 'rtsp://nobody:hunter2@127.0.0.2:9/none', open_timeout: 2}\n"
    )
    with (
        RtspServer({"/gate": camera}, user="warden", password="s3cr:t@/x") as server,
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd,
    ):
        systemd.bind(str(tmp_path / "notify"))
        notified: list[str] = []
        threading.Thread(target=_listen, args=(systemd, notified), daemon=True).start()
        env = {
            "GATE_URL": server.url("/gate", "warden", "s3cr:t@/x"),
            "NOTIFY_SOCKET": str(tmp_path / "notify"),
            "WATCHDOG_USEC": "1000000",
        }
        with Daemon(tmp_path, body, redis_url=redis.url, env=env) as daemon:
            eventually("frames of gate", lambda: int(daemon.stream("gate").get("frames", 0)) > 10)
            eventually("absent is told offline", lambda: ("absent", "offline", "opened") in told(redis))
            page = daemon.health()
            assert page is not None
            assert page["status"] == "degraded"
            assert page["streams"]["absent"]["state"] == "offline"

            redis.kill()  # what happens meanwhile must arrive later
            eventually(
                "a dead channel is seen before an alert needs it", lambda: _says(daemon, "channel redis: ")
            )
            server.kill()
            eventually("gate is offline", lambda: daemon.stream("gate").get("state") == "offline")
            time.sleep(2)
            redis.start()
            server.start()
            eventually("gate is told back", lambda: ("gate", "offline", "closed") in told(redis), 30)
            hash_: Any = redis.client().hgetall("framewarden:streams:gate")
            eventually(
                "the state hash", lambda: redis.client().hget("framewarden:streams:gate", "state") == "online"
            )
            assert hash_

            promtool = require("promtool")
            up = 'framewarden_stream_up{stream="gate"} 1.0'
            eventually("the metrics say that it is up", lambda: up in daemon.get("metrics"))
            metrics = daemon.get("metrics")
            checked = subprocess.run(
                [promtool, "check", "metrics"], input=metrics, capture_output=True, text=True, check=False
            )
            assert (checked.returncode, checked.stderr) == (0, "")
            assert up in metrics

            assert daemon.stop() < 5
            eventually("systemd hears of the end", lambda: any("STOPPING=1" in each for each in notified))
    gate = [each for each in told(redis) if each[0] == "gate"]
    assert gate == [("gate", "offline", "opened"), ("gate", "offline", "closed")]
    ids = [m["id"] for m in messages(redis)]
    assert len(ids) == len(set(ids))
    for word in ("READY=1", "WATCHDOG=1", "STATUS=watching 2", "STOPPING=1"):
        assert word in "\n".join(notified)
    everything = daemon.log + json.dumps(messages(redis)) + metrics + "".join(notified)
    for secret in ("s3cr", "hunter2"):
        assert secret not in everything
    assert "Traceback" not in daemon.log


def test_an_open_alert_survives_a_crash_of_the_daemon(tmp_path: Path, redis: RedisServer) -> None:
    camera = write_clip(tmp_path / "camera.h264", seconds=4)
    body = (
        "alerts: {offline_after: 0.5}\nstreams:\n  - {name: gate, url: '${GATE_URL}', detectors: [quality]}\n"
    )
    with RtspServer({"/gate": camera}) as server:
        server.kill()
        with Daemon(tmp_path, body, redis_url=redis.url, env={"GATE_URL": server.url("/gate")}) as daemon:
            eventually("gate is told offline", lambda: ("gate", "offline", "opened") in told(redis))
            daemon.signal(signal.SIGKILL)
            daemon.wait()
            _nobody_left(daemon.pid)
            server.start()
            daemon.start()
            eventually("gate is told back", lambda: ("gate", "offline", "closed") in told(redis), 30)
            daemon.stop()
    assert told(redis) == [("gate", "offline", "opened"), ("gate", "offline", "closed")]
    first, last = messages(redis)
    assert first["data"]["alert_id"] == last["data"]["alert_id"]


def test_reloading_touches_only_what_changed(tmp_path: Path, redis: RedisServer) -> None:
    camera = write_clip(tmp_path / "camera.h264", seconds=4)
    head = "defaults: {detectors: [quality]}\nstreams:\n"
    with RtspServer({"/a": camera, "/b": camera}) as server:
        a, b = (f"  - {{name: {name}, url: '{server.url(f'/{name}')}'}}\n" for name in "ab")
        with Daemon(tmp_path, head + a, redis_url=redis.url) as daemon:
            eventually("frames of a", lambda: int(daemon.stream("a").get("frames", 0)) > 3)
            daemon.configure(head + a + b)
            daemon.signal(signal.SIGHUP)
            eventually("frames of b", lambda: int(daemon.stream("b").get("frames", 0)) > 3)
            assert 'framewarden_stream_events_total{event="connects",stream="a"} 1.0' in daemon.get("metrics")

            daemon.configure(head + a + b.replace("url", "ulr"))
            daemon.signal(signal.SIGHUP)
            eventually("the mistake is said", lambda: "did you mean" in daemon.log)
            assert daemon.stream("b").get("state") == "online"

            daemon.configure(head + b)
            daemon.signal(signal.SIGHUP)
            eventually("a is gone", lambda: daemon.stream("a") == {})
            assert daemon.stop() < 5
    assert "Traceback" not in daemon.log


def test_changing_the_only_camera_does_not_end_the_daemon(tmp_path: Path, redis: RedisServer) -> None:
    camera = write_clip(tmp_path / "camera.h264", seconds=4)
    head = "defaults: {detectors: [quality]}\nstreams:\n"
    with (
        RtspServer({"/a": camera, "/b": camera}) as server,
        Daemon(
            tmp_path, f"{head}  - {{name: gate, url: '{server.url('/a')}'}}\n", redis_url=redis.url
        ) as daemon,
    ):
        eventually("frames", lambda: int(daemon.stream("gate").get("frames", 0)) > 3)
        daemon.configure(f"{head}  - {{name: gate, url: '{server.url('/b')}', sample_fps: 7}}\n")
        daemon.signal(signal.SIGHUP)
        eventually("it is reloaded", lambda: "reloaded" in daemon.log)
        eventually("new frames", lambda: 3 < int(daemon.stream("gate").get("frames", 0)) < 1000)
        daemon.configure(f"{head}  - {{name: yard, url: '{server.url('/b')}'}}\n")
        daemon.signal(signal.SIGHUP)
        eventually("frames of yard", lambda: int(daemon.stream("yard").get("frames", 0)) > 3)
        ended: Any = redis.client().hget("framewarden:streams:gate", "state")
        assert ended == "ended"
        assert daemon.stop() < 5


async def test_what_no_channel_takes_makes_a_run_of_recordings_fail(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    clip = clip_that_freezes(tmp_path / "freeze.mp4")
    config = tmp_path / "framewarden.yaml"
    config.write_text(
        f"redis: {{url: 'redis://127.0.0.1:{free_port()}'}}\n"
        f"service: {{listen: null, state_dir: '{tmp_path / 'state'}'}}\n"
        f"streams:\n  - {{name: upload, url: '{clip}', detectors: [quality]}}\n"
    )
    assert await run(config, deliver_seconds=1) == 1
    assert "redis: 3 messages were not delivered" in caplog.text


def test_with_nothing_configured_an_embedded_redis_takes_the_alerts(tmp_path: Path) -> None:
    redis_cli = require("redis-cli")
    clip = clip_that_freezes(tmp_path / "freeze.mp4")
    camera = write_clip(tmp_path / "camera.h264", seconds=4)
    with RtspServer({"/gate": camera}) as server:
        body = (
            "defaults: {detectors: [quality]}\nstreams:\n"
            f"  - {{name: upload, url: '{clip}'}}\n  - {{name: gate, url: '{server.url('/gate')}'}}\n"
        )
        with Daemon(tmp_path, body) as daemon:
            announced = eventually(
                "the embedded server is announced", lambda: re.search(r"redis-cli -s (\S+)", daemon.log)
            )
            path = announced[1]

            def answer() -> str:
                asked = [redis_cli, "-s", path, "XLEN", "framewarden:alerts"]
                return subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip()

            eventually("opened, updated, closed", lambda: answer() == "3")
            second = Daemon(tmp_path, body)
            with second:
                assert second.wait() == 1
            assert "is in use by another framewarden" in second.log
            assert daemon.stop() < 5


def _listen(receiver: socket.socket, heard: list[str]) -> None:
    """As systemd does: takes every datagram at once, or the sender's queue is soon full."""
    while True:
        try:
            heard.append(receiver.recv(4096).decode())
        except OSError:  # closed
            return


def _says(daemon: Daemon, problem: str) -> bool:
    page = daemon.health()
    return page is not None and any(each.startswith(problem) for each in page["problems"])


def _nobody_left(pid: int) -> None:
    """The children of a killed daemon end by themselves."""
    eventually(
        "no orphan",
        lambda: not [p for p in psutil.process_iter(["ppid", "cmdline"]) if p.info["ppid"] == pid],
    )
