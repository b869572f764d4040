"""The codecs that pictures go through: who has seen one alone takes what another one does for a sign."""

from dataclasses import dataclass
from enum import Enum
from typing import Final, Self

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray


class Codec(Enum):
    """How a picture is compressed."""

    JPEG = "JPEG, colours at half the size"
    JPEG_FINE = "JPEG, colours at full size"
    WEBP = "WebP"


@dataclass(frozen=True, slots=True)
class Compression:
    """One pass through a codec."""

    codec: Codec
    quality: int  # 0..100

    @classmethod
    def drawn(cls, quality: tuple[float, float], chance: Generator) -> Self:
        """By chance, in that range of qualities."""
        codec = list(OFTEN)[chance.choice(len(OFTEN), p=list(OFTEN.values()))]
        return cls(codec, int(chance.uniform(*quality)))

    def of(self, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """A picture (H, W, 3) BGR, as it comes out of it."""
        if self.codec is Codec.WEBP:
            _, file = cv2.imencode(".webp", picture, [cv2.IMWRITE_WEBP_QUALITY, self.quality])
        else:
            fine = self.codec is Codec.JPEG_FINE
            colours = cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444 if fine else cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420
            ways = [cv2.IMWRITE_JPEG_QUALITY, self.quality, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, colours]
            _, file = cv2.imencode(".jpg", picture, ways)
        return np.asarray(cv2.imdecode(file, cv2.IMREAD_COLOR), np.uint8)


OFTEN: Final = {Codec.JPEG: 0.4, Codec.JPEG_FINE: 0.25, Codec.WEBP: 0.35}
