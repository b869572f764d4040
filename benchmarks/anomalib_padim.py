"""anomalib's own PaDiM as one more baseline, where anomalib is installed (`pip install anomalib`).

The same MobileNetV2 weights as our small one: anomalib takes its backbones from timm, whose MobileNetV2 has
the same layers in the same order. Pictures are 256 x 256, as anomalib shows them.
"""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import torch
from anomalib.models.image.padim.torch_model import PadimModel  # type: ignore[import-not-found]
from numpy.typing import NDArray

from benchmarks.padim import KEPT, LEARNED, MEAN, SPREAD
from streams.stretch import Stretch

STAGES = ["blocks.1", "blocks.2", "blocks.4"]  # 24, 32 and 96 channels at 1/4, 1/8 and 1/16
SIDE = 256


class AnomalibPadim:
    """Learns when it is made."""

    def __init__(self, learn_from: Sequence[Stretch], weights: Path) -> None:
        """`weights`: torchvision's mobilenet_v2."""
        torch.set_num_threads(1)
        torch.manual_seed(1)
        self._model = PadimModel("mobilenetv2_100", STAGES, pre_trained=False, n_features=KEPT)
        ours = self._model.feature_extractor.state_dict()
        theirs = torch.load(weights, weights_only=True)
        pairs = list(zip(ours.items(), theirs.items(), strict=False))  # timm stops at the last stage
        if any(one.shape != other.shape for (_, one), (_, other) in pairs):
            raise ValueError(f"the weights {weights} do not fit timm's MobileNetV2")
        loaded = {name: other for (name, _), (_, other) in pairs}
        self._model.feature_extractor.load_state_dict(loaded)
        pictures = [picture for stretch in learn_from for picture in stretch.pictures]
        some = np.unique(np.linspace(0, len(pictures) - 1, LEARNED).astype(int))
        self._model.train()
        self._model.feature_extractor.eval()
        for number in some:
            self._model(_tensor(pictures[number]))
        self._model.fit()
        self._model.eval()

    def score(self, stretch: Stretch) -> NDArray[np.float64]:
        """(N,) anomalib's score of each picture."""
        with torch.inference_mode():
            return np.array([float(self._model(_tensor(one)).pred_score) for one in stretch.pictures])


def _tensor(picture: NDArray[np.uint8]) -> torch.Tensor:
    small = cv2.resize(picture, (SIDE, SIDE), interpolation=cv2.INTER_AREA)[..., ::-1] / 255.0
    return torch.from_numpy(((small - MEAN) / SPREAD).astype(np.float32)).permute(2, 0, 1)[None]
