"""One stream's way: which scene it shows, whether that was learned, and what is said of its pictures."""

import logging
from collections import Counter
from concurrent.futures import Executor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from config.detectors import AnomalySettings
from detectors.anomaly.history import History
from detectors.anomaly.judging import Judging
from detectors.anomaly.lesson import Camera
from detectors.anomaly.life import Life
from detectors.anomaly.method import UNUSUAL, Learned, Method, NormalError, View
from detectors.anomaly.scene import APART, HALF, Lookout, Scene
from detectors.anomaly.shelf import Card, Shelf
from detectors.anomaly.threshold import threshold_for
from detectors.anomaly.watching import Watching
from detectors.detection import Detection, DetectorCard, DetectorError, Doubt, Kind
from streams.frame import Frame

BLIND = 60.0  # seconds of nothing that can be judged after which what was learned is of no use
ASKED = 5.0  # seconds between two looks whether the scene is still the same
PATIENCE = 120.0  # seconds that are waited for a scene to last, before it is learned as it is
log = logging.getLogger(__name__)


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
        source: str = "",
    ) -> None:
        """`source` tells one camera's address from another's, without saying it."""
        self._camera = Camera(name, method, settings, school, counts)
        self._folder = folder
        self._threshold = threshold_for(settings.false_alarms_per_day), True
        self._made_by = DetectorCard("anomaly", method.name, config_sha256=config_sha256)
        self._shelf = Shelf(folder, source)
        self._history = History(folder)
        self._lookout = Lookout()
        self._state: Watching | Judging | None = None
        self._why = "the stream has another address" if self._shelf.moved_in else ""
        self._shape: tuple[int, ...] | None = None  # of the last picture
        self._useless: set[Path] = set()  # folders of normals that pictures of this pace cannot be judged by
        self._asked = self._unsettled = 0.0  # seconds since 1970
        self._hidden = False  # what lasts shows next to nothing
        self.held = False  # nothing is learned while it is
        self.life = Life(False, 0.0, len(self._shelf), 0, *self._threshold, 0, 0, 0.0)

    def examine(self, frame: Frame) -> Detection | None:
        """What is said of a frame; None: not yet, a recording waits for what is being learned."""
        if self._state and self._state.busy and not frame.live:
            return None
        said = self._examine(frame)
        self._history.add(frame.captured_at, None if said.doubt else said.score, said.threshold)
        self.life = self._snapshot(said)
        return said

    def close(self) -> None:
        """Stops learning; writes down how far the background has followed the light."""
        if self._state:
            self._state.close()
        self._state = None
        self._history.close()
        self._camera.counts.update(self._history.counts)

    def _examine(self, frame: Frame) -> Detection:
        if frame.damaged:
            self._camera.counts["damaged"] += 1
            self._pause()
            return self._doubt(Doubt.DAMAGED, "the picture is damaged")
        now: View = self._camera.method.view(frame.picture)
        scene = self._lookout.look(frame.picture, frame.captured_at.timestamp())
        if self._shape not in (None, now.shape):
            self._turn_away("the picture has another shape than before")
            self._lookout.forget()
            self._lookout.look(frame.picture, frame.captured_at.timestamp())
        self._shape = now.shape
        match self._look_around(scene, frame) or self._state or self._settle(now, scene, frame):
            case Watching() as state:
                return self._watch(state, now, frame)
            case Judging() as state:
                return self._judge(state, now, frame)
            case Detection() as doubt:
                self._pause()
                return doubt

    def _judge(self, state: Judging, now: View, frame: Frame) -> Detection:
        held = self.held or self._lookout.stuck
        said = state.judge(now, frame, self._lookout, held)
        self._threshold = state.threshold(frame.captured_at)
        self._made_by = replace(self._made_by, model_sha256=state.sha256)
        if said is None:
            return self._doubt(Doubt.INTERRUPTED, "no picture at the usual distance before it, to compare")
        threshold, provisional = self._threshold
        return Detection(
            kind=Kind.ANOMALY,
            label=said.kind,
            score=said.score,
            threshold=threshold,
            made_by=self._made_by,
            reason=said.reason,
            regions=said.regions,
            heatmap=said.heatmap,
            expected=said.expected,
            provisional=provisional,
            before=said.before,
        )

    def _watch(self, state: Watching, now: View, frame: Frame) -> Detection:
        try:
            learned = state.watch(now, frame)
        except ValueError as error:
            state.forget()
            self._why = f"the footage before was no use: {error}"
            self._state = Watching(self._camera, state.card, now, self._because())
            return self._doubt(Doubt.LEARNING, self._state.words or "learning what is normal here", 0.0)
        if learned is None:
            return self._doubt(Doubt.LEARNING, state.words, state.progress)
        scene = self._lookout.seen or state.card.scene
        card = replace(
            state.card, lessons=1, learned_at=frame.captured_at, used_at=frame.captured_at, scene=scene
        )
        begun = self._begin(card, learned, "")
        begun.sha256 = begun.keep()
        self._put(card)
        state.forget()
        self._camera.counts["learned"] += 1
        self._why = ""
        self._useless.clear()
        return self._judge(begun, now, frame)

    def _look_around(self, scene: Scene, frame: Frame) -> Detection | None:
        """Whether this is still the scene that was learned; turns away from it where it is not."""
        state, at = self._state, frame.captured_at.timestamp()
        if state is None:
            return None
        if isinstance(state, Judging) and state.useless > BLIND:
            self._useless.add(state.card.folder)
            self._turn_away("pictures come much faster or slower than when it was learned", steady=True)
            return None
        other_light = state.card.scene.other_light(scene) if isinstance(state, Judging) else ""
        if other_light and self._known(scene):
            self._turn_away(other_light)
            return None
        if not 0 <= at - self._asked < ASKED:
            self._asked = at
            if (lasting := self._lookout.lasting) and self._gone(state, lasting, frame):
                return None
        if self._hidden and scene.plain:
            return self._doubt(Doubt.HIDDEN, "next to nothing is seen of the scene that was learned")
        if other_light:
            return self._doubt(Doubt.LEARNING, f"{other_light}: waiting whether that lasts", 0.0)
        return None

    def _gone(self, state: Watching | Judging, lasting: Scene, frame: Frame) -> bool:
        """Whether what lasts is another scene, from which it turned away."""
        if isinstance(state, Watching) and not state.scene_known:
            state.card, state.scene_known = replace(state.card, scene=lasting), True
            self._put(state.card)
        why = state.card.scene.unlike(lasting)
        self._hidden = bool(why) and lasting.plain
        if not why and isinstance(state, Judging):
            state.steady(frame)
        if not why or self._hidden:
            return False
        since = (frame.captured_at - timedelta(seconds=2 * HALF * APART)).astimezone()
        self._turn_away(f"{why} since {since:%H:%M}")
        return True

    def _known(self, scene: Scene) -> Card | None:
        """A normal that was learned of a scene."""
        if self._shape is None:
            return None
        card = self._shelf.fitting(scene, self._shape, self._useless)
        return card if card and card.lessons else None

    def _settle(self, now: View, scene: Scene, frame: Frame) -> Detection | Watching | Judging:
        """Finds the normal of the scene, or begins to learn it; a doubt where that has to wait."""
        at, lasting = frame.captured_at.timestamp(), self._lookout.lasting
        shown = lasting or scene
        card = self._known(scene) or self._shelf.fitting(shown, now.shape, self._useless)
        if card is None and self._shelf.knows(now.shape):
            if shown.plain:
                return self._doubt(
                    Doubt.HIDDEN, "next to nothing is seen, and not the scene that was learned"
                )
            self._unsettled = self._unsettled or at
            if lasting is None and 0 <= at - self._unsettled < PATIENCE:
                why = self._why or "the camera does not show the scene that was learned"
                return self._doubt(Doubt.LEARNING, f"{why}: waiting whether that lasts", 0.0)
        self._unsettled = 0.0
        if card and card.lessons and (learned := self._load(card)):
            log.info("%s: judged by the normal of %s", self._camera.stream, card.folder)
            if self._why:
                self._camera.counts["switched"] += 1
            self._why = ""
            return self._begin(replace(card, used_at=frame.captured_at), learned, learned.sha256)
        if card is None or card.lessons:
            card = self._blank(shown, now, frame)
            if self._why:
                self._camera.counts["refused"] += 1
                log.warning("%s is learned anew: %s", self._camera.stream, self._why)
        self._made_by = replace(self._made_by, model_sha256="")
        self._state = begun = Watching(self._camera, card, now, self._because())
        return begun

    def _load(self, card: Card) -> Learned | None:
        try:
            learned: Learned | None = self._camera.method.load(card.folder)
            if learned is not None and learned.shape == card.shape:
                return learned
            trouble = "it is not all there"
        except NormalError as error:
            trouble = str(error)
        self._why = f"what was learned earlier cannot be used: {trouble}"
        self._shelf.remove(card)
        return None

    def _blank(self, scene: Scene, now: View, frame: Frame) -> Card:
        try:
            return self._shelf.blank(scene, now.shape, frame.captured_at)
        except OSError as error:
            raise DetectorError(
                f"cannot gather footage of {self._camera.stream} in {self._folder}: {error.strerror}. "
                "Make room there, or let framewarden write there."
            ) from error

    def _begin(self, card: Card, learned: Learned, sha256: str) -> Judging:
        self._hidden = False
        self._state = begun = Judging(self._camera, self._shelf, card, learned, sha256)
        return begun

    def _turn_away(self, why: str, *, steady: bool = False) -> None:
        """Leaves the normal in force, because the pictures have become others; it stays on disk."""
        if isinstance(self._state, Watching):
            self._state.close()
            self._shelf.remove(self._state.card)
        elif self._state:
            self._state.close(steady=steady)
        known = self._state is not None and (len(self._shelf) > 0 or isinstance(self._state, Watching))
        self._state, self._hidden, self._unsettled = None, False, 0.0
        self._why = why if known else ""

    def _pause(self) -> None:
        if self._state:
            self._state.interrupt()

    def _put(self, card: Card) -> None:
        try:
            self._shelf.put(card)
        except OSError:
            self._camera.counts["unsaved"] += 1

    def _because(self) -> str:
        return f" anew, because {self._why}" if self._why else ""

    def _doubt(self, doubt: Doubt, reason: str, progress: float | None = None) -> Detection:
        return Detection(
            kind=Kind.ANOMALY,
            label=UNUSUAL,
            score=0.0,
            threshold=self._threshold[0],
            made_by=self._made_by,
            doubt=doubt,
            reason=reason,
            provisional=True,
            progress=progress,
        )

    def _snapshot(self, said: Detection) -> Life:
        state = self._state
        busy = state is not None and state.busy
        if not isinstance(state, Judging):
            return Life(busy, said.progress or 0.0, len(self._shelf), 0, *self._threshold, 0, 0, 0.0)
        seen = state.calibration
        return Life(
            busy,
            1.0,
            len(self._shelf),
            state.card.lessons,
            *self._threshold,
            seen.blocks,
            seen.needed,
            seen.drift,
        )
