"""Weights of whole object detectors as ultralytics and torchvision write them, tiny, with random weights."""

from pathlib import Path
from typing import Any, Final

import torch

from detectors.offline import ultralytics_offline

NAMES: Final = {0: "person", 1: "car", 2: "dog"}
_CONV: Final = [[-1, 1, "Conv", [channels, 3, 2]] for channels in (8, 16, 16, 16, 16)]
_LEVELS: Final = [2, 3, 4]  # strides 8, 16 and 32


def yolo(file: Path, head: str = "Detect") -> Path:
    """A .pt of five convolutions and a head that is sure of many boxes."""
    ultralytics_offline()
    from ultralytics.nn.tasks import DetectionModel, RTDETRDetectionModel

    torch.manual_seed(3)
    detr = head == "RTDETRDecoder"
    last: list[Any] = [len(NAMES), 16, 20, 4, 2, 1, 32] if detr else [len(NAMES)]
    layers = {
        "nc": len(NAMES), "ch": 3, "backbone": _CONV, "head": [[_LEVELS, 1, head, last]],
    }  # fmt: skip
    kind: Any = RTDETRDetectionModel if detr else DetectionModel
    model = kind(layers, verbose=False)
    model.names, model.task = NAMES, "detect"
    model.args = {"imgsz": 160, "task": "detect", "model": file.name}
    if not detr:
        for branch in model.model[-1].cv3:
            torch.nn.init.normal_(branch[-1].weight, std=3.0)
            torch.nn.init.constant_(branch[-1].bias, -1.0)
    torch.save({"model": model.half(), "train_args": model.args, "version": "8.4"}, file)
    return file


def faster_rcnn(file: Path) -> Path:
    """The tensors of torchvision's for small pictures."""
    from torchvision.models import detection  # type: ignore[import-untyped]

    torch.manual_seed(3)
    network = detection.fasterrcnn_mobilenet_v3_large_320_fpn(weights=None, weights_backbone=None)
    torch.save(network.state_dict(), file)
    return file
