"""Draws what was seen into a picture: boxes, places, one line of text, and the heat map's colours."""

from collections.abc import Sequence
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from alerts.verdict import Verdict
from detectors.detection import Region

Picture = NDArray[np.uint8]  # (H, W, 3) BGR

_BOX: Final = (0, 64, 255)
_PLACE: Final = (255, 191, 0)
_INK: Final = (255, 255, 255)
_BAR: Final = (32, 32, 32)
_FONT: Final = cv2.FONT_HERSHEY_SIMPLEX


def annotated(picture: Picture, verdict: Verdict) -> Picture:
    """A copy with the boxes and the place, and above it a line that says stream, label, score and time."""
    drawn = boxed(picture, verdict.regions)
    height, width = drawn.shape[:2]
    if verdict.detection is not None and verdict.detection.outline:
        corners = (np.array(verdict.detection.outline) * (width - 1, height - 1)).round().astype(np.int32)
        cv2.polylines(drawn, [corners], True, _PLACE, max(1, round(width / 640)), cv2.LINE_AA)
    what = f"{verdict.kind}/{verdict.label}" + (f" '{verdict.subject}'" if verdict.subject else "")
    line = (
        f"{verdict.stream}  {what}  {verdict.score:.3g} of {verdict.threshold:.3g}"
        f"  {verdict.captured_at:%Y-%m-%d %H:%M:%S} UTC"
    )
    # The font knows only ASCII.
    line = line.encode("ascii", "replace").decode("ascii")
    (wide, _), _ = cv2.getTextSize(line, _FONT, 1.0, 1)
    scale = min(width / 900, (width - 8) / max(1, wide))  # the whole line, however long
    (_, tall), base = cv2.getTextSize(line, _FONT, scale, 1)
    bar = np.full((tall + base + 8, width, 3), _BAR, np.uint8)
    cv2.putText(bar, line, (4, tall + 4), _FONT, scale, _INK, 1, cv2.LINE_AA)
    return np.vstack([bar, drawn])


def boxed(picture: Picture, regions: Sequence[Region]) -> Picture:
    """A copy with the boxes."""
    drawn = picture.copy()
    height, width = drawn.shape[:2]
    for region in regions:
        corners = _corners(region, width, height)
        if corners is not None:
            cv2.rectangle(drawn, *corners, _BOX, max(1, round(width / 320)), cv2.LINE_AA)
    return drawn


def heated(picture: Picture, heatmap: NDArray[np.float32]) -> Picture:
    """The heat map (h, w), 0..1, as colours over the picture: stronger where it is hotter."""
    height, width = picture.shape[:2]
    heat = np.nan_to_num(heatmap.astype(np.float32), nan=0.0, posinf=1.0, neginf=0.0).clip(0, 1)
    heat = cv2.resize(heat, (width, height), interpolation=cv2.INTER_LINEAR)
    colours = cv2.applyColorMap((heat * 255).astype(np.uint8), cv2.COLORMAP_INFERNO)
    weight = 0.25 + 0.5 * heat[..., None]  # (H, W, 1): where it is cold, the picture still shows
    mixed = picture * (1 - weight) + colours * weight
    return mixed.astype(np.uint8)


def _corners(region: Region, width: int, height: int) -> tuple[tuple[int, int], tuple[int, int]] | None:
    """In pixels, cut off at the picture's edges."""
    shares = np.array([region.left, region.top, region.left + region.width, region.top + region.height])
    if not np.isfinite(shares).all():
        return None
    left, top, right, bottom = (shares.clip(0, 1) * (width, height, width, height)).round().astype(int)
    return (int(left), int(top)), (min(int(right), width - 1), min(int(bottom), height - 1))
