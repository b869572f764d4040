"""The pictures a camera is learned from: on disk while they gather, thinned when they become many."""

import mmap
import tempfile
from dataclasses import dataclass
from pathlib import Path

from detectors.anomaly.method import Method, Seen, View

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


class Footage:
    """Gathers views of one shape. Raises OSError where the folder cannot hold them."""

    def __init__(self, method: Method, first: View, folder: Path) -> None:
        self.seconds = 0.0  # that were watched
        self._method = method
        self._like = first
        self._bytes = len(method.pack(first))
        self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115  # close() closes it
        self._entries: list[_Entry] = []
        self._free: list[int] = []
        self._last: float | None = None
        self._offered = 0  # pictures
        self._run = 0
        self._run_began = (0.0, 0)  # seconds watched and pictures offered before it
        self._every = 1  # this many runs stand for one that is kept

    def __len__(self) -> int:
        return len(self._entries)

    def add(self, view: View, at: float, fresh: bool) -> None:
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
        self._file.seek(slot * self._bytes)
        self._file.write(self._method.pack(view))
        self._entries.append(_Entry(slot, self._offered, at, fresh, self._run))

    def pictures(self) -> list[Seen]:
        """All that is kept, in order. Not to be used together with add."""
        self._file.flush()
        # Mapped, not read: the system keeps what it has room for. Views hold on to the mapping.
        mapped = mmap.mmap(self._file.fileno(), 0, access=mmap.ACCESS_READ) if self._entries else b""
        packed = memoryview(mapped)
        seen: list[Seen] = []
        before = 0
        for entry in self._entries:
            place = entry.slot * self._bytes
            view = self._method.unpack(packed[place : place + self._bytes], self._like)
            dropped = entry.number != before + 1
            seen.append(Seen(view, entry.at, entry.fresh or dropped))
            before = entry.number
        return seen

    def close(self) -> None:
        """Lets go of the file."""
        self._file.close()

    def _thin(self) -> None:
        """Drops every other run."""
        self._every *= 2
        self._free += [entry.slot for entry in self._entries if entry.run % self._every]
        self._entries = [entry for entry in self._entries if entry.run % self._every == 0]
