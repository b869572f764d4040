"""Silences, acknowledgements and a lost host, through the real daemon and the real commands."""

import asyncio
import json
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from alerts.orders import Orders, OrdersError, OrdersFile
from daemon import orders
from tests.clips import write_clip
from tests.daemon.daemon_process import Daemon, eventually, framewarden
from tests.real import require
from tests.redis_server import RedisServer
from tests.rtsp import RtspServer


def messages(server: RedisServer) -> list[dict[str, Any]]:
    """What stands in the durable stream, oldest first."""
    entries: Any = server.client().xrange("framewarden:alerts")
    return [json.loads(fields["body"])["data"] for _, fields in entries]


def told(server: RedisServer) -> list[tuple[str, str, str]]:
    return [(data["stream"], data["label"], data["state"]) for data in messages(server)]


@pytest.fixture
def redis(tmp_path: Path) -> Any:
    with RedisServer(require("redis-server"), tmp_path / "redis") as server:
        yield server


HEAD = (
    "defaults: {detectors: [quality]}\nalerts: {offline_after: 1, cooldown: 0, update_every: 1}\nstreams:\n"
)


def acknowledged(alert: str, config: Path) -> bool:
    """Whether there was such an alert to acknowledge; the first letters of its id are enough."""
    with suppress(OrdersError):
        return asyncio.run(orders.acknowledge(alert[:6], "Ann", "on my way", config)) == 0
    return False


def test_a_camera_is_silenced_and_an_alert_acknowledged(tmp_path: Path, redis: RedisServer) -> None:
    camera = write_clip(tmp_path / "camera.h264", seconds=4)
    with RtspServer({"/gate": camera}) as server:
        body = f"{HEAD}  - {{name: gate, url: '{server.url('/gate')}'}}\n"
        with Daemon(tmp_path, body, redis_url=redis.url) as daemon:
            eventually("frames", lambda: int(daemon.stream("gate").get("frames", 0)) > 3)
            config = ("--config", str(daemon.config))
            given = framewarden("silence", "gate:stream", "--for", "1h", "--comment", "new cable", *config)
            assert given.returncode == 0, given.stderr
            assert given.stdout.startswith("gate: stream: silent until ")
            server.kill()
            eventually("it is held", lambda: daemon.stream("gate").get("held") == "stream/offline (silence)")
            assert told(redis) == []
            listed = framewarden("silences", *config, env={"COLUMNS": "200"}).stdout
            assert "new cable" in listed
            (untold,) = json.loads(framewarden("silences", "--json", *config).stdout)["open_alerts"]
            assert (untold["stream"], untold["label"], untold["not_told"]) == ("gate", "offline", "silence")
            assert 'framewarden_alerts_total{decision="silence",kind="stream"} 1.0' in daemon.get("metrics")

            daemon.stop()  # the silence, and what is held by it, outlive a restart
            daemon.start()
            eventually("it is held again", lambda: "held" in daemon.stream("gate"))
            assert told(redis) == []
            silence = given.stdout.rpartition(" ")[2].strip()
            assert asyncio.run(orders.remove(silence, daemon.config)) == 0
            eventually("it is told then", lambda: told(redis) == [("gate", "offline", "opened")])
            assert messages(redis)[0]["reason"].endswith("(it was silenced until now)")

            opened = messages(redis)[0]["alert_id"]
            eventually(
                "the daemon has written down what is open", lambda: acknowledged(opened, daemon.config)
            )
            eventually("that is told", lambda: messages(redis)[-1]["acknowledged_by"] == "Ann")
            so_far = len(messages(redis))
            server.start()
            eventually("the end is told", lambda: told(redis)[-1] == ("gate", "offline", "closed"), 30)
            assert len(messages(redis)) == so_far + 1, "no update after it was acknowledged"
            assert {data["alert_id"] for data in messages(redis)} == {opened}
            assert len({data["fingerprint"] for data in messages(redis)}) == 1
            daemon.stop()
    assert "Traceback" not in daemon.log


def test_all_cameras_of_a_host_offline_are_one_alert(tmp_path: Path, redis: RedisServer) -> None:
    camera = write_clip(tmp_path / "camera.h264", seconds=4)
    with RtspServer({"/a": camera, "/b": camera}, user="warden", password="s3cr:t") as server:
        urls = [server.url(f"/{name}", "warden", "s3cr:t") for name in "ab"]
        body = HEAD + "".join(
            f"  - {{name: {name}, url: '{url}'}}\n" for name, url in zip("ab", urls, strict=True)
        )
        with Daemon(tmp_path, body, redis_url=redis.url) as daemon:
            for name in "ab":
                eventually("frames", lambda name=name: int(daemon.stream(name).get("frames", 0)) > 3)  # type: ignore[misc]
            server.kill()
            eventually("it is told", lambda: told(redis))
            assert told(redis)[0] == ("_house", "host_offline", "opened")
            (first, *_) = messages(redis)
            assert first["subject"] == "127.0.0.1"
            assert first["reason"].startswith("All 2 cameras of 127.0.0.1 are offline: a, b.")
            assert [member["stream"] for member in first["gathered"]["members"]] == ["a", "b"]
            server.start()
            eventually("its end", lambda: told(redis)[-1] == ("_house", "host_offline", "closed"), 30)
            daemon.stop()
    assert {stream for stream, _, _ in told(redis)} == {"_house"}
    assert "s3cr" not in daemon.log + json.dumps(messages(redis))


def test_a_stream_in_shadow_is_judged_and_told_to_nobody(tmp_path: Path, redis: RedisServer) -> None:
    camera = write_clip(tmp_path / "camera.h264", seconds=4)
    with RtspServer({"/gate": camera}) as server:
        body = f"{HEAD}  - {{name: gate, url: '{server.url('/gate')}', shadow: true}}\n"
        server.kill()
        with Daemon(tmp_path, body, redis_url=redis.url) as daemon:
            eventually("it is held", lambda: daemon.stream("gate").get("held") == "stream/offline (shadow)")
            assert 'framewarden_alerts_total{decision="shadow",kind="stream"} 1.0' in daemon.get("metrics")
            assert "gate: stream offline is not told, it is in shadow" in daemon.log
            daemon.stop()
    assert told(redis) == []


@pytest.mark.parametrize(
    ("pattern", "duration", "until", "says"),
    [
        ("gate:*", None, None, "say for how long, or until when: --for 2h or --until 18:00"),
        ("gate:*", "2h", "18:00", "say for how long, or until when"),
        ("gate:*", "2 hours", None, "'2 hours' is no duration: write 30m, 2h, 1h30m or 7d"),
        ("gate:*", "0m", None, "is over already"),
        ("gate:*", "400d", None, "a silence may last a year at most"),
        ("gate:*", "9" * 400 + "d", None, "a silence may last a year at most"),
        ("gate:*", None, "noon", "'noon' is no time: write 18:00, or 2026-12-24T18:00"),
        ("gate:*", None, "2020-01-01", "is over already"),
        ("gate:anomly", "2h", None, "did you mean anomaly?"),
    ],
)
async def test_a_silence_that_cannot_be_is_told_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pattern: str, duration: str, until: str, says: str
) -> None:
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path))
    with pytest.raises(OrdersError) as caught:
        await orders.silence(pattern, "*", duration, until, None, "", None)
    assert says in str(caught.value)
    assert OrdersFile(tmp_path).read() == Orders()


async def test_a_silence_for_a_stream_that_there_is_not_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "fw.yaml"
    config.write_text(
        f"streams: [{{name: dark, url: clip.mp4}}, {{name: gate, url: clip.mp4}}]\n"
        f"service: {{state_dir: {tmp_path}}}\n"
    )
    with pytest.raises(OrdersError, match="nothing is silenced: no stream fits 'drak', did you mean 'dark'"):
        await orders.silence("drak", "*", "2h", None, None, "", config)
    assert OrdersFile(tmp_path).read() == Orders()
    for pattern in ("dark", "ga*:quality", "*", "_house"):
        assert await orders.silence(pattern, "*", "2h", None, None, "", config) == 0
    until = OrdersFile(tmp_path).read().silences[0].until
    assert f"silent until {until.astimezone():%Y-%m-%d %H:%M:%S %Z}" in capsys.readouterr().out


async def test_ids_that_nobody_knows_are_told_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path))
    with pytest.raises(OrdersError, match="no silence has the id 'abc': `framewarden silences` lists them"):
        await orders.remove("abc", None)
    for alert in ("abc", ""):
        with pytest.raises(OrdersError, match=f"no open alert begins with '{alert}': `framewarden silences`"):
            await orders.acknowledge(alert, None, "", None)


async def test_a_silence_is_changed_by_its_id(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path))
    file = OrdersFile(tmp_path)
    for stream in ("gate", "yard"):
        await orders.silence(stream, "*", "2h", None, "Ann", "painters", None)
    gate, yard = file.read().silences
    assert await orders.change(gate.id, "30m", None, None, None) == 0
    sooner, other = file.read().silences
    assert timedelta(minutes=29) < sooner.until - datetime.now(UTC) <= timedelta(minutes=30)
    assert replace(sooner, until=gate.until) == gate
    assert other == yard
    assert await orders.change(yard.id, None, None, "plumbers", None) == 0
    assert file.read().silences == (sooner, replace(yard, comment="plumbers"))
    capsys.readouterr()
    assert await orders.show(None, as_json=True) == 0
    page = json.loads(capsys.readouterr().out)
    assert [each["comment"] for each in page["silences"]] == ["painters", "plumbers"]
    assert datetime.fromisoformat(page["silences"][0]["until"]) - sooner.until < timedelta(milliseconds=1)
    assert page["open_alerts"] == []
    with pytest.raises(OrdersError, match="no silence has the id 'abc'"):
        await orders.change("abc", "30m", None, None, None)
    with pytest.raises(OrdersError, match="say what is to be changed: --for 2h, --until 18:00 or --comment"):
        await orders.change(gate.id, None, None, None, None)
    with pytest.raises(OrdersError, match="say for how long, or until when"):
        await orders.change(gate.id, "30m", "18:00", None, None)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--remove", "a", "--json"), "give one of --remove, --change and --json"),
        (("--for", "2h"), "name the silence that is to be changed: --change ID"),
    ],
)
def test_what_does_not_go_together_is_refused(arguments: tuple[str, ...], says: str) -> None:
    told = framewarden("silences", *arguments)
    assert (told.returncode, told.stderr) == (2, f"{says}\n")


def test_orders_for_a_daemon_that_never_ran_are_refused(tmp_path: Path) -> None:
    told = framewarden("silence", "gate", "--for", "2h", env={"STATE_DIRECTORY": str(tmp_path / "nowhere")})
    assert told.returncode == 1
    assert "no daemon has run with its state in" in told.stderr and told.stderr.count("\n") == 1


async def test_until_a_time_of_the_day_is_the_next_such_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path))
    assert await orders.silence("*", "*", None, "00:30", None, "", None) == 0
    (given,) = json.loads((tmp_path / "orders.json").read_text())["silences"]
    ahead = datetime.fromisoformat(given["until"]) - datetime.now(UTC)
    assert timedelta(0) < ahead <= timedelta(days=1)
