"""Maps of how a picture differs from what a diffusion model of the user's own restores of it.

Even a good model restores detail otherwise than it was, in some places more than in others: what difference
is usual where, the camera's own footage teaches. Differences as a network trained on photographs sees them
were measured, too, and found less (docs/anomaly.md).
"""

from typing import Final

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from detectors.anomaly.maps import Maps
from detectors.device import Device
from detectors.diffusion.restorer import Restorer, open_restorer
from detectors.store import Store

WIDE: Final = 512  # px of a picture's longer side that is asked for
CELLS: Final = 32  # along the longer side
GAIN: Final = 20.0  # so that usual differences, hundredths of white, stay numbers in half precision
Picture = NDArray[np.uint8]


class Reconstruction:
    """Restores, and compares; used from one thread."""

    def __init__(self, restorer: Restorer, number: int, device: Device = "cpu") -> None:
        """`number`: tells the weights from others."""
        self._restorer = restorer
        self._number = number
        self._device = torch.device(device)

    @torch.inference_mode()
    def maps(self, picture: Picture) -> Maps:
        """(rows, cols, 4) of a picture (H, W, 3) BGR.

        What is seen less what is restored, in each colour of 0..1, and how large that is without its sign.
        """
        height, width = picture.shape[:2]
        rows, cols = self._restorer.size(height, width)
        small = cv2.resize(picture, (cols, rows), interpolation=cv2.INTER_AREA)
        shown = torch.from_numpy(np.ascontiguousarray(small[..., ::-1]))
        own = shown.permute(2, 0, 1)[None].to(self._device) / 255
        back = self._restorer.restored(own)
        apart = own - back
        away = torch.cat([apart, apart.square().mean(dim=1, keepdim=True)], dim=1)
        down, across = (max(1, round(CELLS * side / max(height, width))) for side in (height, width))
        pooled = functional.adaptive_avg_pool2d(away, (down, across))[0]
        pooled[3] = pooled[3].sqrt()
        values = GAIN * pooled.permute(1, 2, 0)
        restored = (255 * back[0]).round().to(torch.uint8).permute(1, 2, 0).cpu().numpy()[..., ::-1]
        size = [max(1, round(max(rows, cols) * side / max(height, width))) for side in (width, height)]
        expected = np.asarray(cv2.resize(restored, size, interpolation=cv2.INTER_LINEAR), np.uint8)
        return Maps(values.half().cpu().numpy(), self._number, expected)


def open_reconstruction(wanted: str, store: Store, device: Device = "cpu") -> Reconstruction:
    """By the name of a folder in the store. Slow. Raises DetectorError, and says what is wanted."""
    weights = store.find(wanted)
    return Reconstruction(open_restorer(weights.path, device), int(weights.sha256[:7], 16), device)
