"""A full outbox: the slowest channel loses first, an alert's last word stays longest, and it is told."""

import asyncio
import re
import sqlite3
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.outbox import Outbox
from alerts.outbox_limits import Limits
from alerts.verdict import Change, Severity
from tests.alerts.samples import put_many, renderer, sequences, verdict

OPENED, UPDATED, CLOSED = Change.OPENED, Change.UPDATED, Change.CLOSED
SIZE = len(renderer()(100).body)  # of one message; those with fewer digits are a few bytes shorter


def room_for(messages: int, age: float = 3600) -> Limits:
    return Limits(size=messages * SIZE, age=age, dead_letters=3)


async def tell(outbox: Outbox, alert: str, change: Change, severity: Severity = Severity.WARNING) -> None:
    await outbox.put(replace(verdict("gate", alert, change), severity=severity), renderer())


async def take(outbox: Outbox, channel: str, messages: int) -> None:
    await outbox.delivered(channel, (await outbox.waiting(channel, messages))[-1].position)


async def test_one_dead_channel_drops_only_its_own(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with Outbox(tmp_path / "outbox", ["dead", "slow"], limits=room_for(50)) as outbox:
        await put_many(outbox, 45)
        await take(outbox, "slow", 40)
        await put_many(outbox, 20)
        assert await sequences(outbox, "slow") == list(range(41, 66))  # not one is missing
        left = await sequences(outbox, "dead")
        assert left == list(range(66 - len(left), 66))  # each is an alert of its own: the oldest went
        assert 47 <= len(left) <= 50
        assert outbox.standing("dead").dropped == outbox.counts["dropped"] == 65 - len(left)
        assert outbox.standing("dead").waiting == len(left)
        assert (outbox.standing("slow").waiting, outbox.standing("slow").dropped) == (25, 0)
        await put_many(outbox, 60)  # now there is nothing left that the dead one wants alone
        assert outbox.standing("slow").dropped > 0
        assert await sequences(outbox, "slow") == await sequences(outbox, "dead")
        await take(outbox, "dead", 1000)
        assert outbox.standing("dead").dropped == 0  # it has caught up
    told = [record.message for record in caplog.records]
    assert re.match(r"\d+ message\(s\) were dropped before channel 'dead' had them: more than 0\.0", told[0])
    assert told[0].endswith("Bring that channel back, or remove it from alerts.channels")
    assert sum("'dead'" in line for line in told) == 1  # once a minute


async def test_of_each_alert_the_last_word_stays_longest(tmp_path: Path) -> None:
    async with Outbox(tmp_path / "outbox", ["dead"], limits=room_for(7)) as outbox:
        await tell(outbox, "old, minor", OPENED, Severity.INFO)  # 1
        await tell(outbox, "over", OPENED)  # 2: goes, as 4 says the same and more
        await tell(outbox, "grave", OPENED, Severity.CRITICAL)  # 3
        await tell(outbox, "over", CLOSED)  # 4
        await tell(outbox, "goes on", OPENED)  # 5: goes
        await tell(outbox, "goes on", UPDATED)  # 6
        await tell(outbox, "new, minor", OPENED, Severity.INFO)  # 7
        await tell(outbox, "newest", OPENED)  # 8
        assert await sequences(outbox, "dead") == [1, 3, 4, 6, 7, 8]
        await tell(outbox, "9", OPENED)
        assert await sequences(outbox, "dead") == [1, 3, 4, 6, 7, 8, 9]
        await tell(outbox, "10", OPENED)  # only last words are left: the least severe, and of them the oldest
        assert await sequences(outbox, "dead") == [3, 4, 6, 8, 9, 10]
        for number in range(11, 20):
            await tell(outbox, str(number), OPENED)
        assert 3 in await sequences(outbox, "dead")
        assert len(await outbox.open_verdicts()) == 16  # dropping a message forgets no alert


async def test_what_is_too_old_goes(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with Outbox(tmp_path / "outbox", ["dead"], limits=room_for(50, age=0.2)) as outbox:
        await put_many(outbox, 5)
        assert outbox.backlog("dead") == 5
        await asyncio.sleep(0.25)
        await put_many(outbox, 1)
        assert await sequences(outbox, "dead") == [6]
        assert outbox.standing("dead").dropped == 5
    assert "5 message(s) were dropped before channel 'dead' had them: more than" in caplog.text
    async with Outbox(tmp_path / "outbox", ["dead"], limits=room_for(50)) as outbox:
        assert (outbox.standing("dead").waiting, outbox.standing("dead").dropped) == (1, 5)  # not forgotten


async def test_the_file_stays_bounded(tmp_path: Path) -> None:
    limits = Limits(size=1_000_000)
    async with Outbox(tmp_path / "outbox", ["dead"], limits=limits) as outbox:
        for _ in range(20):
            await put_many(outbox, 500, ("gate", "yard"))
        assert 0.9e6 < outbox.standing("dead").size <= 1e6
    assert (tmp_path / "outbox").stat().st_size < 2e6


async def test_dead_letters_are_kept_bounded_and_tried_again(tmp_path: Path) -> None:
    async with Outbox(tmp_path / "outbox", ["mqtt", "log"], limits=room_for(50)) as outbox:
        await put_many(outbox, 6)
        for waiting in await outbox.waiting("mqtt", 5):
            await outbox.refused("mqtt", waiting.position, f"number {waiting.message.sequence} is too large")
        assert await sequences(outbox, "mqtt") == [6]
        assert await sequences(outbox, "log") == [1, 2, 3, 4, 5, 6]
        assert (outbox.standing("mqtt").dead, outbox.counts["dead_letters_dropped"]) == (3, 2)
        assert await outbox.to_try_again("mqtt") == []
        news = outbox.news("mqtt")
        news.clear()
        with sqlite3.connect(tmp_path / "outbox") as other:  # as another program does it
            other.execute("UPDATE dead_letters SET again = 1 WHERE sequence > 3")
        async with asyncio.timeout(5):
            await news.wait()
        again = await outbox.to_try_again("mqtt")
        assert [each.message for each in again] == [renderer()(4), renderer()(5)]
        await outbox.tried_again("mqtt", again[0].position, None)
        await outbox.tried_again("mqtt", again[1].position, "still too large")
        assert (outbox.standing("mqtt").dead, outbox.standing("mqtt").again) == (2, 0)
    async with Outbox(tmp_path / "outbox", ["log"]):  # a channel that is gone takes its dead letters along
        with sqlite3.connect(tmp_path / "outbox") as other:
            assert other.execute("SELECT count(*) FROM dead_letters").fetchone() == (0,)


async def test_a_file_of_the_first_version_is_taken_over(tmp_path: Path) -> None:
    from alerts.outbox_schema import APPLICATION_ID, MIGRATIONS

    with sqlite3.connect(tmp_path / "outbox") as old:
        old.executescript(MIGRATIONS[0])
        old.execute("PRAGMA user_version = 1")
        old.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        old.execute("INSERT INTO channels VALUES ('redis', 1)")
        old.execute("INSERT INTO sequences VALUES ('gate', 3)")
        for number in (1, 2, 3):
            message = renderer()(number)
            old.execute(
                "INSERT INTO messages (id, stream, kind, sequence, body) VALUES (?, 'gate', 'quality', ?, ?)",
                (message.id, number, message.body),
            )
    old.close()
    async with Outbox(tmp_path / "outbox", ["redis"]) as outbox:
        assert await sequences(outbox) == [2, 3]
        assert outbox.standing("redis").waiting == 2
        assert outbox.standing("redis").size == len(renderer()(2).body) * 2
        assert (await outbox.put(verdict(), renderer())).sequence == 4


STEPS = st.one_of(
    st.tuples(st.just("tell"), st.sampled_from("abcdef"), st.sampled_from(Change), st.sampled_from(Severity)),
    st.tuples(st.just("take"), st.sampled_from(["one", "two"]), st.integers(1, 5)),
    st.tuples(st.just("refuse"), st.sampled_from(["one", "two"])),
)


@settings(max_examples=60)
@given(st.lists(STEPS, max_size=60))
def test_whatever_happens_the_counts_are_true_and_the_order_stays(steps: list[tuple[Any, ...]]) -> None:
    async def use(path: Path) -> None:
        alerts: dict[int, str] = {}  # by sequence
        limits = room_for(6)
        async with Outbox(path, ["one", "two"], limits=limits) as outbox:
            for step in steps:
                match step:
                    case ("tell", alert, change, severity):
                        await tell(outbox, alert, change, severity)
                        alerts[len(alerts) + 1] = alert
                    case ("take", channel, number):
                        if batch := await outbox.waiting(channel, number):
                            await outbox.delivered(channel, batch[-1].position)
                    case ("refuse", channel):
                        if batch := await outbox.waiting(channel, 1):
                            await outbox.refused(channel, batch[0].position, "no")
                for channel in ("one", "two"):
                    left = [waiting.message for waiting in await outbox.waiting(channel, 1000)]
                    standing = outbox.standing(channel)
                    assert [m.sequence for m in left] == sorted(m.sequence for m in left)
                    assert (standing.waiting, standing.size) == (len(left), sum(len(m.body) for m in left))
                    assert standing.size <= limits.size
                    assert standing.dead <= 3
            for channel in ("one", "two"):  # of an alert that has anything left, the last word is there
                last = {alert: sequence for sequence, alert in alerts.items()}
                for sequence in await sequences(outbox, channel):
                    assert last[alerts[sequence]] in await sequences(outbox, channel)

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(use(Path(folder) / "outbox"))
