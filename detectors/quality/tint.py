"""Tinted: a colour cast over the whole picture."""

import numpy as np

from detectors.detection import Doubt
from detectors.quality.finding import Finding
from detectors.quality.look import CLIPPED, Floats, Look, cell_means
from detectors.quality.memory import Kept

CAST = 0.2  # natural logarithm of how far blue or red went off green: 22 %
DIM, BRIGHT = 30.0, 235.0  # grey levels: colour is told between them
SETTLES = 300.0  # seconds until another colour is the usual one
WITNESSES = 0.25  # of the cells are needed to tell
GREY = 0.02  # a picture whose cells are all less coloured has no colour: night mode


class Tint:
    """Against the usual colour of each cell: what most cells share is the light's or the camera's."""

    def __init__(self, sensitivity: float) -> None:
        self._threshold = CAST / sensitivity
        self._usual: Floats | None = None  # (rows, columns, 2) log of blue and of red to green
        self._now: Floats | None = None

    def examine(self, look: Look, gap: float) -> Finding:
        """Judges a picture seen `gap` seconds after the last, then learns it slowly, whatever was found."""
        colour = cell_means(look.colour, look.cells)
        logs = np.log(colour + 8)
        now = logs[..., [0, 2]] - logs[..., [1]]
        if np.abs(now).max() < GREY:
            return Finding(0.0, self._threshold, "the picture has no colour")
        usual = self._usual
        if usual is None or np.abs(usual).max() < GREY:
            self._usual = usual = now
        seen = (colour.max(axis=2) < min(BRIGHT, CLIPPED)) & (colour.max(axis=2) > DIM)
        if seen.mean() < WITNESSES:
            return Finding(0.0, self._threshold, "too dark or too bright to tell colours", Doubt.TOO_DARK)
        blue, red = np.median((now - usual)[seen], axis=0)
        self._usual = usual + min(1.0, gap / SETTLES) * (now - usual)
        strong = float(np.hypot(blue, red))
        return Finding(strong, self._threshold, f"everything is {strong:.0%} {cast(blue, red)} than usual")

    def keep(self) -> Kept:
        """The usual colours."""
        return {} if self._usual is None else {"usual": self._usual}

    def recall(self, memory: Kept) -> None:
        """Takes up what `keep` gave."""
        self._usual = memory.get("usual")


def cast(blue: float, red: float) -> str:
    """The colour that a picture leans to, by how much blue and red gained on green."""
    names = ("redder", "more magenta", "bluer", "more cyan", "greener", "yellower")
    gains = np.array([blue, 0.0, red]) - (blue + red) / 3  # (blue, green, red), apart from brightness
    of = (gains[2], -gains[1], gains[0], -gains[2], gains[1], -gains[0])
    return names[int(np.argmax(of))]
