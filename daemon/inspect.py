"""Looks at alerts' evidence: is it as it was, and scored the same? And at files, for a verdict."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from alerts.manifest import NAME, Manifest, ManifestError, read, unlike
from config.detectors import DetectorName
from config.load import load
from config.problem import ConfigError, Problem
from config.settings import Settings
from config.state import state_folder
from daemon.inspect_files import Inspected, inspect_files
from detectors.device import limit_threads
from detectors.snapshot import SnapshotError
from streams.frame import Frame

_CLOSE = 1e-4  # of the score: another processor or library rounds otherwise


@dataclass(frozen=True, slots=True)
class Found:
    """What came of one folder."""

    folder: Path
    problems: Sequence[str] = ()  # files that are not as they were written, or no manifest
    files: int = 0
    judged: float | None = None  # the score as the alert told it
    again: float | None = None  # as it comes out now; None where it could not be computed
    why_not: str = ""

    @property
    def good(self) -> bool:
        """Nothing speaks against it."""
        return not self.problems and (self.again is None or self.same)

    @property
    def same(self) -> bool:
        """The score comes out as it was, up to rounding."""
        if self.again is None or self.judged is None:
            return False
        return abs(self.again - self.judged) <= _CLOSE * max(1.0, abs(self.judged))

    def to_json(self) -> dict[str, Any]:
        """One JSON object."""
        return {
            "folder": str(self.folder),
            "good": self.good,
            "files": self.files,
            "problems": list(self.problems),
            "score": self.judged,
            "score_again": self.again,
            "why_not_again": self.why_not or None,
        }

    def words(self) -> str:
        """Lines for a person."""
        if self.problems:
            lines = [f"{self.folder}: NOT as it was written"] + [f"  {each}" for each in self.problems]
            return "\n".join([*lines, "  The score was not computed again."])
        line = f"{self.folder}: {self.files} files are as they were written"
        if self.again is None:
            return f"{line}\n  The score cannot be computed again: {self.why_not}"
        verdict = "the same" if self.same else "NOT THE SAME"
        return f"{line}\n  score {self.judged:.6g}, computed again {self.again:.6g}: {verdict}"


async def inspect(
    paths: Sequence[Path],
    detectors: Sequence[DetectorName],
    *,
    as_json: bool,
    reports: Path | None,
    config: Path | None,
) -> int:
    """Prints what came of each evidence folder, and the verdict on each file.

    0 where nothing speaks against any folder, and every file could be looked at, else 1. Raises ConfigError.
    """
    for path in paths:
        if not path.exists():
            raise ConfigError((Problem(str(path), None, "", "there is no such file or folder"),))
        if path.is_dir() and not any(path.glob("*.json")):
            text = (
                f"no evidence folder, for it holds no {NAME}: to have files judged, name them, as in {path}/*"
            )
            raise ConfigError((Problem(str(path), None, "", text),))
    files = [path for path in paths if path.is_file()]
    settings = load(config) if config else None
    limit_threads()
    found: list[Found | Inspected] = [look(path, settings) for path in paths if path not in files]
    if files:
        found += await inspect_files(files, settings, detectors, reports)
    if as_json:
        print(json.dumps([each.to_json() for each in found], ensure_ascii=False, indent=1))
    else:
        print("\n".join(each.words() for each in found))
    return 0 if all(each.good for each in found) else 1


def look(folder: Path, settings: Settings | None = None) -> Found:
    """Hashes first: nothing is computed from files that were changed. `settings`: where weights are named."""
    try:
        manifest = read(folder)
        problems = unlike(folder, manifest)
    except ManifestError as error:
        return Found(folder, (str(error),))
    files = len(manifest.files)
    if problems:
        return Found(folder, problems, files)
    try:
        judged, again = _score_again(folder, manifest, settings)
    except _UnableError as why:
        return Found(folder, files=files, why_not=str(why))
    return Found(folder, files=files, judged=judged, again=again)


class _UnableError(Exception):
    """The score cannot be computed again; says why."""


def _score_again(folder: Path, manifest: Manifest, settings: Settings | None) -> tuple[float, float]:
    try:
        judged, detector = manifest.facts["judged"], manifest.facts["detector"]["name"]
        if not judged:
            raise _UnableError("the frame that it was judged on was not kept")
        if detector == "objects":
            raise _UnableError("which object is which depends on the pictures before, which are not kept")
        if not judged["again"]:
            raise _UnableError("what the detector knew was not kept: nothing was alarming just before")
        files = {name: (folder / name).read_bytes() for name in judged["again"] if name in manifest.files}
        frame = _frame(folder / judged["file"], manifest.facts["alert"], judged)
        return float(judged["score"]), _compute(detector, files, frame, judged, settings)
    except SnapshotError as error:
        raise _UnableError(str(error)) from None
    except OSError as error:
        raise _UnableError(f"{error.strerror or error}") from None
    except (KeyError, TypeError, ValueError, AttributeError, cv2.error) as error:
        raise _UnableError(
            f"it does not fit this version of framewarden ({type(error).__name__}: {error})"
        ) from None


def _compute(
    detector: str,
    files: Mapping[str, bytes],
    frame: Frame,
    judged: Mapping[str, Any],
    settings: Settings | None,
) -> float:
    match detector:
        case "quality":
            from detectors.quality import before

            return before.score_again(files, frame, judged["label"])
        case "anomaly":
            from detectors.anomaly import again
            from detectors.device import limit_torch_threads

            limit_torch_threads()
            return again.score_again(files, frame, judged["threshold"])
        case "deepfake":
            from daemon.detector_for import scorer_of
            from detectors.deepfake import before as deepfake
            from detectors.device import limit_torch_threads

            limit_torch_threads()
            larger = partial(scorer_of, settings, state_folder(settings)) if settings else None
            return deepfake.score_again(files, larger=larger)
    raise _UnableError(f"this version does not know the detector '{detector}'")


def _frame(path: Path, alert: Mapping[str, Any], judged: Mapping[str, Any]) -> Frame:
    picture = cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_COLOR)
    if picture is None:
        raise _UnableError(f"{path.name} is no picture")
    return Frame(
        stream=alert["stream"],
        number=0,
        picture=picture.astype(np.uint8, copy=False),
        captured_at=datetime.fromisoformat(alert["captured_at"]),
        captured=0.0,
        position=judged["position"],
        live=False,
        fresh=judged["fresh"],
        damaged=judged["damaged"],
    )
