"""One normal's threshold: by the tail it was learned with, and by what was seen since once that is enough.

Block maxima of the score, ten seconds each, are kept for days. If blocks are exchangeable, a new one exceeds
the k-th largest of n with a probability of at most k / (n + 1) (Vovk et al., Algorithmic Learning in a Random
World, 2005): nothing is assumed about the tail. Neighbouring blocks are not independent, and one long event
counts once. Whether scores drift upwards is bet on by the blocks' ranks (conformal martingales, Vovk et al.,
Retrain or not retrain, 2021; started anew when nothing is left of the stake: Shin et al., E-detectors, 2022).
"""

import logging
import math
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from config.whole_file import write_whole
from detectors.anomaly.threshold import threshold_for

FILE = "blocks"
BLOCK = 10.0  # seconds
DAY = 86_400.0
COVERED = 0.5  # of a block must have been judged for it to count
EVENT = 60.0  # seconds: alarming blocks this close belong to one event
PARTS = 4  # of the day, local time, each with a threshold of its own once enough was seen in it
STEP = 1 / 1024  # of a score; the two highest bits of a record are the part
MOST = 262_144  # blocks: a month
KEPT_DAYS = 7  # at the least, and three times what the budget needs
LOWEST = 0.5  # of the tail's threshold: what was seen may lower it so far
DRIFTED = 5.0  # log10 of what such a bet has won: by chance once in 10^5 blocks, 11 days, at the most
REFERENCE = 100  # blocks before anything is bet
JUMP = 0.01  # of the stake changes between betting and not betting with each block
_RECORD = np.dtype("<u2")
_SCORE = (1 << 14) - 1
log = logging.getLogger(__name__)


class Calibration:
    """The block maxima of one normal, in `folder`, and what follows from them."""

    def __init__(
        self,
        folder: Path,
        false_alarms_per_day: float,
        local_hour: Callable[[datetime], int] = lambda at: at.astimezone().hour,
    ) -> None:
        self.counts: Counter[str] = Counter()  # drifted, uncalibrated (blocks that could not be written)
        self.drift = 0.0  # log10 of what a bet on rising scores has won, 0 at the least
        self._tail = threshold_for(false_alarms_per_day)
        self._chance = min(0.5, false_alarms_per_day * BLOCK / DAY)  # of a block to alarm
        self._kept = min(MOST, max(int(KEPT_DAYS * DAY / BLOCK), math.ceil(3 / self._chance)))
        self._hour = local_hour
        self._path = folder / FILE
        self._records = self._read()
        self._levels: list[float | None] = [None] * PARTS
        self._stakes = (1.0, 0.0)  # not betting, betting on rising scores
        self._began: float | None = None  # of the present block, seconds since 1970
        self._last = 0.0
        self._judged = 0.0  # seconds of it
        self._highest = 0.0
        self._part = 0
        self._event_until = -math.inf
        self._settle()

    @property
    def blocks(self) -> int:
        """That were seen."""
        return len(self._records)

    @property
    def needed(self) -> int:
        """Blocks for a threshold that stands on what was seen."""
        return math.ceil(1 / self._chance) - 1

    def threshold(self, at: datetime) -> tuple[float, bool]:
        """What is in force at a time, and whether that is provisional: not yet by what was seen."""
        level = self._levels[self._part_of(at)]
        return (self._tail, True) if level is None else (level, False)

    def add(self, at: datetime, score: float) -> None:
        """One picture that was judged."""
        now = at.timestamp()
        if self._began is None or not 0 <= now - self._began < BLOCK:
            self._finish(now)
            self._began, self._part = now, self._part_of(at)
            self._judged = self._highest = 0.0
        else:
            self._judged += max(0.0, min(now - self._last, 1.0))
        self._last = now
        self._highest = max(self._highest, score)

    def forget(self) -> None:
        """The present block does not count."""
        self._began = None

    def _part_of(self, at: datetime) -> int:
        return self._hour(at) * PARTS // 24

    def _finish(self, now: float) -> None:
        if self._began is None or self._judged < COVERED * BLOCK:
            return
        level = self._levels[self._part]
        alarming = self._highest >= (self._tail if level is None else level)
        if alarming:
            same = self._began < self._event_until
            self._event_until = now + EVENT
            if same:
                return
        told = min(_SCORE, max(0, math.ceil(self._highest / STEP)))
        if not alarming:
            self._bet(told)
        record = np.array([self._part << 14 | told], _RECORD)
        self._records = np.append(self._records, record)
        self._write(record)
        self._settle()

    def _bet(self, told: int) -> None:
        """A conformal p-value of this block among those before it, and what betting on it has won."""
        seen = self._records & _SCORE
        if len(seen) < REFERENCE:
            return
        above, ties = int((seen > told).sum()), int((seen == told).sum())
        rank = (above + 0.5 * (ties + 1)) / (len(seen) + 1)  # 0..1, small where it is high
        still, rising = self._stakes
        still, rising = still + JUMP * (rising - still), rising + JUMP * (still - rising)
        rising *= 1.5 - rank
        won = still + rising
        if won < 1:
            self._stakes, self.drift = (1.0, 0.0), 0.0  # what was lost is no credit for later
            return
        self._stakes, self.drift = (still, rising), math.log10(won)
        if self.drift >= DRIFTED:
            self.counts["drifted"] += 1
            self._stakes, self.drift = (1.0, 0.0), 0.0

    def _settle(self) -> None:
        """The thresholds of all parts of the day."""
        scores = self._scores(self._records)
        whole = self._conformal(scores)
        parts = self._records >> 14
        self._levels = [
            whole if (own := self._conformal(scores[parts == part])) is None else own for part in range(PARTS)
        ]

    def _conformal(self, scores: NDArray[np.float64]) -> float | None:
        """The lowest level that keeps the budget; None where too little was seen, or it is overdrawn."""
        allowed = math.floor((len(scores) + 1) * self._chance + 1e-9)
        if not allowed:
            return None
        level = float(np.partition(scores, len(scores) - allowed)[len(scores) - allowed]) + STEP
        # More alarms than the budget: they may be real, so nothing is loosened by them.
        return None if level > self._tail else max(level, LOWEST * self._tail)

    def _scores(self, records: NDArray[np.uint16]) -> NDArray[np.float64]:
        return (records & _SCORE).astype(np.float64) * STEP

    def _read(self) -> NDArray[np.uint16]:
        try:
            blob = self._path.read_bytes()
        except OSError:
            return np.empty(0, _RECORD)
        return np.frombuffer(blob, _RECORD, len(blob) // 2)[-self._kept :]

    def _write(self, record: NDArray[np.uint16]) -> None:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            if len(self._records) > 1.2 * self._kept:
                self._records = self._records[-self._kept :]
                write_whole(self._path, self._records.tobytes())
            else:
                with self._path.open("ab") as file:
                    file.truncate(file.tell() // _RECORD.itemsize * _RECORD.itemsize)  # a torn record
                    file.write(record.tobytes())
        except OSError:
            self.counts["uncalibrated"] += 1
