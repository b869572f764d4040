"""The pictures a camera is learned from: on disk while they gather, thinned when they become many.

They lie in slots of one size, each with a header of its own, and survive the end of the process: whoever
opens the file again goes on where the last one was.
"""

import mmap
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

from detectors.anomaly.method import Method, Seen, View
from detectors.anomaly.whole_write import write_all

FILE = "footage"
MOST = 1500  # pictures: at most 100 MB, until they are learned from
RUN = 10.0  # seconds of footage that are kept or dropped together: flow and blocks need neighbours,
RUN_PICTURES = 10  # as many as these, at the least,
RUN_MOST = MOST // 4  # and as these at the most, whatever the timestamps say
LONGEST = 30.0  # seconds without a picture that still count as watched
_HEAD = struct.Struct("<4sI II QIIdd?7x")  # magic and a sum over the rest: what kind of views, then an _Entry
_MAGIC = b"FWF1"
_SUMMED = 8  # bytes before what the sum covers


@dataclass(frozen=True, slots=True)
class _Entry:
    slot: int
    payload_sum: int
    number: int  # counts what was offered, kept or not
    run: int
    every: int  # this many runs stood for one that was kept
    at: float
    seconds: float  # that were watched until then
    fresh: bool


class Footage:
    """Gathers views of one shape. Raises OSError where the folder cannot hold them."""

    def __init__(self, method: Method, first: View, folder: Path, lesson: int = 0) -> None:
        """Goes on with what `folder` holds of such views for this lesson; anything else there is dropped."""
        self.seconds = 0.0  # that were watched
        self._method = method
        self._like = first
        self._bytes = len(method.pack(first))
        self._slot = _HEAD.size + self._bytes
        self._kind = zlib.crc32(repr((method.name, first.shape, self._bytes, lesson)).encode())
        self._path = folder / FILE
        self._last: float | None = None
        self._offered = 0  # pictures
        self._run = 0
        self._run_began = (0.0, 0)  # seconds watched and pictures offered before it
        self._every = 1  # this many runs stand for one that is kept
        folder.mkdir(parents=True, exist_ok=True)
        self._file = self._path.open("a+b", buffering=0)  # made where it is not
        self._file.close()
        self._file = self._path.open("r+b", buffering=0)
        self._entries: list[_Entry] = []
        self._free: list[int] = []
        self._resume()

    def __len__(self) -> int:
        return len(self._entries)

    def add(self, view: View, at: float, fresh: bool) -> None:
        """One more picture, taken at `at` seconds of its connection."""
        fresh = fresh or self._last is None or at <= self._last
        if self._last is not None and not fresh:
            self.seconds += min(at - self._last, LONGEST)
        self._last = at
        began, offered = self._run_began
        here = self._offered - offered
        if here >= RUN_MOST or (here >= RUN_PICTURES and self.seconds - began >= RUN):
            self._run += 1
            self._run_began = self.seconds, self._offered
        self._offered += 1
        if len(self._entries) >= MOST and self._run % self._every == 0:
            self._thin()
        if self._run % self._every or len(self._entries) >= MOST:
            return
        slot = self._free[-1] if self._free else len(self._entries)
        packed = self._method.pack(view)
        entry = _Entry(
            slot, zlib.crc32(packed), self._offered, self._run, self._every, at, self.seconds, fresh
        )
        self._file.seek(slot * self._slot)
        write_all(self._file, _headed(entry, self._kind) + packed)
        if self._free:  # taken only once it is written: entries and free ones are all there are
            self._free.pop()
        self._entries.append(entry)

    def interrupt(self) -> None:
        """What comes next does not follow on what was; the time in between was not watched."""
        self._last = None

    def take_back(self, seconds: float) -> None:
        """Drops what was gathered in the last seconds that were watched, and what is watched next."""
        while self._entries and self._entries[-1].seconds > self.seconds - seconds:
            dropped = self._entries.pop()
            self._free.append(dropped.slot)  # first: a disk that fails must not lose the slot
            self._erase(dropped)
        self.interrupt()

    def pictures(self) -> list[Seen]:
        """All that is kept, in order, without what is damaged. Not to be used together with add."""
        # Mapped, not read: the system keeps what it has room for. Views hold on to the mapping.
        mapped = mmap.mmap(self._file.fileno(), 0, access=mmap.ACCESS_READ) if self._entries else b""
        packed = memoryview(mapped)
        seen: list[Seen] = []
        before = 0
        for entry in self._entries:
            place = entry.slot * self._slot + _HEAD.size
            one = packed[place : place + self._bytes]
            if zlib.crc32(one) != entry.payload_sum:
                continue  # the power went while it was written
            dropped = entry.number != before + 1
            seen.append(Seen(self._method.unpack(one, self._like), entry.at, entry.fresh or dropped))
            before = entry.number
        return seen

    def close(self) -> None:
        """Lets go of the file, which stays."""
        self._file.close()

    def delete(self) -> None:
        """Lets go of the file for good. What pictures() gave stays readable."""
        self._file.close()
        self._path.unlink(missing_ok=True)

    def _thin(self) -> None:
        """Drops every other run."""
        self._every *= 2
        dropped = [entry for entry in self._entries if entry.run % self._every]
        self._entries = [entry for entry in self._entries if entry.run % self._every == 0]
        self._free += [entry.slot for entry in dropped]
        for entry in dropped:
            self._erase(entry)

    def _erase(self, entry: _Entry) -> None:
        self._file.seek(entry.slot * self._slot)
        write_all(self._file, bytes(_HEAD.size))

    def _resume(self) -> None:
        size = self._path.stat().st_size
        found: list[_Entry] = []
        for slot in range(min(size // self._slot, MOST)):
            self._file.seek(slot * self._slot)
            entry = _read(self._file.read(_HEAD.size), slot, self._kind)
            if entry:
                found.append(entry)
            else:
                self._free.append(slot)
        if not found:
            self._file.truncate(0)
            self._free.clear()
            return
        self._entries = sorted(found, key=lambda entry: entry.number)
        last = self._entries[-1]
        self.seconds, self._offered, self._every = last.seconds, last.number + 1, last.every
        self._run = last.run + 1
        self._run_began = self.seconds, self._offered


def _headed(entry: _Entry, kind: int) -> bytes:
    rest = _HEAD.pack(
        b"",
        0,
        kind,
        entry.payload_sum,
        entry.number,
        entry.run,
        entry.every,
        entry.at,
        entry.seconds,
        entry.fresh,
    )[_SUMMED:]
    return _MAGIC + struct.pack("<I", zlib.crc32(rest)) + rest


def _read(head: bytes, slot: int, kind: int) -> _Entry | None:
    if len(head) < _HEAD.size:
        return None
    magic, summed, its_kind, payload_sum, number, run, every, at, seconds, fresh = _HEAD.unpack(head)
    if magic != _MAGIC or its_kind != kind or summed != zlib.crc32(head[_SUMMED:]):
        return None
    return _Entry(slot, payload_sum, number, run, every, at, seconds, fresh)
