"""Alerts a second from judge to Redis, beside bare redis-py with the same; how soon a subscriber hears."""

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
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import numpy as np
import psutil
from redis.asyncio import Redis

from alerts.announcer import Announcer
from alerts.channel import Channel, Message
from alerts.delivery import Delivery
from alerts.embedded_redis import EmbeddedRedis
from alerts.evidence import EvidenceStore
from alerts.gate import Gate
from alerts.gatekeeper import Gatekeeper
from alerts.judge import Judge
from alerts.outbox import Outbox
from alerts.redis_channel import ALERTS, SENT, RedisChannel
from alerts.rules import Rules
from benchmarks.load import Load
from detectors.detection import Detection, DetectorCard, Kind
from streams.frame import Frame, Outage, StreamFault

CAMERAS: Final = tuple(f"camera-{n}" for n in range(64))
BARE_BATCH: Final = 250  # as many as Delivery hands over at a time
PER_SECOND: Final = 100  # alerts, where it is measured how soon they are heard
CARD: Final = DetectorCard("by hand", "always calm")
CALM: Final = tuple(
    Detection(kind, label, 0.1, 1.0, CARD)
    for kind, label in ((Kind.QUALITY, "frozen"), (Kind.ANOMALY, "motion"))
)
WORDS: Final = "rtsp://camera.example:554/stream1 sends no picture: is it switched on, and is the cable in?"
PICTURE: Final = np.zeros((360, 640, 3), np.uint8)

# One life of an alert: seconds since the sight before it, and whether there is a picture. It opens without
# one, closes with the third picture, and has cooled down when the next life begins.
LIFE: Final = ((40.0, False), (0.2, True), (0.6, True), (0.6, True))
MESSAGES: Final = 2  # of one life: opened, closed


@dataclass(frozen=True)
class Results:
    """Rates in alerts (messages) a second, latencies in milliseconds from weighing until heard."""

    alerts: int
    bytes_each: int
    ours_per_second: int  # the middle of the rounds, as are the next four
    bare_per_second: int
    times_slower: float
    ours_cpu_us: int  # of this process for each alert: what the neighbours on the machine do not change much
    bare_cpu_us: int
    latency_alerts_per_second: int
    latency_p50_ms: float
    latency_p99_ms: float
    stored_p99_ms: float  # how long whoever judges waits until the alert is on disk
    bare_p50_ms: float  # redis-py alone sends the same: what this machine allowed in the same seconds
    bare_p99_ms: float
    disk_p99_ms: float  # one fsync of as many bytes, in the same seconds
    beside_dead_p50_ms: float  # ours again, beside a channel that hangs and one that takes 50 ms a message
    beside_dead_p99_ms: float
    load: str
    redis_version: str


@dataclass(frozen=True)
class Pace:
    """How quickly alerts went."""

    rate: float  # a second
    cpu: float  # seconds of this process for each


class Stopwatch:
    """Runs from when it is made."""

    def __init__(self) -> None:
        self._began, self._cpu = time.perf_counter(), time.process_time()

    def pace(self, alerts: int) -> Pace:
        """Of so many since then."""
        took = time.perf_counter() - self._began
        return Pace(alerts / took, (time.process_time() - self._cpu) / alerts)


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


class Camera:
    """One stream that goes offline again and again, and its judge."""

    def __init__(self, name: str, gatekeeper: Gatekeeper) -> None:
        self._name = name
        self._judge = Judge(name, Rules())
        self._gatekeeper = gatekeeper
        self._at = datetime.now(UTC)
        self._sights = 0
        gatekeeper.gate.add(name, Rules())

    def look(self) -> Frame | Outage:
        """What is seen next."""
        pause, picture = LIFE[self._sights % len(LIFE)]
        self._at += timedelta(seconds=pause)
        self._sights += 1
        if picture:
            return Frame(self._name, self._sights, PICTURE, self._at, 0.0, 0.0, live=True)
        return Outage(self._name, self._at, 6.0, StreamFault.SILENT, WORDS)

    async def tell(self, sight: Frame | Outage) -> tuple[tuple[str, str], float] | None:
        """Where an alert was told: which, with its state, and when it was weighed."""
        begun = time.perf_counter()
        match sight:  # as daemon/watch.py does
            case Frame() as frame:
                verdicts = self._judge.weigh(frame, CALM)
                await self._gatekeeper.announce_all(self._name, verdicts, frame.captured_at, frame)
            case Outage() as outage:
                verdicts = self._judge.weigh_outage(outage)
                await self._gatekeeper.announce_all(self._name, verdicts, outage.at, None)
        return ((verdicts[0].alert_id, verdicts[0].change), begun) if verdicts else None

    async def tell_all(self, sights: Sequence[Frame | Outage]) -> None:
        """As fast as they are taken."""
        for sight in sights:
            await self.tell(sight)


async def main(alerts: int, rounds: int, seconds: float) -> Results:
    """`alerts` in each of the rounds for the rates, then 100 a second for `seconds` for the latencies."""
    with tempfile.TemporaryDirectory(prefix="framewarden-") as name:
        folder = Path(name)
        async with EmbeddedRedis(folder / "redis") as server:
            load = Load()
            ours: list[Pace] = []
            bare: list[Pace] = []
            length = 0
            async with house(folder / "alone", server.url) as (cameras, delivery):
                for _ in range(rounds):
                    ours.append(await our_pace(cameras, delivery, alerts))
                    messages = await arrived(server.url)
                    assert len(messages) == alerts
                    length = sum(len(message.body.encode()) for message in messages) // alerts
                    bare.append(await bare_pace(server.url, messages))
                await out_of_step(cameras)
                heard: list[float] = []
                stored: list[float] = []
                floor: list[float] = []
                disk: list[float] = []
                for _ in range(5):  # in turns, so that both meet the same neighbours
                    more_heard, more_stored = await latency(cameras, server.url, seconds / 5)
                    heard += more_heard
                    stored += more_stored
                    floor += await bare_latency(server.url, messages, seconds / 5)
                    disk += await disk_latency(folder / "fsync", length, seconds / 5)
            async with house(folder / "beside", server.url, (Hung(), Slow())) as (cameras, _):
                await out_of_step(cameras)
                heard_beside, _ = await latency(cameras, server.url, seconds)
            return Results(
                alerts=alerts,
                bytes_each=length,
                ours_per_second=round(statistics.median(each.rate for each in ours)),
                bare_per_second=round(statistics.median(each.rate for each in bare)),
                times_slower=round(
                    statistics.median(b.rate / o.rate for o, b in zip(ours, bare, strict=True)), 2
                ),
                ours_cpu_us=round(1e6 * statistics.median(each.cpu for each in ours)),
                bare_cpu_us=round(1e6 * statistics.median(each.cpu for each in bare)),
                latency_alerts_per_second=PER_SECOND,
                latency_p50_ms=percentile(heard, 50),
                latency_p99_ms=percentile(heard, 99),
                stored_p99_ms=percentile(stored, 99),
                bare_p50_ms=percentile(floor, 50),
                bare_p99_ms=percentile(floor, 99),
                disk_p99_ms=percentile(disk, 99),
                beside_dead_p50_ms=percentile(heard_beside, 50),
                beside_dead_p99_ms=percentile(heard_beside, 99),
                load=load.in_words(),
                redis_version="{}.{}".format(*server.version),
            )


def percentile(seconds: list[float], percent: int) -> float:
    """In milliseconds."""
    return round(statistics.quantiles(seconds, n=100)[percent - 1] * 1e3, 2)


async def memory(alerts: int) -> None:
    """Prints the process's memory while `alerts` go from the judge to Redis."""
    process = psutil.Process()
    with tempfile.TemporaryDirectory(prefix="framewarden-") as name:
        folder = Path(name)
        async with (
            EmbeddedRedis(folder / "redis") as server,
            house(folder, server.url, stream_length=100_000) as (cameras, delivery),
        ):
            load = Load()
            print("alerts      private MB   outbox file MB   alerts a second")
            for number in range(1, 11):
                pace = await our_pace(cameras, delivery, alerts // 10)
                private = process.memory_full_info().uss / 1e6
                size = sum(each.stat().st_size for each in folder.glob("outbox*")) / 1e6  # noqa: ASYNC240
                print(
                    f"{number * alerts // 10:<11} {private:10.1f} {size:16.1f} {pace.rate:17.0f}", flush=True
                )
            print(load.in_words())


@asynccontextmanager
async def house(
    folder: Path, url: str, others: Sequence[Channel] = (), stream_length: int = 1_000_000
) -> AsyncIterator[tuple[list[Camera], Delivery]]:
    """All between what is seen and Redis, as the daemon assembles it; without storms."""
    channel = RedisChannel(url, stream_length=stream_length)
    channels = [channel, *others]
    folder.mkdir(exist_ok=True)  # noqa: ASYNC240
    async with Outbox(folder / "outbox.sqlite", [each.name for each in channels]) as outbox:
        announcer = Announcer(outbox, EvidenceStore(folder / "evidence", keep_days=1, keep_gigabytes=1))
        # Within no time at all: else so many alerts at once were one, which speaks for all.
        gatekeeper = Gatekeeper(Gate(more_than=1000, within=0.0), announcer, folder)
        await gatekeeper.begin([])
        deliveries = [Delivery(outbox, each) for each in channels]
        tasks = [asyncio.create_task(each.run()) for each in deliveries]
        tasks.append(asyncio.create_task(gatekeeper.run()))
        yield [Camera(name, gatekeeper) for name in CAMERAS], deliveries[0]
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        await gatekeeper.close()
        announcer.close()
    await channel.close()


async def our_pace(cameras: Sequence[Camera], delivery: Delivery, alerts: int) -> Pace:
    """Until the last of them is on Redis."""
    lives, more = divmod(alerts // MESSAGES, len(cameras))
    seen = [
        [camera.look() for _ in range((lives + (n < more)) * len(LIFE))] for n, camera in enumerate(cameras)
    ]
    measured = Stopwatch()
    await asyncio.gather(*(camera.tell_all(sights) for camera, sights in zip(cameras, seen, strict=True)))
    while delivery.waiting:  # noqa: ASYNC110 - seen from outside
        await asyncio.sleep(0.001)
    return measured.pace(alerts)


async def arrived(url: str) -> list[Message]:
    """What is on the Redis Stream, which is empty then."""
    redis: Any = Redis.from_url(url, decode_responses=True)
    entries = await redis.xrange(ALERTS)
    await redis.delete(ALERTS, SENT)
    await redis.aclose()
    return [
        Message(each["id"], each["stream"], each["kind"], int(each["sequence"]), each["body"])
        for _, each in entries
    ]


async def bare_pace(url: str, messages: Sequence[Message]) -> Pace:
    """The same messages with redis-py alone: XADD and PUBLISH, pipelined; nothing kept, nothing repeated."""
    redis = Redis.from_url(url)
    measured = Stopwatch()
    for first in range(0, len(messages), BARE_BATCH):
        await bare_send(redis, messages[first : first + BARE_BATCH])
    pace = measured.pace(len(messages))
    await redis.delete(ALERTS)
    await redis.aclose()
    return pace


async def bare_send(redis: Any, messages: Sequence[Message]) -> None:
    pipeline = redis.pipeline(transaction=True)
    for m in messages:
        fields = {"id": m.id, "stream": m.stream, "kind": m.kind, "sequence": m.sequence, "body": m.body}
        pipeline.xadd(ALERTS, fields, maxlen=1_000_000, approximate=True)
        pipeline.publish(f"{ALERTS}:{m.stream}:{m.kind}", m.body)
    await pipeline.execute()


@asynccontextmanager
async def listening(url: str) -> AsyncIterator[dict[tuple[str, str], float]]:
    """When each message, known by its alert's id and state, was heard; for as long as the block lasts."""
    heard: dict[tuple[str, str], float] = {}
    redis = Redis.from_url(url, decode_responses=True)
    subscriber: Any = redis.pubsub()  # redis-py types half of it
    await subscriber.psubscribe(f"{ALERTS}:*")

    async def listen() -> None:
        async for message in subscriber.listen():
            if message["type"] == "pmessage":
                at = time.perf_counter()
                data = json.loads(message["data"])["data"]
                heard[data["alert_id"], data["state"]] = at

    listener = asyncio.create_task(listen())
    try:
        yield heard
    finally:
        listener.cancel()
        await subscriber.aclose()
        await redis.aclose()


async def out_of_step(cameras: Sequence[Camera]) -> None:
    """Or the alerts of all would come at once."""
    for number, camera in enumerate(cameras):
        for _ in range(number % len(LIFE)):
            await camera.tell(camera.look())


async def latency(cameras: Sequence[Camera], url: str, seconds: float) -> tuple[list[float], list[float]]:
    """Seconds until a subscriber heard each alert, and until each was stored."""
    told: dict[tuple[str, str], float] = {}
    stored: list[float] = []
    pace = PER_SECOND * len(LIFE) / MESSAGES  # sights a second

    async def sight(camera: Camera) -> None:
        if (alert := await camera.tell(camera.look())) is not None:
            which, begun = alert
            told[which] = begun
            stored.append(time.perf_counter() - begun)

    async with listening(url) as heard:
        begin = time.perf_counter()
        sights = []
        for n in range(int(pace * seconds)):
            await asyncio.sleep(max(0, begin + n / pace - time.perf_counter()))
            sights.append(asyncio.create_task(sight(cameras[n % len(cameras)])))
        await asyncio.gather(*sights)
        async with asyncio.timeout(10):
            while not told.keys() <= heard.keys():  # noqa: ASYNC110 - seen from outside
                await asyncio.sleep(0.01)
    return [heard[which] - begun for which, begun in told.items()], stored


async def bare_latency(url: str, messages: Sequence[Message], seconds: float) -> list[float]:
    """Seconds until a subscriber hears each of the same messages when redis-py alone sends it."""
    redis = Redis.from_url(url)
    sent: dict[tuple[str, str], float] = {}
    async with listening(url) as heard:
        begin = time.perf_counter()
        for n, message in enumerate(messages[: int(PER_SECOND * seconds)]):
            await asyncio.sleep(max(0, begin + n / PER_SECOND - time.perf_counter()))
            data = json.loads(message.body)["data"]
            sent[data["alert_id"], data["state"]] = time.perf_counter()
            await bare_send(redis, [message])
        async with asyncio.timeout(10):
            while not sent.keys() <= heard.keys():  # noqa: ASYNC110 - seen from outside
                await asyncio.sleep(0.01)
    await redis.delete(ALERTS)
    await redis.aclose()
    return [heard[which] - begun for which, begun in sent.items()]


async def disk_latency(path: Path, size: int, seconds: float) -> list[float]:
    """Seconds that a thread needs to append so many bytes to a file, with fsync."""

    def append() -> None:
        with path.open("ab", buffering=0) as file:
            file.write(b"x" * size)
            os.fsync(file.fileno())

    took = []
    begin = time.perf_counter()
    for n in range(int(PER_SECOND * seconds)):
        await asyncio.sleep(max(0, begin + n / PER_SECOND - time.perf_counter()))
        start = time.perf_counter()
        await asyncio.to_thread(append)
        took.append(time.perf_counter() - start)
    return took


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--alerts", type=int, default=20_000, help="in each round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=20.0, help="how long latency is measured")
    parser.add_argument("--json", action="store_true", help="one JSON object, for machines")
    parser.add_argument(
        "--memory", type=int, metavar="ALERTS", help="memory while so many go through; 1000000"
    )
    options = parser.parse_args()
    if options.memory:
        asyncio.run(memory(options.memory))
        raise SystemExit
    results = asyncio.run(main(options.alerts, options.rounds, options.seconds))
    if options.json:
        print(json.dumps(asdict(results)))
    else:
        for name, value in asdict(results).items():
            print(f"{name:28} {value}")
