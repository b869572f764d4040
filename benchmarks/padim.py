"""PaDiM (Defard et al., ICPR 2021) on MobileNetV2: a Gaussian for each place of a backbone's feature maps.

Our own small one; the distance is one matrix product a place, as anomalib's.
"""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torchvision.models import mobilenet_v2  # type: ignore[import-untyped]

from streams.stretch import Stretch

STAGES = (4, 7, 14)  # features[:n]: 24 channels at 1/4, 32 at 1/8, 96 at 1/16 of the picture
KEPT = 100  # of the 152 channels, drawn at random, as the paper does for ResNet18
SHRINKAGE = 0.01
WIDE = 256  # px
LEARNED = 200  # pictures
MEAN, SPREAD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class Padim:
    """Learns when it is made."""

    def __init__(self, learn_from: Sequence[Stretch], weights: Path) -> None:
        """`weights`: torchvision's mobilenet_v2."""
        torch.set_num_threads(1)
        self._net = mobilenet_v2()
        self._net.load_state_dict(torch.load(weights, weights_only=True))
        self._net = self._net.eval().requires_grad_(False)
        self._chosen = torch.randperm(152, generator=torch.Generator().manual_seed(1))[:KEPT]
        pictures = [picture for stretch in learn_from for picture in stretch.pictures]
        some = np.unique(np.linspace(0, len(pictures) - 1, LEARNED).astype(int))
        seen = torch.stack([self._embedded(pictures[i]) for i in some])  # (N, places, KEPT)
        self._mean = seen.mean(dim=0)
        apart = seen - self._mean
        spread = torch.einsum("npi,npj->pij", apart, apart) / (len(seen) - 1)
        spread += SHRINKAGE * torch.eye(KEPT)
        # Whitening: the distance is the length of (value - mean) @ factor.
        self._factor = torch.linalg.cholesky(torch.linalg.inv(spread))

    def score(self, stretch: Stretch) -> NDArray[np.float64]:
        """(N,) the strangest place of the smoothed map."""
        return np.array([self._distances(picture).max() for picture in stretch.pictures], np.float64)

    def _distances(self, picture: NDArray[np.uint8]) -> NDArray[np.float32]:
        apart = (self._embedded(picture) - self._mean)[:, None, :]
        far = torch.bmm(apart, self._factor)[:, 0].norm(dim=1).view(self._shape)
        smooth: NDArray[np.float32] = cv2.GaussianBlur(far.numpy(), (0, 0), 1.0)
        return smooth

    def _embedded(self, picture: NDArray[np.uint8]) -> torch.Tensor:
        """(places, KEPT) at 1/8 of the picture."""
        height = round(picture.shape[0] * WIDE / picture.shape[1] / 16) * 16
        small = cv2.resize(picture, (WIDE, height), interpolation=cv2.INTER_AREA)[..., ::-1] / 255.0
        values = torch.from_numpy(((small - MEAN) / SPREAD).astype(np.float32)).permute(2, 0, 1)[None]
        self._shape = (height // 8, WIDE // 8)
        maps = []
        with torch.inference_mode():
            for number, layer in enumerate(self._net.features[: STAGES[-1]], 1):
                values = layer(values)
                if number in STAGES:
                    maps.append(torch.nn.functional.interpolate(values, self._shape, mode="bilinear"))
            return torch.cat(maps, dim=1)[0, self._chosen].flatten(1).T.contiguous()
