"""The object detector: the Detector promise over a finder, and a tracker and a scene for each stream."""

import hashlib
import logging
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final

from config.detectors import ObjectsSettings
from config.scene import MOVING
from detectors.detection import Detection, DetectorCard, Kind
from detectors.objects.familiar import Familiar
from detectors.objects.found import Found, ObjectFinder
from detectors.objects.scene import Finding, Scene
from detectors.objects.tracks import Tracker
from detectors.objects.view import View
from detectors.opening import Opening
from streams.frame import Frame

log = logging.getLogger(__name__)

WIDEST: Final = 640  # pixels of the pictures, while there is no finder that says how many it wants


@dataclass(slots=True)
class _Watched:
    tracker: Tracker
    scene: Scene
    familiar: Familiar | None
    there: Counter[tuple[str, str]]  # how many of each label are in each zone now; '': anywhere
    found: Sequence[Found] | None = None  # in the last picture that was looked at


class ObjectDetector:
    """Says of every picture which objects are worth an alert, and that none is."""

    name = "objects"
    kind = Kind.OBJECT

    def __init__(
        self,
        settings: ObjectsSettings,
        open_finder: Callable[[], ObjectFinder],
        views: Mapping[str, View],
        state: Path,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`open_finder` raises DetectorError while weights are missing, and is asked again then.

        `views` by stream are read when its first frame comes. `state`: the folder for what is familiar.
        """
        self._settings = settings
        self._views = views
        self._state = state
        self._watched: dict[str, _Watched] = {}
        self._config = hashlib.sha256(settings.model_dump_json().encode()).hexdigest()
        self._opening = Opening(open_finder, clock)  # its trouble is told when there is a frame to tell it of

    @property
    def width(self) -> int:
        """Of the pictures that it wants."""
        return self.finder.width if self.finder else WIDEST

    @property
    def finder(self) -> ObjectFinder | None:
        """Who finds them; None while that cannot be."""
        return self._opening.opened

    @property
    def there(self) -> Mapping[str, Mapping[tuple[str, str], int]]:
        """By stream: how many of each label are in each zone now; zone '': anywhere in the picture."""
        return {stream: watched.there for stream, watched in list(self._watched.items())}

    @property
    def crossed(self) -> Mapping[str, Mapping[tuple[str, str, str], int]]:
        """By stream: how often each line was crossed, by which label, to which side."""
        return {stream: watched.scene.crossed for stream, watched in list(self._watched.items())}

    def examine(self, frames: Sequence[Frame]) -> Sequence[Sequence[Detection]]:
        """As Detector. Raises DetectorError while there are no weights, or where the finder fails."""
        finder = self._opening.get()
        card = DetectorCard(self.name, finder.name, finder.sha256, self._config)
        watched = [self._of(frame.stream, finder) for frame in frames]
        new = [
            number
            for number, (one, frame) in enumerate(zip(watched, frames, strict=True))
            if frame.fresh or not frame.unchanged or one.found is None
        ]
        found = finder.find([frames[number] for number in new]) if new else []
        for number, objects in zip(new, found, strict=True):
            watched[number].found = objects
        fresh = set(new)
        return [
            [self._detection(each, card) for each in self._judge(one, frame, number in fresh)]
            for number, (one, frame) in enumerate(zip(watched, frames, strict=True))
        ]

    def forget(self, stream: str) -> None:
        """Drops the objects of a stream; what is familiar there is written down."""
        watched = self._watched.pop(stream, None)
        if watched is not None and watched.familiar is not None:
            watched.familiar.save()
        if self.finder:
            self.finder.forget(stream)

    def close(self) -> None:
        """Writes down what is familiar."""
        for stream in list(self._watched):
            self.forget(stream)

    def _judge(self, watched: _Watched, frame: Frame, looked: bool) -> list[Finding]:
        height, width = frame.picture.shape[:2]
        now = frame.captured_at.timestamp()
        if frame.fresh:
            watched.tracker.forget()
            watched.scene.forget()
        tracks = (
            watched.tracker.follow(watched.found or (), now, width, height)
            if looked
            else watched.tracker.again(now)
        )
        said = watched.scene.look(tracks, now, frame.captured_at)
        there = Counter(dict.fromkeys(watched.there, 0))  # what was there once, and is not now, is 0
        there.update(watched.scene.counts(tracks))
        watched.there = there  # at once: other threads read it
        if watched.familiar is not None:
            said += watched.familiar.look(tracks, now, frame.captured_at)
        return said

    def _detection(self, finding: Finding, card: DetectorCard) -> Detection:
        return Detection(
            self.kind,
            finding.label,
            finding.score,
            finding.threshold,
            card,
            subject=finding.subject,
            reason=finding.reason,
            regions=tuple(track.region for track in finding.tracks),
            outline=finding.outline,
        )

    def _of(self, stream: str, finder: ObjectFinder) -> _Watched:
        if stream not in self._watched:
            view = self._views.get(stream.partition("/")[0], View())  # of a folder's files: the folder's
            _warn_of_unknown(stream, view, finder)
            confidence = self._settings.confidence
            familiar = None
            kinds = finder.labels != (MOVING,)
            if kinds and view.alert_on and stream in self._views:  # not the files of a folder
                familiar = Familiar(self._state / f"{stream}.json", finder.sha256, confidence)
            scene = Scene(view.zones, view.lines, view.alert_on, confidence)
            self._watched[stream] = _Watched(Tracker(), scene, familiar, Counter())
        return self._watched[stream]


def _warn_of_unknown(stream: str, view: View, finder: ObjectFinder) -> None:
    for alert in view.alert_on:
        if not any(fnmatchcase(label, alert.label) for label in finder.labels):
            log.warning(
                "%s: alert_on waits for '%s', which %s cannot tell; it tells %s%s",
                stream,
                alert.label,
                finder.name,
                ", ".join(finder.labels[:8]),
                f" and {len(finder.labels) - 8} more" if len(finder.labels) > 8 else "",
            )
