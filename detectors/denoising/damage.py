"""What noise, too little light, codecs and fog do to a picture: for training and for measuring.

Pure: the same picture, figures and generator give the same result. Pictures are (H, W, 3) BGR, of any size
from 8x8 on.
"""

from collections.abc import Sequence
from typing import Final

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from detectors.denoising.noise import Picture
from streams.recoding import decoded, encoded

Floats = NDArray[np.float32]

# Where YOLOv8n falls from 42 to about 20 mAP50-95 on COCO photos (benchmarks/objects.py prints what it does).
DARK_PHOTONS: Final = 40.0
DARK_READ: Final = 3.0
RATE: Final = 5.0  # pictures a second of what is filmed


def white(picture: Picture, sigma: float, rng: Generator) -> Picture:
    """White Gaussian noise of `sigma` grey levels (0..255), cut off at black and white as a file does."""
    return _rounded(white_unclipped(picture, sigma, rng))


def white_unclipped(picture: Picture, sigma: float, rng: Generator) -> Floats:
    """The same before it is rounded and cut off, in grey levels: what papers measure PSNR on."""
    noise = rng.standard_normal(picture.shape, np.float32)
    return np.float32(sigma) * noise + picture


def low_light(
    picture: Picture, rng: Generator, photons: float = DARK_PHOTONS, read: float = DARK_READ
) -> Picture:
    """So little light that white is `photons` electrons, read with noise of `read` electrons, and gained up.

    Linear in the picture's values, without a camera's processing: at brightness v (0..1) its
    variance is v / photons + (read / photons) ** 2.
    """
    electrons = rng.poisson(picture * (photons / 255)).astype(np.float32)
    electrons += np.float32(read) * rng.standard_normal(picture.shape, np.float32)
    return _rounded(electrons * (255 / photons))


def jpeg(picture: Picture, quality: int) -> Picture:
    """Through a JPEG file; `quality` 1..100 as libjpeg counts it."""
    _, blob = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(blob, cv2.IMREAD_COLOR), np.uint8)


def h264(pictures: Sequence[Picture], crf: int) -> Picture:
    """The last of pictures of one size, after a stream of them in H.264; `crf` 0..51 as x264 counts it.

    One picture alone is a keyframe. Of several, the last is a difference to those before it, as nearly all
    pictures of a camera are.
    """
    height, width = pictures[0].shape[:2]
    even = [
        np.asarray(cv2.copyMakeBorder(one, 0, height % 2, 0, width % 2, cv2.BORDER_REPLICATE), np.uint8)
        for one in pictures
    ]
    return decoded(encoded(even, RATE, crf))[-1][:height, :width].copy()


def fog(picture: Picture, thickness: float, rng: Generator) -> Picture:
    """Fog through which exp(-thickness) of the light of the farthest things comes; 1 is haze, 3 is thick.

    After Koschmieder's law, light t + air (1 - t). Of a photo the depth is not known: the ground is taken to
    be flat from the lower edge to a horizon, all above it to be the farthest, and fog to drift a little.
    """
    height, width = picture.shape[:2]
    horizon = rng.uniform(0.3, 0.5)
    below = np.linspace(0, 1, height, dtype=np.float32) - horizon
    near = 0.12  # of the height under the horizon: the farthest ground
    depth = near / np.maximum(below, near)  # (H,) 1 where it is farthest, as a flat floor seen from a height
    few = rng.standard_normal((3, 4), np.float32)
    drift = cv2.resize(few, (width, height), interpolation=cv2.INTER_CUBIC)
    through = np.exp(-thickness * depth[:, None] * np.exp(0.15 * drift))[..., None]  # (H, W, 1)
    air = np.float32(255 * rng.uniform(0.8, 0.95))
    return _rounded(picture * through + air * (1 - through))


def _rounded(values: NDArray[np.floating]) -> Picture:
    return np.asarray(np.clip(np.rint(values), 0, 255), np.uint8)
