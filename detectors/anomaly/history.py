"""What a camera scored lately, four bytes a picture on disk: to ask what another threshold would have told.

Segments of one threshold each: a header, then records. Only whole records count, and a segment is never
changed, so it may be read while it grows, and a process that is killed loses a few seconds.
"""

import logging
import struct
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from io import FileIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from detectors.anomaly.whole_write import write_all

FOLDER = "history"  # within a stream's
SEGMENT = 64 * 1024  # bytes: 55 minutes at five pictures a second
MOST = 1_750_000  # bytes of a camera: a day at five pictures a second
MOST_SEGMENTS = 1000
BUFFERED = 5.0  # seconds of what was scored that may be lost
PAUSE = 60.0  # seconds before a disk that did not take it is asked again
TICK = 0.01  # seconds
STEP = 1 / 256  # of a score
UNTOLD = 4095  # in place of a score: it could not tell
_HEAD = struct.Struct("<4sfd")  # magic, threshold, seconds since 1970 of the first record
_MAGIC = b"FWS1"
_RECORD = np.dtype([("ticks", "<u2"), ("score", "<u2")])  # since the record before it
_LONGEST = 65_535 * TICK
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """What was scored of one stream, in the order it was judged; live, that is the order of time."""

    at: NDArray[np.float64]  # (N,) seconds since 1970, of capture
    score: NDArray[np.float32]  # (N,) 0..12; NaN where it could not tell
    threshold: NDArray[np.float32]  # (N,) that was in force

    def __len__(self) -> int:
        return len(self.at)


class History:
    """Writes one stream's. A disk that does not take it is counted and said once; watching goes on."""

    def __init__(self, folder: Path) -> None:
        """`folder` is the stream's, under anomaly/ in the state folder."""
        self.counts: Counter[str] = Counter()  # history_lost: pictures whose score could not be written
        self._folder = folder / FOLDER
        self._file: FileIO | None = None
        self._written = 0  # bytes of its records
        self._lost_at: float | None = None  # seconds since 1970; what is scored soon after is lost too
        self._threshold = 0.0
        self._waiting = bytearray()
        self._flushed = self._last = 0.0  # seconds since 1970
        self._size = 0

    def add(self, at: datetime, score: float | None, threshold: float) -> None:
        """One picture's score, None where it could not be told."""
        now = at.timestamp()
        if self._lost_at is not None and 0 <= now - self._lost_at < PAUSE:
            self.counts["history_lost"] += 1
            return
        try:
            passed = round((now - self._last) / TICK)
            if (
                self._file is None
                or threshold != self._threshold
                or not 0 <= passed * TICK <= _LONGEST
                or self._size >= SEGMENT
            ):
                self._begin(now, threshold)
                passed = 0
            self._last += passed * TICK  # as it will be read, so that rounding does not add up
            told = UNTOLD if score is None else min(max(round(score / STEP), 0), UNTOLD - 1)
            self._waiting += struct.pack("<HH", passed, told)
            self._size += _RECORD.itemsize
            if now - self._flushed >= BUFFERED:
                self._flush(now)
        except OSError as error:
            self._lose(error)
            self._lost_at = now

    def close(self) -> None:
        """Writes down the last seconds."""
        try:
            self._flush(self._last)
            if self._file:
                self._file.close()
        except OSError as error:
            self._lose(error)
        self._file = None

    def _begin(self, now: float, threshold: float) -> None:
        self._flush(now)
        if self._file:
            self._file.close()
            self._file = None
        self._folder.mkdir(parents=True, exist_ok=True)
        segments = _segments(self._folder)
        size = sum(path.stat().st_size for path in segments)
        while segments and (size > MOST - SEGMENT or len(segments) >= MOST_SEGMENTS):
            oldest = segments.pop(0)
            size -= oldest.stat().st_size
            oldest.unlink()
        number = int(segments[-1].stem) + 1 if segments else 0
        self._file = FileIO(self._folder / f"{number:08d}.scores", "xb")
        self._written = 0
        write_all(self._file, _HEAD.pack(_MAGIC, threshold, now))
        self._threshold, self._last, self._flushed, self._size = threshold, now, now, _HEAD.size
        self._lost_at = None

    def _flush(self, now: float) -> None:
        if self._file and self._waiting:
            write_all(self._file, bytes(self._waiting))
            self._written += len(self._waiting)
            self._waiting.clear()
        self._flushed = now

    def _lose(self, error: OSError) -> None:
        if not self.counts["history_lost"]:
            log.warning(
                "the score history in %s cannot be written: %s. Watching goes on without it.",
                self._folder,
                error.strerror,
            )
        self.counts["history_lost"] += max(1, len(self._waiting) // _RECORD.itemsize)
        self._waiting.clear()
        if self._file:
            with suppress(OSError):  # it was told already that the disk fails
                self._file.close()
            if not self._written:  # nothing but a header: it would push out one with scores
                with suppress(OSError):
                    Path(str(self._file.name)).unlink(missing_ok=True)
        self._file = None


def read_history(folder: Path, since: datetime | None = None) -> Scores:
    """What was scored of a stream, whose folder lies under anomaly/ in the state folder; may be empty.

    May be asked while the daemon writes. What is damaged is left out. Raises OSError where it cannot be read.
    """
    parts = [part for path in _segments(folder / FOLDER) for part in _read(path)]
    at = np.concatenate([part.at for part in parts] or [np.empty(0)])
    kept = at >= (since or datetime.fromtimestamp(0, UTC)).timestamp()
    score = np.concatenate([part.score for part in parts] or [np.empty(0, np.float32)])
    threshold = np.concatenate([part.threshold for part in parts] or [np.empty(0, np.float32)])
    return Scores(at[kept], score[kept], threshold[kept])


def _read(path: Path) -> Iterator[Scores]:
    try:
        blob = path.read_bytes()
    except FileNotFoundError:  # it was the oldest one, just now
        return
    if len(blob) < _HEAD.size:
        return
    magic, threshold, began = _HEAD.unpack_from(blob)
    if magic != _MAGIC:
        return
    count = (len(blob) - _HEAD.size) // _RECORD.itemsize
    records = np.frombuffer(blob, _RECORD, count, _HEAD.size)
    score = records["score"].astype(np.float32) * np.float32(STEP)
    score[records["score"] == UNTOLD] = np.nan
    at = began + np.cumsum(records["ticks"].astype(np.float64)) * TICK
    yield Scores(at, score, np.full(count, threshold, np.float32))


def _segments(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*.scores") if path.stem.isdecimal())
