"""The longer stretch of a normal's life: it judges, and goes on learning from what is quiet."""

import copy
import logging
from dataclasses import replace
from datetime import datetime

from detectors.anomaly.calibration import Calibration
from detectors.anomaly.footage import Footage
from detectors.anomaly.lesson import Camera, Lesson
from detectors.anomaly.method import Learned, Reading, Stopped, View
from detectors.anomaly.quiet import BEFORE, Quiet
from detectors.anomaly.scene import Lookout, Scene
from detectors.anomaly.shelf import Card, Shelf
from detectors.anomaly.threshold import threshold_for
from detectors.anomaly.trial import Trial
from streams.frame import Frame

LESSONS = (
    600.0,
    3600.0,
    21_600.0,
    86_400.0,
)  # seconds of quiet footage to the next lesson; the last one is repeated
KEEP = 60.0  # seconds
LEAST = 300  # pictures for a lesson
log = logging.getLogger(__name__)


class Judging:
    """Judges one camera by one normal."""

    def __init__(self, camera: Camera, shelf: Shelf, card: Card, learned: Learned, sha256: str) -> None:
        self.card = card
        self.sha256 = sha256  # of the weights as they lie on disk
        self.learned = learned
        self.calibration = Calibration(card.folder, camera.settings.false_alarms_per_day)
        self._camera = camera
        self._shelf = shelf
        self._scorer = camera.method.scorer(learned)
        self._quiet = Quiet(threshold_for(camera.settings.false_alarms_per_day))
        self._footage: Footage | None = None
        self._lesson: Lesson | None = None
        self._trial: Trial | None = None
        self._kept: Learned | None = None  # as it was when the scene was last looked at
        self._kept_at = 0.0
        self._drifted = 0  # times that were heeded
        self._hurried = False  # scores drift: the next lesson comes as soon as there is footage for it

    @property
    def busy(self) -> bool:
        """It is being learned further: a recording waits."""
        return self._lesson is not None and not self._lesson.done

    @property
    def useless(self) -> float:
        """Seconds in which nothing could be judged, since pictures come at another pace than was learned."""
        return self._scorer.useless

    def threshold(self, at: datetime) -> tuple[float, bool]:
        """What is in force, and whether that is provisional."""
        return self.calibration.threshold(at)

    def judge(self, now: View, frame: Frame, lookout: Lookout, held: bool) -> Reading | None:
        """One more picture; None where it cannot be compared. `held`: nothing is learned from it."""
        threshold, _ = self.calibration.threshold(frame.captured_at)
        at = frame.captured_at.timestamp()
        said = self._scorer.score(now, frame.position, frame.fresh, threshold)
        if said is not None:
            self.calibration.add(frame.captured_at, said.score)
            suspicious = self._quiet.suspicious(said.score, threshold)
            calm = self._quiet.note(at, said.score, threshold) and not held
        else:
            suspicious = calm = False
        if self._trial:
            score = None if said is None else said.score
            self._trial.look(now, frame.position, frame.fresh, score, threshold, calm)
            self._decide(self._trial, frame, lookout)
        elif self._lesson:
            self._end(self._lesson)
        else:
            self._gather(now, frame, suspicious or held, calm)
        return said

    def interrupt(self) -> None:
        """A picture is left out: nothing goes on from the one before."""
        if self._footage and not self._lesson:
            self._footage.interrupt()

    def keep(self) -> str:
        """Writes down how far the background has followed the light; the hash of the weights, or nothing."""
        return self._save(self._scorer.learned())

    def steady(self, frame: Frame) -> None:
        """The camera shows the scene that was learned: how it has followed the light is worth keeping."""
        if not 0 <= frame.captured - self._kept_at < KEEP:
            self._kept, self._kept_at = copy.deepcopy(self._scorer.learned()), frame.captured

    def close(self, *, steady: bool = True) -> None:
        """Stops learning, and writes down what may be kept; not of late, where the scene is another."""
        if self._lesson:
            self._lesson.stop()
        elif self._footage:
            self._footage.close()
        self._lesson = self._footage = self._trial = None
        if steady:
            self.keep()
        elif self._kept:
            self._save(self._kept)
        self._put(self.card)

    def _gather(self, now: View, frame: Frame, suspicious: bool, calm: bool) -> None:
        try:
            if self._footage is None:
                self._footage = Footage(self._camera.method, now, self.card.folder, self.card.lessons)
            if suspicious:
                self._footage.take_back(BEFORE)
            elif calm:
                self._footage.add(now, frame.position, frame.fresh)
            else:
                self._footage.interrupt()
        except OSError as error:
            if not self._camera.counts["footage_lost"]:
                log.warning(
                    "%s: footage cannot be kept in %s: %s. It is judged as before, and learns no more.",
                    self._camera.stream,
                    self.card.folder,
                    error.strerror,
                )
            self._camera.counts["footage_lost"] += 1
            return
        if self.calibration.counts["drifted"] > self._drifted:
            self._drifted, self._hurried = self.calibration.counts["drifted"], True
            self._camera.counts["drifted"] += 1
            log.info("%s: scores rise; what is normal is learned again soon", self._camera.stream)
        due = 0.0 if self._hurried else LESSONS[min(self.card.lessons, len(LESSONS)) - 1]
        if self._footage.seconds >= due and len(self._footage) >= LEAST:
            self._lesson = Lesson(self._camera, self._footage, self._scorer.learned())

    def _end(self, lesson: Lesson) -> None:
        if not lesson.done:
            return
        self._lesson = None
        try:
            learned = lesson.learned()
        except Stopped:
            return
        except ValueError as error:
            self._reject(f"its footage was no use ({error})")
            return
        if learned.shape != self.learned.shape:
            self._reject("it is of another shape")
            return
        self._trial = Trial(self._camera.method, learned)

    def _decide(self, trial: Trial, frame: Frame, lookout: Lookout) -> None:
        match trial.better:
            case True:
                self._adopt(trial, frame, lookout.seen or self.card.scene)
            case False:
                self._reject("it would have judged quiet footage worse")

    def _adopt(self, trial: Trial, frame: Frame, scene: Scene) -> None:
        self._forget_footage()
        self._kept = None
        self.learned, self._scorer = trial.learned, trial.scorer
        self.sha256 = self.keep()
        lessons = self.card.lessons + 1
        self.card = replace(self.card, lessons=lessons, learned_at=frame.captured_at, scene=scene)
        self._put(self.card)
        self._camera.counts["relearned"] += 1
        log.info("%s: judged by what was learned in its lesson %d", self._camera.stream, lessons)

    def _reject(self, why: str) -> None:
        """Goes on with what is known; the next lesson comes after as much footage again."""
        self._forget_footage()
        self._camera.counts["kept_old"] += 1
        log.info("%s: what was learned further is not used: %s", self._camera.stream, why)

    def _forget_footage(self) -> None:
        if self._footage:
            self._footage.delete()
        self._footage = self._trial = None
        self._hurried = False

    def _save(self, learned: Learned) -> str:
        try:
            return self._camera.method.save(learned, self.card.folder)
        except OSError as error:
            self._camera.counts["unsaved"] += 1
            log.warning(
                "what was learned of %s could not be written to %s: %s. After a restart it is learned anew, "
                "or judged by what was written last.",
                self._camera.stream,
                self.card.folder,
                error.strerror,
            )
            return ""

    def _put(self, card: Card) -> None:
        try:
            self._shelf.put(card)
        except OSError:
            self._camera.counts["unsaved"] += 1
