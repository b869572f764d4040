"""Carries what judges decide through the gate to the announcer; reads the orders, keeps the gate's memory."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Final, NoReturn, Protocol

from alerts.gate import Gate, Passed
from alerts.gate_memory import Memory, NewerError, memory_from_json, memory_to_json
from alerts.open_alert import Why
from alerts.orders import DamagedOrdersError, Orders, OrdersError, OrdersFile
from alerts.utc import utc_now
from alerts.verdict import Change, Verdict
from config.whole_file import write_whole
from streams.frame import Frame

log = logging.getLogger(__name__)

TICK: Final = 0.5  # seconds: so soon a silence holds, and an alert that speaks for many is told
SAVE_EVERY: Final = 1.0  # seconds at least between two writings of the memory

_WORDS: Final[dict[Why | None, str]] = {
    Why.SHADOW: "is not told, it is in shadow",
    Why.SCHEDULE: "is not told at this time",
    Why.SILENCE: "is not told, it is silenced",
    Why.HOST: "waits to be told with the others of its host",
    Why.STORM: "is gathered with others, there is a storm",
}
_ENDED: Final[dict[Why | None, str]] = {
    Why.HOST: "ended; it was told with the others of its host",
    Why.STORM: "ended; it was told with others, in a storm",
}


class Announces(Protocol):
    """Puts messages where they are delivered from."""

    async def announce_all(self, verdicts: Sequence[Verdict], frame: Frame | None) -> None: ...


class Gatekeeper:
    """One for all streams."""

    def __init__(
        self,
        gate: Gate,
        announcer: Announces,
        folder: Path,
        clock: Callable[[], datetime] = utc_now,
        patience: float = 2.0,
    ) -> None:
        """`folder` is the state folder. `patience`: seconds that the disk may take until we go on."""
        self.gate = gate
        self._announcer = announcer
        self._memory = folder / "gate.json"
        self._orders = OrdersFile(folder)
        self._clock = clock
        self._patience = patience
        self._seen: tuple[int, int, int] | None = None  # the orders file as it was last read
        self._reading: asyncio.Future[Orders | OrdersError | None] | None = None
        self._deaf = ""  # why orders cannot be read, once it was said
        self._saving: asyncio.Future[None] | None = None
        self._saved_at = float("-inf")
        self._failing = False  # to write the memory; set on the thread
        self._thread = ThreadPoolExecutor(1, "gate")  # a disk that hangs must not hold up anybody else's

    async def begin(self, told: Sequence[Verdict]) -> None:
        """Goes on where the daemon ended; `told`: what was told and is open. Before anything is announced."""
        memory = await asyncio.get_running_loop().run_in_executor(self._thread, self._read_memory)
        self.gate.recall(memory, told)
        await self._heed_orders()

    async def announce_all(
        self, stream: str, verdicts: Sequence[Verdict], at: datetime, frame: Frame | None
    ) -> None:
        """After each sight of a stream. Returns once what is to be told is in the outbox."""
        passed = self.gate.sift(stream, verdicts, at, self._clock(), frame is not None)
        if passed.told or passed.held:  # most sights lead to nothing
            await self._carry(passed, frame)

    async def run(self) -> NoReturn:
        """Looks after the house as a whole, until cancelled."""
        while True:
            await self._heed_orders()
            await self._carry(self.gate.tick(self._clock()), None)
            stale = self.gate.changed or self._failing
            if stale and asyncio.get_running_loop().time() > self._saved_at + SAVE_EVERY:
                await self._save()
            await asyncio.sleep(TICK)

    async def finish(self) -> None:
        """Nothing is watched any more: closes what speaks for others."""
        await self._carry(self.gate.finish(self._clock()), None)

    async def close(self) -> None:
        """Writes down what the gate must not forget."""
        await self._save()
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def _carry(self, passed: Passed, frame: Frame | None) -> None:
        for verdict, why in passed.held:
            _say(verdict, why)
        cancelled: asyncio.CancelledError | None = None
        if passed.late:
            # Or a crash could leave it in the memory as never told, when it was told and closed already.
            try:
                await self._save()
            except asyncio.CancelledError as error:  # what is decided is told all the same
                cancelled = error
        await self._announcer.announce_all(passed.told, frame)
        if cancelled:
            raise cancelled

    async def _heed_orders(self) -> None:
        if self._reading is None:
            self._reading = asyncio.get_running_loop().run_in_executor(self._thread, self._read_orders)
        await asyncio.wait([self._reading], timeout=self._patience)
        if not self._reading.done():  # the disk hangs: looked at again with the next tick
            return
        reading, self._reading = self._reading, None
        orders = reading.result()
        if isinstance(orders, OrdersError):
            if str(orders) != self._deaf:
                log.error("Silences and acknowledgements stay as they were: %s", orders)
            self._deaf = str(orders)
            return
        self._deaf = ""
        if orders is not None:
            self.gate.heed(orders)

    async def _save(self) -> None:
        loop = asyncio.get_running_loop()
        until = loop.time() + self._patience
        if not await self._written(until):  # one at a time: a disk that hangs gathers none
            return
        self.gate.changed, self._saved_at = False, loop.time()
        self._saving = loop.run_in_executor(self._thread, self._write_memory, self.gate.memory())
        await self._written(until)

    async def _written(self, until: float) -> bool:
        """Whether nothing is being written any more, by then."""
        while saving := self._saving:
            await asyncio.wait([saving], timeout=until - asyncio.get_running_loop().time())
            if not saving.done():
                return False
            if saving is self._saving:
                self._saving = None
            saving.result()  # a mistake of ours is raised here
        return True

    # ---- on the thread

    def _read_orders(self) -> Orders | OrdersError | None:
        """None where nothing was ordered since the last look."""
        try:
            found = self._orders.path.stat()
        except FileNotFoundError:
            seen = None
        except OSError as error:
            return OrdersError(f"{self._orders.path} cannot be read ({error.strerror or error})")
        else:
            seen = found.st_mtime_ns, found.st_size, found.st_ino
        if seen == self._seen:
            return None
        try:
            orders: Orders | OrdersError = self._orders.read()
        except DamagedOrdersError as error:
            orders = error
        except OrdersError as error:
            return error  # not seen: it is read again with the next look
        self._seen = seen
        return orders

    def _read_memory(self) -> Memory | None:
        try:
            return memory_from_json(self._memory.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        except NewerError as error:
            aside = self._memory.with_name(f"{self._memory.name}.newer")
            with suppress(OSError):
                self._memory.replace(aside)
            log.error(  # noqa: TRY400 - words for the user
                "%s is not used, %s: it was moved to %s, and alerts that were held back open anew",
                self._memory, error, aside.name,
            )  # fmt: skip
            return None
        except (OSError, ValueError) as error:
            log.error("%s is forgotten: alerts that were held back open anew (%s)", self._memory, error)  # noqa: TRY400
            return None

    def _write_memory(self, memory: Memory) -> None:
        try:
            write_whole(self._memory, memory_to_json(memory).encode())
        except OSError as error:
            if not self._failing:
                log.error(  # noqa: TRY400 - words for the user
                    "%s cannot be written (%s): after a crash, alerts that are held back open anew. "
                    "Free some space on that disk", self._memory, error.strerror or error,
                )  # fmt: skip
            self._failing = True
        else:
            self._failing = False


def _say(verdict: Verdict, why: Why | None) -> None:
    """Nothing is lost without a word: the log has what nobody is told."""
    ended = verdict.change is Change.CLOSED
    words = _ENDED.get(why, "ended, and nobody was told") if ended else _WORDS.get(why, "is not told")
    log.info(
        "%s: %s %s %s: %s; alert %s",
        verdict.stream, verdict.kind, verdict.label, words, verdict.reason, verdict.alert_id,
    )  # fmt: skip
