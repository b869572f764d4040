"""The pictures that a face was judged by: kept beside an alert, to be looked at and to be scored again."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from config.state import ENROLMENT
from detectors.deepfake import enrolment
from detectors.deepfake.crop import Crop
from detectors.deepfake.likelihood import Clips
from detectors.deepfake.model import SHIPPED, Model
from detectors.deepfake.scorer import Scorer
from detectors.deepfake.suspicion import Sample
from detectors.detection import DetectorCard, DetectorError
from detectors.snapshot import SnapshotError

PNG: Final = ".png"
NAME: Final = "face-{:02d}" + PNG  # oldest first: the face alone, and beside it with what is around it
JUDGED_BY: Final = "deepfake.json"


@dataclass(frozen=True, slots=True, eq=False)
class Before:
    """The latest good pictures of one face; they never change, so none is copied."""

    samples: Sequence[Sample]
    card: DetectorCard
    kept: Mapping[str, bytes] = field(default_factory=dict)  # what else the score depends on

    def pack(self) -> Mapping[str, bytes]:
        """Files by name."""
        files = {NAME.format(number): _png(one.crop) for number, one in enumerate(self.samples, 1)}
        facts = {
            "model": self.card.model,
            "model_sha256": self.card.model_sha256,
            "pictures": [
                {"swapped": one.swapped, "generated": one.generated, "clearness": one.clearness}
                for one in self.samples
            ],
        }
        return {**files, **self.kept, JUDGED_BY: json.dumps(facts, indent=1).encode()}


def score_again(
    files: Mapping[str, bytes], path: Path = SHIPPED, larger: Callable[[], Scorer] | None = None
) -> float:
    """The log ratio of what was kept. Raises SnapshotError where it is damaged or the weights are others.

    `larger`: opens the weights that the settings name, asked where those of `path` are not the ones.
    """
    judged = json.loads(files[JUDGED_BY])
    scorer: Scorer
    try:
        scorer = Model(path)
        if scorer.sha256 != judged["model_sha256"] and larger is not None:
            scorer = larger()
    except DetectorError as error:
        raise SnapshotError(str(error)) from error
    if scorer.sha256 != judged["model_sha256"]:
        raise SnapshotError(
            f"it was judged by other weights ({judged['model']}, {judged['model_sha256'][:12]}), and here "
            f"are {scorer.model}, {scorer.sha256[:12]}: name those in detectors.deepfake of a configuration, "
            "and give that with --config"
        )
    crops = [_picture(files[name]) for name in sorted(files) if name.endswith(PNG)]
    return _clips(scorer, files).log_ratio(float(np.mean(scorer.score(crops).fused)), len(crops))


def _clips(scorer: Scorer, files: Mapping[str, bytes]) -> Clips:
    """Of the people of that stream, where they were enrolled."""
    try:
        return enrolment.read(files[ENROLMENT]).clips if ENROLMENT in files else scorer.clips
    except DetectorError as error:
        raise SnapshotError(f"{ENROLMENT}: {error}") from error


def _png(crop: Crop) -> bytes:
    _, png = cv2.imencode(".png", np.hstack([crop.face, crop.around]), [cv2.IMWRITE_PNG_COMPRESSION, 1])
    return png.tobytes()


def _picture(png: bytes) -> Crop:
    picture = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)
    if picture is None:
        raise SnapshotError("one of the pictures is damaged")
    face, around = np.split(np.asarray(picture, np.uint8), 2, axis=1)
    return Crop(face, around)
