"""Events of who walks as nobody does here: too fast, too slow, the wrong way, elsewhere, large, patterned.

Each is None where this scene cannot show it. Texture: after Zavrtanik et al., DRAEM, ICCV 2021.
"""

import cv2
import numpy as np

from detectors.planting.paint import Chance, Paint, smooth_noise
from detectors.planting.scene import Actor, Floats, Picture, Scene

LASTS = 5.0  # seconds that an event goes on


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


def wrong_way(scene: Scene, chance: Chance) -> Paint | None:
    """At its own speed, in the direction that is rarest around its path, its movements played backwards."""
    actor = scene.someone(chance, moving=True)
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


def too_fast(scene: Scene, chance: Chance) -> Paint | None:
    actor = scene.someone(chance, moving=True)
    if actor is None:
        return None
    times = float(chance.uniform(2.5, 4.0))
    return _Walk(scene, actor, *_own_way(scene, actor, chance, times), gait=2)


def too_slow(scene: Scene, chance: Chance) -> Paint | None:
    actor = scene.someone(chance, moving=True)
    if actor is None:
        return None
    times = float(chance.uniform(0.1, 0.3))
    return _Walk(scene, actor, *_own_way(scene, actor, chance, times), gait=times)


def unusual_place(scene: Scene, chance: Chance) -> Paint | None:
    """Where nothing, or as little as possible, was ever seen, along its own direction."""
    actor = scene.someone(chance, moving=False)
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


def unusual_size(scene: Scene, chance: Chance) -> Paint | None:
    actor = scene.someone(chance, moving=False)
    if actor is None:
        return None
    walk = _Walk(scene, actor, *_own_way(scene, actor, chance, 1.0))
    most = 0.8 * scene.empty.shape[0] / actor.height
    walk.size = min(float(chance.uniform(1.8, 2.6)), most)
    return walk if walk.size > 1.5 else None


def unusual_texture(scene: Scene, chance: Chance) -> Paint | None:
    """Walks as it always does, and bears a pattern that nothing here bears."""
    actor = scene.someone(chance, moving=False)
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
    stained = smooth_noise((tall, wide), chance) > np.quantile(smooth_noise((tall, wide), chance), 0.2)
    for number, (patch, alpha) in enumerate(zip(patches, walk.alphas, strict=True)):
        h, w = patch.shape[:2]
        worn = cv2.GaussianBlur((stained[:h, :w] & (alpha > 0.5)).astype(np.float32), (3, 3), 0)[..., None]
        patches[number] = (patch + worn * (texture[:h, :w] - patch)).astype(np.uint8)
    return walk
