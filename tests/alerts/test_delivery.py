"""Delivery hands over everything, in order, however the channel behaves, and says so once."""

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from alerts.channel import Channel, Message, PublishError
from alerts.delivery import Delivery
from alerts.log_channel import LogChannel
from alerts.outbox import Outbox
from tests.alert_body import alert_body
from tests.alerts.samples import put_many, renderer, verdict


class Collector:
    """A channel that takes everything, unless it is told not to."""

    def __init__(self, name: str = "redis", batch: int = 7) -> None:
        self.name = name
        self.batch = batch
        self.tended = 0
        self.looks = False  # whether tending sees that all is well
        self.trouble: PublishError | None = None  # what tending finds
        self.never: set[int] = set()  # sequence numbers that are refused for good
        self.taken: list[Message] = []
        self.refusals = 0  # how many of the next batches are refused
        self.hangs = False
        self.tries = 0
        self.busy = False

    async def publish(self, messages: Sequence[Message]) -> None:
        assert not self.busy, "a channel is called by one task at a time"
        self.busy = True
        self.tries += 1
        try:
            await asyncio.sleep(3600 if self.hangs else 0.001)
        finally:
            self.busy = False
        if refused := self.never & {message.sequence for message in messages}:
            raise PublishError(f"number {min(refused)} is too large", permanent=True)
        if self.refusals:
            self.refusals -= 1
            raise PublishError("Redis at gate:6379 cannot be reached (Connection refused): is it running?")
        self.taken += messages

    async def tend(self) -> bool:
        self.tended += 1
        if self.trouble:
            raise self.trouble
        return self.looks

    async def close(self) -> None:
        """Nothing to let go of."""

    def sequences(self) -> list[int]:
        return [message.sequence for message in self.taken]


@asynccontextmanager
async def running(*deliveries: Delivery) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(delivery.run()) for delivery in deliveries]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        for task in tasks:
            with suppress(asyncio.CancelledError):
                await task


async def until_delivered(*deliveries: Delivery, seconds: float = 5) -> None:
    async with asyncio.timeout(seconds):
        while any(delivery.waiting for delivery in deliveries):  # noqa: ASYNC110 - seen from outside
            await asyncio.sleep(0.005)


def deliver(outbox: Outbox, channel: Channel, **options: Any) -> Delivery:
    return Delivery(outbox, channel, first_retry=0.01, longest_retry=0.05, **options)


async def test_everything_arrives_in_order_what_was_there_and_what_comes(tmp_path: Path) -> None:
    channel = Collector()
    async with Outbox(tmp_path / "outbox", ["redis"]) as outbox:
        await put_many(outbox, 20)
        delivery = deliver(outbox, channel)
        assert delivery.connected is None
        assert delivery.waiting == 20
        async with running(delivery):
            await until_delivered(delivery)
            await put_many(outbox, 20)
            await until_delivered(delivery)
    assert channel.sequences() == list(range(1, 41))
    assert delivery.counts["published"] == 40
    assert delivery.connected


async def test_a_refused_batch_is_sent_again_and_the_log_says_it_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    channel = Collector()
    async with Outbox(tmp_path / "outbox", ["redis"]) as outbox:
        delivery = deliver(outbox, channel)
        async with running(delivery):
            await put_many(outbox, 5)
            await until_delivered(delivery)
            channel.refusals = 4
            await put_many(outbox, 25)
            await asyncio.sleep(0.01)
            assert delivery.connected is False
            assert "Connection refused" in delivery.last_error
            await until_delivered(delivery)
    assert channel.sequences() == list(range(1, 31))
    assert delivery.counts["failed"] == 4
    assert delivery.counts["lost_connection"] == 1
    assert (delivery.connected, delivery.last_error) == (True, "")
    warnings = [record.message for record in caplog.records]
    assert warnings[0] == (
        "Channel 'redis' is down, alerts wait in the outbox: "
        "Redis at gate:6379 cannot be reached (Connection refused): is it running?"
    )
    assert warnings[1].startswith("Channel 'redis' takes alerts again after")
    assert warnings[1].endswith("18 more are waiting")
    assert len(warnings) == 2


async def test_a_dead_channel_delays_no_other(tmp_path: Path) -> None:
    dead, alive = Collector("dead"), Collector("alive")
    dead.hangs = True
    async with Outbox(tmp_path / "outbox", ["dead", "alive"]) as outbox:
        deliveries = deliver(outbox, dead, patience=0.05), deliver(outbox, alive)
        async with running(*deliveries):
            await put_many(outbox, 200)
            await until_delivered(deliveries[1])
            async with asyncio.timeout(5):
                while deliveries[0].connected is None:  # noqa: ASYNC110 - seen from outside
                    await asyncio.sleep(0.01)
            assert deliveries[0].last_error == "did not take 7 messages within 0.05 s"
            assert deliveries[0].waiting == 200
            dead.hangs = False
            await until_delivered(*deliveries)
    assert alive.sequences() == dead.sequences() == list(range(1, 201))


async def test_retries_wait_longer_and_longer(tmp_path: Path) -> None:
    channel = Collector()
    channel.refusals = 1_000
    async with Outbox(tmp_path / "outbox", ["redis"]) as outbox:
        delivery = Delivery(outbox, channel, first_retry=0.01, longest_retry=10)
        async with running(delivery):
            await put_many(outbox, 1)
            await asyncio.sleep(0.6)
    assert 4 <= channel.tries <= 8


async def test_a_stop_hands_over_what_it_can_and_keeps_the_rest(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    quick, dead = Collector("quick"), Collector("dead")
    dead.hangs = True
    async with Outbox(tmp_path / "outbox", ["quick", "dead"]) as outbox:
        await put_many(outbox, 30)
        left = await asyncio.gather(deliver(outbox, quick).drain(5), deliver(outbox, dead).drain(0.05))
        assert list(left) == [0, 30]
    assert quick.sequences() == list(range(1, 31))
    assert "30 messages stay in the outbox for 'dead' until the next start" in caplog.text
    dead.hangs = False
    async with Outbox(tmp_path / "outbox", ["quick", "dead"]) as outbox:
        assert await deliver(outbox, dead).drain(5) == 0
    assert dead.sequences() == list(range(1, 31))


async def test_drain_beside_run_does_not_call_the_channel_twice_at_once(tmp_path: Path) -> None:
    channel = Collector()
    async with Outbox(tmp_path / "outbox", ["redis"]) as outbox:
        delivery = deliver(outbox, channel)
        async with running(delivery):
            await put_many(outbox, 100)
            assert await delivery.drain(5) == 0
    assert channel.sequences() == list(range(1, 101))


async def test_our_own_mistakes_are_loud(tmp_path: Path) -> None:
    class Broken(Collector):
        async def publish(self, messages: Sequence[Message]) -> None:
            raise ZeroDivisionError

    async with Outbox(tmp_path / "outbox", ["redis"]) as outbox:
        await put_many(outbox, 1)
        with pytest.raises(ZeroDivisionError):
            await deliver(outbox, Broken()).run()


async def test_the_log_channel_writes_one_readable_line(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    told = alert_body(
        stream="gate", sequence=12, kind="object", severity="critical", label="person", score=0.91234,
        threshold=0.5, reason="a person\nFAKE LINE \x1b[31m",
    )  # fmt: skip
    over = alert_body("closed", sequence=13, severity="critical", score=None, reason="", label="")
    caplog.set_level("INFO")
    messages = [
        Message("1", "gate", "object", 12, told),
        Message("2", "gate", "anomaly", 13, over),
        renderer()(3),
    ]
    await LogChannel().publish(messages)
    assert [(record.levelname, record.message) for record in caplog.records] == [
        (
            "CRITICAL",
            "gate: object person opened: a person FAKE LINE  [31m (score 0.912, threshold 0.5); alert a1 #12",
        ),
        ("INFO", "gate: anomaly closed; alert a1 #13"),
        ("WARNING", "gate: quality #3: not an alert message: it has no 'alert_id'"),
    ]


async def test_a_channel_without_a_place_in_the_outbox_is_our_mistake(tmp_path: Path) -> None:
    async with Outbox(tmp_path / "outbox", ["log"]) as outbox:
        await outbox.put(verdict(), renderer())
        with pytest.raises(KeyError):
            await deliver(outbox, Collector("redis")).run()


@pytest.mark.parametrize("batch", [1, 7])
async def test_what_is_refused_for_good_becomes_a_dead_letter_and_blocks_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, batch: int
) -> None:
    channel = Collector(batch=batch)
    channel.never = {2, 4}
    async with Outbox(tmp_path / "outbox", ["redis"]) as outbox:
        await put_many(outbox, 20)
        delivery = deliver(outbox, channel, tries=3)
        async with running(delivery):
            await until_delivered(delivery)
            assert channel.sequences() == [1, 3, *range(5, 21)]
            assert (delivery.counts["published"], delivery.counts["refused"]) == (18, 2)
            assert delivery.counts["failed"] == 2  # once may be chance; then one behind it was taken
            assert outbox.standing("redis").dead == 2
            assert (delivery.connected, delivery.last_error) == (True, "")
            channel.never = {4}  # the receiver was mended; not for all
            with sqlite3.connect(tmp_path / "outbox") as other:
                other.execute("UPDATE dead_letters SET again = 1")
            async with asyncio.timeout(5):
                while outbox.standing("redis").dead > 1 or outbox.standing("redis").again:  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
            assert channel.sequences()[-1] == 2
            assert json.loads(channel.taken[-1].body)["data"]["late"] is True
            assert channel.taken[-1].id == "gate-2"
    told = [record.message for record in caplog.records if record.levelname == "ERROR"]
    assert told == [
        "Channel 'redis' never gets message gate-2 of gate, see `framewarden outbox`: number 2 is too large",
        "Channel 'redis' never gets message gate-4 of gate, see `framewarden outbox`: number 4 is too large",
        "Channel 'redis' refuses message gate-4 again: number 4 is too large",
    ]


async def test_what_comes_after_a_refused_message_is_told_at_once(tmp_path: Path) -> None:
    channel = Collector(batch=1)
    channel.never = {1, 2}
    async with Outbox(tmp_path / "outbox", ["redis"]) as outbox:
        delivery = Delivery(outbox, channel, first_retry=0.05, longest_retry=60, tries=100)
        async with running(delivery):
            await put_many(outbox, 1)
            async with asyncio.timeout(10):
                while delivery.counts["failed"] < 8:  # noqa: ASYNC110 - it waits for some seconds by then
                    await asyncio.sleep(0.01)
            assert (outbox.standing("redis").dead, delivery.waiting) == (
                0,
                1,
            )  # whose fault it is, is not known
            await put_many(outbox, 3)
            await until_delivered(delivery)
    assert channel.sequences() == [3, 4]
    assert delivery.counts["refused"] == 2


async def test_a_dead_letter_is_late_only_where_it_is_out_of_its_place(tmp_path: Path) -> None:
    channel = Collector(batch=1)
    channel.never = {1}
    async with Outbox(tmp_path / "outbox", ["redis"]) as outbox:
        await outbox.put(verdict("yard"), renderer("yard"))
        await put_many(outbox, 1, ("dock",))
        channel.never = {1}
        delivery = deliver(outbox, channel, tries=1)
        async with running(delivery):
            async with asyncio.timeout(5):
                while outbox.standing("redis").dead < 2:  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
            await outbox.put(verdict("dock"), renderer("dock"))
            await until_delivered(delivery)
            channel.never = set()
            with sqlite3.connect(tmp_path / "outbox") as other:
                other.execute("UPDATE dead_letters SET again = 1")
            async with asyncio.timeout(5):
                while outbox.standing("redis").dead:  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
    late = {message.id: json.loads(message.body)["data"].get("late", False) for message in channel.taken}
    assert late == {"dock-2": False, "yard-1": False, "dock-1": True}


async def test_a_channel_that_refuses_everything_is_asked_less_and_less(tmp_path: Path) -> None:
    channel = Collector(batch=1)
    channel.never = set(range(1, 1000))
    async with Outbox(tmp_path / "outbox", ["redis"]) as outbox:
        await put_many(outbox, 100)
        delivery = Delivery(outbox, channel, first_retry=0.01, longest_retry=10, tries=2)
        async with running(delivery):
            await asyncio.sleep(0.6)
        assert 2 <= delivery.counts["refused"] <= 8
        assert outbox.backlog("redis") >= 92


async def test_a_receiver_is_given_the_pause_that_it_asks_for(tmp_path: Path) -> None:
    channel = Collector()
    channel.trouble = PublishError("asks for a pause", retry_after=3600)
    async with Outbox(tmp_path / "outbox", ["redis"]) as outbox:
        async with running(deliver(outbox, channel)):
            await asyncio.sleep(0.2)
        assert channel.tended == 1
        channel.trouble = PublishError("asks for none")
        async with running(deliver(outbox, channel)):
            await asyncio.sleep(0.2)
        assert channel.tended > 3


async def test_a_quiet_channel_is_tended_and_seen_to_be_away(tmp_path: Path) -> None:
    channel = Collector()
    channel.looks = True
    async with Outbox(tmp_path / "outbox", ["redis"]) as outbox:
        delivery = deliver(outbox, channel, tend_every=0.02)
        async with running(delivery):
            await asyncio.sleep(0.2)
            assert delivery.connected
            assert 2 < channel.tended < 12
            channel.trouble = PublishError("the broker is away")
            await asyncio.sleep(0.2)
            assert (delivery.connected, delivery.last_error) == (False, "the broker is away")
            channel.trouble = None
            await asyncio.sleep(0.2)
            assert delivery.connected


async def test_a_channel_that_cannot_be_tended_gets_its_messages_all_the_same(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    channel = Collector()
    channel.looks = True
    channel.trouble = PublishError("413: too large", permanent=True)
    async with Outbox(tmp_path / "outbox", ["redis"]) as outbox:
        delivery = deliver(outbox, channel, tend_every=0.02)
        async with running(delivery):
            for _ in range(3):
                await put_many(outbox, 10)
                await until_delivered(delivery)
                await asyncio.sleep(0.05)
            assert channel.sequences() == list(range(1, 31))
            assert (delivery.connected, delivery.last_error) == (False, "413: too large")
            assert delivery.counts["refused"] == 0
            channel.trouble = None
            await asyncio.sleep(0.2)
            assert (delivery.connected, delivery.last_error) == (True, "")
    first, second = [record.message for record in caplog.records]
    assert first == "Channel 'redis' refuses what is open: 413: too large"
    assert second.startswith("Channel 'redis' takes alerts again after")
