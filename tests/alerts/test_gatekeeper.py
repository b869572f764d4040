"""Around the gate: orders are heeded, the memory is kept, and a bad disk stops no alert."""

import asyncio
import logging
import os
import resource
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from alerts.gate import Gate
from alerts.gate_memory import memory_from_json
from alerts.gatekeeper import Gatekeeper
from alerts.orders import Acknowledgement, Orders, OrdersFile
from alerts.rules import Rules
from alerts.verdict import Change, Verdict
from streams.frame import Frame
from tests.alerts.test_gate import a_verdict, silence
from tests.fakes import frame

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
NAME = "anomaly/motion"


@dataclass
class FakeAnnouncer:
    """Remembers what it was told, and what was on disk at that moment."""

    folder: Path
    told: list[Verdict] = field(default_factory=list)
    held_on_disk: list[list[str]] = field(default_factory=list)

    async def announce_all(self, verdicts: Sequence[Verdict], frame: Frame | None) -> None:
        await asyncio.sleep(0)
        for verdict in verdicts:
            self.told.append(verdict)
            self.held_on_disk.append(never_told(self.folder))

    def said(self) -> list[str]:
        return [f"{verdict.stream} {verdict.label} {verdict.change}" for verdict in self.told]


def never_told(folder: Path) -> list[str]:
    """The alerts that a daemon would go on with as never told, if ours crashed now."""
    path = folder / "gate.json"
    try:
        memory = memory_from_json(path.read_text())
    except (FileNotFoundError, ValueError):
        return []
    return [each.verdict.alert_id for each in memory.opened if each.told is None]


@dataclass
class Clock:
    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now


class House:
    def __init__(self, folder: Path, patience: float = 2.0) -> None:
        self.folder, self.clock, self.announcer = folder, Clock(), FakeAnnouncer(folder)
        gate = Gate(more_than=3)
        for stream in ("gate", "yard"):
            gate.add(stream, Rules())
        self.keeper = Gatekeeper(gate, self.announcer, folder, self.clock, patience)

    async def sight(self, change: Change | None = None, stream: str = "gate", name: str = NAME) -> None:
        verdicts = [a_verdict(change, stream, name, self.clock.now)] if change else []
        await self.keeper.announce_all(stream, verdicts, self.clock.now, frame(stream))

    def order(self, orders: Orders) -> None:
        OrdersFile(self.folder).change(lambda _: orders, self.clock.now)


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    house = House(tmp_path)
    await house.keeper.begin([])
    task = asyncio.create_task(house.keeper.run())
    yield house
    task.cancel()
    await asyncio.wait([task])
    await house.keeper.close()


async def settle() -> None:
    await asyncio.sleep(0.7)  # a tick, at which orders are read


async def test_an_order_holds_within_a_second_and_its_end_too(house: House) -> None:
    house.order(Orders((silence(until=NOW + timedelta(hours=1)),)))
    await settle()
    await house.sight(Change.OPENED)
    assert house.announcer.told == []
    house.order(Orders())
    await settle()
    await house.sight()
    assert house.announcer.said() == ["gate motion opened"]


async def test_what_was_held_is_told_only_once_the_memory_no_longer_says_that_it_never_was(
    house: House,
) -> None:
    house.order(Orders((silence(until=NOW + timedelta(hours=1)),)))
    await settle()
    await house.sight(Change.OPENED)
    await asyncio.sleep(1.2)  # the memory is written
    assert never_told(house.folder) == [f"gate:{NAME}"]
    house.clock.now += timedelta(hours=2)
    await house.sight()
    assert (house.announcer.said(), house.announcer.held_on_disk) == (["gate motion opened"], [[]])


async def test_an_acknowledgement_is_told_with_the_next_sight(house: House) -> None:
    await house.sight(Change.OPENED)
    house.order(Orders((), (Acknowledgement(f"gate:{NAME}", "Ann", "on my way", NOW),)))
    await settle()
    await house.sight()
    await house.sight(Change.UPDATED)
    assert [(each.change, each.acknowledged_by) for each in house.announcer.told] == [
        (Change.OPENED, ""),
        (Change.UPDATED, "Ann"),
    ]


async def test_what_is_open_after_a_crash_can_be_read_within_seconds_though_nothing_happens(
    tmp_path: Path,
) -> None:
    house = House(tmp_path)
    await house.keeper.begin([a_verdict(Change.OPENED, "gate", NAME, NOW)])
    task = asyncio.create_task(house.keeper.run())
    async with asyncio.timeout(10):
        while not (tmp_path / "gate.json").exists():  # noqa: ASYNC110 - seen from outside
            await asyncio.sleep(0.05)
    task.cancel()
    await asyncio.wait([task])
    memory = memory_from_json((tmp_path / "gate.json").read_text())
    assert [each.verdict.alert_id for each in memory.opened] == [f"gate:{NAME}"]
    await house.keeper.close()


async def test_a_restart_goes_on_with_what_was_held(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.order(Orders((silence("gate", until=NOW + timedelta(hours=1)),)))
    await house.keeper.begin([])
    await house.sight(Change.OPENED)
    await house.sight(Change.OPENED, "yard")
    await house.keeper.close()
    again = House(tmp_path)
    await again.keeper.begin(house.announcer.told)
    await again.sight()
    assert again.announcer.told == [], "the silence holds from the first sight on"
    told = {alert.verdict.stream: alert.told is not None for alert in again.keeper.gate.open_alerts()}
    assert told == {"gate": False, "yard": True}
    await again.keeper.close()


async def test_the_end_of_what_another_alert_told_of_is_no_end_that_nobody_was_told_of(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "alerts.gatekeeper")
    for number in range(5):
        await house.sight(Change.OPENED, name=f"object/thing{number}")
    await settle()
    await house.sight(Change.CLOSED, name="object/thing4")
    assert (
        caplog.records[-1]
        .getMessage()
        .startswith("gate: object thing4 ended; it was told with others, in a storm: it was seen; alert")
    )


async def test_what_nobody_is_told_is_said_in_the_log(house: House, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "alerts.gatekeeper")
    house.order(Orders((silence(until=NOW + timedelta(hours=1)),)))
    await settle()
    await house.sight(Change.OPENED)
    await house.sight(Change.CLOSED)
    assert [record.getMessage() for record in caplog.records] == [
        f"gate: anomaly motion is not told, it is silenced: it was seen; alert gate:{NAME}",
        f"gate: anomaly motion ended, and nobody was told: it was seen; alert gate:{NAME}",
    ]


async def test_a_damaged_orders_file_leaves_the_last_good_orders(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    house.order(Orders((silence(until=NOW + timedelta(hours=1)),)))
    await settle()
    (house.folder / "orders.json").write_text("{")
    await settle()
    await settle()
    await house.sight(Change.OPENED)
    assert house.announcer.told == []
    assert caplog.text.count("Silences and acknowledgements stay as they were") == 1


async def test_orders_are_read_again_after_all_descriptors_were_in_use(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.order(Orders((silence(until=NOW + timedelta(hours=1)),)))
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, limits[1]))  # a file can be looked at, but not opened
    try:
        await house.keeper.begin([])
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    assert house.keeper.gate.silences == 0
    task = asyncio.create_task(house.keeper.run())
    await settle()
    task.cancel()
    await asyncio.wait([task])
    assert house.keeper.gate.silences == 1
    await house.keeper.close()


async def test_a_memory_that_could_not_be_written_is_written_when_the_disk_takes_it(house: House) -> None:
    house.order(Orders((silence(until=NOW + timedelta(hours=1)),)))
    await settle()
    in_the_way = house.folder / ".gate.json.part"
    in_the_way.mkdir()
    await house.sight(Change.OPENED)
    await asyncio.sleep(1.2)
    assert never_told(house.folder) == []
    in_the_way.rmdir()
    await asyncio.sleep(1.7)  # nothing happens meanwhile
    assert never_told(house.folder) == [f"gate:{NAME}"]


async def test_a_disk_that_takes_nothing_stops_no_alert_and_is_said_once(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    (house.folder / ".gate.json.part").mkdir()
    for change in (Change.OPENED, Change.CLOSED):
        await house.sight(change)
        await asyncio.sleep(1.2)
    assert house.announcer.said() == ["gate motion opened", "gate motion closed"]
    assert caplog.text.count("alerts that are held back open anew. Free some space") == 1


async def test_a_damaged_memory_is_said_and_forgotten(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "gate.json").write_text('{"opened": 5}')
    house = House(tmp_path)
    await house.keeper.begin([])
    assert "is forgotten: alerts that were held back open anew" in caplog.text
    await house.sight(Change.OPENED)
    assert house.announcer.said() == ["gate motion opened"]
    await house.keeper.close()


async def test_what_speaks_for_others_closes_when_nothing_is_watched_any_more(house: House) -> None:
    for number in range(6):
        await house.sight(Change.OPENED, name=f"object/thing{number}")
    await settle()
    for number in range(6):
        await house.sight(Change.CLOSED, name=f"object/thing{number}")
    await house.keeper.finish()
    assert [each for each in house.announcer.said() if each.startswith("_house")] == [
        "_house storm opened",
        "_house storm closed",
    ]


async def test_a_disk_that_hangs_holds_no_alert_up_for_long(tmp_path: Path) -> None:
    house = House(tmp_path, patience=0.1)
    await house.keeper.begin([])
    os.mkfifo(tmp_path / "orders.json")  # nobody writes there: opening it to read takes for ever
    task = asyncio.create_task(house.keeper.run())
    async with asyncio.timeout(5):
        house.keeper.gate.heed(Orders((silence(),)))
        await house.sight(Change.OPENED)
        house.keeper.gate.heed(Orders())
        await house.sight()  # told late: the memory should be written first
        await house.sight(Change.CLOSED)
        await asyncio.sleep(1.5)
    assert house.announcer.said() == ["gate motion opened", "gate motion closed"]
    task.cancel()
    await asyncio.wait([task])
    with (tmp_path / "orders.json").open("wb"):  # now it goes on, and the thread can end
        await house.keeper.close()
