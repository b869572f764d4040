"""Alerts a second through outbox, delivery and Redis, beside bare redis-py; how soon a subscriber hears."""

import argparse
import asyncio
import json
import os
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psutil
from redis.asyncio import Redis

from alerts.channel import Channel, Message
from alerts.delivery import Delivery
from alerts.embedded_redis import EmbeddedRedis
from alerts.outbox import Outbox
from alerts.redis_channel import ALERTS, RedisChannel
from tests.alerts.samples import renderer, verdict

STREAMS = tuple(f"camera-{n}" for n in range(16))
CALLERS = 64  # how many alerts are on their way into the outbox at a time
BODY = 1_200  # bytes of padding: a message is then about as long as a real one
BARE_BATCH = 250  # as many as Delivery hands over at a time


@dataclass(frozen=True)
class Results:
    """Rates in alerts a second, latencies in milliseconds."""

    alerts: int
    ours_per_second: float
    bare_per_second: float
    times_slower: float
    latency_alerts_per_second: float
    latency_p50_ms: float
    latency_p99_ms: float
    announce_p99_ms: float  # how long whoever judges waits until the alert is on disk
    beside_dead_p50_ms: float  # the same three beside a channel that hangs and one that takes 50 ms a message
    beside_dead_p99_ms: float
    beside_dead_announce_p99_ms: float
    redis_version: str
    cores: int


class Hung:
    """A channel that never answers."""

    name, batch = "hung", 250

    async def publish(self, messages: Sequence[Message]) -> None:
        await asyncio.sleep(3600)

    async def tend(self) -> bool:
        return False

    async def close(self) -> None:
        """Nothing to let go of."""


class Slow(Hung):
    """A channel that takes one message at a time, and its time."""

    name, batch = "slow", 1

    async def publish(self, messages: Sequence[Message]) -> None:
        await asyncio.sleep(0.05)


async def main(alerts: int, seconds: float) -> Results:
    """`alerts` for the rates, then 100 a second for `seconds` for the latencies."""
    with tempfile.TemporaryDirectory(prefix="framewarden-") as folder:
        async with EmbeddedRedis(Path(folder) / "redis") as server:
            bare = await bare_rate(server.url, alerts)
            async with path_to_redis(Path(folder) / "alone", server.url) as (outbox, delivery):
                ours = await our_rate(outbox, delivery, alerts)
                assert await arrived(server.url) == alerts
                heard, stored = await latency(outbox, server.url, seconds)
            others = Hung(), Slow()
            async with path_to_redis(Path(folder) / "beside", server.url, others) as (outbox, _):
                heard_beside, stored_beside = await latency(outbox, server.url, seconds)
            return Results(
                alerts=alerts,
                ours_per_second=round(ours),
                bare_per_second=round(bare),
                times_slower=round(bare / ours, 2),
                latency_alerts_per_second=100,
                latency_p50_ms=percentile(heard, 50),
                latency_p99_ms=percentile(heard, 99),
                announce_p99_ms=percentile(stored, 99),
                beside_dead_p50_ms=percentile(heard_beside, 50),
                beside_dead_p99_ms=percentile(heard_beside, 99),
                beside_dead_announce_p99_ms=percentile(stored_beside, 99),
                redis_version="{}.{}".format(*server.version),
                cores=os.cpu_count() or 1,
            )


def percentile(seconds: list[float], percent: int) -> float:
    """In milliseconds."""
    return round(statistics.quantiles(seconds, n=100)[percent - 1] * 1e3, 2)


async def memory(alerts: int) -> None:
    """Prints the process's memory while `alerts` go through outbox, delivery and Redis."""
    process = psutil.Process()
    with tempfile.TemporaryDirectory(prefix="framewarden-") as name:
        folder = Path(name)
        async with (
            EmbeddedRedis(folder / "redis") as server,
            path_to_redis(folder, server.url, stream_length=100_000) as (outbox, delivery),
        ):
            print("alerts      private MB   outbox file MB   alerts a second")
            for number in range(1, 11):
                rate = await our_rate(outbox, delivery, alerts // 10)
                private = process.memory_full_info().uss / 1e6
                size = sum(each.stat().st_size for each in folder.glob("outbox*")) / 1e6  # noqa: ASYNC240
                print(f"{number * alerts // 10:<11} {private:10.1f} {size:16.1f} {rate:17.0f}", flush=True)


@asynccontextmanager
async def path_to_redis(
    folder: Path, url: str, others: Sequence[Channel] = (), stream_length: int = 1_000_000
) -> AsyncIterator[tuple[Outbox, Delivery]]:
    channel = RedisChannel(url, stream_length=stream_length)
    channels = [channel, *others]
    async with Outbox(folder / "outbox.sqlite3", [each.name for each in channels]) as outbox:
        deliveries = [Delivery(outbox, each) for each in channels]
        tasks = [asyncio.create_task(delivery.run()) for delivery in deliveries]
        yield outbox, deliveries[0]
        for task in tasks:
            task.cancel()
    await channel.close()


async def our_rate(outbox: Outbox, delivery: Delivery, alerts: int) -> float:
    numbers = iter(range(alerts))

    async def caller() -> None:
        for number in numbers:
            stream = STREAMS[number % len(STREAMS)]
            await outbox.put(verdict(stream, f"{stream}-{number}"), renderer(stream, padding=BODY))

    start = time.perf_counter()
    await asyncio.gather(*(caller() for _ in range(CALLERS)))
    while delivery.waiting:  # noqa: ASYNC110 - seen from outside
        await asyncio.sleep(0.001)
    return alerts / (time.perf_counter() - start)


async def bare_rate(url: str, alerts: int) -> float:
    """The same messages with redis-py alone: XADD and PUBLISH, pipelined; nothing kept, nothing repeated."""
    redis = Redis.from_url(url)
    batch: list[Message] = []
    start = time.perf_counter()
    for number in range(alerts):
        batch.append(renderer(STREAMS[number % len(STREAMS)], padding=BODY)(number))
        if len(batch) == BARE_BATCH or number == alerts - 1:
            pipeline = redis.pipeline(transaction=True)
            for m in batch:
                fields = {
                    "id": m.id,
                    "stream": m.stream,
                    "kind": m.kind,
                    "sequence": m.sequence,
                    "body": m.body,
                }
                pipeline.xadd(ALERTS, fields, maxlen=1_000_000, approximate=True)  # type: ignore[arg-type]
                pipeline.publish(f"{ALERTS}:{m.stream}:{m.kind}", m.body)
            await pipeline.execute()
            batch.clear()
    rate = alerts / (time.perf_counter() - start)
    await redis.delete(ALERTS)
    await redis.aclose()
    return rate


async def arrived(url: str) -> int:
    redis = Redis.from_url(url)
    length = int(await redis.xlen(ALERTS))
    await redis.aclose()
    return length


async def latency(outbox: Outbox, url: str, seconds: float) -> tuple[list[float], list[float]]:
    """For 100 alerts a second, seconds from `put` until a subscriber has each, and until each is stored."""
    stored: list[float] = []
    sent: dict[str, float] = {}
    heard: dict[str, float] = {}
    number = int(100 * seconds)
    redis = Redis.from_url(url, decode_responses=True)
    subscriber: Any = redis.pubsub()  # redis-py types half of it
    await subscriber.psubscribe(f"{ALERTS}:*")

    async def listen() -> None:
        async for message in subscriber.listen():
            if message["type"] == "pmessage":
                heard[json.loads(message["data"])["id"]] = time.perf_counter()
                if len(heard) == number:
                    return

    listener = asyncio.create_task(listen())
    begin = time.perf_counter()
    puts = []
    for n in range(number):
        await asyncio.sleep(max(0, begin + n / 100 - time.perf_counter()))
        stream = STREAMS[n % len(STREAMS)]
        render = renderer(stream, mark=f"-{n}", padding=BODY)
        start = time.perf_counter()

        async def put(
            stream: str = stream, render: object = render, start: float = start, n: int = n
        ) -> None:
            message = await outbox.put(verdict(stream, f"latency-{n}"), render)  # type: ignore[arg-type]
            stored.append(time.perf_counter() - start)
            sent[message.id] = start

        puts.append(asyncio.create_task(put()))
    await asyncio.gather(*puts)
    async with asyncio.timeout(10):
        await listener
    await subscriber.aclose()
    await redis.aclose()
    return [heard[identity] - start for identity, start in sent.items()], stored


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--alerts", type=int, default=20_000)
    parser.add_argument("--seconds", type=float, default=10.0, help="how long latency is measured")
    parser.add_argument("--json", action="store_true", help="one JSON object, for machines")
    parser.add_argument(
        "--memory", type=int, metavar="ALERTS", help="memory while so many go through; 1000000"
    )
    options = parser.parse_args()
    if options.memory:
        asyncio.run(memory(options.memory))
        raise SystemExit
    results = asyncio.run(main(options.alerts, options.seconds))
    if options.json:
        print(json.dumps(asdict(results)))
    else:
        for name, value in asdict(results).items():
            print(f"{name:28} {value}")
