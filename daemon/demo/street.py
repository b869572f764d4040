"""The drawn street without anybody in it: houses, pavement, road, verge, and the trees that sway over it."""

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from daemon.demo.figures import Colour, Sprite

WIDTH, HEIGHT = 640, 360
PAVEMENT, KERB, ROAD, VERGE = 196, 247, 253, 324  # the upper edges, in pixels
POLES = (
    (92, 160, 101, KERB),
    (466, 160, 475, KERB),
    (317, 92, 322, KERB),
)  # trunks and lamp: in front of walkers
FINE = 2  # the street is drawn this many times larger and scaled down


@dataclass(frozen=True, slots=True)
class House:
    """One facade: where it stands, what it is painted, how many windows it has, what is at its foot."""

    left: int
    right: int
    top: int
    paint: Colour
    columns: int
    rows: int
    shop: Colour | None = None


HOUSES = (
    House(-8, 152, 30, (128, 152, 176), 4, 3),
    House(152, 300, 14, (150, 172, 190), 4, 3, shop=(62, 88, 46)),
    House(300, 416, 40, (116, 128, 168), 3, 3),
    House(416, 548, 22, (176, 184, 188), 4, 3, shop=(60, 52, 128)),
    House(548, 648, 36, (138, 160, 158), 3, 3),
)


def draw_street(rng: np.random.Generator) -> NDArray[np.uint8]:
    """The empty street, (HEIGHT, WIDTH, 3) BGR; the same for the same generator."""
    canvas = np.zeros((HEIGHT * FINE, WIDTH * FINE, 3), np.float32)
    _box(canvas, 0, 0, WIDTH, HEIGHT, (120, 122, 124))
    for row in range(60 * FINE):  # sky
        canvas[row] = np.array((236, 216, 190)) + (row / (60 * FINE)) * np.array((6, 18, 36))
    for house in HOUSES:
        _house(canvas, house, rng)
    _ground(canvas, rng)
    _furniture(canvas)
    grain = rng.normal(0, 2.6, (*canvas.shape[:2], 1))
    patches = cv2.resize(rng.normal(0, 1, (23, 40)).astype(np.float32), (WIDTH * FINE, HEIGHT * FINE))
    canvas = canvas * (1 + 0.02 * patches[..., None]) + grain.astype(np.float32)
    canvas *= _light(rng)[..., None]
    small = cv2.resize(canvas, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)
    finished: NDArray[np.uint8] = np.clip(small, 0, 255).astype(np.uint8)
    return finished


def draw_crown(rng: np.random.Generator, radius: int, tint: Colour, leaves: int) -> Sprite:
    """A layer of a tree's crown: (2.4 radius, 2.4 radius, 4)."""
    side = int(2.4 * radius) * FINE
    canvas = np.zeros((side, side, 4), np.float32)
    for _ in range(leaves):
        angle, distance = rng.uniform(0, 2 * math.pi), radius * FINE * math.sqrt(rng.uniform(0, 0.92))
        spot = (
            int(side / 2 + distance * math.cos(angle) * 1.08),
            int(side / 2 + distance * math.sin(angle) * 0.92),
        )
        light = 1.0 - 0.35 * (spot[1] / side) + rng.normal(0, 0.12)
        colour = tuple(float(np.clip(c * light, 0, 255)) for c in tint)
        size = (int(rng.integers(3, 8)), int(rng.integers(2, 5)))
        cv2.ellipse(canvas, spot, size, float(rng.uniform(0, 180)), 0, 360, (*colour, 1.0), -1, cv2.LINE_AA)
    canvas[..., :3] *= canvas[..., 3:]
    small = cv2.resize(canvas, (side // FINE, side // FINE), interpolation=cv2.INTER_AREA)
    colours = small[..., :3] / np.maximum(small[..., 3:], 1e-3)
    return np.concatenate([colours, small[..., 3:]], axis=-1).astype(np.float32)


def _box(
    canvas: NDArray[np.float32], left: float, top: float, right: float, bottom: float, colour: Colour
) -> None:
    """Fills a box given in pixels of the finished picture."""
    corner, end = (round(left * FINE), round(top * FINE)), (round(right * FINE) - 1, round(bottom * FINE) - 1)
    cv2.rectangle(canvas, corner, end, colour, -1)


def _tone(colour: Colour, share: float) -> Colour:
    blue, green, red = (int(np.clip(c * share, 0, 255)) for c in colour)
    return blue, green, red


def _house(canvas: NDArray[np.float32], house: House, rng: np.random.Generator) -> None:
    _box(canvas, house.left, house.top, house.right, PAVEMENT, house.paint)
    for y in range(house.top, PAVEMENT, 5):  # courses of stone
        _box(canvas, house.left, y, house.right, y + 0.5, _tone(house.paint, 0.95))
    _box(canvas, house.left - 1, house.top - 5, house.right + 1, house.top, _tone(house.paint, 0.72))
    _box(canvas, house.left - 1, house.top, house.right + 1, house.top + 2, _tone(house.paint, 0.55))
    _box(canvas, house.right - 2, house.top, house.right, PAVEMENT, _tone(house.paint, 0.8))
    width, floor = (house.right - house.left) / house.columns, (150 - house.top) / house.rows
    for row in range(house.rows):
        for column in range(house.columns):
            middle, sill = house.left + width * (column + 0.5), house.top + 8 + floor * row
            _window(canvas, middle, sill, width * 0.25, floor * 0.66, rng)
    if house.shop is None:
        _entrance(canvas, house, rng)
    else:
        _shop(canvas, house, house.shop)
    _box(canvas, house.left, PAVEMENT - 4, house.right, PAVEMENT, _tone(house.paint, 0.62))


def _window(
    canvas: NDArray[np.float32], x: float, y: float, half: float, height: float, rng: np.random.Generator
) -> None:
    _box(canvas, x - half - 1.5, y - 1.5, x + half + 1.5, y + height + 1.5, (206, 212, 216))
    glass = _tone((104, 88, 76), float(rng.uniform(0.7, 1.15)))
    _box(canvas, x - half, y, x + half, y + height, glass)
    _box(canvas, x - half, y, x + half, y + height * float(rng.uniform(0.2, 0.5)), _tone(glass, 1.35))
    if rng.random() < 0.35:  # a curtain
        side = 1 if rng.random() < 0.5 else -1
        _box(canvas, min(x, x + side * half), y, max(x, x + side * half), y + height, (178, 190, 198))
    _box(canvas, x - 0.5, y, x + 0.5, y + height, (198, 204, 208))
    _box(canvas, x - half, y + height * 0.4, x + half, y + height * 0.4 + 1, (198, 204, 208))
    _box(canvas, x - half - 3, y + height + 1.5, x + half + 3, y + height + 4, (168, 172, 174))


def _entrance(canvas: NDArray[np.float32], house: House, rng: np.random.Generator) -> None:
    x = house.left + (house.right - house.left) * float(rng.uniform(0.3, 0.6))
    _box(canvas, x - 12, 152, x + 12, PAVEMENT, (190, 196, 198))
    _box(canvas, x - 10, 155, x + 10, PAVEMENT, (58, 66, 92))
    for side in (-1, 1):
        _box(canvas, x + side * 5 - 3.5, 160, x + side * 5 + 3.5, 172, (74, 84, 116))
        _box(canvas, x + side * 5 - 3.5, 176, x + side * 5 + 3.5, 190, (74, 84, 116))
    for offset in (-38, 38):
        if house.left + 8 < x + offset - 14 and x + offset + 14 < house.right - 8:
            _window(canvas, x + offset, 158, 11, 24, rng)


def _shop(canvas: NDArray[np.float32], house: House, awning: Colour) -> None:
    left, right = house.left + 8, house.right - 10
    _box(canvas, left, 158, right, PAVEMENT, (70, 62, 56))
    for pane in range(4):
        x0 = left + (right - left) * pane / 4 + 2
        x1 = left + (right - left) * (pane + 1) / 4 - 2
        _box(canvas, x0, 162, x1, PAVEMENT - 8, (128, 138, 142))
        _box(canvas, x0, 162, x1, 172, (164, 166, 160))
        _box(canvas, x0 + 4, 180, x1 - 4, PAVEMENT - 8, (96, 112, 128))
    for stripe in range(16):
        x0, x1 = (
            left - 3 + (right - left + 6) * stripe / 16,
            left - 3 + (right - left + 6) * (stripe + 1) / 16,
        )
        colour = awning if stripe % 2 else (208, 212, 214)
        corners = [(x0 + 2, 148), (x1 + 2, 148), (x1, 163), (x0, 163)]
        cv2.fillPoly(canvas, [np.array([(x * FINE, y * FINE) for x, y in corners], np.int32)], colour)
    _box(canvas, left - 3, 163, right + 3, 165, _tone(awning, 0.6))


def _ground(canvas: NDArray[np.float32], rng: np.random.Generator) -> None:
    _box(canvas, 0, PAVEMENT, WIDTH, KERB, (158, 164, 168))
    for row, y in enumerate(range(PAVEMENT, KERB, 13)):  # slabs
        _box(canvas, 0, y, WIDTH, y + 0.7, (136, 141, 145))
        for x in range(-(row % 2) * 14, WIDTH, 28):
            _box(canvas, x, y, x + 0.7, y + 13, (140, 145, 149))
            if rng.random() < 0.2:
                _box(
                    canvas,
                    x + 1,
                    y + 1,
                    x + 27,
                    y + 12.5,
                    _tone((158, 164, 168), float(rng.uniform(0.94, 1.05))),
                )
    _box(canvas, 0, KERB, WIDTH, KERB + 3, (190, 194, 196))
    _box(canvas, 0, KERB + 3, WIDTH, ROAD, (98, 100, 102))
    _box(canvas, 0, ROAD, WIDTH, VERGE, (92, 90, 88))
    for _ in range(9):  # patches of newer asphalt
        left, top = float(rng.uniform(0, WIDTH)), float(rng.uniform(ROAD + 4, VERGE - 16))
        right, bottom = left + float(rng.uniform(20, 90)), top + float(rng.uniform(4, 11))
        _box(canvas, left, top, right, bottom, (84, 82, 80))
    for x in (120, 400):  # arrows: a one-way street, to the left
        arrow = [
            (x, 289),
            (x + 16, 282),
            (x + 16, 286.5),
            (x + 62, 286.5),
            (x + 62, 291.5),
            (x + 16, 291.5),
            (x + 16, 296),
        ]
        points = np.array([(a * FINE, b * FINE) for a, b in arrow], np.int32)
        cv2.fillPoly(canvas, [points], (186, 190, 192), cv2.LINE_AA)
    _box(canvas, 0, ROAD + 3, WIDTH, ROAD + 4.5, (170, 174, 176))
    _box(canvas, 0, VERGE - 4, WIDTH, VERGE, (182, 186, 188))
    _box(canvas, 0, VERGE, WIDTH, HEIGHT, (74, 122, 98))
    for _ in range(5200):  # grass
        root = (float(rng.uniform(0, WIDTH)) * FINE, float(rng.uniform(VERGE, HEIGHT)) * FINE)
        blade = _tone((70, 124, 96), float(rng.uniform(0.7, 1.25)))
        tip = (round(root[0] + rng.normal(0, 2)), round(root[1] - rng.uniform(3, 8)))
        cv2.line(canvas, (round(root[0]), round(root[1])), tip, blade, 1, cv2.LINE_AA)


def _furniture(canvas: NDArray[np.float32]) -> None:
    for x, y, height in ((96, 246, 126), (470, 246, 112)):  # the trunks; their crowns are laid over later
        for step in range(height):
            half = 3.2 - 1.2 * step / height
            _box(canvas, x - half, y - step - 1, x + half, y - step, (58, 74, 92))
            _box(canvas, x + half * 0.2, y - step - 1, x + half, y - step, (44, 58, 74))
        _box(canvas, x - 13, y - 2, x + 13, y + 1, (70, 84, 96))
    _box(canvas, 318, 92, 320.5, 246, (62, 64, 62))  # a lamp
    _box(canvas, 315.5, 238, 323, 246, (54, 56, 54))
    _box(canvas, 319, 91, 344, 93, (62, 64, 62))
    _box(canvas, 336, 92, 350, 96, (206, 222, 228))
    _box(canvas, 590, 214, 604, 240, (66, 84, 70))  # a bin
    _box(canvas, 588, 211, 606, 215, (52, 66, 56))


def _light(rng: np.random.Generator) -> NDArray[np.float32]:
    """Sun from the upper left: soft shadows of houses and trees on the ground, darker towards the edges."""
    light = np.ones((HEIGHT * FINE, WIDTH * FINE), np.float32)
    for house in HOUSES:
        reach = 10 + (60 - house.top) * 0.35
        corners = [
            (house.left, PAVEMENT),
            (house.right, PAVEMENT),
            (house.right + reach, PAVEMENT + reach),
            (house.left + reach, PAVEMENT + reach),
        ]
        cv2.fillPoly(light, [np.array([(x * FINE, y * FINE) for x, y in corners], np.int32)], 0.74)
    for x in (118, 488):
        for _ in range(60):
            spot = (int((x + rng.normal(0, 22)) * FINE), int((258 + rng.normal(0, 5)) * FINE))
            cv2.ellipse(light, spot, (int(rng.integers(8, 18)), int(rng.integers(3, 7))), 0, 0, 360, 0.76, -1)
    soft = cv2.GaussianBlur(light, (0, 0), 3.5)
    y, x = np.mgrid[-1 : 1 : light.shape[0] * 1j, -1 : 1 : light.shape[1] * 1j]
    edge: NDArray[np.float32] = (soft * (1.03 - 0.10 * (x * x + y * y))).astype(np.float32)
    return edge
