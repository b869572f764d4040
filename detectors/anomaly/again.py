"""Scores a picture again, from what was kept beside an alert."""

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from detectors.anomaly.before import FILE, parts
from detectors.anomaly.cells import Cells
from detectors.anomaly.features import Background, Observer, Recent, Small
from detectors.anomaly.inference import Scorer
from detectors.anomaly.method import NormalError
from detectors.anomaly.normal import INDEX, load
from detectors.anomaly.onlooker import Onlooker
from detectors.anomaly.scenery import Backdrop, Beats, Watch
from detectors.anomaly.score import Map
from detectors.snapshot import SnapshotError, unpack
from streams.frame import Frame

_CLASSES: Final = (Scorer, Observer, Recent, Map, Onlooker, Beats, Watch, Small, Background, Backdrop)


def score_again(files: Mapping[str, bytes], frame: Frame, threshold: float) -> float:
    """The score of the frame. Raises SnapshotError, and KeyError for a file that is missing."""
    with tempfile.TemporaryDirectory(prefix="framewarden-") as folder:
        for name, content in files.items():
            if name == INDEX or name.endswith(".safetensors"):
                (Path(folder) / name).write_bytes(content)
        try:
            normal = load(Path(folder))
        except NormalError as error:
            raise SnapshotError(f"what was learned cannot be used: {error}") from error
    if normal is None:
        raise KeyError(INDEX)
    scorer: Scorer = unpack(files[FILE], _CLASSES, Scorer(normal).unchanging | parts(normal))
    reading = scorer.score(Cells().view(frame.picture), frame.position, frame.fresh, threshold)
    if reading is None:
        raise SnapshotError("it holds no picture to compare with")
    return reading.score
