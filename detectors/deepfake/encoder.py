"""What a large encoder of pictures makes of a face: any vision tower that transformers reads (CLIP, DINOv2).

Read offline from a folder with config.json, preprocessor_config.json and .safetensors; nothing in it is run.
The package transformers is imported here and not before.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from detectors.deepfake.wear import Picture, resized
from detectors.detection import DetectorError
from detectors.device import Device
from detectors.diffusion.folders import CONFIG, needs, read_json, unusable

_BATCH: Final = 16
POOLER: Final = "pooler."  # layers that many files lack

Numbers = NDArray[np.float32]  # (N, F)


class Encoder:
    """Crops to numbers: the encoder's summary, and the mean over all places. Frozen; used from one thread."""

    def __init__(self, folder: Path, device: Device = "cpu") -> None:
        """Raises DetectorError where the folder cannot be used."""
        if not (folder / CONFIG).is_file():
            raise DetectorError(f"{folder} has no {CONFIG}: name a folder as transformers writes it")
        network, missing = _network(folder)
        pooled = not any(each.startswith(POOLER) for each in missing)
        others = sorted(each for each in missing if not each.startswith(POOLER))
        if others:  # they would be drawn at random, each time anew
            raise DetectorError(f"{folder} does not hold the whole network ({others[0]}): get it anew")
        prepared = _preparation(folder)
        self._network = network.float().eval().requires_grad_(False).to(torch.device(device))
        self._pooled = pooled
        self._device = torch.device(device)
        self.side = _side(prepared, network.config)
        mean, spread = (
            torch.tensor(prepared[name], device=self._device).view(1, 3, 1, 1)
            for name in ("image_mean", "image_std")
        )
        self._mean, self._spread = mean, spread
        self.features = self.describe([np.zeros((self.side, self.side, 3), np.uint8)]).shape[1]

    def describe(self, crops: Sequence[Picture]) -> Numbers:
        """(N, features) of square crops (S, S, 3) BGR of any size."""
        if not crops:
            return np.zeros((0, self.features), np.float32)
        found = []
        for first in range(0, len(crops), _BATCH):
            some = np.stack([resized(crop, self.side) for crop in crops[first : first + _BATCH]])
            pictures = torch.from_numpy(np.ascontiguousarray(some[..., ::-1])).to(self._device)
            values = (pictures.permute(0, 3, 1, 2).float() / 255 - self._mean) / self._spread
            with torch.inference_mode():
                told = self._network(pixel_values=values)
            found.append(self._summary(told).float().cpu().numpy())
        return np.concatenate(found)

    def _summary(self, told: Any) -> Tensor:
        hidden: Tensor = told.last_hidden_state
        if hidden.ndim == 4:  # (N, C, h, w), of a convolutional network
            hidden = hidden.flatten(2).transpose(1, 2)
        summary = getattr(told, "pooler_output", None) if self._pooled else None
        first = hidden[:, 0] if summary is None else summary.flatten(1)
        return torch.cat([first, hidden.mean(dim=1)], dim=1)


def _network(folder: Path) -> tuple[Any, set[str]]:
    """The vision tower, and the names of the layers that the files lack."""
    try:
        from transformers import AutoModel
        from transformers.utils import logging
    except ImportError as error:
        raise needs("transformers", error) from error
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        whole, told = AutoModel.from_pretrained(
            folder,
            local_files_only=True,
            trust_remote_code=False,
            use_safetensors=True,
            output_loading_info=True,
        )
    except (OSError, ValueError, TypeError, KeyError, RuntimeError, AttributeError, ImportError) as error:
        raise unusable(folder, error) from error
    tower = getattr(whole, "vision_model", whole)  # of two, the one that looks at pictures
    if getattr(tower, "main_input_name", "") != "pixel_values":
        raise DetectorError(f"{folder} is of no encoder of pictures: name one such as CLIP or DINOv2")
    missing = {str(each).removeprefix("vision_model.") for each in told["missing_keys"]}
    return tower, missing


def _preparation(folder: Path) -> Mapping[str, Any]:
    """How pictures are to be prepared; the names are those of transformers."""
    for name, inner in (("preprocessor_config.json", ""), ("processor_config.json", "image_processor")):
        if (folder / name).is_file():
            told = read_json(folder / name)
            told = told.get(inner, told) if inner else told
            if all(len(told.get(each) or ()) == 3 for each in ("image_mean", "image_std")):
                return told
    raise DetectorError(
        f"{folder} has no preprocessor_config.json with image_mean and image_std, which say how pictures are "
        "prepared: get that file, too"
    )


def _side(prepared: Mapping[str, Any], config: Any) -> int:
    """px of the squares that it was trained on."""
    for told in (prepared.get("crop_size"), prepared.get("size"), getattr(config, "image_size", None)):
        told = told.get("height") or told.get("shortest_edge") if isinstance(told, dict) else told
        told = told[0] if isinstance(told, (list, tuple)) and told else told
        if isinstance(told, int) and told > 0:
            return told
    raise DetectorError("preprocessor_config.json does not say how large pictures are to be")
