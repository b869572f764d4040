"""What the demo plants in front of its camera, and the alert that each must raise."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

Pictures = Iterator[NDArray[np.uint8]]  # each (H, W, 3) BGR


class Stage(Protocol):
    """What the camera looks at: a drawn scene, or the user's own footage. It goes round in two halves."""

    rate: Fraction  # pictures a second
    half_seconds: float
    words: str
    wrong_way_words: str

    def normal(self, half: int) -> Pictures:
        """Half 0 or half 1 as it always is."""
        ...

    def intruder(self) -> Pictures:
        """Half 0 with somebody where nobody walks."""
        ...

    def wrong_way(self) -> Pictures:
        """Half 0 with something moving against the usual direction."""
        ...


@dataclass(frozen=True, slots=True)
class Event:
    """Something planted: its pictures replace half 0; this alert must open, and close when it is over."""

    name: str
    words: Callable[[Stage], str]
    kind: str
    label: str  # empty: any label of this kind
    pictures: Callable[[Stage], Pictures]

    @property
    def alert(self) -> str:
        """The alert that it must raise, in words."""
        return f"{self.kind}/{self.label}" if self.label else self.kind

    def raises(self, kind: str, label: str) -> bool:
        """True for the alert that this event must raise."""
        return kind == self.kind and (not self.label or label == self.label)


def frozen(stage: Stage) -> Pictures:
    """The first picture of half 0, for as long as half 0 lasts: a camera that hangs."""
    pictures = stage.normal(0)
    first = next(pictures)
    yield first
    for _ in pictures:
        yield first


def covered(stage: Stage) -> Pictures:
    """Half 0 behind a hand: it slides in within a second, rests on the lens, and slides out again."""
    total = round(stage.half_seconds * stage.rate)
    slide = min(float(stage.rate), total / 4)
    hand = np.empty((0, 0, 4), np.float32)
    for number, picture in enumerate(stage.normal(0)):
        height, width = picture.shape[:2]
        if not hand.size:
            hand = _hand(height, width)
        away = max(0.0, 1 - (number + 1) / slide, 1 - (total - number) / slide)
        tremble = 1.5 * math.sin(number * 0.9)
        shift = np.array([[1, 0, tremble], [0, 1, 1.25 * height * away - 0.2 * height + tremble]], np.float32)
        cover = cv2.warpAffine(hand, shift, (width, height), borderMode=cv2.BORDER_REPLICATE)
        alpha = cover[..., 3:]
        yield (picture * (1 - alpha) + cover[..., :3] * alpha).astype(np.uint8)


def _hand(height: int, width: int) -> NDArray[np.float32]:
    """A palm right on the lens: out of focus, dark, reddish where light comes through. (1.25 H, W, 4)."""
    y, x = np.mgrid[0 : 1.25 : height * 1.25j, 0 : 1 : width * 1j]
    glow = np.exp(-(((x - 0.7) / 0.5) ** 2 + ((y - 0.5) / 0.45) ** 2))
    fingers = 0.5 + 0.5 * np.cos(2 * math.pi * (x * 3.2 + 0.1 * y))
    light = (0.6 + 0.8 * glow) * (0.8 + 0.2 * fingers)
    hand = np.stack([30 * light, 38 * light, 76 * light, np.clip((y - 0.1) * 14, 0, 1)], axis=-1)
    return cv2.GaussianBlur(hand.astype(np.float32), (0, 0), width / 64).astype(np.float32)


EVENTS = (
    Event(
        "intruder",
        lambda stage: "somebody walks where nobody walks",
        "anomaly",
        "",
        lambda stage: stage.intruder(),
    ),
    Event("wrong way", lambda stage: stage.wrong_way_words, "anomaly", "", lambda stage: stage.wrong_way()),
    Event("freeze", lambda stage: "the picture stands still", "quality", "frozen", frozen),
    Event("covered lens", lambda stage: "a hand lies on the lens", "quality", "covered", covered),
)
