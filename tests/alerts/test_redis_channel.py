"""Alerts reach real Redis servers: in order, none lost and none twice, whatever happens to the server."""

import asyncio
import json
import socket
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from alerts.channel import Message, PublishError
from alerts.delivery import Delivery
from alerts.outbox import Outbox
from alerts.redis_channel import ALERTS, SENT, RedisChannel
from tests.alerts.samples import put_many, renderer, verdict
from tests.alerts.test_delivery import running, until_delivered
from tests.javascript import npm_packages
from tests.real import require
from tests.redis_server import RedisServer, free_port

pytestmark = pytest.mark.real("redis-server")


@pytest.fixture
def server(redis_program: str, tmp_path: Path) -> Iterator[RedisServer]:
    with RedisServer(redis_program, tmp_path / "redis", "--appendonly", "yes", port=True) as server:
        yield server


@pytest.fixture
async def channel(server: RedisServer) -> AsyncIterator[RedisChannel]:
    channel = RedisChannel(server.url, timeout=0.5)
    yield channel
    await channel.close()


def messages(number: int, first: int = 1, stream: str = "gate") -> list[Message]:
    return [renderer(stream)(sequence) for sequence in range(first, first + number)]


def in_stream(server: RedisServer) -> list[dict[str, str]]:
    return [fields for _, fields in server.client().xrange(ALERTS)]


async def refusal(channel: RedisChannel, batch: list[Message]) -> str:
    with pytest.raises(PublishError) as caught:
        await channel.publish(batch)
    assert caught.value.__cause__ is None
    return str(caught.value)


async def test_a_message_reaches_subscribers_the_stream_and_the_streams_hash(
    server: RedisServer, channel: RedisChannel
) -> None:
    subscriber = server.client().pubsub()
    subscriber.psubscribe("framewarden:alerts:*:quality")
    assert subscriber.get_message(timeout=1)
    batch = messages(3)
    await channel.publish(batch)
    heard: list[Any] = [subscriber.get_message(timeout=1) for _ in batch]
    assert [one["data"] for one in heard] == [message.body for message in batch]
    assert {one["channel"] for one in heard} == {"framewarden:alerts:gate:quality"}
    assert in_stream(server) == [
        {"id": m.id, "stream": "gate", "kind": "quality", "sequence": str(m.sequence), "body": m.body}
        for m in batch
    ]
    await channel.show("gate", {"state": "watching", "fps": "5.0"})
    assert server.client().hgetall("framewarden:streams:gate") == {
        "sequence": "3", "last_alert": batch[-1].body, "state": "watching", "fps": "5.0",
    }  # fmt: skip


async def test_a_streams_hash_holds_what_is_shown_now_and_ends_with_the_daemon(
    server: RedisServer, channel: RedisChannel
) -> None:
    client, key = server.client(), "framewarden:streams:gate"
    await channel.show("gate", {"state": "online", "anomaly": "fine"})
    assert 55 < client.ttl(key) <= 60
    await channel.publish(messages(2))
    client.expire(key, 5)
    await channel.show("gate", {"state": "offline"})  # the anomaly detector was taken from this stream
    assert client.hgetall(key) == {"state": "offline", "sequence": "2", "last_alert": messages(2)[-1].body}
    assert 55 < client.ttl(key) <= 60
    client.delete(key)
    await channel.publish(messages(1, first=3))  # what is delivered last makes no hash that stays for ever
    assert 55 < client.ttl(key) <= 60


async def test_what_is_sent_again_arrives_once(server: RedisServer, channel: RedisChannel) -> None:
    subscriber = server.client().pubsub()
    subscriber.psubscribe("framewarden:alerts:*")
    subscriber.get_message(timeout=1)
    await channel.publish(messages(5))
    await channel.publish(messages(8))  # as after a lost reply, when more has come in
    assert [int(m["sequence"]) for m in in_stream(server)] == list(range(1, 9))
    heard = [subscriber.get_message(timeout=0.2) for _ in range(9)]
    assert heard[7] is not None
    assert heard[8] is None
    # The same number with other content is another alert: an outbox that was lost begins again at 1.
    await channel.publish([renderer("gate", mark="!")(1)])
    assert len(in_stream(server)) == 9


async def test_the_stream_and_the_memory_of_what_was_sent_are_bounded(server: RedisServer) -> None:
    channel = RedisChannel(server.url, stream_length=200)
    for n in range(25):
        numbers = range(n * 500, n * 500 + 500)
        await channel.publish([Message(str(i), "gate", "quality", i, str(i)) for i in numbers])
    assert 200 <= server.client().xlen(ALERTS) < 400
    assert server.client().zcard(SENT) == 10_000
    await channel.close()


async def test_every_alert_arrives_once_in_order_though_redis_is_killed_and_restarted(
    server: RedisServer, tmp_path: Path
) -> None:
    channel = RedisChannel(server.url, timeout=0.5)
    async with Outbox(tmp_path / "outbox", ["redis"]) as outbox:
        channel.batch = 10
        delivery = Delivery(outbox, channel, first_retry=0.02, longest_retry=0.1)
        async with running(delivery):
            for n in range(300):
                name = ("gate", "yard", "door")[n % 3]
                await outbox.put(verdict(name, f"{name}-{n}"), renderer(name))
                if n == 100:
                    server.kill()
                if n == 150:
                    await asyncio.to_thread(server.start)
                if n == 220:
                    await asyncio.to_thread(server.restart)
                await asyncio.sleep(0.002)
            await until_delivered(delivery, seconds=10)
    await channel.close()
    arrived = in_stream(server)
    for name in ("gate", "yard", "door"):
        assert [int(m["sequence"]) for m in arrived if m["stream"] == name] == list(range(1, 101))
    assert delivery.counts["lost_connection"] >= 1


async def test_a_server_that_hangs_is_given_up_in_time_and_catches_up_later(
    server: RedisServer, tmp_path: Path
) -> None:
    channel = RedisChannel(server.url, timeout=0.2)
    async with Outbox(tmp_path / "outbox", ["redis"]) as outbox:
        channel.batch = 10
        delivery = Delivery(outbox, channel, first_retry=0.02, longest_retry=0.1)
        async with running(delivery):
            await put_many(outbox, 20)
            await until_delivered(delivery)
            server.pause()
            async with asyncio.timeout(2):
                await put_many(outbox, 100)  # nobody who puts waits for Redis
                while delivery.connected:  # noqa: ASYNC110 - seen from outside
                    await asyncio.sleep(0.01)
            assert "does not answer within 0.2 s: is it overloaded or stopped?" in delivery.last_error
            await asyncio.sleep(0.5)
            server.resume()
            await until_delivered(delivery)
    await channel.close()
    assert [int(m["sequence"]) for m in in_stream(server)] == list(range(1, 121))


class LossyProxy:
    """Between us and Redis. Lets all through, but cuts the line in place of the next answers to EVAL."""

    def __init__(self, target: int) -> None:
        self.port = free_port()
        self.losses = 0
        self._target = target

    @asynccontextmanager
    async def serving(self) -> AsyncIterator["LossyProxy"]:
        async with await asyncio.start_server(self._serve, "127.0.0.1", self.port):
            yield self

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server_reader, server_writer = await asyncio.open_connection("127.0.0.1", self._target)
        evaluated = False

        async def forward() -> None:
            nonlocal evaluated
            while data := await reader.read(65536):
                evaluated |= b"EVAL" in data
                server_writer.write(data)

        forwarding = asyncio.create_task(forward())
        while data := await server_reader.read(65536):
            if evaluated and self.losses:
                self.losses -= 1
                break
            writer.write(data)
        forwarding.cancel()
        server_writer.close()
        writer.close()


async def test_a_lost_answer_makes_no_doubles(server: RedisServer, tmp_path: Path) -> None:
    async with LossyProxy(server.port).serving() as proxy, Outbox(tmp_path / "outbox", ["redis"]) as outbox:
        channel = RedisChannel(f"redis://127.0.0.1:{proxy.port}", timeout=1)
        channel.batch = 10
        delivery = Delivery(outbox, channel, first_retry=0.01, longest_retry=0.02)
        async with running(delivery):
            for _ in range(5):
                proxy.losses = 2
                await put_many(outbox, 15)
                await until_delivered(delivery)
        await channel.close()
    assert delivery.counts["failed"] == 10
    assert [int(m["sequence"]) for m in in_stream(server)] == list(range(1, 76))


async def test_out_of_memory_keeps_alerts_until_there_is_some(server: RedisServer, tmp_path: Path) -> None:
    channel = RedisChannel(server.url)
    server.client().config_set("maxmemory", "1")
    async with Outbox(tmp_path / "outbox", ["redis"]) as outbox:
        delivery = Delivery(outbox, channel, first_retry=0.02, longest_retry=0.1)
        async with running(delivery):
            await put_many(outbox, 10)
            async with asyncio.timeout(5):
                while delivery.connected is None:  # noqa: ASYNC110 - seen from outside
                    await asyncio.sleep(0.01)
            assert delivery.last_error.endswith(
                "is out of memory: lower redis.stream_length, or raise your own server's maxmemory"
            )
            assert delivery.waiting == 10
            server.client().config_set("maxmemory", "0")
            await until_delivered(delivery)
    await channel.close()
    assert [int(m["sequence"]) for m in in_stream(server)] == list(range(1, 11))


async def test_a_shorter_stream_lets_a_full_server_take_alerts_again(server: RedisServer) -> None:
    client = server.client()
    client.config_set("maxmemory", int(client.info("memory")["used_memory"]) + 2_000_000)
    channel = RedisChannel(server.url)
    first = 1
    with suppress(PublishError):
        while first < 20_000:
            await channel.publish(messages(50, first))
            first += 50
    assert "is out of memory: lower redis.stream_length" in await refusal(channel, messages(50, first))
    assert client.xlen(ALERTS) == first - 1  # it may keep more, so nothing goes
    await channel.close()
    channel = RedisChannel(server.url, stream_length=100)
    for again in range(first, first + 1000, 50):
        await channel.publish(messages(50, again))
    await channel.close()
    assert [int(m["sequence"]) for m in in_stream(server)][-100:] == list(range(first + 900, first + 1000))


async def test_a_refusal_on_the_way_leaves_no_doubles_behind(
    server: RedisServer, channel: RedisChannel
) -> None:
    await channel.publish(messages(2))
    server.client().rename(ALERTS, "kept")
    server.client().set(ALERTS, "somebody else's")
    for _ in range(3):
        assert "WRONGTYPE" in await refusal(channel, messages(3))
    server.client().rename("kept", ALERTS)
    await channel.publish(messages(4))
    assert [m["sequence"] for m in in_stream(server)] == ["1", "2", "3", "4"]


async def test_a_strangers_key_in_the_place_of_a_hash_holds_up_no_alert(
    server: RedisServer, channel: RedisChannel
) -> None:
    server.client().set("framewarden:streams:yard", "somebody else's")
    await channel.publish([*messages(2), *messages(1, stream="yard")])
    assert [m["stream"] for m in in_stream(server)] == ["gate", "gate", "yard"]
    with pytest.raises(PublishError, match="WRONGTYPE"):
        await channel.show("yard", {"state": "online"})


async def test_a_publisher_that_is_cancelled_ends(server: RedisServer) -> None:
    """Stopping the daemon cancels whoever publishes: not one cancellation may be swallowed on the way."""
    channel = RedisChannel(server.url)

    async def publish_for_ever() -> None:
        first = 1
        while True:
            await channel.publish(messages(1, first))
            first += 1

    for number in range(40):
        publisher = asyncio.create_task(publish_for_ever())
        await asyncio.sleep(0.002 * (number % 7))
        publisher.cancel()
        done, _ = await asyncio.wait([publisher], timeout=1)
        assert done, f"cancellation {number} was lost"
    await channel.close()


async def test_passwords_and_access_lists(server: RedisServer) -> None:
    """What a refused user reads, and that the access list which the docstring names is enough."""
    admin = server.client()
    allowed = (
        "~framewarden:* &framewarden:alerts:* +eval +time +zadd +zrem +zremrangebyrank +hset +hkeys +hdel"
        " +expire +publish +xadd +xtrim"
    )
    assert RedisChannel.__doc__
    assert allowed in " ".join(RedisChannel.__doc__.split())
    rules = ("on", "resetchannels", *allowed.split())
    admin.execute_command("ACL", "SETUSER", "warden", ">p@:/ss", *rules)
    admin.execute_command("ACL", "SETUSER", "poor", ">secret", *rules, "-publish")
    admin.execute_command("ACL", "SETUSER", "poorer", ">secret", *rules, "-eval")
    admin.config_set("requirepass", "geheim")
    at = f"127.0.0.1:{server.port}"
    for url, words in {
        f"redis://{at}": "asks for a password: put it into redis.url",
        f"redis://:wr0ng@{at}": "refuses the user name or the password in redis.url",
        f"redis://warden:wr0ng@{at}": "refuses the user name or the password in redis.url",
        f"redis://poor:secret@{at}": "does not let this user publish",
        f"redis://poorer:secret@{at}": "does not let this user publish",
        f"redis://:geheim@{at}/99": "refuses: DB index is out of range",
    }.items():
        channel = RedisChannel(url)
        told = await refusal(channel, messages(1))
        await channel.close()
        assert told.startswith(f"Redis at {at} {words}")
        assert not any(secret in told for secret in ("wr0ng", "secret", "p%40", "p@", "geheim"))
    for url in (f"redis://:geheim@{at}", f"redis://warden:p%40%3A%2Fss@{at}"):
        channel = RedisChannel(url)
        await channel.publish(messages(2))
        await channel.show("gate", {"state": "watching"})
        await channel.close()
    assert len(server.client(password="geheim").xrange(ALERTS)) == 2


async def test_a_replica_says_that_it_is_one(server: RedisServer, channel: RedisChannel) -> None:
    server.client().execute_command("REPLICAOF", "127.0.0.1", str(free_port()))
    assert "is a read-only replica: name its primary in redis.url" in await refusal(channel, messages(1))


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("redis://u:secret@127.0.0.1:1/0", "Redis at 127.0.0.1:1 cannot be reached (Connection refused)"),
        ("unix:///nowhere/redis.sock", "Redis at /nowhere/redis.sock cannot be reached (No such file"),
        ("redis://:secret@nowhere.invalid", "Redis at nowhere.invalid:6379 cannot be reached ("),
    ],
)
async def test_an_absent_server_is_named_without_its_password(url: str, words: str) -> None:
    channel = RedisChannel(url, timeout=2)
    told = await refusal(channel, messages(1))
    assert told.startswith(words)
    assert told.endswith("is it running, and is redis.url right?")
    assert "secret" not in told
    with pytest.raises(PublishError):
        await channel.show("gate", {"state": "watching"})
    await channel.close()


async def test_something_that_is_no_redis_is_not_waited_for() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        channel = RedisChannel(f"rediss://127.0.0.1:{silent.getsockname()[1]}", timeout=0.2)
        async with asyncio.timeout(3):
            assert "Redis at 127.0.0.1" in await refusal(channel, messages(1))
        await channel.close()


async def test_redis_cli_hears_alerts_by_pattern(server: RedisServer, channel: RedisChannel) -> None:
    listener = await asyncio.create_subprocess_exec(
        require("redis-cli"), "-p", str(server.port), "--csv", "PSUBSCRIBE", "framewarden:alerts:*:quality",
        stdout=subprocess.PIPE, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert listener.stdout is not None
    try:
        async with asyncio.timeout(5):
            while b"psubscribe" not in await listener.stdout.readline():
                pass
            await channel.publish(messages(2))
            lines = [(await listener.stdout.readline()).decode() for _ in range(2)]
    finally:
        listener.kill()
        await listener.wait()
    assert '"framewarden:alerts:gate:quality"' in lines[0]
    assert json.loads(json.loads(f"[{lines[1]}]")[3]) == json.loads(messages(2)[1].body)


NODE_SUBSCRIBER = """
const { createClient } = require('redis');
(async () => {
  const client = createClient({ url: process.argv[2] });
  await client.connect();
  await client.pSubscribe('framewarden:alerts:*:quality', (message, channel) => {
    const event = JSON.parse(message);
    console.log(`${channel} ${event.id}`);
  });
  console.log('ready');
})();
"""


async def test_a_node_program_hears_alerts(system_redis: str, tmp_path: Path) -> None:
    script = npm_packages() / "subscriber.cjs"
    script.write_text(NODE_SUBSCRIBER)
    with RedisServer(system_redis, tmp_path / "redis", port=True) as server:
        listener = await asyncio.create_subprocess_exec(
            require("node"), str(script), server.url, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL
        )
        channel = RedisChannel(server.url)
        assert listener.stdout is not None
        try:
            async with asyncio.timeout(20):
                assert await listener.stdout.readline() == b"ready\n"
                await channel.publish(messages(3))
                lines = [(await listener.stdout.readline()).decode().strip() for _ in range(3)]
        finally:
            listener.kill()
            await listener.wait()
            await channel.close()
    assert lines == [f"framewarden:alerts:gate:quality gate-{n}" for n in (1, 2, 3)]
