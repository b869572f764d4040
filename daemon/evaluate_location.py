"""How well the detector's map shows where something is abnormal, on clips with masks."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from daemon.evaluate_footage import Labelled
from daemon.evaluate_trial import LEARNED
from detectors.anomaly.cells import Cells
from detectors.anomaly.features import CELL
from detectors.anomaly.threshold import LIMIT
from detectors.regions import criteria
from detectors.roc import auc

HALF = 2  # every so many pixels of a mask are looked at
THIRD = 3  # every so many pictures, for the pixels


def located(learned_in: Path, test: Sequence[Labelled]) -> dict[str, float]:
    """Pixel AUC, RBDC and TBDC of the clips with masks; nan where none has any."""
    masked = [(clip, clip.masks[:, ::HALF, ::HALF]) for clip in test if clip.masks is not None]
    maps = [_maps(learned_in, clip, masks.shape[1:]) for clip, masks in masked]
    if not maps:
        return dict.fromkeys(("pixel_auc", "rbdc", "tbdc"), float("nan"))
    values = np.concatenate([one[::THIRD].ravel() for one in maps])
    flags = np.concatenate([masks[::THIRD].ravel() for _, masks in masked])
    found = criteria(maps, [masks for _, masks in masked])
    return {"pixel_auc": auc(values, flags), "rbdc": found.rbdc, "tbdc": found.tbdc}


def _maps(learned_in: Path, clip: Labelled, size: tuple[int, int]) -> NDArray[np.float32]:
    """(N, H, W) the scores of each picture as large as its mask, 0 where it cannot tell."""
    method = Cells()
    normal = next(one for one in map(method.load, sorted(learned_in.iterdir())) if one is not None)
    scorer = method.scorer(normal)
    maps = np.zeros((len(clip.stretch.pictures), *size), np.float32)
    for frame in clip.stretch.frames(LEARNED):
        view = method.view(frame.picture)
        if scorer.score(view, frame.position, frame.fresh, LIMIT) is not None:
            # A cell's window is centred on its upper left corner.
            across = (np.arange(size[1]) * view.width / size[1] / CELL).astype(np.float32)
            down = (np.arange(size[0]) * view.height / size[0] / CELL).astype(np.float32)
            x, y = np.meshgrid(across, down)
            maps[frame.number] = cv2.remap(
                scorer.surprises(), x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
            )
    return maps
