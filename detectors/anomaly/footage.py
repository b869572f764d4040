"""The pictures a camera is learned from: on disk while they gather, thinned when they become many."""

import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from detectors.anomaly.features import Small

MOST = 1500  # pictures: at most 90 MB of a file that has no name and goes with the process
RUN = 10.0  # seconds of footage that are kept or dropped together: flow and blocks need neighbours,
RUN_PICTURES = 10  # as many as these, at the least
LONGEST = 30.0  # seconds without a picture that still count as watched


@dataclass(frozen=True, slots=True)
class _Entry:
    slot: int
    number: int  # counts what was offered, kept or not
    at: float
    fresh: bool
    run: int


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """One picture of the footage."""

    small: Small
    at: float  # seconds, rising within one connection
    fresh: bool  # nothing before it compares


class Footage:
    """Gathers pictures of one size. Raises OSError where the folder cannot hold them."""

    def __init__(self, first: Small, folder: Path) -> None:
        self.seconds = 0.0  # that were watched
        self._like = first
        self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115  # close() closes it
        self._entries: list[_Entry] = []
        self._colours: dict[int, np.ndarray[tuple[int, ...], np.dtype[np.float16]]] = {}
        self._free: list[int] = []
        self._last: float | None = None
        self._offered = 0  # pictures
        self._run = 0
        self._run_began = (0.0, 0)  # seconds watched and pictures offered before it
        self._every = 1  # this many runs stand for one that is kept

    def __len__(self) -> int:
        return len(self._entries)

    def add(self, small: Small, at: float, fresh: bool) -> None:
        """One more picture, taken at `at` seconds of its connection."""
        fresh = fresh or self._last is None or at <= self._last
        if self._last is not None and not fresh:
            self.seconds += min(at - self._last, LONGEST)
        self._last = at
        began, offered = self._run_began
        if self.seconds - began >= RUN and self._offered - offered >= RUN_PICTURES:
            self._run += 1
            self._run_began = self.seconds, self._offered
        self._offered += 1
        if len(self._entries) >= MOST and self._run % self._every == 0:
            self._thin()
        if self._run % self._every:
            return
        slot = self._free.pop() if self._free else len(self._entries)
        self._file.seek(slot * small.grey.nbytes)
        self._file.write(small.grey.tobytes())
        self._colours[slot] = small.colour.astype(np.float16)
        self._entries.append(_Entry(slot, self._offered, at, fresh, self._run))

    def pictures(self) -> list[Seen]:
        """All that is kept, in order. Not to be used together with add."""
        self._file.flush()
        greys = np.memmap(self._file, np.uint8, "r", shape=(self._slots(), *self._like.grey.shape))
        seen: list[Seen] = []
        before = 0
        for entry in self._entries:
            colour = self._colours[entry.slot].astype(np.float32)
            small = Small(greys[entry.slot], colour, self._like.height, self._like.width)
            dropped = entry.number != before + 1
            seen.append(Seen(small, entry.at, entry.fresh or dropped))
            before = entry.number
        return seen

    def close(self) -> None:
        """Lets go of the file."""
        self._file.close()

    def _slots(self) -> int:
        return len(self._entries) + len(self._free)

    def _thin(self) -> None:
        """Drops every other run."""
        self._every *= 2
        self._free += [entry.slot for entry in self._entries if entry.run % self._every]
        self._entries = [entry for entry in self._entries if entry.run % self._every == 0]
