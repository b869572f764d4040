"""Which kinds of objects a camera is used to: one that it has never shown before is worth an alert.

In its first day nothing is unfamiliar: all that comes is learned. What is unfamiliar then is told, and
becomes familiar once it has gone. Kept in a file of the state folder, so that a restart forgets nothing.
"""

import json
import logging
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

from config.whole_file import write_whole
from detectors.objects.scene import Finding
from detectors.objects.tracks import Track

LEARNS: Final = 24 * 3600.0  # seconds of watching in which all is learned
SEEN: Final = 1.0  # seconds for which an object must be followed to count
GONE: Final = 60.0  # seconds without it after which it has gone
SAVED_EVERY: Final = 300.0  # seconds of watching
LONGEST_GAP: Final = 5.0  # seconds between pictures that count as watched
UNFAMILIAR: Final = "unfamiliar"
VERSION: Final = 1
log = logging.getLogger(__name__)


class Familiar:
    """Of one camera, by one model: another model has other labels, and learns anew."""

    def __init__(self, path: Path, model_sha256: str, confidence: float) -> None:
        self._path = path
        self._model = model_sha256
        self._confidence = confidence
        self._known: dict[str, str] = {}  # label: when it was first seen, ISO
        self._watched = 0.0  # seconds
        self._saved = 0.0
        self._at: float | None = None
        self._strange: dict[str, float] = {}  # label that was never seen before: when it was last in sight
        self._read()

    @property
    def progress(self) -> float:
        """How much of the first day is over, 0..1."""
        return min(1.0, self._watched / LEARNS)

    def look(self, tracks: Sequence[Track], now: float, at: datetime) -> list[Finding]:
        """What is unfamiliar of those in sight; `now` in seconds is the time `at`."""
        if self._at is not None:
            self._watched += min(max(0.0, now - self._at), LONGEST_GAP)
        self._at = now
        found = []
        for track in tracks:
            if track.confidence < self._confidence or now - track.since < SEEN:
                continue
            label = track.label
            if label in self._known:
                continue
            if self.progress < 1:
                self._learn(label, at)
                continue
            self._strange[label] = now
            words = f"a {label}, the first that this camera has ever shown"
            found.append(Finding(UNFAMILIAR, label, track.confidence, self._confidence, words, (track,)))
        for label in [label for label, last in self._strange.items() if now - last > GONE]:
            del self._strange[label]
            self._learn(label, at)
        if self._watched - self._saved > SAVED_EVERY:
            self.save()
        return found

    def save(self) -> None:
        """Writes down what is known; a disk that refuses is told, and tried again later."""
        self._saved = self._watched
        told = {"version": VERSION, "model": self._model, "watched": self._watched, "known": self._known}
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(self._path, json.dumps(told, indent=1).encode())
        except OSError as error:
            log.warning(
                "which objects are familiar could not be written to %s: %s; after a restart they are learned "
                "anew",
                self._path,
                error.strerror,
            )

    def _learn(self, label: str, at: datetime) -> None:
        self._known[label] = at.isoformat()
        self.save()

    def _read(self) -> None:
        try:
            told = json.loads(self._path.read_bytes())
            if told["version"] == VERSION and told["model"] == self._model:
                self._watched = self._saved = float(told["watched"])
                self._known = {str(label): str(when) for label, when in told["known"].items()}
        except FileNotFoundError:
            pass
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            log.warning(
                "which objects are familiar is learned anew, for %s cannot be used (%s)", self._path, error
            )
