"""The pictures that a face was judged by: kept beside an alert, to be looked at and to be scored again."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from detectors.deepfake.crop import Crop
from detectors.deepfake.model import SHIPPED, Model
from detectors.deepfake.suspicion import Sample
from detectors.detection import DetectorCard, DetectorError
from detectors.snapshot import SnapshotError

NAME: Final = "face-{:02d}.png"  # oldest first: the face alone, and beside it with what is around it
JUDGED_BY: Final = "deepfake.json"


@dataclass(frozen=True, slots=True, eq=False)
class Before:
    """The latest good pictures of one face; they never change, so none is copied."""

    samples: Sequence[Sample]
    card: DetectorCard

    def pack(self) -> Mapping[str, bytes]:
        """Files by name."""
        files = {NAME.format(number): _png(one.crop) for number, one in enumerate(self.samples, 1)}
        facts = {
            "model_sha256": self.card.model_sha256,
            "pictures": [
                {"swapped": one.swapped, "generated": one.generated, "clearness": one.clearness}
                for one in self.samples
            ],
        }
        return {**files, JUDGED_BY: json.dumps(facts, indent=1).encode()}


def score_again(files: Mapping[str, bytes], path: Path = SHIPPED) -> float:
    """The log ratio of what was kept. Raises SnapshotError where it is damaged or the weights are others."""
    try:
        wanted = json.loads(files[JUDGED_BY])["model_sha256"]
        model = Model(path)
    except DetectorError as error:
        raise SnapshotError(str(error)) from error
    if model.sha256 != wanted:
        raise SnapshotError(
            f"it was judged by other weights ({wanted[:12]}); this version has {model.sha256[:12]}"
        )
    crops = [_picture(files[name]) for name in sorted(files) if name != JUDGED_BY]
    return model.facts.clips.log_ratio(float(np.mean(model.score(crops).fused)), len(crops))


def _png(crop: Crop) -> bytes:
    _, png = cv2.imencode(".png", np.hstack([crop.face, crop.around]), [cv2.IMWRITE_PNG_COMPRESSION, 1])
    return png.tobytes()


def _picture(png: bytes) -> Crop:
    picture = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)
    if picture is None:
        raise SnapshotError("one of the pictures is damaged")
    face, around = np.split(np.asarray(picture, np.uint8), 2, axis=1)
    return Crop(face, around)
