"""Finds objects by torchvision's Faster R-CNN (Ren et al., NeurIPS 2015), from its tensors alone."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from detectors.detection import DetectorError, Region
from detectors.device import Device, limit_torch_threads
from detectors.objects.found import Found
from detectors.objects.network import short
from detectors.objects.pictures import check
from detectors.objects.yolo import FLOOR
from detectors.store import Weights, read_tensors
from streams.frame import Frame

if TYPE_CHECKING:
    from torch import Tensor

LAST: Final = (
    "roi_heads.box_predictor.cls_score.weight"  # its rows are the labels, and the background before them
)
AT_ONCE: Final = 8  # pictures on a card; one by one on a processor, where more at once are no quicker


class FasterRcnnFinder:
    """Remembers nothing of a stream."""

    def __init__(self, weights: Weights, file: Path, device: Device, floor: float = FLOOR) -> None:
        """The architecture is the one whose tensors have these names and shapes. Raises DetectorError."""
        limit_torch_threads()
        import torch

        tensors = read_tensors(replace(weights, path=file))
        architecture, network = _network(tensors, file, floor)
        network.load_state_dict(dict(tensors), assign=True)
        self._device = torch.device(device)
        self._network = network.float().eval().requires_grad_(False).to(self._device)
        self._at_once = AT_ONCE if device == "cuda" else 1
        self._categories = _categories(len(tensors[LAST]))
        self.name = f"{weights.name}, {architecture} in torch"
        self.sha256 = weights.sha256
        self.labels = tuple(name for name in self._categories[1:] if name != "N/A")
        self.width = int(network.transform.max_size)

    def find(self, frames: Sequence[Frame]) -> Sequence[Sequence[Found]]:
        """As ObjectFinder."""
        import torch

        check(frames)
        answers: list[list[Found]] = []
        for first in range(0, len(frames), self._at_once):
            some = frames[first : first + self._at_once]
            try:
                with torch.inference_mode():
                    told = self._network([self._shown(frame) for frame in some])
                    answers += [self._found(one, frame) for one, frame in zip(told, some, strict=True)]
            except RuntimeError as error:  # also where a card has no memory left
                raise DetectorError(f"{self.name} could not look at the picture ({short(error)})") from error
        return answers

    def forget(self, stream: str) -> None:
        """Nothing to forget."""

    def _shown(self, frame: Frame) -> "Tensor":
        import torch

        picture = torch.from_numpy(np.ascontiguousarray(frame.picture[..., ::-1])).to(
            self._device
        )  # (H, W, 3)
        return picture.permute(2, 0, 1).float() / 255

    def _found(self, told: "Mapping[str, Tensor]", frame: Frame) -> list[Found]:
        """The surest first, as torchvision has them."""
        height, width = frame.picture.shape[:2]
        found = []
        rows = zip(told["boxes"].tolist(), told["scores"].tolist(), told["labels"].tolist(), strict=True)
        for (left, top, right, bottom), confidence, label in rows:
            region = Region(left / width, top / height, (right - left) / width, (bottom - top) / height)
            if region.width > 0 and region.height > 0 and self._categories[label] != "N/A":
                found.append(Found(self._categories[label], confidence, region))
        return found


def _network(tensors: "Mapping[str, Tensor]", file: Path, floor: float) -> tuple[str, Any]:
    if LAST not in tensors:
        raise DetectorError(
            f"{file} is no Faster R-CNN of torchvision: name one, or a YOLO as .pt, .onnx or OpenVINO"
        )
    import torch
    from torchvision.models import detection  # type: ignore[import-untyped]

    makers = {
        "Faster R-CNN ResNet-50": detection.fasterrcnn_resnet50_fpn,
        "Faster R-CNN ResNet-50 v2": detection.fasterrcnn_resnet50_fpn_v2,
        # The same tensors in both: of the one for small pictures, torchvision's own file names say so.
        "Faster R-CNN MobileNetV3": detection.fasterrcnn_mobilenet_v3_large_320_fpn
        if "320" in file.name
        else detection.fasterrcnn_mobilenet_v3_large_fpn,
    }
    shapes = {name: tensor.shape for name, tensor in tensors.items()}
    for name, maker in makers.items():
        made = partial(maker, weights=None, weights_backbone=None, num_classes=len(tensors[LAST]))
        with torch.device("meta"):
            expected = {key: tensor.shape for key, tensor in made().state_dict().items()}
        if expected == shapes:
            return name, made(box_score_thresh=floor)
    raise DetectorError(
        f"{file} is a Faster R-CNN of none of these kinds: {', '.join(makers)}. Name one of torchvision's"
    )


def _categories(count: int) -> tuple[str, ...]:
    """By the network's number, 0 being the background."""
    from torchvision.models.detection import (  # type: ignore[import-untyped]
        FasterRCNN_ResNet50_FPN_Weights,
    )

    of_coco = tuple(FasterRCNN_ResNet50_FPN_Weights.COCO_V1.meta["categories"])
    if count == len(of_coco):
        return of_coco
    return ("__background__", *(f"class {number}" for number in range(1, count)))
