"""A channel is handed the same messages, whether it keeps up and gets them from memory or comes late."""

import asyncio
import sqlite3
from pathlib import Path

from alerts.outbox import Outbox
from alerts.outbox_limits import Limits
from alerts.outbox_put import Waiting
from alerts.outbox_tail import Tail
from tests.alerts.samples import put_many, renderer, sequences, verdict


async def test_a_channel_that_keeps_up_needs_no_disk(tmp_path: Path) -> None:
    async with Outbox(tmp_path / "outbox", ["redis", "log"]) as outbox:
        await put_many(outbox, 3)
        (first, *_) = await outbox.waiting("redis", 10)
        await outbox.delivered("redis", first.position)
        with sqlite3.connect(tmp_path / "outbox") as other:  # so that it shows where they come from
            other.execute("UPDATE messages SET body = '{}' WHERE sequence > 1")
        kept_up, late = await outbox.waiting("redis", 10), await outbox.waiting("log", 10)
    assert [waiting.message.sequence for waiting in kept_up] == [2, 3]
    assert all(waiting.message.body != "{}" for waiting in kept_up)
    assert [waiting.message.body for waiting in late][1:] == ["{}", "{}"]


async def test_from_far_behind_every_message_comes_once_and_in_order(tmp_path: Path) -> None:
    async with Outbox(tmp_path / "outbox", ["redis", "log"]) as outbox:
        await put_many(outbox, 2_500)  # more than are kept in memory
        heard: list[int] = []
        while waiting := await outbox.waiting("redis", 99):
            heard += [each.message.sequence for each in waiting]
            await outbox.delivered("redis", waiting[-1].position)
            if len(heard) == 99:
                await put_many(outbox, 5)
    assert heard == list(range(1, 2_506))


async def test_what_was_dropped_is_not_handed_over_from_memory(tmp_path: Path) -> None:
    async with Outbox(tmp_path / "outbox", ["redis"], limits=Limits(size=10_000)) as outbox:
        await put_many(outbox, 1)
        (first,) = await outbox.waiting("redis", 10)
        await outbox.delivered("redis", first.position)
        await put_many(outbox, 100)
        there = await sequences(outbox)
        assert len(there) == outbox.backlog("redis") < 100
        assert there[-1] == 101


async def test_whoever_waits_is_woken_though_the_one_who_put_was_cancelled(tmp_path: Path) -> None:
    async with Outbox(tmp_path / "outbox", ["redis"]) as outbox:
        news = outbox.news("redis")
        putting = asyncio.create_task(outbox.put(verdict(), renderer()))
        await asyncio.sleep(0)
        putting.cancel()
        async with asyncio.timeout(5):
            await news.wait()
        assert await sequences(outbox) == [1]


def test_a_gap_is_left_to_the_disk() -> None:
    tail = Tail()
    waiting = [Waiting(position, renderer()(position)) for position in (1, 2, 5, 6)]
    tail.note(waiting)
    assert tail.after(1, 10) is None
    assert tail.after(4, 10) == waiting[2:]
    assert tail.after(5, 10) == waiting[3:]
    assert tail.after(6, 10) == []
