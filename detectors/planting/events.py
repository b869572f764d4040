"""Events planted into a camera's own footage: what a detector that learned this camera should tell of.

They show what is found, and never set a threshold: what is drawn is no false alarm. All but the texture comes
from the camera itself: its own moving things cut out, its own scene painted over.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from detectors.planting import standing, walking
from detectors.planting.paint import Chance, Paint
from detectors.planting.scene import Picture, Scene
from detectors.planting.walking import LASTS

LEAD, AFTER = 2.0, 1.0  # seconds of a planted clip before and after the event, which LASTS
VISIBLE = 3.0  # grey levels that a pixel must change to count as part of the event


class EventKind(StrEnum):
    """What is planted."""

    LEFT_BEHIND = "left_behind"
    REMOVED = "removed"
    WRONG_WAY = "wrong_way"
    TOO_FAST = "too_fast"
    TOO_SLOW = "too_slow"
    UNUSUAL_PLACE = "unusual_place"
    UNUSUAL_SIZE = "unusual_size"
    UNUSUAL_TEXTURE = "unusual_texture"
    FLICKER = "flicker"
    PARTIAL_COVER = "partial_cover"


# What a detector may rightly call it. What is left behind is new content, and changes the scene's structure.
TRUTH: dict[EventKind, frozenset[str]] = {
    EventKind.LEFT_BEHIND: frozenset({"structure", "content"}),
    EventKind.REMOVED: frozenset({"structure"}),
    EventKind.WRONG_WAY: frozenset({"motion"}),
    EventKind.TOO_FAST: frozenset({"motion"}),
    EventKind.TOO_SLOW: frozenset({"motion"}),
    EventKind.UNUSUAL_PLACE: frozenset({"content"}),
    EventKind.UNUSUAL_SIZE: frozenset({"content"}),
    EventKind.UNUSUAL_TEXTURE: frozenset({"content"}),
    EventKind.FLICKER: frozenset({"quality"}),
    EventKind.PARTIAL_COVER: frozenset({"quality", "structure"}),
}


@dataclass(frozen=True, slots=True, eq=False)
class Planted:
    """A stretch of footage with an event in it."""

    kind: EventKind
    pictures: list[Picture]  # (H, W, 3) BGR
    present: NDArray[np.bool_]  # (N,) the event is going on, and can be seen
    masks: NDArray[np.bool_]  # (N, H, W) where


def clip_length(rate: float) -> int:
    """Pictures of a planted clip."""
    return round((LEAD + LASTS + AFTER) * rate)


def plant(kind: EventKind, scene: Scene, host: Sequence[Picture], rate: float, seed: int) -> Planted | None:
    """One event in `host`, as many pictures as clip_length says; None where this scene cannot show it.

    The same seed gives the same event.
    """
    chance = np.random.default_rng([seed, *kind.encode()])
    paint = _PAINTERS[kind](scene, chance)
    if paint is None:
        return None
    first = round(LEAD * rate)
    end = min(len(host), round((LEAD + LASTS) * rate))
    pictures = list(host)
    masks = np.zeros((len(host), *host[0].shape[:2]), bool)
    for index in range(first, end):
        canvas = host[index].astype(np.float32)
        paint(canvas, (index - first) / rate)
        masks[index] = np.abs(canvas - host[index]).max(axis=2) > VISIBLE
        pictures[index] = np.clip(np.rint(canvas), 0, 255).astype(np.uint8)
    area = masks.mean(axis=(1, 2))
    present = area > 0.1 * max(float(np.median(area[area > 0])), 1e-9) if masks.any() else area > 0
    if kind is EventKind.FLICKER and present.any():  # between two flashes it still flickers
        present[first : int(np.flatnonzero(present)[-1]) + 1] = True
        masks[first:end] = masks.any(axis=0) & present[first:end, None, None]
    return Planted(kind, pictures, present, masks) if present.sum() >= 3 else None


_PAINTERS: dict[EventKind, Callable[[Scene, Chance], Paint | None]] = {
    EventKind.LEFT_BEHIND: standing.left_behind,
    EventKind.REMOVED: standing.removed,
    EventKind.WRONG_WAY: walking.wrong_way,
    EventKind.TOO_FAST: walking.too_fast,
    EventKind.TOO_SLOW: walking.too_slow,
    EventKind.UNUSUAL_PLACE: walking.unusual_place,
    EventKind.UNUSUAL_SIZE: walking.unusual_size,
    EventKind.UNUSUAL_TEXTURE: walking.unusual_texture,
    EventKind.FLICKER: standing.flicker,
    EventKind.PARTIAL_COVER: standing.partial_cover,
}
