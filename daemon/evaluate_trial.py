"""Shows footage to the anomaly detector as the daemon would, and judges what it says as the daemon would."""

import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from alerts.judge import Judge
from alerts.rules import Rules
from alerts.verdict import Change, Verdict
from config.settings import AnomalySettings
from detectors.anomaly.detector import AnomalyDetector
from detectors.detection import Detection, Doubt
from streams.frame import Frame

START = datetime(2026, 1, 1, tzinfo=UTC)
LEARNED = "learned"  # the stream that is learned from
FOOTAGE = "footage"  # pictures that are kept to learn from again: a trial needs none
Picture = NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class Stretch:
    """Footage without a gap."""

    pictures: Sequence[Picture]  # (H, W, 3) BGR
    rate: float  # pictures a second

    @property
    def seconds(self) -> float:
        return len(self.pictures) / self.rate


@dataclass(frozen=True, slots=True, eq=False)
class Trial:
    """What came of one stretch."""

    said: list[Detection]  # one for each picture
    opened: list[tuple[int, Verdict]]  # alerts, each with the picture that opened it
    seconds: float  # of one core, for all pictures

    @property
    def scores(self) -> NDArray[np.float64]:
        """(N,) nan where the detector could not tell."""
        return np.array([np.nan if one.doubt else one.score for one in self.said])


class NotLearnedError(Exception):
    """The footage did not suffice to learn from; the text says what is missing."""


class Examinee:
    """A detector that has learned one camera. Each trial begins with what was learned, as after a restart."""

    def __init__(self, learn_from: Sequence[Stretch], false_alarms_per_day: float, folder: Path) -> None:
        """Learns at once; `folder` is empty and keeps the state. Raises NotLearnedError."""
        seconds = sum((len(one.pictures) - 1) / one.rate for one in learn_from)
        settings = AnomalySettings(
            false_alarms_per_day=false_alarms_per_day, learn_minutes=max(seconds - 0.5, 0.1) / 60
        )
        self._folder = folder
        self._detector = AnomalyDetector(settings, folder)
        self._trials = 0
        began = time.process_time()
        for stretch in learn_from:
            for frame in frames(LEARNED, stretch):
                self._answer(frame)
        last = self._answer(next(frames(LEARNED, learn_from[0])))  # not before all is learned
        self.learn_seconds = time.process_time() - began
        if last.doubt is Doubt.LEARNING:
            raise NotLearnedError(f"{seconds:.0f} s of footage are too short to learn from")
        self._detector.forget(LEARNED)
        files = [each for each in (folder / LEARNED).rglob("*") if each.is_file()]
        self.state_bytes = sum(each.stat().st_size for each in files if each.name != FOOTAGE)

    def watch(self, stretch: Stretch) -> Trial:
        """Shows it one stretch that begins afresh."""
        self._trials += 1
        stream = f"trial{self._trials}"
        shutil.copytree(self._folder / LEARNED, self._folder / stream, ignore=shutil.ignore_patterns(FOOTAGE))
        judge = Judge(stream, Rules())
        said: list[Detection] = []
        opened: list[tuple[int, Verdict]] = []
        spent = 0.0
        for number, frame in enumerate(frames(stream, stretch)):
            began = time.thread_time()
            detection = self._answer(frame)
            spent += time.thread_time() - began
            said.append(detection)
            verdicts = judge.weigh(frame, [detection])
            opened += [(number, one) for one in verdicts if one.change is Change.OPENED]
        self._detector.forget(stream)
        shutil.rmtree(self._folder / stream)
        return Trial(said, opened, spent)

    def close(self) -> None:
        """Ends the learning thread."""
        self._detector.close()

    def _answer(self, frame: Frame) -> Detection:
        """What is said of a recording's frame, which waits while the detector learns."""
        while (answer := self._detector.examine([frame])[0]) is None:
            time.sleep(0.02)
        return answer[0]


def frames(stream: str, stretch: Stretch) -> Iterator[Frame]:
    """A stretch as a camera's frames."""
    for number, picture in enumerate(stretch.pictures):
        position = number / stretch.rate
        at = START + timedelta(seconds=position)
        yield Frame(stream, number, picture, at, time.monotonic(), position, live=False, fresh=number == 0)
