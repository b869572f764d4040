"""The client module against a real redis-server: where it begins, what it missed, and work that is shared."""

import asyncio
import logging
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from redis.asyncio import Redis

import alerts.client
from alerts.client import Alert, Box, SubscribeError, read, subscribe
from tests.alert_body import alert_body
from tests.announcing import announcing
from tests.real import require
from tests.redis_server import RedisServer

pytestmark = pytest.mark.real("redis-server")
ALERTS = "framewarden:alerts"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    with RedisServer(require("redis-server"), tmp_path / "r") as one:
        yield one


def put(
    server: RedisServer, name: str, entry: str = "*", sequence: int = 1, stream: str = "gate", **data: Any
) -> None:
    body = alert_body(id=name, stream=stream, sequence=sequence, **data)
    server.client().xadd(ALERTS, {"id": name, "body": body}, id=entry)


async def all_of(url: str, **options: Any) -> list[Alert]:
    async with asyncio.timeout(10):
        return [alert async for alert in subscribe(url, live=False, **options)]


async def names(url: str, **options: Any) -> list[str]:
    return [alert.id for alert in await all_of(url, **options)]


async def some(found: Any, number: int, seconds: float = 20) -> list[Alert]:
    async with asyncio.timeout(seconds):
        return [await anext(found) for _ in range(number)]


async def until_blocked(server: RedisServer, command: str = "xread") -> None:
    async with asyncio.timeout(10):
        while not any(each["cmd"] == command for each in server.client().client_list()):  # noqa: ASYNC110
            await asyncio.sleep(0.01)


def test_it_stands_alone(tmp_path: Path) -> None:
    """Copied somewhere else, it needs redis-py alone; here, nothing heavy comes with it."""
    shutil.copy(alerts.client.__file__, tmp_path / "client.py")
    program = (
        "import sys\nfrom importlib.metadata import packages_distributions\n"
        "import redis.asyncio, redis.asyncio.retry, redis.asyncio.sentinel\n"
        "before = {name.partition('.')[0] for name in sys.modules}\n"
        "import client\n"
        "print(*({name.partition('.')[0] for name in sys.modules} - before - set(sys.stdlib_module_names)))"
    )
    lonely = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    assert (lonely.stdout, lonely.stderr) == ("client\n", "")
    heavy = "torch numpy cv2 pydantic yaml av aiohttp rich config streams detectors daemon"
    program = f"import sys, alerts.client\nprint(*(n for n in {heavy.split()} if n in sys.modules))"
    assert subprocess.check_output([sys.executable, "-c", program], text=True, timeout=60) == "\n"
    assert (Path(alerts.client.__file__).parent / "py.typed").exists()


def test_everything_of_a_message_can_be_read() -> None:
    member = {"alert_id": "b", "stream": "yard", "kind": "anomaly", "label": "motion", "severity": "info"}
    body = alert_body(
        fingerprint="f00d",
        acknowledged_by="Ann",
        gathered={
            "count": 3, "still_open": 1, "members": [{**member, "first_frame_at": "2026-11-23T15:04:05.278Z"}]
        },
        region=[{"left": 0, "top": 0.5, "width": 1, "height": 0.25}],
    )  # fmt: skip
    alert = read(body)
    assert (alert.fingerprint, alert.acknowledged_by, alert.open) == ("f00d", "Ann", True)
    assert alert.region == (Box(0.0, 0.5, 1.0, 0.25),)
    assert alert.gathered is not None
    assert (alert.gathered.count, alert.gathered.members[0].stream) == (3, "yard")
    assert alert.captured_at == datetime(2026, 11, 23, 15, 4, 5, 678_000, UTC)
    assert (alert.source, alert.body) == ("//here/framewarden", body)


async def test_since_a_time(server: RedisServer) -> None:
    seconds, _ = server.client().time()
    for minutes in (90, 20, 5):
        put(server, f"{minutes} ago", f"{(seconds - minutes * 60) * 1000}-0")
    at = datetime.fromtimestamp(seconds, UTC) - timedelta(minutes=20)
    assert await names(server.url, since="10m") == ["5 ago"]
    assert await names(server.url, since="1h") == ["20 ago", "5 ago"]
    assert await names(server.url, since="1h45m") == ["90 ago", "20 ago", "5 ago"]
    assert await names(server.url, since=timedelta(minutes=30)) == ["20 ago", "5 ago"]
    assert await names(server.url, since=at) == ["20 ago", "5 ago"]  # that very moment counts
    assert await names(server.url, since=(at + timedelta(seconds=1)).isoformat()) == ["5 ago"]
    assert await names(server.url, since=f"{at.astimezone():%Y-%m-%dT%H:%M:%S}") == ["20 ago", "5 ago"]
    assert await names(server.url) == []


async def test_it_goes_on_after_a_saved_id_or_entry(server: RedisServer) -> None:
    for number in range(1, 5):
        put(server, f"{number}", f"{number}-0", number)
    saved = (await all_of(server.url, since="0"))[1]
    assert (saved.id, saved.entry) == ("2", "2-0")
    assert await names(server.url, since=saved.entry) == ["3", "4"]
    put(server, "named", "5-0", 5)
    assert await names(server.url, since="named") == []
    with pytest.raises(SubscribeError, match="no message kept on Redis has the id gone: since 0 gives all"):
        await all_of(server.url, since="gone")


async def test_what_a_saved_entry_may_have_lost_is_told(
    server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    put(server, "later", "7-0")
    assert await names(server.url, since="3-0") == ["later"]
    assert "Redis keeps nothing before 7-0: what came right after 3-0 may be lost" in caplog.text


async def test_an_alert_says_how_many_were_missed_before_it(server: RedisServer) -> None:
    put(server, "g1", sequence=1)
    put(server, "4", sequence=4, kind="quality")
    put(server, "7", sequence=7)
    put(server, "8", sequence=8)
    put(server, "y1", sequence=1, stream="yard")
    found = await all_of(server.url, since="0")
    assert [(alert.id, alert.missed) for alert in found] == [
        ("g1", 0), ("4", 2), ("7", 2), ("8", 0), ("y1", 0),
    ]  # fmt: skip
    wanted = await all_of(server.url, since="0", kinds="anomaly")
    assert [(alert.id, alert.missed) for alert in wanted] == [("g1", 0), ("7", 4), ("8", 0), ("y1", 0)]
    assert [alert.missed for alert in await all_of(server.url, since="g1")] == [2, 2, 0, 0]


async def test_names_and_patterns(server: RedisServer) -> None:
    for number, stream in enumerate(("gate", "garden", "yard")):
        put(server, stream, stream=stream, kind=("anomaly", "quality", "stream")[number])
    assert await names(server.url, since="0", streams=["gate", "y*"]) == ["gate", "yard"]
    assert await names(server.url, since="0", streams="ga*", kinds={"quality", "stream"}) == ["garden"]


async def test_a_server_that_took_over_is_read_on_without_doubles(server: RedisServer) -> None:
    """A replica had the first two of three, and numbers what is new after those."""
    found = subscribe(server.url)
    async with aclosing(found):
        waiting = asyncio.create_task(some(found, 3))
        await until_blocked(server)
        for number in (1, 2, 3):
            put(server, f"{number}", f"10-{number}", number)
        assert [alert.id for alert in await waiting] == ["1", "2", "3"]
        server.kill()
        server.start()
        put(server, "1", "10-1", 1)
        put(server, "2", "10-2", 2)
        waiting = asyncio.create_task(some(found, 1))
        await until_blocked(server)
        put(server, "4", "10-3", 4)
        assert [alert.id for alert in await waiting] == ["4"]


async def test_what_a_server_that_lost_all_got_before_we_are_back_is_not_missed(server: RedisServer) -> None:
    found = subscribe(server.url)
    async with aclosing(found):
        waiting = asyncio.create_task(some(found, 1))
        await until_blocked(server)
        put(server, "1", "10-1")
        await waiting
        server.kill()
        server.start()
        put(server, "2", "5-1", 2)  # as if its clock were behind
        put(server, "3", "5-2", 3)
        assert [alert.id for alert in await some(found, 2)] == ["2", "3"]


async def test_a_client_of_one_s_own(server: RedisServer) -> None:
    put(server, "1")
    mine = Redis(unix_socket_path=str(server.socket), decode_responses=True, protocol=2, socket_timeout=None)
    try:
        for _ in range(2):  # it is not closed
            assert [alert.id async for alert in subscribe(mine, since="0", live=False)] == ["1"]
    finally:
        await mine.aclose()
    with pytest.raises(SubscribeError, match="decode_responses=True and protocol=2"):
        await anext(subscribe(Redis(unix_socket_path=str(server.socket), socket_timeout=None)))


async def test_no_password_is_told() -> None:
    with pytest.raises(SubscribeError) as caught:
        await anext(subscribe("http://u:hunter2@h"))
    assert "http://***@h is no address of a Redis server" in str(caught.value)
    assert "hunter2" not in str(caught.value)


async def test_each_comes_once_and_in_order_while_the_server_is_killed_hangs_and_drops_its_clients(
    tmp_path: Path,
) -> None:
    options = ("--appendonly", "yes", "--appendfsync", "always")
    chance = Random(7)
    with RedisServer(require("redis-server"), tmp_path / "kept", *options) as server:
        async with announcing(server.url, tmp_path) as telling, aclosing(subscribe(server.url)) as found:
            reading = asyncio.create_task(some(found, 120, seconds=60))
            await until_blocked(server)

            async def tell(stream: str) -> None:
                for number in range(60):
                    await telling.tell(stream=stream, reason=str(number))
                    await asyncio.sleep(chance.uniform(0, 0.06))

            async def disturb() -> None:
                for trouble in ("kill", "drop", "hang", "kill", "drop"):
                    await asyncio.sleep(chance.uniform(0.1, 0.5))
                    if trouble == "kill":
                        server.kill()
                        await asyncio.sleep(chance.uniform(0, 0.3))
                        server.start()
                    elif trouble == "hang":
                        server.pause()
                        await asyncio.sleep(0.3)
                        server.resume()
                    else:
                        server.client().client_kill_filter(_type="normal", skipme=True)

            await asyncio.gather(tell("gate"), tell("yard"), disturb())
            alerts = await reading
    for stream in ("gate", "yard"):
        own = [alert for alert in alerts if alert.stream == stream]
        assert [alert.reason for alert in own] == [str(number) for number in range(60)]
        assert [alert.sequence for alert in own] == list(range(1, 61))
    assert {alert.missed for alert in alerts} == {0}


async def test_workers_share_and_one_goes_on_where_it_was(server: RedisServer) -> None:
    with pytest.raises(SubscribeError, match="needs a name of its own"):
        await anext(subscribe(server.url, group="g"))
    for number in range(1, 7):
        put(server, f"{number}", sequence=number)
    ann = subscribe(server.url, group="g", worker="ann", since="0")
    bob = subscribe(server.url, group="g", worker="bob", since="0")
    seen = [(await some(each, 1))[0].id for each in (ann, bob, ann, bob)]
    assert seen == ["1", "2", "3", "4"]
    await ann.aclose()  # while it works on 3
    await bob.aclose()  # and on 4
    assert await names(server.url, group="g", worker="ann") == ["3", "5", "6"]
    assert await names(server.url, group="g", worker="bob") == ["4"]
    assert await names(server.url, group="g", worker="ann") == []
    assert await names(server.url, group="new", worker="ann") == []
    assert server.client().xpending(ALERTS, "g")["pending"] == 0


async def test_what_a_dead_worker_had_goes_to_another(server: RedisServer) -> None:
    for number in range(1, 31):
        put(server, f"{number}", sequence=number)
    server.client().xgroup_create(ALERTS, "g", "0")
    taken = server.client().xreadgroup("g", "dead", {ALERTS: ">"}, 25)[0][1]
    assert len(taken) == 25
    assert await names(server.url, group="g", worker="ann", claim_after=60) == [str(n) for n in range(26, 31)]
    claimed = await names(server.url, group="g", worker="ann", claim_after=0.0)
    assert claimed == [str(number) for number in range(1, 26)]


async def test_what_a_dead_worker_had_is_found_behind_much_that_is_worked_on(server: RedisServer) -> None:
    for number in range(1, 41):
        put(server, f"{number}", sequence=number)
    redis = server.client()
    redis.xgroup_create(ALERTS, "g", "0")
    redis.xreadgroup("g", "busy", {ALERTS: ">"}, 35)
    dead = [entry for entry, _ in redis.xreadgroup("g", "dead", {ALERTS: ">"}, 5)[0][1]]
    redis.xclaim(ALERTS, "g", "dead", 0, dead, idle=120_000)
    assert await names(server.url, group="g", worker="ann") == [str(number) for number in range(36, 41)]


async def test_a_group_that_the_server_lost_is_made_anew(
    server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "alerts")
    put(server, "1")
    found = subscribe(server.url, group="g", worker="ann", since="0")
    async with aclosing(found):
        assert (await some(found, 1))[0].id == "1"
        waiting = asyncio.create_task(some(found, 1))
        await until_blocked(server, "xreadgroup")
        server.client().flushall()
        put(server, "2", sequence=2)
        assert [alert.id for alert in await waiting] == ["2"]
    assert "the group g is gone from Redis" in caplog.text and "Redis is back" in caplog.text


async def test_an_alert_that_is_done_does_not_come_again_because_its_word_was_lost(tmp_path: Path) -> None:
    """The server goes away before it hears that the work is done."""
    options = ("--appendonly", "yes", "--appendfsync", "always")
    with RedisServer(require("redis-server"), tmp_path / "kept", *options) as server:
        put(server, "1")
        put(server, "2", sequence=2)
        found = subscribe(server.url, group="g", worker="ann", since="0")
        async with aclosing(found):
            assert (await some(found, 1))[0].id == "1"
            server.kill()
            next_one = asyncio.create_task(some(found, 1))
            await asyncio.sleep(0.1)
            server.start()
            assert [alert.id for alert in await next_one] == ["2"]


async def test_what_was_trimmed_away_while_somebody_had_it_is_passed_over(server: RedisServer) -> None:
    put(server, "1")
    put(server, "2", sequence=2)
    server.client().xgroup_create(ALERTS, "g", "0")
    server.client().xreadgroup("g", "ann", {ALERTS: ">"}, 1)
    server.client().xtrim(ALERTS, 1, approximate=False)
    assert await names(server.url, group="g", worker="ann") == ["2"]
