"""A whole method of learning without any learning, and a camera that shows what the test says, in no time."""

import json
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from detectors.anomaly.method import NormalError, Progress, Reading, Seen, Stopped
from streams.frame import Frame

STEP = 0.05  # of a score, as pictures carry it
WIDTH, HEIGHT = 96, 54
NOON = datetime(2026, 5, 4, 10, tzinfo=UTC)


def scene(seed: int, *, colour: bool = True) -> NDArray[np.uint8]:
    """An empty scene (H, W, 3); every seed is another one."""
    chance = np.random.default_rng(seed)
    grey = cv2.resize(chance.uniform(0, 255, (9, 16)).astype(np.float32), (WIDTH, HEIGHT))
    tint = np.array([1.0, 0.8, 0.6]) if colour else np.ones(3)
    return (grey[..., None] * tint).astype(np.uint8)


@dataclass(frozen=True, slots=True, eq=False)
class DrillView:
    """What a picture carries: its score, and which scene it is of."""

    score: float
    mark: int
    shape: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class DrillLearned:
    """What it was learned from."""

    shape: tuple[int, ...]
    scores: tuple[float, ...]
    mark: int  # of the scene
    lessons: int
    more: float = 0.0  # that it adds to every score
    sha256: str = ""
    blocks: int = 60


class DrillScorer:
    """Gives each picture the score that it carries, and what the normal adds."""

    def __init__(self, learned: DrillLearned) -> None:
        self.useless = 0.0
        self._learned = learned
        self._before: float | None = None

    def score(self, now: DrillView, at: float, fresh: bool, threshold: float) -> Reading | None:
        """None for the first picture, and for those at another pace than 0.5 to 2 seconds."""
        before, self._before = self._before, at
        if fresh or before is None or at <= before:
            return None
        if not 0.4 <= at - before <= 2.5:
            self.useless += at - before
            return None
        self.useless = 0.0
        return Reading(now.score + self._learned.more)

    def learned(self) -> DrillLearned:
        """As it was."""
        return self._learned


class Drill:
    """The Method. `more` and `fault` are what the next lessons come to."""

    name = "drill"
    width = WIDTH

    def __init__(self) -> None:
        self.more = 0.0
        self.fault: Exception | None = None
        self.lessons: list[DrillLearned] = []
        self.starts: list[DrillLearned | None] = []

    def view(self, picture: NDArray[np.uint8]) -> DrillView:
        """Score and mark stand in the corner."""
        return DrillView(float(picture[0, 0, 0]) * STEP, int(picture[0, 1, 0]), picture.shape[:2])

    def pack(self, view: DrillView) -> bytes:
        """Two bytes, and some ballast."""
        return bytes([round(view.score / STEP), view.mark]) + bytes(30)

    def unpack(self, packed: memoryview, like: DrillView) -> DrillView:
        """Again."""
        return DrillView(packed[0] * STEP, packed[1], like.shape)

    def learn(
        self,
        footage: Sequence[Seen],
        start: DrillLearned | None,
        progress: Progress,
        stopped: Callable[[], bool],
    ) -> DrillLearned:
        """Notes all that it was shown."""
        progress(0.5)
        if stopped():
            raise Stopped
        if self.fault:
            raise self.fault
        learned = DrillLearned(
            footage[0].view.shape,
            tuple(each.view.score for each in footage),
            footage[0].view.mark,
            start.lessons + 1 if start else 1,
            self.more,
        )
        self.lessons.append(learned)
        self.starts.append(start)
        return learned

    def save(self, learned: DrillLearned, folder: Path) -> str:
        """In one file."""
        folder.mkdir(parents=True, exist_ok=True)
        said: dict[str, Any] = {name: getattr(learned, name) for name in DrillLearned.__slots__}
        (folder / "drill.new").write_text(json.dumps(said))
        (folder / "drill.new").replace(folder / "drill.json")
        return f"sha-{learned.mark}-{learned.lessons}"

    def load(self, folder: Path) -> DrillLearned | None:
        """From there."""
        try:
            said = json.loads((folder / "drill.json").read_text())
            learned = DrillLearned(**{**said, "shape": tuple(said["shape"]), "scores": tuple(said["scores"])})
        except FileNotFoundError:
            return None
        except ValueError as error:
            raise NormalError("it is damaged") from error
        return replace(learned, sha256=f"sha-{learned.mark}-{learned.lessons}")

    def scorer(self, learned: DrillLearned) -> DrillScorer:
        """Of one stream."""
        return DrillScorer(learned)


class Classroom(Executor):
    """Lessons happen when the test says so; at once, as long as it is open."""

    def __init__(self) -> None:
        self.open = True
        self._waiting: list[tuple[Future[Any], Callable[[], Any]]] = []

    def submit(self, work: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Now or later."""
        future: Future[Any] = Future()
        self._waiting.append((future, lambda: work(*args, **kwargs)))
        if self.open:
            self.teach()
        return future

    def teach(self) -> None:
        """Holds all lessons that wait."""
        waiting, self._waiting = self._waiting, []
        for future, work in waiting:
            if future.set_running_or_notify_cancel():
                thread = threading.Thread(target=_run, args=(future, work))
                thread.start()
                thread.join()


def _run(future: Future[Any], work: Callable[[], Any]) -> None:
    try:
        future.set_result(work())
    except Exception as error:  # noqa: BLE001 - whatever it is comes out where it is asked for
        future.set_exception(error)


class Camera:
    """A camera in time: one picture a second of what it looks at."""

    def __init__(self, seed: int = 1) -> None:
        self.looks_at(seed)
        self.at = NOON
        self.position = 0.0
        self._number = 0
        self._fresh = True
        self._chance = np.random.default_rng(0)

    def looks_at(self, seed: int, *, colour: bool = True) -> None:
        """Turns to another scene."""
        self.mark = seed
        self.empty = scene(seed, colour=colour)

    def moves(self, pixels: int) -> None:
        """Is pushed aside."""
        self.empty = np.roll(self.empty, pixels, axis=1)

    def is_covered(self) -> None:
        """Shows nothing any more."""
        self.empty = np.full((HEIGHT, WIDTH, 3), 20, np.uint8)

    def reconnects(self) -> None:
        """The next picture is the first of a connection."""
        self._fresh = True

    def frame(self, score: float = 0.3, *, passes: float = 1.0, live: bool = True) -> Frame:
        """The next picture, after so many seconds; it will score so high."""
        self.at += timedelta(seconds=passes)
        self.position = 0.0 if self._fresh else self.position + passes
        picture = np.clip(self.empty + self._chance.integers(0, 4, self.empty.shape), 0, 255).astype(np.uint8)
        picture[0, 0], picture[0, 1] = round(score / STEP), self.mark
        seconds = (self.at - NOON).total_seconds()
        frame = Frame("gate", self._number, picture, self.at, seconds, self.position, live, fresh=self._fresh)
        self._fresh = False
        self._number += 1
        return frame
