"""Draws what was seen into a picture: boxes, places, a few lines of text, and the heat map's colours."""

import textwrap
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
_SOFT: Final = (200, 200, 200)
_SLACK: Final = 0.95  # letters of one text are wider than those of another
_BAR: Final = (32, 32, 32)
_FONT: Final = cv2.FONT_HERSHEY_SIMPLEX


def annotated(picture: Picture, verdict: Verdict) -> Picture:
    """A copy with the boxes and the place; above it stream, label, score and time, and under that, why."""
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
    return np.vstack([_bar(_ascii(line), _ascii(verdict.reason), width), drawn])


def _bar(line: str, reason: str, width: int) -> Picture:
    """The line, however long, and beneath it as much of the reason as fits in two more."""
    (wide, _), _ = cv2.getTextSize(line, _FONT, 1.0, 1)
    scale = min(width / 900, (width - 8) / max(1, wide))
    across = max(20, int((width - 8) / max(1.0, scale * wide / len(line)) * _SLACK))  # letters
    lines = [line, *textwrap.wrap(reason, across, max_lines=2, placeholder=" ...")]
    (_, tall), base = cv2.getTextSize("Ag", _FONT, scale, 1)
    step = tall + base + 4
    bar = np.full((step * len(lines) + 4, width, 3), _BAR, np.uint8)
    for number, text in enumerate(lines):
        at = (4, 4 + tall + step * number)
        cv2.putText(bar, text, at, _FONT, scale, _INK if number == 0 else _SOFT, 1, cv2.LINE_AA)
    return bar


def _ascii(text: str) -> str:
    """The font knows nothing else."""
    return text.encode("ascii", "replace").decode("ascii")


def ruled(picture: Picture) -> Picture:
    """A copy with lines at every tenth across and down, to read places off: shares from the top left."""
    drawn = picture.copy()
    height, width = drawn.shape[:2]
    scale = max(0.3, width / 1800)
    for tenth in range(1, 10):
        across, down = round(width * tenth / 10), round(height * tenth / 10)
        colour = _PLACE if tenth != 5 else _BOX
        cv2.line(drawn, (across, 0), (across, height - 1), colour, 1)
        cv2.line(drawn, (0, down), (width - 1, down), colour, 1)
        for at in ((across + 2, round(14 * scale) + 8), (2, down - 3)):
            cv2.putText(drawn, f"{tenth / 10}", at, _FONT, scale, _BAR, 3, cv2.LINE_AA)
            cv2.putText(drawn, f"{tenth / 10}", at, _FONT, scale, _INK, 1, cv2.LINE_AA)
    return drawn


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
