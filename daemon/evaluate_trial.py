"""Shows footage to the anomaly detector as the daemon would, and judges what it says as the daemon would."""

import shutil
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from alerts.judge import Judge
from alerts.rules import Rules
from alerts.verdict import Change, Verdict
from config.detectors import AnomalySettings
from detectors.anomaly.detector import AnomalyDetector
from detectors.anomaly.method import Method
from detectors.detection import Detection, Doubt
from streams.frame import Frame
from streams.stretch import Stretch

LEARNED = "learned"  # the stream that is learned from
FOOTAGE = "footage"  # pictures that are kept to learn from again: a trial needs none
WAIT = 0.02  # seconds


class NotLearnedError(Exception):
    """The footage did not suffice to learn from; the text says what is missing."""


@dataclass(slots=True, eq=False)
class Trial:
    """What came of one stretch of footage."""

    threshold: float = 0.0
    scores: list[float] = field(default_factory=list)  # nan where the detector could not tell
    positions: list[float] = field(default_factory=list)  # seconds
    opened: list[tuple[int, Verdict]] = field(default_factory=list)  # each with the picture that opened it
    core_seconds: float = 0.0  # for all pictures, without decoding

    def array(self) -> NDArray[np.float64]:
        """(N,) the scores."""
        return np.array(self.scores)

    @property
    def alarming_seconds(self) -> float:
        """For how long the score was at the threshold or above."""
        pace = np.diff(self.positions, append=self.positions[-1:])
        return float(pace[self.array() >= self.threshold].sum())

    def maxima(self, seconds: float) -> NDArray[np.float64]:
        """The highest score of each block of so many seconds in which something could be told."""
        scores = self.array()
        told = np.isfinite(scores)
        blocks = (np.array(self.positions)[told] // seconds).astype(int)
        return np.array([scores[told][blocks == block].max() for block in np.unique(blocks)])


class Examinee:
    """A detector that learns one camera first. Each trial begins with what was learned, as after a start."""

    def __init__(
        self, learn_minutes: float, false_alarms_per_day: float, folder: Path, method: Method | None = None
    ) -> None:
        """`folder` is empty and keeps the state; `method` is the shipped one unless another is given."""
        self.learn_seconds = 0.0  # of one core, for all that learning needs
        self._folder = folder
        settings = AnomalySettings(learn_minutes=learn_minutes, false_alarms_per_day=false_alarms_per_day)
        self._detector = AnomalyDetector(settings, folder, method=method)
        self.width = self._detector.width  # px of the pictures that it looks at, at most
        self._trials = 0

    def learn(self, frames: Iterable[Frame]) -> Detection | None:
        """Shows it footage to learn from. The last answer: learning goes on for as long as it says so."""
        began = time.process_time()
        answer = None
        for frame in frames:
            answer = _answer(self._detector, replace(frame, stream=LEARNED))
        self.learn_seconds += time.process_time() - began
        return answer

    def finish_learning(self, again: Frame) -> None:
        """Waits until all is learned; `again` is any frame that was shown. Raises NotLearnedError."""
        last = self.learn([replace(again, fresh=True)])
        self._detector.forget(LEARNED)
        if last is None or last.doubt is Doubt.LEARNING:
            raise NotLearnedError(last.reason if last else "nothing was shown")

    @property
    def state_bytes(self) -> int:
        """Of what was learned, on disk, without the footage that is kept to learn from again."""
        files = [file for file in (self._folder / LEARNED).rglob("*") if file.is_file()]
        return sum(file.stat().st_size for file in files if file.name != FOOTAGE)

    def watch(self, frames: Iterable[Frame]) -> Trial:
        """Shows it one stretch; the stretch begins afresh."""
        showing = self.begin()
        for frame in frames:
            showing.see(frame)
        return showing.end()

    def begin(self) -> "Showing":
        """For footage that comes piece by piece."""
        self._trials += 1
        ours = self._folder / f"trial{self._trials}"
        shutil.copytree(self._folder / LEARNED, ours, ignore=shutil.ignore_patterns(FOOTAGE))
        return Showing(self._detector, ours)

    def close(self) -> None:
        """Ends the learning thread."""
        self._detector.close()


class Showing:
    """A trial under way."""

    def __init__(self, detector: AnomalyDetector, folder: Path) -> None:
        """`folder` has the stream's name and holds what was learned; it is gone at the end."""
        self._detector, self._folder = detector, folder
        self._judge = Judge(folder.name, Rules())
        self._trial = Trial()

    def see(self, frame: Frame) -> Detection:
        """One more frame."""
        trial, frame = self._trial, replace(frame, stream=self._folder.name)
        began = time.thread_time()
        said = _answer(self._detector, frame)
        trial.core_seconds += time.thread_time() - began
        verdicts = self._judge.weigh(frame, [said])
        trial.opened += [(len(trial.scores), one) for one in verdicts if one.change is Change.OPENED]
        trial.scores.append(float("nan") if said.doubt else said.score)
        trial.positions.append(frame.position)
        trial.threshold = said.threshold
        return said

    def end(self) -> Trial:
        """What came of it."""
        self._detector.forget(self._folder.name)
        shutil.rmtree(self._folder)
        return self._trial


def _answer(detector: AnomalyDetector, frame: Frame) -> Detection:
    """What is said of a recording's frame, which waits while the detector learns."""
    while (answer := detector.examine([frame])[0]) is None:
        time.sleep(WAIT)
    return answer[0]


def learned(
    stretches: Sequence[Stretch], false_alarms_per_day: float, folder: Path, method: Method | None = None
) -> Examinee:
    """One that has learned from these stretches; `folder` is empty. Raises NotLearnedError."""
    seconds = sum((len(one.pictures) - 1) / one.rate for one in stretches)
    examinee = Examinee(max(seconds - 0.5, 1.0) / 60, false_alarms_per_day, folder, method)
    for stretch in stretches:
        examinee.learn(stretch.frames(LEARNED))
    examinee.finish_learning(next(stretches[0].frames(LEARNED)))
    return examinee
