"""What moves through the drawn street: people that walk, cars that drive, and how to lay them over it."""

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Colour = tuple[int, int, int]  # BGR, 0..255
Sprite = NDArray[np.float32]  # (h, w, 4): BGR 0..255 and opacity 0..1

Point = NDArray[np.float64]  # x, y
FINE = 3  # sprites are drawn this many times larger and scaled down, which smooths their edges


@dataclass(frozen=True, slots=True)
class Dress:
    """What a person wears."""

    coat: Colour
    trousers: Colour
    skin: Colour = (150, 178, 214)
    hair: Colour = (38, 48, 62)
    bag: Colour | None = None


def lay_over(picture: NDArray[np.uint8], sprite: Sprite, left: float, top: float) -> None:
    """Blends a sprite into a picture (H, W, 3) in place, at any fraction of a pixel; the outside is cut."""
    height, width = picture.shape[:2]
    x, y = math.floor(left), math.floor(top)
    shift = np.array([[1, 0, left - x], [0, 1, top - y]], dtype=np.float32)
    rows, columns = sprite.shape[0] + 1, sprite.shape[1] + 1
    x0, y0, x1, y1 = max(x, 0), max(y, 0), min(x + columns, width), min(y + rows, height)
    if x0 >= x1 or y0 >= y1:
        return
    moved = cv2.warpAffine(sprite, shift, (columns, rows))[y0 - y : y1 - y, x0 - x : x1 - x]
    alpha = moved[..., 3:]
    under = picture[y0:y1, x0:x1]
    # Colours are held as they are, not multiplied by their opacity: so weigh them here.
    under[:] = (under * (1 - alpha) + moved[..., :3] * alpha + 0.5).astype(np.uint8)


def shade(picture: NDArray[np.uint8], x: float, y: float, half_width: float, half_height: float) -> None:
    """A soft shadow on the ground, centred at (x, y)."""
    grid_y, grid_x = np.mgrid[-1.5:1.5:24j, -1.5:1.5:48j]
    soft = np.clip(1.3 - np.hypot(grid_x, grid_y), 0, 1) * 0.42
    size = (max(2, round(3 * half_width)), max(2, round(3 * half_height)))
    sprite = np.zeros((size[1], size[0], 4), np.float32)
    sprite[..., :3] = (30, 24, 22)
    sprite[..., 3] = cv2.resize(soft.astype(np.float32), size)
    lay_over(picture, sprite, x - size[0] / 2, y - size[1] / 2)


def walker(height: float, phase: float, dress: Dress, heading: int) -> Sprite:
    """A person seen from the side, `height` pixels tall, `phase` radians into a double step.

    The sprite is 0.7 heights wide and 1.06 heights tall; the feet stand near its lower edge, in the middle.
    heading: 1 walks to the right, -1 to the left.
    """
    h = height * FINE
    canvas = np.zeros((int(h * 1.06), int(h * 0.7), 4), np.float32)
    middle = canvas.shape[1] / 2
    bob = 0.012 * h * math.cos(2 * phase)
    hip = np.array([middle, 0.53 * h + bob])
    neck = _from(hip, 0.02 * h, -0.34 * h)

    def limb(start: Point, angle: float, length: float, thick: float, colour: Colour) -> Point:
        end: Point = start + length * h * np.array([math.sin(angle), math.cos(angle)])
        cv2.line(canvas, _at(start), _at(end), (*colour, 1.0), max(1, int(thick * h)), cv2.LINE_AA)
        return end

    def leg(swing: float, colour: Colour) -> None:
        thigh = 0.46 * math.sin(swing)
        knee = 0.14 + 0.62 * max(0.0, math.cos(swing))
        foot = limb(limb(hip, thigh, 0.25, 0.085, colour), thigh - knee, 0.24, 0.066, colour)
        limb(foot, thigh - knee + math.pi / 2, 0.065, 0.05, (28, 28, 34))

    def arm(swing: float, colour: Colour) -> None:
        upper = -0.5 * math.sin(swing)
        elbow = limb(_from(neck, -0.005 * h, 0.05 * h), upper, 0.16, 0.062, colour)
        hand = limb(elbow, upper + 0.35, 0.14, 0.052, colour)
        cv2.circle(canvas, _at(hand), int(0.026 * h), (*dress.skin, 1.0), -1, cv2.LINE_AA)

    far, near = _darker(dress.coat, 0.72), dress.coat
    arm(phase + math.pi, far)
    leg(phase + math.pi, _darker(dress.trousers, 0.72))
    leg(phase, dress.trousers)
    shoulders, waist = 0.078 * h, 0.068 * h
    body = [
        _from(neck, -shoulders, 0.03 * h),
        _from(neck, -0.02 * h, 0.0),
        _from(neck, shoulders, 0.035 * h),
        _from(hip, waist, 0.045 * h),
        _from(hip, -waist, 0.045 * h),
    ]
    cv2.fillPoly(canvas, [np.array([_at(p) for p in body], np.int32)], (*near, 1.0), cv2.LINE_AA)
    cv2.polylines(
        canvas, [np.array([_at(p) for p in body], np.int32)], True, (*near, 1.0), int(0.03 * h), cv2.LINE_AA
    )
    if dress.bag is not None:
        cv2.ellipse(
            canvas,
            _at(_from(neck, -0.1 * h, 0.14 * h)),
            (int(0.055 * h), int(0.1 * h)),
            8,
            0,
            360,
            (*dress.bag, 1.0),
            -1,
            cv2.LINE_AA,
        )
    arm(phase, _darker(dress.coat, 0.88))
    head = _from(neck, 0.018 * h, -0.085 * h)
    cv2.line(canvas, _at(neck), _at(head), (*_darker(dress.skin, 0.85), 1.0), int(0.05 * h), cv2.LINE_AA)
    cv2.ellipse(
        canvas, _at(head), (int(0.05 * h), int(0.066 * h)), 0, 0, 360, (*dress.skin, 1.0), -1, cv2.LINE_AA
    )
    cv2.ellipse(
        canvas,
        _at(_from(head, -0.008 * h, -0.016 * h)),
        (int(0.054 * h), int(0.058 * h)),
        0,
        150,
        330,
        (*dress.hair, 1.0),
        -1,
        cv2.LINE_AA,
    )
    return _finish(canvas, heading)


def car(length: float, colour: Colour, turn: float, heading: int) -> Sprite:
    """A car seen from the side, `length` pixels long, its wheels turned by `turn` radians.

    The sprite is as wide as the car and 0.42 lengths tall; the wheels stand on its lower edge.
    """
    n = length * FINE
    canvas = np.zeros((int(0.42 * n), int(n), 4), np.float32)

    def shape(points: list[tuple[float, float]], fill: Colour) -> None:
        corners = np.array([(x * n, y * n) for x, y in points], np.int32)
        cv2.fillPoly(canvas, [corners], (*fill, 1.0), cv2.LINE_AA)

    dark, glass = _darker(colour, 0.6), (92, 78, 66)
    shape([(0.2, 0.17), (0.3, 0.04), (0.62, 0.03), (0.76, 0.17)], _darker(colour, 0.9))
    shape([(0.235, 0.165), (0.315, 0.06), (0.455, 0.055), (0.455, 0.165)], glass)
    shape([(0.475, 0.165), (0.475, 0.055), (0.605, 0.05), (0.71, 0.165)], glass)
    shape([(0.26, 0.16), (0.33, 0.07), (0.37, 0.068), (0.30, 0.16)], (140, 126, 112))
    shape([(0.52, 0.16), (0.56, 0.06), (0.59, 0.06), (0.55, 0.16)], (140, 126, 112))
    shape(
        [
            (0.02, 0.2),
            (0.07, 0.165),
            (0.75, 0.16),
            (0.93, 0.19),
            (0.985, 0.235),
            (0.985, 0.34),
            (0.015, 0.34),
        ],
        colour,
    )
    shape([(0.02, 0.285), (0.985, 0.285), (0.985, 0.345), (0.015, 0.345)], dark)
    shape([(0.03, 0.195), (0.9, 0.19), (0.93, 0.2), (0.03, 0.205)], _lighter(colour, 0.35))
    for x in (0.465, 0.24, 0.70):
        cv2.line(
            canvas,
            (int(x * n), int(0.18 * n)),
            (int(x * n), int(0.31 * n)),
            (*dark, 1.0),
            max(1, int(0.006 * n)),
            cv2.LINE_AA,
        )
    shape([(0.945, 0.215), (0.985, 0.235), (0.985, 0.265), (0.95, 0.255)], (205, 235, 245))
    shape([(0.015, 0.215), (0.045, 0.2), (0.045, 0.25), (0.015, 0.255)], (50, 45, 190))
    for x in (0.2, 0.79):
        hub = (int(x * n), int(0.335 * n))
        cv2.circle(canvas, hub, int(0.085 * n), (26, 26, 28, 1.0), -1, cv2.LINE_AA)
        cv2.circle(canvas, hub, int(0.05 * n), (165, 165, 165, 1.0), -1, cv2.LINE_AA)
        for spoke in range(5):
            angle = turn + spoke * 2 * math.pi / 5
            tip = (int(hub[0] + 0.05 * n * math.cos(angle)), int(hub[1] + 0.05 * n * math.sin(angle)))
            cv2.line(canvas, hub, tip, (70, 70, 72, 1.0), max(1, int(0.014 * n)), cv2.LINE_AA)
    return _finish(canvas, heading)


def _finish(canvas: NDArray[np.float32], heading: int) -> Sprite:
    """Scales the large drawing down, without dark fringes: colour and opacity are averaged together."""
    canvas[..., :3] *= canvas[..., 3:]
    size = (canvas.shape[1] // FINE, canvas.shape[0] // FINE)
    small = cv2.resize(canvas, size, interpolation=cv2.INTER_AREA)
    small = np.concatenate([small[..., :3] / np.maximum(small[..., 3:], 1e-3), small[..., 3:]], axis=-1)
    turned: Sprite = np.ascontiguousarray(small if heading > 0 else small[:, ::-1], np.float32)
    return turned


def _at(point: Point) -> tuple[int, int]:
    return round(float(point[0])), round(float(point[1]))


def _from(point: Point, right: float, down: float) -> Point:
    there: Point = point + np.array([right, down])
    return there


def _darker(colour: Colour, share: float) -> Colour:
    return int(colour[0] * share), int(colour[1] * share), int(colour[2] * share)


def _lighter(colour: Colour, share: float) -> Colour:
    blue, green, red = (int(c + (255 - c) * share) for c in colour)
    return blue, green, red
