"""Learns one camera's normal on request, from footage that somebody chose; may be interrupted and goes on."""

import json
import shutil
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from config.detectors import AnomalySettings
from config.whole_file import write_whole
from detectors.anomaly.calibration import FILE as BLOCKS
from detectors.anomaly.calibration import Calibration
from detectors.anomaly.cells import Cells
from detectors.anomaly.footage import FILE as FOOTAGE
from detectors.anomaly.footage import Footage
from detectors.anomaly.method import Learned, Method, Progress, View
from detectors.anomaly.scene import Lookout
from detectors.anomaly.shelf import Shelf
from detectors.anomaly.watching import LEAST
from detectors.detection import DetectorError
from detectors.device import limit_torch_threads
from streams.frame import Frame

FOLDER = "taught"  # within the stream's: footage until it is learned from
PLACE = "place.json"
NOTED = 5.0  # seconds of footage between two notes of where it is


@dataclass(frozen=True, slots=True)
class Place:
    """How far footage was gathered."""

    part: int  # of the recordings, from 0
    position: float  # seconds in it


@dataclass(frozen=True, slots=True)
class Taught:
    """What came of it."""

    pictures: int
    seconds: float  # of footage
    blocks: int  # of two seconds that the tail stands on
    threshold: float
    needed: int  # blocks of ten seconds until the threshold is no longer provisional
    anew: bool  # the scene was known, and what was known is replaced


class Teacher:
    """Gathers and learns. Nobody else may work in the same state folder meanwhile."""

    def __init__(
        self,
        settings: AnomalySettings,
        state_dir: Path,
        stream: str,
        source: str,
        footage: str,
        method: Method | None = None,
    ) -> None:
        """`state_dir` and `source`: as the detector's. `footage` says what is looked at: what was gathered of
        the same before is gone on with.
        """
        self.counts: Counter[str] = Counter()  # pictures, damaged
        self.came_to = Place(0, -1.0)  # that was gathered by an earlier attempt
        self._settings = settings
        self._method: Method = method or Cells()
        self.width = self._method.width
        self._stream = stream
        self._folder = state_dir / stream
        self._taught = self._folder / FOLDER
        self._shelf = Shelf(self._folder, source)
        self._what = footage
        self._lookout = Lookout()
        self._footage: Footage | None = None
        self._like: View | None = None
        self._place = self.came_to
        self._noted = 0.0
        self._last = datetime.fromtimestamp(0, UTC)
        self._resume()

    @property
    def seconds(self) -> float:
        """Of footage."""
        return self._footage.seconds if self._footage else 0.0

    def add(self, frame: Frame, part: int = 0) -> None:
        """One more picture of a part of the footage; one that was gathered before is passed over.

        Raises DetectorError.
        """
        self._lookout.look(frame.picture, frame.captured_at.timestamp())
        if (part, frame.position) <= (self.came_to.part, self.came_to.position):
            self._begin(frame)  # it says how far the earlier attempt came
            return
        if frame.damaged:
            self.counts["damaged"] += 1
            if self._footage:
                self._footage.interrupt()
            return
        footage, now = self._begin(frame)
        if self._like and self._like.shape != now.shape:
            raise DetectorError(
                "the pictures change their shape within the footage: learn from recordings of one shape"
            )
        self._like = now
        try:
            footage.add(now, frame.position, frame.fresh or part != self._place.part)
            self._place = Place(part, frame.position)
            self.counts["pictures"] += 1
            if footage.seconds - self._noted >= NOTED:
                self._note()
        except OSError as error:
            raise self._unable(error) from error
        self._last = frame.captured_at

    def learn(self, progress: Progress, stopped: Callable[[], bool]) -> Taught:
        """Learns, and puts what was learned where the daemon looks for it. Slow: for a thread.

        Raises Stopped, and DetectorError where the footage is no use or nothing can be written.
        """
        limit_torch_threads()
        scene = self._lookout.seen
        count = len(self._footage) if self._footage else 0
        if self._footage is None or self._like is None or scene is None or count < LEAST:
            raise DetectorError(
                f"{count} pictures are too little to learn {self._stream} from: at least {LEAST} are needed, "
                "and a minute or two to be of use"
            )
        try:
            learned: Learned = self._method.learn(self._footage.pictures(), None, progress, stopped)
        except ValueError as error:
            self.forget()
            raise DetectorError(f"this footage is no use to learn {self._stream} from: {error}") from error
        known = self._shelf.fitting(scene, self._like.shape, frozenset())
        try:
            card = known or self._shelf.blank(scene, self._like.shape, self._last)
            for left in (BLOCKS, FOOTAGE):  # of the normal that is replaced; first: no threshold is better
                (card.folder / left).unlink(
                    missing_ok=True
                )  # than that of another one, whatever ends it here
            self._method.save(learned, card.folder)
            now = datetime.now(UTC)
            self._shelf.put(replace(card, scene=scene, lessons=1, learned_at=now, used_at=now))
        except OSError as error:
            raise self._unable(error) from error
        seen = Calibration(card.folder, self._settings.false_alarms_per_day)
        taught = Taught(
            pictures=count,
            seconds=self._footage.seconds,
            blocks=learned.blocks,
            threshold=seen.threshold(now)[0],
            needed=seen.needed,
            anew=bool(known and known.lessons),
        )
        self.forget()
        return taught

    def forget(self) -> None:
        """Throws away what was gathered."""
        if self._footage:
            self._footage.close()
        self._footage = None
        shutil.rmtree(self._taught, ignore_errors=True)

    def close(self) -> None:
        """Lets go. What was gathered stays."""
        if self._footage:
            with suppress(OSError):  # then a few seconds are gathered twice
                self._note()
            self._footage.close()
        self._footage = None

    def _begin(self, frame: Frame) -> tuple[Footage, View]:
        now: View = self._method.view(frame.picture)
        if self._footage is None:
            try:
                self._footage = Footage(self._method, now, self._taught)
            except OSError as error:
                raise self._unable(error) from error
            self._like, self._noted = now, self._footage.seconds
        return self._footage, now

    def _resume(self) -> None:
        try:
            said = json.loads((self._taught / PLACE).read_text())
            if said["footage"] != self._what:
                raise ValueError(said["footage"])  # noqa: TRY301 - another's footage is as good as none
            self.came_to = self._place = Place(int(said["part"]), float(said["position"]))
        except (OSError, ValueError, KeyError, TypeError):
            shutil.rmtree(self._taught, ignore_errors=True)

    def _note(self) -> None:
        self._noted = self.seconds
        said = {"footage": self._what, "part": self._place.part, "position": self._place.position}
        write_whole(self._taught / PLACE, json.dumps(said).encode())

    def _unable(self, error: OSError) -> DetectorError:
        return DetectorError(
            f"cannot keep what is learned of {self._stream} in {self._folder}: {error.strerror}. "
            "Make room there, or let this user write there."
        )
