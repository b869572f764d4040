"""Whatever is done to the clock on the wall, what waits is dropped after a week of waiting and not before."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from alerts.outbox import Outbox
from alerts.outbox_clock import Clock
from alerts.outbox_limits import Limits
from tests.alerts.samples import put_many, sequences

DAY = 86_400.0
TODAY = 1_800_000_000.0


@dataclass
class Machine:
    """With a clock that can be set, and one that cannot."""

    now: float = TODAY
    up: float = 100.0
    boots: int = 1

    @property
    def clock(self) -> Clock:
        return Clock(lambda: self.now, lambda: self.up, lambda: f"boot {self.boots}")

    def wait(self, seconds: float) -> None:
        self.now += seconds
        self.up += seconds

    def boot(self, now: float) -> None:
        """It comes up with this on its clock."""
        self.now, self.up, self.boots = now, 10.0, self.boots + 1

    def outbox(self, folder: Path) -> Outbox:
        return Outbox(folder / "outbox", ["redis"], limits=Limits(age=7 * DAY), clock=self.clock)

    async def waiting(self, folder: Path) -> list[int]:
        """After a restart, and something that happens."""
        async with self.outbox(folder) as outbox:
            await put_many(outbox, 1)
            return await sequences(outbox)


@pytest.fixture
async def machine(tmp_path: Path) -> Machine:
    """Its daemon has put one message into the outbox, and has ended."""
    machine = Machine()
    async with machine.outbox(tmp_path) as outbox:
        await put_many(outbox, 1)
    return machine


async def test_what_waited_a_week_is_dropped(machine: Machine, tmp_path: Path) -> None:
    machine.wait(8 * DAY)
    assert await machine.waiting(tmp_path) == [2]


@pytest.mark.parametrize("days", [-8, 8, 20_000])
async def test_a_clock_that_is_set_while_we_are_away_drops_nothing_and_keeps_nothing_longer(
    machine: Machine, tmp_path: Path, days: int
) -> None:
    machine.wait(2 * DAY)
    machine.now += days * DAY
    assert await machine.waiting(tmp_path) == [1, 2]
    machine.wait(6 * DAY)
    assert await machine.waiting(tmp_path) == [2, 3]


@pytest.mark.parametrize("days", [-8, 8])
async def test_a_clock_that_is_set_while_we_run_drops_nothing_and_keeps_nothing_longer(
    machine: Machine, tmp_path: Path, days: int
) -> None:
    async with machine.outbox(tmp_path) as outbox:
        machine.now += days * DAY
        await put_many(outbox, 1)
        assert await sequences(outbox) == [1, 2]
        machine.wait(6 * DAY)
        await put_many(outbox, 1)
        machine.wait(2 * DAY)
        await put_many(outbox, 1)
        assert await sequences(outbox) == [3, 4]


async def test_a_machine_that_boots_in_1970_drops_nothing_when_its_clock_is_put_right(
    machine: Machine, tmp_path: Path
) -> None:
    machine.boot(now=30.0)
    async with machine.outbox(tmp_path) as outbox:
        await put_many(outbox, 1)
        machine.wait(60)
        machine.now = TODAY + DAY
        await put_many(outbox, 1)
        assert await sequences(outbox) == [1, 2, 3]
    machine.wait(8 * DAY)
    assert await machine.waiting(tmp_path) == [4]


async def test_a_machine_that_was_off_for_a_week_drops_what_waited(machine: Machine, tmp_path: Path) -> None:
    machine.boot(now=TODAY + 8 * DAY)
    assert await machine.waiting(tmp_path) == [2]
