"""Whatever a camera shows and whenever the daemon ends: nothing suspicious is learned, no normal is lost."""

import shutil
import tempfile
from collections import Counter
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from config.detectors import AnomalySettings
from detectors.anomaly.pupil import Pupil
from detectors.anomaly.quiet import SUSPICIOUS
from detectors.anomaly.threshold import threshold_for
from tests.detectors.anomaly.drill import Camera, Classroom, Drill

SETTINGS = AnomalySettings(learn_minutes=0.6)
SUSPECT = SUSPICIOUS * threshold_for(SETTINGS.false_alarms_per_day)


class Life(RuleBasedStateMachine):
    """One camera, its pupil, and all that may happen to them."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.method, self.school, self.camera = Drill(), Classroom(), Camera()
        self.counts: Counter[str] = Counter()
        self.pupil = self._born()
        self.judged: set[int] = set()  # scenes that were judged, and lately

    def _born(self) -> Pupil:
        return Pupil(
            self.method, "gate", self.folder / "gate", SETTINGS, "config", self.school, self.counts, "source"
        )

    def teardown(self) -> None:
        self.pupil.close()
        self.school.teach()
        shutil.rmtree(self.folder)

    def _watch(self, seconds: int, score: float) -> None:
        for _ in range(seconds):
            said = self.pupil.examine(self.camera.frame(score))
            assert said is not None, "a camera's picture got no answer"
            assert said.doubt is None or not said.alarming
            if said.doubt is None:
                self.judged.add(self.camera.mark)

    @rule(seconds=st.integers(1, 120))
    def quiet(self, seconds: int) -> None:
        self._watch(seconds, 0.3)

    @rule(score=st.sampled_from([0.3, 2.6, 3.0, 9.0]), seconds=st.integers(1, 20))
    def long_quiet_with_something_in_it(self, score: float, seconds: int) -> None:
        self._watch(300, 0.3)
        self._watch(seconds, score)
        self._watch(450, 0.3)

    @rule(seconds=st.integers(1, 20), score=st.sampled_from([2.0, 2.6, 3.0, 4.0, 9.0]))
    def something(self, seconds: int, score: float) -> None:
        self._watch(seconds, score)

    @precondition(lambda self: self.pupil.life.lessons)
    @rule(seed=st.integers(1, 3), colour=st.booleans())
    def turns(self, seed: int, colour: bool) -> None:
        self.camera.looks_at(seed, colour=colour)

    @rule(seconds=st.floats(-100, 5000))
    def clock_jumps(self, seconds: float) -> None:
        self.pupil.examine(self.camera.frame(0.3, passes=seconds))

    @rule()
    def reconnects(self) -> None:
        self.camera.reconnects()

    @rule(killed=st.booleans())
    def restarts(self, killed: bool) -> None:
        known = self.pupil.life.normals
        if not killed:
            self.pupil.close()
        self.pupil = self._born()
        assert self.pupil.life.normals == known, "a normal was lost on the way"
        self.camera.reconnects()

    @rule(is_open=st.booleans())
    def school_opens(self, is_open: bool) -> None:
        self.school.open = is_open
        if is_open:
            self.school.teach()

    @rule(more=st.sampled_from([0.0, 0.0, 1.5]))
    def next_lessons_come_to(self, more: float) -> None:
        self.method.more = more

    @invariant()
    def nothing_suspicious_was_learned_further(self) -> None:
        for lesson, start in zip(self.method.lessons, self.method.starts, strict=True):
            if start is not None:
                assert max(lesson.scores) + start.more < SUSPECT

    @invariant()
    def no_normal_is_forgotten(self) -> None:
        assert self.pupil.life.normals >= min(1, len(self.judged))
        assert self.pupil.life.normals <= 4


TestLife = Life.TestCase
TestLife.settings = settings(max_examples=8, stateful_step_count=12)
