"""A camera's own noise: too few photons on a colour mosaic, and what its processing makes of them.

What comes out depends on brightness, is correlated over pixels and between colours, and is far from white
noise: a denoiser that knows only white noise takes half of it for structure. The steps are those of Brooks
et al., Unprocessing Images for Learned Raw Denoising, CVPR 2019, with sharpening, chroma smoothing and a
light denoiser behind them, which surveillance cameras have.
"""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from detectors.denoising.noise import Picture

Floats = NDArray[np.float32]

_BLACK, _WHITE = 6000, 46000  # what no light and full light are in the 16 bits of the mosaic
_STEPS = 4096  # of the table that gamma is read from


def _to_linear(display: Floats) -> Floats:
    """sRGB, 0..1, to light (IEC 61966-2-1)."""
    return np.where(display <= 0.04045, display / 12.92, ((display + 0.055) / 1.055) ** 2.4)


def _to_display(light: Floats) -> Floats:
    return np.where(light <= 0.0031308, 12.92 * light, 1.055 * np.maximum(light, 1e-9) ** (1 / 2.4) - 0.055)


_LINEAR: Final[Floats] = _to_linear(np.linspace(0, 1, 256, dtype=np.float32)).astype(np.float32)
_DISPLAY: Final[Floats] = (255 * _to_display(np.linspace(0, 1, _STEPS, dtype=np.float32))).astype(np.float32)


@dataclass(frozen=True, slots=True)
class Camera:
    """A camera in the light that there is."""

    electrons: float = 90.0  # of a green pixel that is white, after the exposure: fewer is darker
    read: float = 3.0  # electrons
    red: float = 1.9  # what red and blue are multiplied with, for white to be white
    blue: float = 1.6
    saturation: float = 1.35  # of the colour matrix: above 1 it mixes the colours' noise
    smoothing: float = 1.5  # px, standard deviation: colours are blurred so far
    denoising: float = 12.0  # grey levels that its own denoiser evens out in brightness; 0: it has none
    sharpening: float = 0.6  # how much of the detail is added once more

    @classmethod
    def drawn(cls, rng: Generator) -> "Camera":
        """Any camera, in light between dusk and a dark street."""
        return cls(
            electrons=float(np.exp(rng.uniform(np.log(30), np.log(2000)))),
            read=float(rng.uniform(1, 6)),
            red=float(rng.uniform(1.3, 2.4)),
            blue=float(rng.uniform(1.2, 2.2)),
            saturation=float(rng.uniform(1, 1.6)),
            smoothing=float(rng.choice([0.0, rng.uniform(0.5, 2.5)])),
            denoising=float(rng.choice([0.0, rng.uniform(4, 20)])),
            sharpening=float(rng.uniform(0, 1)),
        )

    def film(self, picture: Picture, rng: Generator) -> Picture:
        """(H, W, 3) BGR as this camera shows it, the light made up for; any size from 8x8 on."""
        height, width = picture.shape[:2]
        even = cv2.copyMakeBorder(picture, 0, height % 2, 0, width % 2, cv2.BORDER_REFLECT_101)
        colours = self._colours()
        sensed = cv2.transform(_LINEAR[even], np.linalg.inv(colours))  # (H, W, 3) light behind the filters
        light = np.clip(_mosaic(np.asarray(sensed, np.float32)), 0, 1)
        caught = rng.poisson(light * self.electrons).astype(np.float32)
        caught += np.float32(self.read) * rng.standard_normal(light.shape, np.float32)
        raw = caught * ((_WHITE - _BLACK) / self.electrons) + _BLACK
        full = cv2.cvtColor(np.clip(np.rint(raw), 0, 65535).astype(np.uint16), cv2.COLOR_BayerBG2BGR)
        seen = (full.astype(np.float32) - _BLACK) / (_WHITE - _BLACK)
        shown = np.clip(cv2.transform(seen, colours), 0, 1)
        display = _DISPLAY[np.rint(shown * (_STEPS - 1)).astype(np.int32)]
        return self._finished(display)[:height, :width].copy()

    def _colours(self) -> NDArray[np.float32]:
        """(3, 3) from what the sensor has to light as it is shown, BGR: white balance, then saturation."""
        grey = np.full((3, 3), 1 / 3)
        matrix = self.saturation * np.eye(3) + (1 - self.saturation) * grey
        return (matrix @ np.diag([self.blue, 1, self.red])).astype(np.float32)

    def _finished(self, display: Floats) -> Picture:
        """What is done to the picture (grey levels) once it has all colours."""
        parts = cv2.cvtColor(np.clip(np.rint(display), 0, 255).astype(np.uint8), cv2.COLOR_BGR2YCrCb)
        luma, *chroma = cv2.split(parts)
        if self.denoising:
            luma = cv2.bilateralFilter(luma, 5, 2 * self.denoising, 1.2)
        if self.smoothing:
            chroma = [cv2.GaussianBlur(one, (0, 0), self.smoothing) for one in chroma]
        if self.sharpening:
            blurred = cv2.GaussianBlur(luma, (0, 0), 1.0)
            luma = cv2.addWeighted(luma, 1 + self.sharpening, blurred, -self.sharpening, 0)
        return np.asarray(cv2.cvtColor(cv2.merge([luma, *chroma]), cv2.COLOR_YCrCb2BGR), np.uint8)


def _mosaic(colours: Floats) -> Floats:
    """(H, W) one colour a pixel, red first in even rows, of (H, W, 3) BGR with even sides."""
    blue, green, red = (colours[..., index] for index in range(3))
    mosaic = green.copy()
    mosaic[0::2, 0::2] = red[0::2, 0::2]
    mosaic[1::2, 1::2] = blue[1::2, 1::2]
    return mosaic
