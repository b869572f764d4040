"""`framewarden channels test`: each channel tried for real, and what to do where it does not work."""

import json
import logging
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import quote

import jsonschema  # type: ignore[import-untyped]  # comes with check-jsonschema, without types
import pytest
from aiohttp import web
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alerts.client import read
from alerts.message import schema
from config.load import load
from config.problem import ConfigError
from daemon.channels import missing
from daemon.try_channels import STREAM, trial_message, try_channels
from tests.alerts.test_webhook_channel import SECRET, Receiver, serving
from tests.daemon.daemon_process import framewarden
from tests.fakes import EPOCH
from tests.mosquitto import Mosquitto, retained
from tests.real import require
from tests.redis_server import RedisServer, free_port

GATE = "streams: [{name: gate, url: clip.mp4}]\n"


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with serving(Receiver()) as receiver:
        yield receiver


def written(folder: Path, text: str) -> Path:
    (folder / "secret").write_text(SECRET)
    file = folder / "fw.yaml"
    file.write_text(f"{GATE}service: {{state_dir: {folder / 'state'}}}\n{text}")
    return file


def test_the_message_is_a_good_one_and_says_that_it_is_a_test() -> None:
    message = trial_message(EPOCH)
    jsonschema.Draft202012Validator(schema()).validate(json.loads(message.body))
    told = read(message.body)
    assert told.data["test"] is True
    assert told.stream == STREAM
    assert "This is a test" in told.reason


async def test_each_channel_is_tried_and_says_what_happened(
    tmp_path: Path, receiver: Receiver, capsys: pytest.CaptureFixture[str]
) -> None:
    port = free_port()
    config = written(tmp_path, f"""
alerts:
  channels:
    - {{kind: log}}
    - {{kind: file, path: alerts.jsonl, only: {{streams: [gate], min_severity: critical}}}}
    - {{kind: webhook, url: "{receiver.url}", secret: file:secret}}
    - {{kind: webhook, name: away, url: "http://ada:geheim-42@127.0.0.1:{port}/"}}
    - {{kind: redis}}
""")  # fmt: skip
    assert await try_channels(config, None) == 1
    nobody = (
        f"http://127.0.0.1:{port} cannot be reached (Connection refused): is it running, "
        "and is the address right?"
    )
    out = capsys.readouterr().out
    assert out.splitlines() == [
        "log: took the test message",
        "file: took the test message",
        "webhook: took the test message",
        f"away (webhook): failed: {nobody}",
        "redis: failed: the embedded Redis runs with the daemon: start `framewarden run` first",
    ]
    assert (await try_channels(config, "webhook"), len(receiver.got)) == (0, 2)
    assert json.loads((tmp_path / "alerts.jsonl").read_text())["data"]["test"] is True
    receiver.answers = [web.Response(status=401)]
    assert await try_channels(config, "webhook") == 1
    assert "does not know us: is the secret or authorization right?" in capsys.readouterr().out
    with pytest.raises(ConfigError, match="no channel is called 'webhok', did you mean 'webhook'"):
        await try_channels(config, "webhok")


@pytest.mark.real("redis-server")
@pytest.mark.real("mosquitto")
async def test_servers_get_it_and_a_running_daemon_is_not_disturbed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with (
        RedisServer(require("redis-server"), tmp_path / "redis") as redis,
        Mosquitto(require("mosquitto"), tmp_path / "mosquitto") as broker,
    ):
        config = written(tmp_path, f"""
redis: {{url: "{redis.url}"}}
alerts: {{channels: [{{kind: redis}}, {{kind: mqtt, url: "{broker.url}"}}]}}
""")  # fmt: skip
        assert await try_channels(config, None) == 0, capsys.readouterr().out
        [(_, fields)] = redis.client().xrange("framewarden:alerts")
        assert json.loads(fields["body"])["data"]["test"] is True
        assert retained(require("mosquitto_sub"), broker) == {}


def test_the_command_ends_with_what_happened(tmp_path: Path) -> None:
    config = written(tmp_path, "alerts: {channels: [{kind: log}, {kind: file, path: secret/alerts.jsonl}]}\n")
    good = framewarden("channels", "test", str(config), "log")
    assert (good.returncode, good.stdout) == (0, "log: took the test message\n")
    assert "channel-test: stream test opened: This is a test message" in good.stderr
    bad = framewarden("channels", "test", str(config))
    assert bad.returncode == 1
    assert f"file: failed: {tmp_path}/secret/alerts.jsonl cannot be written" in bad.stdout
    assert framewarden("channels", "test", str(config), "lgo").returncode == 2


async def test_a_library_that_is_not_there_is_said_with_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    config = written(tmp_path, "alerts: {channels: [{kind: apprise, name: pager, url: file:url}]}\n")
    (tmp_path / "url").write_text("json://127.0.0.1/12345678")
    assert missing(load(config)) == []
    monkeypatch.setitem(sys.modules, "apprise", None)  # what is absent, for Python
    [told] = missing(load(config))
    assert told.startswith("channel 'pager': a channel of kind apprise needs the library Apprise: install it")
    assert "pip install 'apprise>=1.9'" in told
    assert await try_channels(config, None) == 1
    assert "pip install 'apprise>=1.9'" in capsys.readouterr().out


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=8, max_size=30))
async def test_no_secret_is_in_any_text_whatever_it_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture, secret: str
) -> None:
    caplog.set_level(logging.INFO)  # as the daemon's root logger
    where = f"fw:{quote(secret, safe='')}@127.0.0.1:{free_port()}"
    (tmp_path / "bearer").write_text(f"Bearer {secret}")
    (tmp_path / "url").write_text(f"json://{where}/{quote(secret, safe='')}")
    config = written(tmp_path, f"""
alerts:
  channels:
    - {{kind: webhook, url: "http://{where}/", authorization: file:bearer}}
    - {{kind: mqtt, url: "mqtt://{where}"}}
    - {{kind: alertmanager, url: "http://{where}"}}
    - {{kind: apprise, url: file:url}}
""")  # fmt: skip
    assert await try_channels(config, None) == 1
    printed = capsys.readouterr()
    assert printed.out.count(": failed: ") == 4
    for form in {secret, quote(secret, safe="")}:
        assert form not in printed.out + printed.err + caplog.text
    assert secret not in repr(load(config))
    caplog.clear()
