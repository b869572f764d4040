"""What is kept beside alerts: pictures at once, then all else. Trouble in here never stops an alert."""

import logging
import re
import shutil
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from alerts import bundle
from alerts.curve import Curves
from alerts.drawing import annotated, heated
from alerts.manifest import ManifestError
from alerts.verdict import Change, Verdict
from streams.frame import Frame

log = logging.getLogger(__name__)

_QUALITY: Final = 90  # of the JPEG files, 0..100
_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}")
_GIGABYTE: Final = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Evidence:
    """Where the pictures of one verdict are: absolute paths on this host, None where there is none."""

    picture: Path | None = None
    annotated: Path | None = None
    heatmap: Path | None = None
    expected: Path | None = None  # what the camera should have seen
    report: Path | None = None  # it is written a moment after the alert is out,
    clip: Path | None = None  # and this when the seconds after the moment are over; it may fail to come
    problem: str = ""  # why there is less than there should be


@dataclass(frozen=True, slots=True)
class _Kept:
    """The folder of one alert."""

    path: Path
    changed: float  # seconds since 1970
    size: int  # bytes


class EvidenceStore:
    """One folder for each alert: `YYYY-MM-DD/<stream>/<alert_id>/`, by the day of its first frame.

    `save` may be called from several threads.
    """

    def __init__(
        self,
        folder: Path,
        keep_days: float,
        keep_gigabytes: float,
        keep_free_gigabytes: float = 0.0,
        curves: Curves | None = None,
    ) -> None:
        # evidence_saved, evidence_failed, evidence_deleted, evidence_completed, evidence_clips
        self.counts: Counter[str] = Counter()
        self._folder = folder.absolute()
        self._keep = timedelta(days=keep_days)
        self._keep_bytes = keep_gigabytes * _GIGABYTE
        self._keep_free = keep_free_gigabytes * _GIGABYTE
        self._curves = curves or Curves()
        self._state = threading.Lock()
        self._failing = False

    def save(self, verdict: Verdict, frame: Frame) -> Evidence:
        """Writes picture.jpg, annotated.jpg and, if any, heatmap.jpg, expected.jpg; numbered when updated."""
        saved: dict[str, Path] = {}
        try:
            folder = self._folder_of(verdict)
            folder.mkdir(parents=True, exist_ok=True)
            number = _next_number(folder) if verdict.change is Change.UPDATED else ""
            for name, picture in _pictures(verdict, frame):
                path = folder / f"{name}{number}.jpg"
                _write(path, picture)
                saved[name] = path
        except OSError as error:
            problem = f"{error.strerror or error}: {self._folder}"
            self._note("evidence_failed", problem)
            return _evidence(saved, f"Pictures could not be kept. {problem}")
        self._note("evidence_saved", "")
        return _evidence({**saved, "report": folder / bundle.REPORT})

    def complete(self, verdict: Verdict, frame: Frame | None) -> None:
        """Writes all that an alert does not wait for: see bundle.py. Of an alert without pictures, nothing.

        Not from several threads for one alert at a time.
        """
        folder = self._folder_of(verdict)
        try:
            if folder.is_dir():
                bundle.write(folder, verdict, frame, self._curves.of(verdict))
        except OSError as error:
            self._note("evidence_failed", f"{error.strerror or error}: {self._folder}")
        else:
            self._note("evidence_completed", "")

    def clip_of(self, verdict: Verdict) -> Path:
        """Where the clip of an alert will be."""
        return self._folder_of(verdict) / bundle.CLIP

    def add_clip(self, verdict: Verdict, clip: bytes) -> None:
        """Puts the clip, an MP4, to what was completed before. As `complete`, not from several threads."""
        folder = self._folder_of(verdict)
        try:
            if folder.is_dir():
                bundle.add_clip(folder, clip)
        except (OSError, ManifestError) as error:
            self._note("evidence_failed", f"{getattr(error, 'strerror', None) or error}: {self._folder}")
        else:
            self._note("evidence_clips", "")

    def find(self, verdict: Verdict) -> Evidence:
        """The pictures that were kept when the alert opened."""
        folder = self._folder_of(verdict)
        paths = {name: folder / f"{name}.jpg" for name in ("picture", "annotated", "heatmap", "expected")}
        paths |= {"report": folder / bundle.REPORT, "clip": folder / bundle.CLIP}
        try:
            return _evidence({name: path for name, path in paths.items() if path.is_file()})
        except OSError as error:  # the disk fails, or the folder may no longer be read
            problem = f"{error.strerror or error}: {self._folder}"
            self._note("evidence_failed", problem)
            return Evidence(problem=f"Pictures could not be found. {problem}")

    def sweep(self, now: datetime) -> None:
        """Deletes what is too old, then the oldest until the rest is small enough and the disk has room."""
        kept = sorted(self._kept(), key=lambda each: each.changed)
        total = sum(each.size for each in kept)
        oldest = (now - self._keep).timestamp()
        for each in kept:
            if each.changed >= oldest and total <= self._keep_bytes and self._room():
                break
            shutil.rmtree(each.path, ignore_errors=True)
            if each.path.exists():
                continue
            total -= each.size
            with self._state:
                self.counts["evidence_deleted"] += 1
            for parent in (each.path.parent, each.path.parent.parent):
                _remove_if_empty(parent)

    def _folder_of(self, verdict: Verdict) -> Path:
        day = verdict.first_frame_at.astimezone(UTC).date().isoformat()
        return self._folder / day / _safe(verdict.told_of) / _safe(verdict.alert_id)

    def _kept(self) -> Iterator[_Kept]:
        """Every alert's folder; what somebody else put beside them is left alone."""
        for day in _folders(self._folder):
            if _DAY.fullmatch(day.name):
                for stream in _folders(day):
                    for alert in _folders(stream):
                        try:
                            sizes = [file.lstat().st_size for file in alert.iterdir()]
                            yield _Kept(alert, alert.lstat().st_mtime, sum(sizes))
                        except OSError:  # deleted, or not ours to read: the next sweep looks again
                            continue

    def _room(self) -> bool:
        """Whether the disk has as much free as is to be kept free."""
        try:
            return not self._keep_free or shutil.disk_usage(self._folder).free >= self._keep_free
        except OSError:  # it is not there: nothing to delete
            return True

    def _note(self, what: str, problem: str) -> None:
        """Counts, and says it when it begins and when it is over, not for every picture."""
        with self._state:
            self.counts[what] += 1
            changed, self._failing = self._failing is not bool(problem), bool(problem)
        if changed and problem:
            log.error(
                "Alerts go out without pictures. %s. Free some space there or lower "
                "alerts.evidence.keep_gigabytes, and see that the folder may be written.",
                problem,
            )
        elif changed:
            log.info("Pictures are kept beside the alerts again: %s", self._folder)


def _evidence(paths: Mapping[str, Path], problem: str = "") -> Evidence:
    return Evidence(
        picture=paths.get("picture"),
        annotated=paths.get("annotated"),
        heatmap=paths.get("heatmap"),
        expected=paths.get("expected"),
        report=paths.get("report"),
        clip=paths.get("clip"),
        problem=problem,
    )


def _pictures(verdict: Verdict, frame: Frame) -> Iterator[tuple[str, NDArray[np.uint8]]]:
    """Each drawn only when the one before it is written."""
    yield "picture", frame.picture
    yield "annotated", annotated(frame.picture, verdict)
    if verdict.detection is not None and verdict.detection.heatmap is not None:
        yield "heatmap", heated(frame.picture, verdict.detection.heatmap)
        if verdict.detection.expected is not None:
            yield "expected", verdict.detection.expected


def _write(path: Path, picture: NDArray[np.uint8]) -> None:
    _, jpeg = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    bundle.put(path, jpeg.tobytes())


def _next_number(folder: Path) -> str:
    """'-2' for the first update, and so on."""
    numbers = [int(path.stem.partition("-")[2] or 1) for path in folder.glob("picture*.jpg")]
    return f"-{max(numbers, default=1) + 1}"


def _safe(name: str) -> str:
    """A name that is one plain folder, whatever it holds."""
    return re.sub(r"[^A-Za-z0-9_-]", "_", name)[:100] or "_"


def _folders(parent: Path) -> list[Path]:
    try:
        return [path for path in parent.iterdir() if path.is_dir() and not path.is_symlink()]
    except OSError:
        return []


def _remove_if_empty(folder: Path) -> None:
    try:
        folder.rmdir()
    except OSError:  # something is in it
        return
