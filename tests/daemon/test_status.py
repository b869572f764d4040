"""`framewarden status`: what a running daemon says of its streams; words where none answers."""

import asyncio
import json
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from aiohttp import web
from av.video.stream import VideoStream

from daemon.status_table import StatusError, print_status
from tests.clips import write_clip
from tests.daemon.daemon_process import Daemon, eventually, framewarden
from tests.redis_server import free_port
from tests.rtsp import RtspServer

BODY = """
defaults: {detectors: [quality]}
alerts: {offline_after: 2, channels: [{kind: log}]}
streams:
  - {name: gate, url: 'GATE_URL', priority: 2}
  - {name: lost, url: /nowhere/lost.mp4}
  - {name: absent, url: 'rtsp://nobody:hunter2@localhost:9/none', sample_fps: 2}
"""


def page_of(daemon: Daemon) -> dict[str, Any]:
    answer = framewarden("status", str(daemon.config), "--json")
    assert (answer.returncode, answer.stderr) == (0, "")
    page: dict[str, Any] = json.loads(answer.stdout)
    return page


@pytest.mark.real("GStreamer RTSP server")
def test_it_tells_how_each_stream_does_and_blind_time_survives_a_restart(tmp_path: Path) -> None:
    camera = write_clip(tmp_path / "camera.h264", seconds=4)
    with (
        RtspServer({"/gate": camera}) as server,
        Daemon(tmp_path, BODY.replace("GATE_URL", server.url("/gate"))) as daemon,
    ):
        eventually("frames of gate", lambda: int(daemon.stream("gate").get("frames", 0)) > 10)
        eventually("absent is told offline", lambda: "absent: stream offline opened" in daemon.log)
        page = page_of(daemon)
        gate, absent = page["streams"]["gate"], page["streams"]["absent"]
        assert (gate["state"], absent["state"]) == ("online", "offline")
        assert (gate["wanted_fps"], absent["wanted_fps"]) == (5, 2)
        assert gate["priority"] == 2
        assert 2 < gate["judged_fps"] < 8
        assert gate["watched"] > 0.3 and absent["watched"] == 0
        assert gate["last_frame_age"] < 1 and absent["last_frame_age"] is None
        assert gate["detectors"] == {"quality": "fine"} or "except" in gate["detectors"]["quality"]
        assert absent["alerts"][0]["label"] == "offline"
        assert "refuses connections" in absent["trouble"]
        assert absent["blind_today"]["offline"] > 1
        assert len(page["problems"]) == 2
        offline, lost = page["problems"]
        assert offline.startswith("stream absent: no picture: ") and "localhost:9/none refuses" in offline
        assert lost == "stream lost: /nowhere/lost.mp4 does not exist: check the path"

        at = f"127.0.0.1:{daemon.port}"  # needs no configuration, and none of its secrets
        table = framewarden("status", "--at", at, env={"COLUMNS": "200"}).stdout
        header, first, second, third, problem, another = table.splitlines()
        assert " ".join(header.split()) == (
            "stream state since last frame pictures/s watched blind today alerts detectors"
        )
        assert first.startswith("absent") and "offline" in first and "stream offline" in first
        assert "0.0 of 2 " in first
        assert second.startswith("gate") and "online" in second and "quality fine" in second
        assert third.startswith("lost") and "ended" in third
        assert problem == f"! {offline}" and another == f"! {lost}"
        assert "hunter2" not in table + json.dumps(page)
        metrics = daemon.get("metrics")
        assert 'framewarden_blind_seconds_total{cause="frozen",stream="gate"} 0.0' in metrics
        assert 'framewarden_blind_seconds_total{cause="offline",stream="absent"}' in metrics
        assert daemon.stop() < 5

        daemon.start()
        eventually("it runs again", lambda: daemon.stream("absent"))
        again = page_of(daemon)["streams"]["absent"]
        assert again["blind"]["offline"] >= absent["blind"]["offline"]
        assert again["blind"]["not_running"] > 0
        assert daemon.stop() < 5


def dark_of(daemon: Daemon) -> dict[str, Any]:
    """As the command is told."""
    stream: dict[str, Any] = json.loads(daemon.get("status"))["streams"]["dark"]
    return stream


@pytest.mark.real("GStreamer RTSP server")
def test_a_camera_that_shows_nothing_is_blind_and_the_cause_is_named(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "black.h264"), "w", format="h264") as container:
        stream = container.add_stream(
            "libx264", rate=25, options={"x264-params": "aud=1:keyint=25:bframes=0"}
        )
        assert isinstance(stream, VideoStream)
        stream.width, stream.height, stream.pix_fmt = 320, 180, "yuv420p"
        stream.thread_count = 1
        for _ in range(50):
            black = av.VideoFrame.from_ndarray(np.zeros((180, 320, 3), np.uint8), "bgr24")
            container.mux(stream.encode(black))
        container.mux(stream.encode())
    with RtspServer({"/dark": tmp_path / "black.h264"}) as server:
        body = (
            "defaults: {detectors: [quality]}\nalerts: {channels: [{kind: log}]}\n"
            f"streams:\n  - {{name: dark, url: '{server.url('/dark')}'}}\n"
        )
        with Daemon(tmp_path, body) as daemon:
            eventually("black is told", lambda: "dark: quality black opened" in daemon.log)
            eventually("it is blind for a second", lambda: dark_of(daemon)["blind_today"].get("black", 0) > 1)
            dark = dark_of(daemon)
            assert [each["label"] for each in dark["alerts"]] == ["black"]
            assert dark["detectors"]["quality"].startswith("alarming:black")
            eventually("its pictures are judged all the same", lambda: dark_of(daemon)["watched"] > 0.3)
            assert daemon.stop() < 5


def test_where_no_daemon_answers_that_is_said(tmp_path: Path) -> None:
    port = free_port()
    config = tmp_path / "fw.yaml"
    config.write_text(
        f"streams: [{{name: gate, url: 'rtsp://gate.example/1'}}]\nservice: {{listen: '127.0.0.1:{port}'}}\n"
    )
    answer = framewarden("status", str(config))
    assert answer.returncode == 1
    assert answer.stderr == (
        f"no daemon answers at 127.0.0.1:{port} (Connection refused): is it running? "
        "`framewarden run CONFIG` starts it, systemd says more\n"
    )


async def test_a_daemon_that_serves_nothing_cannot_be_asked(tmp_path: Path) -> None:
    config = tmp_path / "fw.yaml"
    config.write_text("streams: [{name: gate, url: 'rtsp://gate.example/1'}]\nservice: {listen: null}\n")
    with pytest.raises(StatusError, match="says 'listen: null' under service"):
        await print_status(config, None, as_json=False)


@pytest.mark.parametrize("answer", ["<html>", "[]", '{"version": 2}', '{"problems": []}', "[" * 100_000])
async def test_another_server_at_that_address_is_no_daemon(tmp_path: Path, answer: str) -> None:
    async def page(_: web.Request) -> web.Response:
        await asyncio.sleep(0)
        return web.Response(text=answer)

    app = web.Application()
    app.router.add_get("/status", page)
    runner = web.AppRunner(app)
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    config = tmp_path / "fw.yaml"
    config.write_text(
        f"streams: [{{name: gate, url: 'rtsp://gate.example/1'}}]\nservice: {{listen: '127.0.0.1:{port}'}}\n"
    )
    try:
        with pytest.raises(StatusError, match="is no framewarden of this version"):
            await print_status(config, None, as_json=False)
    finally:
        await runner.cleanup()
