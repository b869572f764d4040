"""One stream's way: watched until there is enough footage, learned in the background, then judged."""

import logging
import threading
import time
from collections import Counter
from concurrent.futures import Executor, Future
from dataclasses import replace
from pathlib import Path

from config.settings import AnomalySettings
from detectors.anomaly.footage import Footage
from detectors.anomaly.method import UNUSUAL, Learned, Method, NormalError, Scorer, Stopped, View
from detectors.anomaly.threshold import threshold_for
from detectors.detection import Detection, DetectorCard, DetectorError, Doubt, Kind
from streams.frame import Frame

WATCHING = 0.9  # share of the progress that watching makes, the rest is computing
LEAST = 30  # pictures
BLIND = 60.0  # seconds of nothing that can be judged after which what was learned is of no use
log = logging.getLogger(__name__)


class _Lesson:
    """Learning under way in another thread."""

    def __init__(self, method: Method, stream: str, footage: Footage, school: Executor) -> None:
        self.progress = 0.0
        self._stop = threading.Event()
        self._method = method
        self._stream = stream
        self._footage = footage
        self.result: Future[Learned] = school.submit(self._learn)

    def _learn(self) -> Learned:
        started = time.thread_time()
        try:
            learned: Learned = self._method.learn(
                self._footage.pictures(), None, self._tell, self._stop.is_set
            )
        finally:
            self._footage.close()
        took = time.thread_time() - started
        log.info("%s: learned from %d pictures in %.1f s", self._stream, len(self._footage), took)
        return learned

    def _tell(self, share: float) -> None:
        self.progress = share

    def stop(self) -> None:
        self._stop.set()
        if self.result.cancel():  # it had not begun
            self._footage.close()


class Pupil:
    """What is known of one stream."""

    def __init__(
        self,
        method: Method,
        name: str,
        folder: Path,
        settings: AnomalySettings,
        config_sha256: str,
        school: Executor,
        counts: Counter[str],
    ) -> None:
        self._method = method
        self._name = name
        self._folder = folder
        self._settings = settings
        self._threshold = threshold_for(settings.false_alarms_per_day)
        self._card = DetectorCard("anomaly", method.name, config_sha256=config_sha256)
        self._school = school
        self._counts = counts
        self._why = ""  # it learns although something was learned before
        self._footage: Footage | None = None
        self._lesson: _Lesson | None = None
        self._learned: Learned | None = None
        self._scorer: Scorer | None = None
        self._like: View | None = None  # the last picture
        try:
            learned = method.load(folder)
        except NormalError as error:
            self._learn_anew(f"what was learned earlier cannot be used: {error}")
        else:
            if learned is not None:
                self._begin_scoring(learned, learned.sha256)

    def examine(self, frame: Frame) -> Detection | None:
        """What is said of a frame; None: not yet, a recording waits for what is being learned."""
        if self._lesson:
            if self._lesson.result.done():
                self._finish_lesson(self._lesson)
            elif not frame.live:
                return None
        if frame.damaged:
            self._counts["damaged"] += 1
            return self._doubt(Doubt.DAMAGED, "the picture is damaged")
        now: View = self._method.view(frame.picture)
        if self._like is not None and self._like.shape != now.shape:
            self._start_over("the picture has another shape than before")
        self._like = now
        if self._learned and self._learned.shape != now.shape:
            self._start_over("the picture has another shape than when it was learned")
        if self._scorer and self._scorer.useless > BLIND:
            self._start_over("pictures come much faster or slower than when it was learned")
        if self._scorer is None:
            return self._watch(now, frame)
        return self._say(self._scorer, now, frame)

    def close(self) -> None:
        """Stops learning; writes down how far the background has followed the light."""
        if self._lesson:
            self._lesson.stop()
        elif self._footage:
            self._footage.close()
        if self._scorer:
            self._write(self._scorer.learned())
        self._lesson = self._footage = self._learned = self._scorer = None

    def _say(self, scorer: Scorer, now: View, frame: Frame) -> Detection:
        said = scorer.score(now, frame.position, frame.fresh, self._threshold)
        if said is None:
            return self._doubt(Doubt.INTERRUPTED, "no picture at the usual distance before it, to compare")
        return Detection(
            kind=Kind.ANOMALY,
            label=said.kind,
            score=said.score,
            threshold=self._threshold,
            made_by=self._card,
            reason=said.reason,
            regions=said.regions,
            heatmap=said.heatmap,
            provisional=self._learned is None or self._learned.blocks < 10**self._threshold,
        )

    def _watch(self, now: View, frame: Frame) -> Detection:
        if self._lesson:
            progress = WATCHING + (1 - WATCHING) * self._lesson.progress
            return self._doubt(Doubt.LEARNING, f"learning what is normal here{self._why}", progress)
        needed = 60 * self._settings.learn_minutes
        try:
            if self._footage is None:
                self._folder.mkdir(parents=True, exist_ok=True)
                self._footage = Footage(self._method, now, self._folder)
            self._footage.add(now, frame.position, frame.fresh)
        except OSError as error:
            raise DetectorError(
                f"cannot gather footage of {self._name} in {self._folder}: {error.strerror}. "
                "Make room there, or let framewarden write there."
            ) from error
        watched = self._footage.seconds
        if watched >= needed and len(self._footage) >= LEAST:
            self._lesson, self._footage = _Lesson(self._method, self._name, self._footage, self._school), None
        share = min(watched / needed, 1.0)
        text = f"learning what is normal here: {watched:.0f} of {needed:.0f} s watched{self._why}"
        return self._doubt(Doubt.LEARNING, text, WATCHING * share)

    def _finish_lesson(self, lesson: _Lesson) -> None:
        self._lesson = None
        try:
            learned = lesson.result.result()
        except Stopped:
            return
        self._counts["learned"] += 1
        self._why = ""
        self._begin_scoring(learned, self._write(learned))

    def _begin_scoring(self, learned: Learned, sha256: str) -> None:
        self._card = replace(self._card, model_sha256=sha256)
        self._learned = learned
        self._scorer = self._method.scorer(learned)

    def _write(self, learned: Learned) -> str:
        """The hash of the weights as they were written; empty where they could not be."""
        try:
            return self._method.save(learned, self._folder)
        except OSError as error:
            self._counts["unsaved"] += 1
            log.warning(
                "what was learned of %s could not be written to %s: %s. It is learned anew after a restart.",
                self._name,
                self._folder,
                error.strerror,
            )
            return ""

    def _start_over(self, why: str) -> None:
        if self._lesson:
            self._lesson.stop()
        if self._footage:
            self._footage.close()
        known = self._scorer is not None
        self._lesson = self._footage = self._learned = self._scorer = None
        if known:
            self._learn_anew(why)

    def _learn_anew(self, why: str) -> None:
        self._counts["refused"] += 1
        self._why = f" anew, because {why}"
        self._card = replace(self._card, model_sha256="")
        log.warning("%s is learned anew: %s", self._name, why)

    def _doubt(self, doubt: Doubt, reason: str, progress: float | None = None) -> Detection:
        return Detection(
            kind=Kind.ANOMALY,
            label=UNUSUAL,
            score=0.0,
            threshold=self._threshold,
            made_by=self._card,
            doubt=doubt,
            reason=reason,
            provisional=True,
            progress=progress,
        )
