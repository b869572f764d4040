"""Subscribing to a real redis-server: nothing missing, nothing twice, whatever the server goes through."""

import asyncio
import json
import logging
import re
import shutil
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from pathlib import Path

import pytest

import alerts.client
from alerts.channel import Message
from alerts.client import SubscribeError
from alerts.embedded_redis import EmbeddedRedis
from alerts.redis_channel import RedisChannel
from daemon.subscribe import print_alerts, read_pattern, server_url, subscribe
from tests.alert_body import alert_body
from tests.real import require
from tests.redis_server import RedisServer

pytestmark = pytest.mark.real("redis-server")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    options = ("--appendonly", "yes", "--appendfsync", "always")
    with RedisServer(require("redis-server"), tmp_path / "r", *options) as one:
        yield one


class Publisher:
    """Publishes as the daemon does."""

    def __init__(self, url: str) -> None:
        self.channel = RedisChannel(url)
        self.sequences: dict[str, int] = {}

    async def publish(self, stream: str = "gate", kind: str = "anomaly", name: str = "") -> str:
        message = self.next(stream, kind, name)
        await self.channel.publish([message])
        return message.id

    async def publish_many(self, number: int) -> None:
        for _ in range(number // 100):
            await self.channel.publish([self.next() for _ in range(100)])

    def next(self, stream: str = "gate", kind: str = "anomaly", name: str = "") -> Message:
        number = self.sequences[stream] = self.sequences.get(stream, 0) + 1
        name = name or f"{stream}-{number}"
        body = alert_body(stream=stream, sequence=number, kind=kind, id=name)
        return Message(name, stream, kind, number, body)


@pytest.fixture
async def publisher(server: RedisServer) -> AsyncIterator[Publisher]:
    one = Publisher(server.url)
    yield one
    await one.channel.close()


class Reader:
    """A subscriber in the background; `until` waits for a message and returns the ids of all so far."""

    def __init__(self, url: str, pattern: str = "*:*", since: str | None = None) -> None:
        self.ids: list[str] = []
        self._grown = asyncio.Condition()
        self.task = asyncio.create_task(self._read(url, pattern, since))

    async def _read(self, url: str, pattern: str, since: str | None) -> None:
        async with aclosing(subscribe(url, pattern, since)) as found:
            async for alert in found:
                async with self._grown:
                    self.ids.append(alert.id)
                    self._grown.notify_all()

    async def until(self, name: str) -> list[str]:
        async with asyncio.timeout(20), self._grown:
            await self._grown.wait_for(lambda: name in self.ids)
        return self.ids

    async def listening(self, server: RedisServer) -> "Reader":
        async with asyncio.timeout(10):
            while not any(each["cmd"] == "xread" for each in server.client().client_list()):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        return self

    async def end(self) -> None:
        self.task.cancel()
        await asyncio.wait([self.task])


async def test_live_messages_only_without_since(server: RedisServer, publisher: Publisher) -> None:
    await publisher.publish()
    reader = await Reader(server.url).listening(server)
    await publisher.publish("yard")
    assert await reader.until("yard-1") == ["yard-1"]
    await reader.end()


@pytest.mark.parametrize(
    ("pattern", "seen"),
    [
        ("*:*", ["gate-1", "gate-2", "yard-1"]),
        ("gate", ["gate-1", "gate-2"]),
        ("gate:*", ["gate-1", "gate-2"]),
        ("*:anomaly", ["gate-1", "yard-1"]),
        ("g*:qual*", ["gate-2"]),
        ("framewarden:alerts:yard:anomaly", ["yard-1"]),
    ],
)
async def test_replay_and_patterns(
    server: RedisServer, publisher: Publisher, pattern: str, seen: list[str]
) -> None:
    await publisher.publish("gate", "anomaly")
    await publisher.publish("gate", "quality")
    await publisher.publish("yard", "anomaly")
    reader = Reader(server.url, pattern, "0")
    assert await reader.until(seen[-1]) == seen
    await reader.end()


async def test_since_a_message_and_on_into_the_live_ones(server: RedisServer, publisher: Publisher) -> None:
    await publisher.publish_many(1200)
    reader = Reader(server.url, since="gate-100")
    for _ in range(100):  # while the old ones are still being read
        await publisher.publish()
    assert await reader.until("gate-1300") == [f"gate-{number}" for number in range(101, 1301)]
    await reader.end()


async def test_since_an_entry_of_the_stream(server: RedisServer, publisher: Publisher) -> None:
    for _ in range(3):
        await publisher.publish()
    second = server.client().xrange("framewarden:alerts")[1][0]
    reader = Reader(server.url, since=second)
    assert await reader.until("gate-3") == ["gate-3"]
    await reader.end()


async def test_nothing_is_missing_or_double_when_the_server_is_killed(
    server: RedisServer, publisher: Publisher, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "alerts")
    reader = await Reader(server.url).listening(server)
    await publisher.publish()
    await reader.until("gate-1")
    server.kill()
    await asyncio.sleep(0.3)
    server.start()
    await publisher.publish()  # before the reader is back
    await publisher.publish()
    assert await reader.until("gate-3") == ["gate-1", "gate-2", "gate-3"]
    said = [record.getMessage() for record in caplog.records if record.name == "alerts.client"]
    assert [line.partition(":")[0] for line in said] == ["cannot reach Redis, trying again", "Redis is back"]
    await reader.end()


async def test_the_same_message_published_again_is_shown_once(
    server: RedisServer, publisher: Publisher
) -> None:
    reader = await Reader(server.url).listening(server)
    await publisher.publish(name="same")
    await publisher.publish(name="same")  # another sequence, so that Redis takes it
    await publisher.publish(name="last")
    assert await reader.until("last") == ["same", "last"]
    await reader.end()


async def test_messages_trimmed_away_meanwhile_are_told(
    server: RedisServer, publisher: Publisher, caplog: pytest.LogCaptureFixture
) -> None:
    await publisher.publish()
    reader = Reader(server.url, since="0")
    await reader.until("gate-1")
    publisher.sequences["gate"] = 4
    await publisher.publish()
    await reader.until("gate-5")
    assert "stream 'gate': messages 2 to 4 are no longer on Redis" in caplog.text
    await reader.end()


async def test_a_server_that_lost_its_data_and_counts_anew_is_read_on(
    server: RedisServer, publisher: Publisher
) -> None:
    reader = await Reader(server.url).listening(server)
    await publisher.publish()
    await reader.until("gate-1")
    server.kill()
    shutil.rmtree(server.socket.parent / "appendonlydir")
    server.start()
    server.client().xadd(
        "framewarden:alerts", {"body": alert_body(id="old")}, id="5-1"
    )  # as if its clock were wrong
    await reader.listening(server)
    server.client().xadd("framewarden:alerts", {"body": alert_body(id="new")}, id="5-2")
    await reader.until("new")
    await reader.end()


async def test_what_others_write_there_is_passed_over(server: RedisServer, publisher: Publisher) -> None:
    server.client().xadd("framewarden:alerts", {"body": "hello"})
    server.client().xadd("framewarden:alerts", {"other": "field"})
    await publisher.publish()
    reader = Reader(server.url, since="0")
    assert await reader.until("gate-1") == ["gate-1"]
    await reader.end()


async def refusal(url: str, pattern: str = "*:*", since: str | None = "0") -> str:
    with pytest.raises(SubscribeError) as caught:
        await asyncio.wait_for(anext(subscribe(url, pattern, since)), 10)
    return str(caught.value)


async def test_refusals_in_words(server: RedisServer, publisher: Publisher, tmp_path: Path) -> None:
    assert "did you mean anomaly?" in await refusal(server.url, "gate:anomoly")
    assert "no message kept on Redis has the id none: since 0 gives all" in await refusal(
        server.url, since="none"
    )
    assert (await refusal("http://u:pw@h")).startswith("http://***@h is no address of a Redis server")
    server.client().set("framewarden:alerts", "text")
    assert "does not let us read framewarden:alerts: WRONGTYPE" in await refusal(server.url)
    with RedisServer(require("redis-server"), tmp_path / "l", port=True) as locked:
        locked.client().config_set("requirepass", "hunter2")
        told = await refusal(locked.url.replace("://", "://:wr0ng@"))
        assert told.startswith("Redis refuses the user or password") and "wr0ng" not in told
        assert "Redis refuses the user or password" in await refusal(locked.url)


def test_patterns() -> None:
    assert (read_pattern("").stream, read_pattern("").kind) == ("*", "*")
    assert (read_pattern("gate:").stream, read_pattern(":quality").kind) == ("gate", "quality")


def test_which_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = tmp_path / "fw.yaml"
    config.write_text("streams: [{name: a, url: b}]\nredis: {url: 'redis://h'}\n")
    assert server_url("redis://:p/w@h", None) == "redis://:p%2Fw@h"
    assert server_url(None, config) == "redis://h"
    config.write_text(f"streams: [{{name: a, url: b}}]\nservice: {{state_dir: {tmp_path}}}\n")
    with pytest.raises(SubscribeError, match=r"no embedded Redis runs in .*/redis: start `framewarden run`"):
        server_url(None, config)
    (tmp_path / "redis").mkdir()
    (tmp_path / "redis" / "redis.url").write_text("unix:///run/fw.sock\n")
    assert server_url(None, config) == "unix:///run/fw.sock"
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path))
    assert server_url(None, None) == "unix:///run/fw.sock"


@pytest.mark.parametrize("as_json", [True, False])
async def test_the_command_prints_a_line_for_each(
    server: RedisServer, publisher: Publisher, as_json: bool, capfd: pytest.CaptureFixture[str]
) -> None:
    await publisher.publish()
    await publisher.publish("yard")
    printing = asyncio.create_task(print_alerts("*:*", server.url, None, "0", as_json))
    lines: list[str] = []
    async with asyncio.timeout(10):
        while len(lines) < 2:
            await asyncio.sleep(0.02)
            lines += capfd.readouterr().out.splitlines()
    printing.cancel()
    await asyncio.wait([printing])
    if as_json:
        assert [json.loads(line)["id"] for line in lines] == ["gate-1", "yard-1"]
    else:
        assert "gate" in lines[0] and "anomaly/motion" in lines[0] and "3.14 of 2.5" in lines[0]


async def test_a_refused_command_ends_with_words_and_1(capfd: pytest.CaptureFixture[str]) -> None:
    assert await print_alerts("gate:anomoly", "redis://127.0.0.1:1", None, None, False) == 1
    assert "no alert is of the kind 'anomoly'" in capfd.readouterr().err


async def test_a_reader_who_has_enough_is_no_error(server: RedisServer, publisher: Publisher) -> None:
    for _ in range(50):
        await publisher.publish()
    program = (
        "import asyncio\nfrom daemon.subscribe import print_alerts\n"
        f"raise SystemExit(asyncio.run(print_alerts('*:*', {server.url!r}, None, '0', True)))"
    )
    child = await asyncio.create_subprocess_exec(
        "sh", "-c", f"{sys.executable} -c \"$0\"; echo ended with $? >&2", program,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert child.stdout is not None and child.stderr is not None
    assert json.loads(await child.stdout.readline())["id"] == "gate-1"
    child.stdout._transport.close()  # type: ignore[attr-defined]
    async with asyncio.timeout(20):
        for _ in range(3):
            await publisher.publish()
            await asyncio.sleep(0.1)
        assert (await child.stderr.read()).decode() == "ended with 0\n"
    await child.wait()


async def test_what_an_ended_daemon_told_can_still_be_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A daemon that watched recordings ends with the last one, and its embedded server with it."""
    config = tmp_path / "fw.yaml"
    config.write_text(
        f"streams: [{{name: gate, url: 'rtsp://127.0.0.1:1/x'}}]\nservice: {{state_dir: '{tmp_path}'}}\n"
    )
    assert await print_alerts("*:*", None, config, "0", True) == 1  # nothing was ever kept
    async with EmbeddedRedis(tmp_path / "redis") as embedded:
        publisher = Publisher(embedded.url)
        names = [
            await publisher.publish("gate"),
            await publisher.publish("yard"),
            await publisher.publish("gate"),
        ]
        await publisher.channel.close()
    assert await print_alerts("*:*", None, config, None, True) == 1
    capsys.readouterr()
    async with asyncio.timeout(20):
        assert await print_alerts("*:*", None, config, "0", True) == 0  # and it ends by itself
        assert [json.loads(line)["id"] for line in capsys.readouterr().out.splitlines()] == names
        assert await print_alerts("gate", None, config, "gate-1", True) == 0
        assert [json.loads(line)["id"] for line in capsys.readouterr().out.splitlines()] == ["gate-2"]
    assert not (tmp_path / "redis" / "redis.url").exists()
    async with EmbeddedRedis(tmp_path / "redis"):  # nothing stays in the way of the next daemon
        pass


@pytest.mark.parametrize("how", ["the pipe is closed", "Ctrl-C"])
async def test_it_ends_at_once_though_nothing_comes(server: RedisServer, how: str) -> None:
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "daemon.cli", "subscribe", "--url", server.url,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert child.stdout is not None and child.stderr is not None
    try:
        async with asyncio.timeout(30):
            while not any(each["cmd"] == "xread" for each in server.client().client_list()):  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        async with asyncio.timeout(3):
            if how == "Ctrl-C":
                child.send_signal(signal.SIGINT)
            else:
                child.stdout._transport.close()  # type: ignore[attr-defined]
            assert await child.stderr.read() == b""
            assert await child.wait() == (130 if how == "Ctrl-C" else 0)
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()


async def test_a_user_with_the_rights_that_the_page_names(
    server: RedisServer, publisher: Publisher, tmp_path: Path
) -> None:
    page = (Path(__file__).parents[2] / "docs/subscribe.md").read_text()
    found = re.search(r"^    user reader on >PASSWORD (.*)$", page, re.MULTILINE)
    more = re.search(r"so it needs `(.*?)` besides", page)
    assert found and more
    with RedisServer(require("redis-server"), tmp_path / "acl", port=True) as guarded:
        rules = found[1].split()
        guarded.client().execute_command("ACL", "SETUSER", "reader", "on", ">pw", *rules)
        url = guarded.url.replace("://", "://reader:pw@")
        telling = Publisher(guarded.url)
        names = [await telling.publish(), await telling.publish()]
        await telling.channel.close()
        for since, seen in (("0", names), ("10m", names), (names[0], names[1:])):
            assert [each.id async for each in subscribe(url, since=since, live=False)] == seen
        group = alerts.client.subscribe(url, group="g", worker="w", since="0", live=False)
        with pytest.raises(SubscribeError, match=r"does not let us read .* no permissions"):
            await anext(group)
        guarded.client().execute_command("ACL", "SETUSER", "reader", *more[1].split())
        group = alerts.client.subscribe(url, group="g", worker="w", since="0", live=False)
        assert [each.id async for each in group] == names
