"""Events of what does not walk: something left behind or gone, a lamp that flickers, the lens partly covered.

Each is None where this scene cannot show it.
"""

import cv2
import numpy as np

from detectors.planting.paint import Chance, Paint, smooth_noise
from detectors.planting.scene import Floats, Picture, Scene


def _spot(scene: Scene, chance: Chance) -> tuple[float, float]:
    """Height and width in px of a thing that fits this scene."""
    height = scene.empty.shape[0]
    actor = scene.someone(chance, moving=False)
    tall = actor.height if actor else 0.2 * height
    side = float(np.clip(tall * chance.uniform(0.45, 0.8), 0.06 * height, 0.25 * height))
    return side, side * float(chance.uniform(0.8, 1.4))


def left_behind(scene: Scene, chance: Chance) -> Paint | None:
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
    shade = 1 + 0.25 * np.linspace(-1, 1, wide)[None, :] + 0.15 * smooth_noise((tall, wide), chance)
    change = contrast * (cv2.GaussianBlur(shape, (5, 5), 0) * shade)[..., None]

    def paint(canvas: Floats, at: float) -> None:
        cut = np.s_[y : y + tall, x : x + wide]
        hidden = scene.in_front(canvas.astype(np.uint8))[cut][..., None]
        canvas[cut] += min(1.0, at / 0.5) * change * ~hidden

    return paint


def removed(scene: Scene, chance: Chance) -> Paint | None:
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


def flicker(scene: Scene, chance: Chance) -> Paint | None:
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


def partial_cover(scene: Scene, chance: Chance) -> Paint | None:
    """Something close to the lens slides in and stays, out of focus: a fifth to a third of the view."""
    height, width = scene.empty.shape[:2]
    share, side = float(chance.uniform(0.2, 0.35)), int(chance.integers(4))
    bulge = 0.15 * smooth_noise((64, 64), chance)
    down, across = np.mgrid[0:1:64j, 0:1:64j]
    depth = (across, 1 - across, down, 1 - down)[side] + bulge
    depth = cv2.resize(depth.astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC)
    tone = scene.empty.mean(axis=(0, 1)) * float(chance.uniform(0.3, 0.7))
    noise = cv2.resize(smooth_noise((32, 32), chance), (width, height), interpolation=cv2.INTER_CUBIC)
    look = tone + 6 * noise[..., None]

    def paint(canvas: Floats, at: float) -> None:
        edge = share * min(1.0, at / 0.6)
        soft = 1 / (1 + np.exp(np.clip((depth - edge) / 0.02, -30, 30)))[..., None]
        canvas += soft * (look - canvas)

    return paint
