"""How unlike the learned scene each place is that stands still: where, what kind of change, and the words.

The Mahalanobis distance of a cell's features from what is usual in its place, with one covariance for all
places. A denoiser as for what moves found the same planted events at three times the cost.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from detectors.anomaly.features import Floats
from detectors.anomaly.scenery import NAMES, Backdrop
from detectors.anomaly.score import strongest
from detectors.anomaly.threshold import Tail

EDGE = 2  # cells: who waits at the edge is half in the picture, and looks like a thing put down


@dataclass(frozen=True, slots=True, eq=False)
class Scenery:
    """What one camera's view usually looks like where nothing moves."""

    backdrop: Backdrop
    mean: Floats  # (rows, cols, F) how each place usually differs from the backdrop
    spread: Floats  # (rows, cols, F) and by how much more or less
    whiten: Floats  # (F, F): deviations @ whiten has about unit covariance
    places: Floats  # (rows, cols) how restless each place is, 1 on average and at least
    usual: float  # deviations that 99.9 % of normal cells stay under
    middle: float  # deviation that half of the cells of a picture have, in the footage that was learned from
    tail: Tail

    def map(self, values: Floats) -> Floats:
        """(rows, cols) raw scores of a picture's features (rows, cols, F), averaged over neighbours."""
        return smoothed(self.deviations(values) / self.usual) / self.places

    def deviations(self, values: Floats) -> Floats:
        """(rows, cols) how far each cell is from what is usual there, in standard deviations.

        Where half of the picture is further from it than ever before, that is the light, the weather or the
        codec, and what stands there has to be so much further away to be told from it.
        """
        far = self.distances(values)
        return far / max(1.0, float(np.median(far)) / self.middle)

    def distances(self, values: Floats) -> Floats:
        """(rows, cols) the same, whatever the rest of the picture looks like."""
        return np.linalg.norm(self.apart(values) @ self.whiten, axis=-1)  # type: ignore[no-any-return]

    def apart(self, values: Floats) -> Floats:
        """(rows, cols, F) deviations from what is usual in each place, feature by feature."""
        out: Floats = (values - self.mean) / self.spread
        return out


def smoothed(raw: Floats) -> Floats:
    """A map (rows, cols) averaged over neighbours, without what the picture's edge cuts off."""
    inner = np.zeros_like(raw)
    inside = np.s_[EDGE + 1 : -EDGE, EDGE + 1 : -EDGE]  # a cell gathers from the one before it, too
    inner[inside] = raw[inside]
    return cv2.blur(inner, (3, 3), borderType=cv2.BORDER_REPLICATE)  # type: ignore[return-value]


def explain(scores: Floats, values: Floats, scenery: Scenery) -> tuple[str, str]:
    """What kind of change the strangest place shows ('structure', 'content', 'quality'), and words for it."""
    apart, change = scenery.apart(values), values - scenery.mean
    there = strongest(scores, 0.5 * float(scores.max()))
    size = {name: float(np.abs(apart[there, index]).mean()) for index, name in enumerate(NAMES)}
    moved = {name: float(change[there, index].mean()) for index, name in enumerate(NAMES)}
    edges = sum(moved[name] for name in NAMES if name.startswith("edges")) / 4
    look = max(size[name] for name in ("brightness", "blue", "red"))
    pattern = max(size[name] for name in ("changed", "lost", "grain", "edges_upright", "edges_level"))
    if size["flicker"] >= max(look, pattern):
        return "quality", "brightness goes up and down here"
    if pattern > 2 * look and edges > 0:
        return "content", "has another surface than usual"
    if edges < -0.1 and moved["lost"] < -0.2:
        missing = "something that always stood here is missing or covered"
        return "structure", missing
    how = "brighter" if moved["brightness"] > 0 else "darker"
    return "structure", f"something stands here that was not here before, {how} than what is behind it"
