"""Events planted into a camera's own footage: what a detector that learned this camera should tell of.

They show what is found, and never set a threshold: what is drawn is no false alarm. All but the texture comes
from the camera itself: its own moving things cut out, its own scene painted over.
Texture: after Zavrtanik et al., DRAEM, ICCV 2021.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

import cv2
import numpy as np
from numpy.typing import NDArray

from detectors.planting.scene import Actor, Floats, Picture, Scene

LEAD, LASTS, AFTER = 2.0, 5.0, 1.0  # seconds of a planted clip: before, during, after the event
VISIBLE = 3.0  # grey levels that a pixel must change to count as part of the event

Chance = np.random.Generator
Paint = Callable[[Floats, float], None]  # changes a picture (H, W, 3), so many seconds after the event began


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


def _actor(scene: Scene, chance: Chance, moving: bool) -> Actor | None:
    """One that is large and fast enough to be seen, preferably; a still one where nothing moves."""
    if not scene.actors:
        return None if moving else scene.still
    some = scene.actors
    if moving:
        quick = [one for one in some if one.speed > 0.15 * one.height]
        some = tuple(quick) or some
    return some[int(chance.integers(len(some)))]


class _Walk:
    """An actor on a straight way of its own through the picture."""

    def __init__(
        self, scene: Scene, actor: Actor, start: Floats, velocity: Floats, gait: float = 1.0
    ) -> None:
        self.patches, self.alphas = list(actor.patches), list(actor.alphas)
        self.size = 1.0
        self._scene, self._start, self._velocity = scene, start, velocity
        self._gait = gait  # pictures of the actor's own movement for each picture shown; negative: backwards
        self._row = float(actor.feet[:, 1].mean())

    def __call__(self, canvas: Floats, at: float) -> None:
        index = round(at * self._scene.rate * self._gait)
        there_and_back = np.abs(
            (index + len(self.patches) - 1) % max(1, 2 * len(self.patches) - 2) - len(self.patches) + 1
        )
        x, y = self._start + self._velocity * at
        scale = self.size * self._scene.scale(self._row, y)
        _put(canvas, self.patches[int(there_and_back)], self.alphas[int(there_and_back)], x, y, scale)


def _put(canvas: Floats, patch: Picture, alpha: Floats, x: float, y: float, scale: float) -> None:
    """Blends a patch in, the middle of its lower edge at x, y; what lies outside is cut off."""
    height, width = canvas.shape[:2]
    tall, wide = max(2, round(patch.shape[0] * scale)), max(2, round(patch.shape[1] * scale))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    new = cv2.resize(patch, (wide, tall), interpolation=how).astype(np.float32)
    soft = cv2.resize(alpha, (wide, tall), interpolation=how)[..., None]
    left, top = round(x - wide / 2), round(y - tall)
    x0, y0, x1, y1 = max(0, left), max(0, top), min(width, left + wide), min(height, top + tall)
    if x0 >= x1 or y0 >= y1:
        return
    cut = np.s_[y0 - top : y1 - top, x0 - left : x1 - left]
    there = canvas[y0:y1, x0:x1]
    there += soft[cut] * (new[cut] - there)


def _own_way(scene: Scene, actor: Actor, chance: Chance, times: float) -> tuple[Floats, Floats]:
    """Start and velocity on the actor's own path, so many times its speed; in the picture while it lasts."""
    velocity = actor.velocity * times
    middle = actor.feet[int(chance.integers(len(actor.feet)))]
    seconds = min(LASTS, 0.8 * scene.empty.shape[1] / max(float(np.hypot(*velocity)), 1.0))
    return _inside(scene, actor, middle - velocity * seconds / 2, velocity, seconds), velocity


def _inside(scene: Scene, actor: Actor, start: Floats, velocity: Floats, seconds: float) -> Floats:
    """The start, shifted so that as much as possible of the way lies in the picture."""
    height, width = scene.empty.shape[:2]
    ends = np.stack([start, start + velocity * seconds])
    low = np.array([actor.width / 2, min(actor.height, height - 2)])
    high = np.array([width - actor.width / 2, height - 2])
    shift = np.maximum(low - ends.min(axis=0), 0)
    shift = np.where(shift > 0, shift, np.minimum(high - ends.max(axis=0), 0))
    inside: Floats = (start + shift).astype(np.float32)
    return inside


def _wrong_way(scene: Scene, chance: Chance) -> Paint | None:
    """At its own speed, in the direction that is rarest around its path, its movements played backwards."""
    actor = _actor(scene, chance, moving=True)
    if actor is None:
        return None
    here = actor.feet.mean(axis=0)
    votes = np.zeros(8)
    for other in scene.actors:
        near = np.hypot(*(other.feet - here).T) < 0.25 * scene.empty.shape[1]
        votes[round(float(np.arctan2(*other.velocity[::-1])) / (np.pi / 4)) % 8] += near.sum()
    votes = votes + 0.5 * (np.roll(votes, 1) + np.roll(votes, -1))
    rare = np.flatnonzero(votes <= votes.min() + 0.02 * votes.sum())
    own = np.arctan2(*actor.velocity[::-1])
    against = min(rare, key=lambda way: abs(np.cos(way * np.pi / 4 - own) + 1) + 0.2 * chance.random())
    way = against * np.pi / 4
    velocity = (actor.speed * np.array([np.cos(way), np.sin(way)])).astype(np.float32)
    start = _inside(scene, actor, here - velocity * LASTS / 2, velocity, LASTS)
    return _Walk(scene, actor, start, velocity, gait=-1)


def _too_fast(scene: Scene, chance: Chance) -> Paint | None:
    actor = _actor(scene, chance, moving=True)
    if actor is None:
        return None
    times = float(chance.uniform(2.5, 4.0))
    return _Walk(scene, actor, *_own_way(scene, actor, chance, times), gait=2)


def _too_slow(scene: Scene, chance: Chance) -> Paint | None:
    actor = _actor(scene, chance, moving=True)
    if actor is None:
        return None
    times = float(chance.uniform(0.1, 0.3))
    return _Walk(scene, actor, *_own_way(scene, actor, chance, times), gait=times)


def _unusual_place(scene: Scene, chance: Chance) -> Paint | None:
    """Where nothing, or as little as possible, was ever seen, along its own direction."""
    actor = _actor(scene, chance, moving=False)
    if actor is None:
        return None
    height, width = scene.empty.shape[:2]
    tall, wide = round(actor.height), round(actor.width)
    seen = cv2.blur(scene.visits, (wide, tall), anchor=(wide // 2, tall - 1), borderType=cv2.BORDER_REPLICATE)
    velocity = 0.6 * actor.velocity
    options = []
    for _ in range(60):
        at = np.array([chance.uniform(wide, width - wide), chance.uniform(min(tall, height - 3), height - 2)])
        start = _inside(scene, actor, (at - velocity * LASTS / 2).astype(np.float32), velocity, LASTS)
        way = start + velocity * np.linspace(0, LASTS, 9)[:, None]
        rows, cols = (np.clip(way[:, i], 0, end - 1).astype(int) for i, end in ((1, height), (0, width)))
        options.append((float(seen[rows, cols].mean()), start))
    best = min(options, key=lambda option: option[0])[0]
    good = [start for share, start in options if share <= 1.5 * best + 1e-4]
    return _Walk(scene, actor, good[int(chance.integers(len(good)))], velocity)


def _unusual_size(scene: Scene, chance: Chance) -> Paint | None:
    actor = _actor(scene, chance, moving=False)
    if actor is None:
        return None
    walk = _Walk(scene, actor, *_own_way(scene, actor, chance, 1.0))
    most = 0.8 * scene.empty.shape[0] / actor.height
    walk.size = min(float(chance.uniform(1.8, 2.6)), most)
    return walk if walk.size > 1.5 else None


def _unusual_texture(scene: Scene, chance: Chance) -> Paint | None:
    """Walks as it always does, and bears a pattern that nothing here bears."""
    actor = _actor(scene, chance, moving=False)
    if actor is None:
        return None
    walk = _Walk(scene, actor, *_own_way(scene, actor, chance, 1.0))
    tall, wide = (max(len(p) for p in actor.patches), max(p.shape[1] for p in actor.patches))
    colours = (
        chance.uniform(0, 255, (2, 3))
        if np.ptp(scene.empty, axis=2).mean() > 2
        else chance.uniform(0, 255, (2, 1)) * [1, 1, 1]
    )
    colours[1] = (colours[0] + 128) % 256  # well apart
    stripes = 0.5 + 0.5 * np.sin(
        np.arange(tall)[:, None] * float(chance.uniform(0.6, 1.5))
        + np.arange(wide) * float(chance.uniform(-1.5, 1.5))
    )
    texture = (colours[0] + stripes[..., None] * (colours[1] - colours[0])).astype(np.float32)
    patches = walk.patches
    blots = _blots((tall, wide), chance) > np.quantile(_blots((tall, wide), chance), 0.2)
    for number, (patch, alpha) in enumerate(zip(patches, walk.alphas, strict=True)):
        h, w = patch.shape[:2]
        worn = cv2.GaussianBlur((blots[:h, :w] & (alpha > 0.5)).astype(np.float32), (3, 3), 0)[..., None]
        patches[number] = (patch + worn * (texture[:h, :w] - patch)).astype(np.uint8)
    return walk


def _blots(shape: tuple[int, int], chance: Chance) -> Floats:
    """Smooth noise of several sizes, as Perlin's."""
    total = np.zeros(shape, np.float32)
    for cells in (2, 4, 8):
        total += cv2.resize(
            chance.normal(0, 1 / cells, (cells + 1, cells + 1)).astype(np.float32),
            shape[::-1],
            interpolation=cv2.INTER_CUBIC,
        )
    return total


def _spot(scene: Scene, chance: Chance) -> tuple[float, float]:
    """Height and width in px of a thing that fits this scene."""
    height = scene.empty.shape[0]
    actor = _actor(scene, chance, moving=False)
    tall = actor.height if actor else 0.2 * height
    side = float(np.clip(tall * chance.uniform(0.45, 0.8), 0.06 * height, 0.25 * height))
    return side, side * float(chance.uniform(0.8, 1.4))


def _left_behind(scene: Scene, chance: Chance) -> Paint | None:
    """A box hardly different from the ground, set down within half a second; who passes hides it."""
    height, width = scene.empty.shape[:2]
    tall, wide = (round(side) for side in _spot(scene, chance))
    grey = cv2.cvtColor(scene.empty, cv2.COLOR_BGR2GRAY).astype(np.float32)
    rough = cv2.blur(np.abs(cv2.Laplacian(grey, cv2.CV_32F)), (wide, tall))
    options = [
        (int(chance.integers(4, width - wide - 4)), int(chance.integers(height // 4, height - tall - 4)))
        for _ in range(20)
    ]
    x, y = min(options, key=lambda at: float(rough[at[1] + tall // 2, at[0] + wide // 2]))  # on even ground
    bright = float(grey[y : y + tall, x : x + wide].mean())
    contrast = float(chance.uniform(12, 24)) * (1 if bright < 90 else -1)
    shape = np.zeros((tall, wide), np.float32)
    cv2.rectangle(shape, (2, 2), (wide - 3, tall - 3), 1.0, cv2.FILLED)
    shade = 1 + 0.25 * np.linspace(-1, 1, wide)[None, :] + 0.15 * _blots((tall, wide), chance)
    change = contrast * (cv2.GaussianBlur(shape, (5, 5), 0) * shade)[..., None]

    def paint(canvas: Floats, at: float) -> None:
        cut = np.s_[y : y + tall, x : x + wide]
        hidden = scene.in_front(canvas.astype(np.uint8))[cut][..., None]
        canvas[cut] += min(1.0, at / 0.5) * change * ~hidden

    return paint


def _removed(scene: Scene, chance: Chance) -> Paint | None:
    """Something that belongs to the scene is gone: painted over from around it, passers-by in front of it."""
    height, width = scene.empty.shape[:2]
    tall, wide = (round(side) for side in _spot(scene, chance))
    best: tuple[float, int, int, Picture] | None = None
    noise = chance.normal(0, 1.5, (tall, wide, 1)).astype(np.float32)
    for _ in range(60):
        x, y = int(chance.integers(6, width - wide - 6)), int(chance.integers(6, height - tall - 6))
        if scene.visits[y : y + tall, x : x + wide].mean() > 0.03:
            continue
        around = scene.empty[y - 6 : y + tall + 6, x - 6 : x + wide + 6].copy()
        hole = np.zeros(around.shape[:2], np.uint8)
        hole[6:-6, 6:-6] = 255
        filled = cv2.inpaint(around, hole, 3, cv2.INPAINT_TELEA)[6:-6, 6:-6]
        differs = float(np.abs(filled.astype(np.float32) - scene.empty[y : y + tall, x : x + wide]).mean())
        if best is None or differs > best[0]:
            best = differs, x, y, filled  # type: ignore[assignment]
    if best is None or best[0] < 8.0:
        return None
    _, x, y, filled = best
    cut = np.s_[y : y + tall, x : x + wide]
    change = filled.astype(np.float32) - scene.empty[cut] + noise

    def paint(canvas: Floats, at: float) -> None:
        hidden = scene.in_front(canvas.astype(np.uint8))[cut][..., None]
        canvas[cut] += min(1.0, at / 0.5) * change * ~hidden

    return paint


def _flicker(scene: Scene, chance: Chance) -> Paint | None:
    """A lamp or a screen that goes on and off, several times a second."""
    height, width = scene.empty.shape[:2]
    tall, wide = (2.0 * side for side in _spot(scene, chance))
    x, y = chance.uniform(0.15, 0.85) * width, chance.uniform(0.2, 0.85) * height
    rows, cols = np.mgrid[:height, :width].astype(np.float32)
    glow = np.exp(-2 * (((cols - x) / wide) ** 2 + ((rows - y) / tall) ** 2))[..., None].astype(np.float32)
    gain, hertz = float(chance.choice([-1, 1]) * chance.uniform(0.25, 0.5)), float(chance.uniform(1.5, 3.5))

    def paint(canvas: Floats, at: float) -> None:
        if np.sin(2 * np.pi * hertz * at) >= 0:
            canvas *= 1 + gain * glow

    return paint


def _partial_cover(scene: Scene, chance: Chance) -> Paint | None:
    """Something close to the lens slides in and stays, out of focus: a fifth to a third of the view."""
    height, width = scene.empty.shape[:2]
    share, side = float(chance.uniform(0.2, 0.35)), int(chance.integers(4))
    bulge = 0.15 * _blots((64, 64), chance)
    down, across = np.mgrid[0:1:64j, 0:1:64j]
    depth = (across, 1 - across, down, 1 - down)[side] + bulge
    depth = cv2.resize(depth.astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC)
    tone = scene.empty.mean(axis=(0, 1)) * float(chance.uniform(0.3, 0.7))
    look = (
        tone
        + 6 * cv2.resize(_blots((32, 32), chance), (width, height), interpolation=cv2.INTER_CUBIC)[..., None]
    )

    def paint(canvas: Floats, at: float) -> None:
        edge = share * min(1.0, at / 0.6)
        soft = 1 / (1 + np.exp(np.clip((depth - edge) / 0.02, -30, 30)))[..., None]
        canvas += soft * (look - canvas)

    return paint


_PAINTERS: dict[EventKind, Callable[[Scene, Chance], Paint | None]] = {
    EventKind.LEFT_BEHIND: _left_behind,
    EventKind.REMOVED: _removed,
    EventKind.WRONG_WAY: _wrong_way,
    EventKind.TOO_FAST: _too_fast,
    EventKind.TOO_SLOW: _too_slow,
    EventKind.UNUSUAL_PLACE: _unusual_place,
    EventKind.UNUSUAL_SIZE: _unusual_size,
    EventKind.UNUSUAL_TEXTURE: _unusual_texture,
    EventKind.FLICKER: _flicker,
    EventKind.PARTIAL_COVER: _partial_cover,
}
