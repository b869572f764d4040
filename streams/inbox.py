"""A folder that files come into: says which are whole, and lie there for the first time."""

import asyncio
import logging
import os
import stat
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from watchfiles import awatch

from streams.beside import beside

log = logging.getLogger(__name__)

POLL: Final = 30.0  # seconds between two looks where nothing is said: network drives tell of no change
SHORTEST: Final = 0.25  # seconds between two looks
AT_A_TIME: Final = 32  # files that one look hands over
# What programs call a file that they are still writing; it gets its own name when it is whole.
UNFINISHED: Final = (".part", ".partial", ".filepart", ".crdownload", ".download", ".tmp", ".temp", "~")


@dataclass(frozen=True, slots=True)
class Sign:
    """By this a file is known to be the same as before, without reading it."""

    size: int  # bytes
    modified: int  # nanoseconds since 1970
    inode: int


@dataclass(frozen=True, slots=True)
class Arrival:
    """A file whose size and time have stood still for long enough."""

    path: Path
    sign: Sign


@dataclass(slots=True)
class _Pending:
    sign: Sign
    since: float  # time.monotonic() when it was first seen like this


@dataclass(slots=True)
class Look:
    """What one look at the folder showed."""

    found: dict[str, Sign] = field(default_factory=dict)
    problem: str = ""  # why nothing could be seen


Known = Callable[[], Awaitable[Mapping[str, Sign]]]


class Inbox:
    """An asynchronous context manager. Only plain files of the folder itself count: no links, nothing hidden.

    Whoever may write into the folder could otherwise have any file of this machine looked at.
    """

    def __init__(
        self, folder: Path, rest: float, poll: float = POLL, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`rest`: seconds that size and time must stand still."""
        self.folder = folder
        self.problem = ""  # why the folder cannot be read now
        self.gone: frozenset[str] = frozenset()  # known names that were not there at the last look
        self._rest = rest
        self._poll = poll
        self._clock = clock
        self._pending: dict[str, _Pending] = {}
        self._news = asyncio.Event()
        self._stop = asyncio.Event()
        self._listening: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._listening = asyncio.create_task(self._listen(), name=f"listen to {self.folder.name}")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        if self._listening:
            self._listening.cancel()
            await asyncio.wait([self._listening])

    @property
    def waiting(self) -> int:
        """Files that are there and not handed over."""
        return len(self._pending)

    def ring(self) -> None:
        """Has it look again soon."""
        self._news.set()

    async def whole(self, known: Known) -> list[Arrival]:
        """Waits for files that are whole and not `known` (by name), the oldest first, some at a time.

        What is returned has to be known at the next call, or it comes again.
        """
        while True:
            self._news.clear()
            seen = await known()
            look = await beside(_look, self.folder)
            self._tell(look.problem)
            ready = self._sift(look.found, seen)
            if ready:
                return ready
            pause = self._poll
            if self._pending:  # nothing tells that nothing happens any more
                due = min(each.since for each in self._pending.values()) + self._rest - self._clock()
                pause = min(self._poll, max(SHORTEST, due))
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._news.wait()
                await asyncio.sleep(SHORTEST)  # what is written makes news all the time

    def _sift(self, found: Mapping[str, Sign], known: Mapping[str, Sign]) -> list[Arrival]:
        now = self._clock()
        self.gone = frozenset(known.keys() - found.keys()) if not self.problem else frozenset()
        fresh = {name: sign for name, sign in found.items() if known.get(name) != sign}
        for name in self._pending.keys() - fresh.keys():
            del self._pending[name]
        for name, sign in fresh.items():
            before = self._pending.get(name)
            if before is None or before.sign != sign:
                self._pending[name] = _Pending(sign, now)
        ready = [name for name, each in self._pending.items() if now - each.since >= self._rest]
        ready.sort(key=lambda name: (fresh[name].modified, name))
        return [Arrival(self.folder / name, fresh[name]) for name in ready[:AT_A_TIME]]

    def _tell(self, problem: str) -> None:
        if problem != self.problem:
            if problem:
                log.error("%s: %s", self.folder, problem)
            else:
                log.info("%s can be read again", self.folder)
        self.problem = problem

    async def _listen(self) -> None:
        """Rings where something changes. Where that cannot be had, looking from time to time must do."""
        said = False
        while True:
            try:
                async for _ in awatch(
                    self.folder,
                    watch_filter=None,
                    recursive=False,
                    step=100,
                    debounce=500,
                    stop_event=self._stop,
                ):
                    self._news.set()
            except (OSError, RuntimeError) as error:  # no such folder yet; no more watches for this user
                if not said and self.folder.is_dir():
                    log.info(
                        "%s: no news of changes (%s): it is looked at every %g s", self.folder, error, POLL
                    )
                    said = True
            await asyncio.sleep(self._poll)


def sign_of(found: os.stat_result) -> Sign:
    """The sign of an open or a named file."""
    return Sign(found.st_size, found.st_mtime_ns, found.st_ino)


def _look(folder: Path) -> Look:
    look = Look()
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.startswith(".") or entry.name.lower().endswith(UNFINISHED):
                    continue
                try:
                    found = entry.stat(follow_symlinks=False)
                except OSError:  # gone meanwhile
                    continue
                if stat.S_ISREG(found.st_mode):
                    look.found[entry.name] = sign_of(found)
    except OSError as error:
        look.problem = (
            f"the folder cannot be read ({error.strerror or error}): make it, or let this user read it"
        )
    return look
