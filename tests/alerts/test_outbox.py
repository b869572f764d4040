"""The outbox keeps what it confirmed, in order, through restarts, crashes, full disks and damaged files."""

# ruff: noqa: ASYNC220, ASYNC240 - nothing else runs on these loops

import asyncio
import json
import random
import resource
import signal
import sqlite3
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from alerts.channel import Message
from alerts.lock import InUseError
from alerts.outbox import Outbox
from alerts.outbox_opening import OutboxError
from alerts.verdict import Change
from detectors.detection import Detection, DetectorCard, Kind
from tests.alerts.samples import put_many, renderer, sequences, verdict


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "outbox.sqlite3"


def rows(path: Path) -> int:
    """How many messages the file holds, seen by another reader."""
    with sqlite3.connect(path) as connection:
        return int(connection.execute("SELECT count(*) FROM messages").fetchone()[0])


async def test_sequences_have_no_gaps_and_count_per_stream(path: Path) -> None:
    async with Outbox(path, ["redis"]) as outbox:
        messages = await put_many(outbox, 300, ("gate", "yard", "door"))
        waiting = await outbox.waiting("redis", 1000)
    assert [w.message for w in waiting] == messages
    assert [w.position for w in waiting] == sorted(w.position for w in waiting)
    for stream in ("gate", "yard", "door"):
        assert [m.sequence for m in messages if m.stream == stream] == list(range(1, 101))


async def test_a_message_is_forgotten_once_every_channel_has_it(path: Path) -> None:
    async with Outbox(path, ["redis", "log"]) as outbox:
        await put_many(outbox, 10)
        position = (await outbox.waiting("redis", 4))[-1].position
        await outbox.delivered("redis", position)
        assert await sequences(outbox, "redis") == list(range(5, 11))
        assert await sequences(outbox, "log") == list(range(1, 11))
        assert (outbox.backlog("redis"), outbox.backlog("log")) == (6, 10)
        assert rows(path) == 10
        await outbox.delivered("log", position)
        assert rows(path) == 6
        await outbox.delivered("log", position - 2)  # a late word takes nothing back
        assert await sequences(outbox, "log") == list(range(5, 11))


async def test_a_restart_finds_messages_numbers_and_open_alerts(path: Path) -> None:
    opened = verdict("gate", "a1")
    updated = replace(verdict("yard", "a2", Change.UPDATED), score=9.25, provisional=True)
    async with Outbox(path, ["redis"]) as outbox:
        await outbox.put(opened, renderer("gate"))
        await outbox.put(verdict("yard", "a2"), renderer("yard"))
        await outbox.put(updated, renderer("yard"))
        await outbox.put(verdict("yard", "a3"), renderer("yard"))
        await outbox.put(verdict("yard", "a3", Change.CLOSED), renderer("yard"))
    async with Outbox(path, ["redis"]) as outbox:
        assert await outbox.open_verdicts() == [opened, updated]
        assert await outbox.open_verdicts("yard") == [updated]
        assert await outbox.open_verdicts("nowhere") == []
        assert await sequences(outbox) == [1, 1, 2, 3, 4]
        assert outbox.backlog("redis") == 5
        assert (await outbox.put(opened, renderer("gate"))).sequence == 2
        assert (await outbox.put(opened, renderer("yard"))).sequence == 3


async def test_numbers_go_on_when_everything_was_delivered_before_the_restart(path: Path) -> None:
    async with Outbox(path, ["redis"]) as outbox:
        await put_many(outbox, 3)
        await outbox.delivered("redis", (await outbox.waiting("redis", 9))[-1].position)
    async with Outbox(path, ["redis"]) as outbox:
        assert outbox.backlog("redis") == 0
        await put_many(outbox, 2)
        assert await sequences(outbox) == [4, 5]


async def test_a_heat_map_is_not_kept(path: Path) -> None:
    seen = Detection(
        Kind.ANOMALY, "motion", 1.0, 0.5, DetectorCard("anomaly", "ad"), heatmap=np.zeros((9, 9), np.float32)
    )
    async with Outbox(path, ["redis"]) as outbox:
        await outbox.put(replace(verdict(), detection=seen), renderer())
        assert await outbox.open_verdicts() == [verdict()]


async def test_channels_come_and_go_with_the_configuration(path: Path) -> None:
    async with Outbox(path, ["redis", "log"]) as outbox:
        await put_many(outbox, 6)
        await outbox.delivered("redis", (await outbox.waiting("redis", 4))[-1].position)
    async with Outbox(path, ["redis", "webhook"]) as outbox:  # log went; webhook gets what is still there
        assert await sequences(outbox, "redis") == [5, 6]
        assert await sequences(outbox, "webhook") == [1, 2, 3, 4, 5, 6]
        assert (outbox.backlog("redis"), outbox.backlog("webhook")) == (2, 6)
    async with Outbox(path, ["redis"]):  # nobody is left who does not have the first four
        assert rows(path) == 2
    with pytest.raises(ValueError, match="without channels"):
        Outbox(path, [])


async def test_a_renderers_mistake_is_raised_at_its_caller_alone(path: Path) -> None:
    def broken(sequence: int) -> Message:
        raise KeyError(f"no template for {sequence}")

    async with Outbox(path, ["redis"]) as outbox:
        answers = await asyncio.gather(
            outbox.put(verdict(), renderer()),
            outbox.put(verdict(), broken),
            outbox.put(verdict(), renderer()),
            return_exceptions=True,
        )
        assert isinstance(answers[1], KeyError)
        assert await sequences(outbox) == [1, 2]


async def test_whoever_waits_is_woken(path: Path) -> None:
    async with Outbox(path, ["redis"]) as outbox:
        news = outbox.news("redis")
        news.clear()
        waiter = asyncio.create_task(news.wait())
        await put_many(outbox, 1)
        async with asyncio.timeout(1):
            await waiter


async def test_a_cancelled_put_disturbs_nobody(path: Path) -> None:
    async with Outbox(path, ["redis"]) as outbox:
        cancelled = asyncio.create_task(outbox.put(verdict(), renderer()))
        await asyncio.sleep(0)
        cancelled.cancel()
        await outbox.put(verdict(), renderer())
        assert await sequences(outbox) in ([1], [1, 2])


async def test_the_second_process_is_told_who_has_it(path: Path) -> None:
    async with Outbox(path, ["redis"]):
        with pytest.raises(InUseError, match=r"in use by another framewarden \(process \d+\): stop that one"):
            await Outbox(path, ["redis"]).__aenter__()
    async with Outbox(path, ["redis"]):
        pass


async def test_a_newer_file_and_a_strange_one_are_refused_and_left_alone(tmp_path: Path) -> None:
    newer, strange = tmp_path / "newer", tmp_path / "strange"
    async with Outbox(newer, ["redis"]) as outbox:
        await put_many(outbox, 1)
    with sqlite3.connect(newer) as connection:
        connection.execute("PRAGMA user_version = 99")
    with pytest.raises(OutboxError, match=r"a newer framewarden \(schema 99; this one knows up to 3\)"):
        await Outbox(newer, ["redis"]).__aenter__()
    assert rows(newer) == 1
    with sqlite3.connect(strange) as connection:
        connection.execute("CREATE TABLE bookmarks (url)")
    with pytest.raises(OutboxError, match="another program's database"):
        await Outbox(strange, ["redis"]).__aenter__()


async def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutboxError, match=r"cannot be made .*check owner and permissions"):
        await Outbox(tmp_path / "file" / "outbox", ["redis"]).__aenter__()
    (tmp_path / "outbox").mkdir()
    with pytest.raises(OutboxError, match=r"cannot be opened .*check owner, permissions"):
        await Outbox(tmp_path / "outbox", ["redis"]).__aenter__()


@pytest.fixture(scope="module")
def healthy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An outbox file with a few hundred messages."""
    path = tmp_path_factory.mktemp("healthy") / "outbox"

    async def fill() -> None:
        async with Outbox(path, ["redis"]) as outbox:
            await put_many(outbox, 200)

    asyncio.run(fill())
    return path


@settings(max_examples=60)
@given(st.lists(st.tuples(st.floats(0, 0.999), st.binary(min_size=1, max_size=64)), min_size=1, max_size=20))
def test_a_damaged_file_is_used_or_moved_aside_and_alerts_go_on(
    healthy: Path, damage: list[tuple[float, bytes]]
) -> None:
    path = Path(tempfile.mkdtemp(dir=healthy.parent)) / "outbox"
    content = bytearray(healthy.read_bytes())
    for where, with_what in damage:
        start = int(where * len(content))
        content[start : start + len(with_what)] = with_what
    path.write_bytes(content)

    async def use() -> None:
        try:
            async with Outbox(path, ["redis"]) as outbox:
                await outbox.put(verdict("new"), renderer("new"))
                waiting = await outbox.waiting("redis", 1000)
                assert waiting[-1].message.stream == "new"
                assert all(json.loads(w.message.body) for w in waiting)
                await outbox.open_verdicts()
                await outbox.delivered("redis", waiting[-1].position)
                if outbox.counts["moved_aside"]:
                    assert [p.read_bytes() for p in path.parent.glob("outbox.damaged-*Z")] == [bytes(content)]
        except OutboxError as error:  # the damage hit the very words in the header that say whose it is
            told = str(error)
            assert "another program's database" in told or "newer framewarden" in told

    asyncio.run(use())


async def test_a_table_without_its_columns_is_damage(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with Outbox(path, ["redis"]) as outbox:
        await put_many(outbox, 3)
    with sqlite3.connect(path) as file:
        file.execute("ALTER TABLE clock RENAME COLUMN boot TO shoe")
    async with Outbox(path, ["redis"]) as outbox:
        await put_many(outbox, 1)
    assert "is damaged (its tables are not those that it was made with)" in caplog.text


@pytest.mark.parametrize("content", [b"no database at all", b"SQLite format 3\0" + bytes(50), None])
async def test_damage_is_said_and_nothing_is_deleted(
    path: Path, content: bytes | None, healthy: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path.write_bytes(healthy.read_bytes()[:20_000] if content is None else content)
    async with Outbox(path, ["redis"]) as outbox:
        assert outbox.counts["moved_aside"] == 1
        await put_many(outbox, 2)
        assert await sequences(outbox) == [1, 2]
    assert "is damaged" in caplog.text
    assert "alerts that waited in it may be lost" in caplog.text
    assert len(list(path.parent.glob("outbox.sqlite3.damaged-*"))) == 1


def is_durable(outbox: Outbox) -> bool:
    """What the property says now; a type checker would think that it stays."""
    return outbox.durable


@contextmanager
def disk_quota(size: int) -> Iterator[None]:
    """No file of this process grows beyond `size` bytes: such writes are refused, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


async def test_a_full_disk_neither_stops_nor_loses_alerts(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with Outbox(path, ["redis"], disk_retry=0.05) as outbox:
        before = await put_many(outbox, 20)
        grown = path.with_name(path.name + "-wal").stat().st_size
        with disk_quota(grown + 20_000):
            meanwhile = [await outbox.put(verdict(), renderer()) for _ in range(100)]
            assert not is_durable(outbox)
            waiting = await outbox.waiting("redis", 1000)
            assert [w.message for w in waiting] == before + meanwhile
            await outbox.delivered("redis", waiting[49].position)  # channels go on taking
            await asyncio.sleep(0.2)
            assert not is_durable(outbox)
            assert outbox.counts["disk_refused"] == 1
        deadline = time.monotonic() + 5
        while rows(path) != 70 and time.monotonic() < deadline:  # noqa: ASYNC110 - seen from outside
            await asyncio.sleep(0.02)
        await put_many(outbox, 1)
        assert rows(path) == 71
        assert is_durable(outbox)
    assert "cannot be written" in caplog.text
    assert "alerts go on from memory" in caplog.text
    assert "can be written again: nothing was lost" in caplog.text
    async with Outbox(path, ["redis"]) as outbox:
        assert await sequences(outbox) == list(range(51, 122))


async def test_a_stop_with_a_full_disk_says_what_is_lost(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    outbox = await Outbox(path, ["redis"], disk_retry=0.05).__aenter__()
    await put_many(outbox, 1)
    with disk_quota(path.with_name(path.name + "-wal").stat().st_size):
        await put_many(outbox, 5)
        await outbox.__aexit__(None, None, None)
    assert "what waits is lost (6 for 'redis')" in caplog.text
    async with Outbox(path, ["redis"]) as outbox:
        assert await sequences(outbox) == [1]


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Another program has the file's one write lock."""
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    yield
    other.execute("ROLLBACK")
    other.close()


async def test_another_programs_lock_only_delays(path: Path) -> None:
    async with Outbox(path, ["redis"]) as outbox:
        with locked(path):
            put = asyncio.create_task(put_many(outbox, 3))
            await asyncio.sleep(0.5)
            assert not put.done()
        async with asyncio.timeout(10):
            assert len(await put) == 3
        assert is_durable(outbox)
        assert rows(path) == 3


async def test_a_lock_that_stays_holds_no_alert_up(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with Outbox(path, ["redis"], disk_retry=0.05, lock_patience=0.5) as outbox:
        with locked(path):
            async with asyncio.timeout(3):
                before = await put_many(outbox, 3)
                assert not is_durable(outbox)
                before += await put_many(outbox, 3)
                assert [w.message for w in await outbox.waiting("redis", 9)] == before
            assert rows(path) == 0
        async with asyncio.timeout(3):
            while not is_durable(outbox):  # noqa: ASYNC110 - seen from outside
                await asyncio.sleep(0.02)
        assert rows(path) == 6
    assert "(database is locked): alerts go on from memory" in caplog.text
    assert "End the program that has it locked" in caplog.text


@pytest.mark.parametrize("before", [0, 2])
async def test_a_stop_waits_for_no_lock(path: Path, caplog: pytest.LogCaptureFixture, before: int) -> None:
    outbox = await Outbox(path, ["redis"], disk_retry=0.05, lock_patience=0.2 if before else 60).__aenter__()
    with locked(path):
        await put_many(outbox, before)
        late = asyncio.create_task(put_many(outbox, 3))
        await asyncio.sleep(0.05)
        async with asyncio.timeout(4):
            await outbox.__aexit__(None, None, None)
        await late
    assert f"what waits is lost ({before + 3} for 'redis')" in caplog.text


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
async def test_a_thread_that_dies_is_waited_for_by_nobody(path: Path) -> None:
    def exits(sequence: int) -> Message:
        raise SystemExit(f"a mistake of ours at {sequence}")

    async with asyncio.timeout(5), Outbox(path, ["redis"]) as outbox:
        answers = await asyncio.gather(
            outbox.put(verdict(), exits), outbox.put(verdict(), renderer()), return_exceptions=True
        )
        assert [type(answer) for answer in answers] == [RuntimeError] * 2
        with pytest.raises(RuntimeError, match=r"thread died of SystemExit\('a mistake of ours at 1'\)"):
            await outbox.put(verdict(), renderer())


PUTS_FOREVER = textwrap.dedent("""
    import asyncio, sys
    from pathlib import Path
    from alerts.outbox import Outbox
    from tests.alerts.samples import renderer, verdict

    async def stream(outbox, name, mark):
        number = 0
        while True:
            number += 1
            message = await outbox.put(verdict(name, f"{name}-{mark}-{number}"), renderer(name, mark))
            print(message.stream, message.sequence, mark, flush=True)

    async def main(path, mark):
        async with Outbox(path, ["redis"]) as outbox, asyncio.TaskGroup() as tasks:
            for n in range(8):
                tasks.create_task(stream(outbox, f"s{n}", mark))

    asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
""")


async def test_kill_9_loses_nothing_that_was_confirmed(path: Path) -> None:
    confirmed: set[tuple[str, int, str]] = set()
    for life in range(5):
        child = subprocess.Popen(
            [sys.executable, "-c", PUTS_FOREVER, str(path), f".{life}"],
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
        )
        assert child.stdout is not None
        first = child.stdout.readline()
        await asyncio.sleep(random.uniform(0.01, 0.4))
        child.send_signal(signal.SIGKILL)
        for line in [first, *child.stdout.read().splitlines()]:
            words = line.split()
            if len(words) == 3:  # the last line may be cut
                confirmed.add((words[0], int(words[1]), words[2]))
        child.wait()
    assert len(confirmed) > 100
    async with Outbox(path, ["redis"]) as outbox:
        kept = [w.message for w in await outbox.waiting("redis", 1_000_000)]
        alerts = {v.alert_id for v in await outbox.open_verdicts()}
    marks = [(m.stream, m.sequence, json.loads(m.body)["data"]["mark"]) for m in kept]
    assert confirmed <= set(marks)
    assert len(alerts) == len(marks)
    for n in range(8):
        mine = [m.sequence for m in kept if m.stream == f"s{n}"]
        assert mine == list(range(1, len(mine) + 1))


class OutboxAgainstAModel(RuleBasedStateMachine):
    """Any order of putting, delivering, restarting and reconfiguring, beside lists in memory."""

    streams = st.sampled_from(["gate", "yard"])
    alerts = st.sampled_from(["a1", "a2", "a3"])
    names = st.sampled_from(["redis", "log", "webhook"])

    @initialize()
    def begin(self) -> None:
        self.runner = asyncio.Runner()
        self.path = Path(self.folder.name) / "outbox"
        self.configured = {"redis", "log"}
        self.numbers = {"gate": 0, "yard": 0}
        self.open: dict[str, tuple[str, Change]] = {}
        self.messages: list[tuple[str, int]] = []
        self.taken = {"redis": 0, "log": 0}  # by channel: how many of the messages, from the first ever put
        self.enter()

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()

    def enter(self) -> None:
        self.outbox = self.runner.run(Outbox(self.path, sorted(self.configured)).__aenter__())

    @rule(stream=streams, alert=alerts, change=st.sampled_from(Change))
    def put(self, stream: str, alert: str, change: Change) -> None:
        async def put() -> Message:
            return await self.outbox.put(verdict(stream, alert, change), renderer(stream, padding=0))

        self.numbers[stream] += 1
        assert self.runner.run(put()).sequence == self.numbers[stream]
        self.messages.append((stream, self.numbers[stream]))
        if change is Change.CLOSED:
            self.open.pop(alert, None)
        else:
            self.open[alert] = (stream, change)

    @rule(channel=names, limit=st.integers(1, 4))
    def deliver(self, channel: str, limit: int) -> None:
        if channel not in self.configured:
            return

        async def take() -> list[tuple[str, int]]:
            waiting = await self.outbox.waiting(channel, limit)
            if waiting:
                await self.outbox.delivered(channel, waiting[-1].position)
            return [(w.message.stream, w.message.sequence) for w in waiting]

        start = self.taken[channel]
        assert self.runner.run(take()) == self.messages[start : start + limit]
        self.taken[channel] = min(start + limit, len(self.messages))

    @rule(configured=st.sets(names, min_size=1))
    def restart(self, configured: set[str]) -> None:
        self.runner.run(self.outbox.__aexit__(None, None, None))
        first = min(self.taken.values())
        self.taken = {name: self.taken.get(name, first) for name in configured}
        self.configured = configured
        self.enter()

    @invariant()
    def agrees(self) -> None:
        for channel, taken in self.taken.items():
            assert self.outbox.backlog(channel) == len(self.messages) - taken
        kept = self.runner.run(self.outbox.open_verdicts())
        assert {v.alert_id: (v.stream, v.change) for v in kept} == self.open
        assert rows(self.path) == len(self.messages) - min(self.taken.values())

    def teardown(self) -> None:
        if hasattr(self, "outbox"):
            self.runner.run(self.outbox.__aexit__(None, None, None))
            self.runner.close()
        self.folder.cleanup()


TestOutboxAgainstAModel = OutboxAgainstAModel.TestCase
TestOutboxAgainstAModel.settings = settings(max_examples=25, stateful_step_count=20)
