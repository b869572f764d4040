"""Feature maps of a network that was trained on photographs, as far as the middle of it.

EfficientNet-Lite0 (Tan and Le, ICML 2019, without squeeze-and-excitation) and MobileNetV2 (Sandler et al.,
CVPR 2018) are the same chain of inverted residuals; batch normalisation is folded into the convolutions.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from detectors.anomaly.maps import Maps
from detectors.detection import DetectorError
from detectors.device import Device
from detectors.store import Store, Weights, read_tensors

WIDE = 256  # px of a picture's longer side
STEP = 16  # px: sides are multiples, as the coarsest map wants
CELL = 8  # px: of the map
KEPT = 64  # numbers for each cell
STEM = 32  # channels
MEAN = (0.485, 0.456, 0.406)  # red, green, blue of ImageNet
SPREAD = (0.229, 0.224, 0.225)
SEED = 1


@dataclass(frozen=True, slots=True)
class _Stage:
    """So many blocks alike; the first one has the stride."""

    kernel: int
    stride: int
    widen: int  # times
    channels: int
    blocks: int
    told: bool  # its map is used


@dataclass(frozen=True, slots=True)
class _Design:
    """One family's numbers, and how its files name the layers."""

    epsilon: float  # of batch normalisation
    lopsided: bool  # TensorFlow's padding: a stride of 2 begins with the second pixel
    stages: tuple[_Stage, ...]
    stem: tuple[str, str]  # convolution, normalisation
    block: str
    first: int  # number of the first block
    wide: tuple[tuple[str, str], ...]  # a block's layers,
    narrow: tuple[tuple[str, str], ...]  # and those of one that does not widen


_LITE0 = _Design(
    1e-3,
    True,
    (
        _Stage(3, 1, 1, 16, 1, False),
        _Stage(3, 2, 6, 24, 2, True),
        _Stage(5, 2, 6, 40, 2, True),
        _Stage(3, 2, 6, 80, 3, False),
        _Stage(5, 1, 6, 112, 3, True),
    ),
    ("_conv_stem", "_bn0"),
    "_blocks.",
    0,
    (("_expand_conv", "_bn0"), ("_depthwise_conv", "_bn1"), ("_project_conv", "_bn2")),
    (("_depthwise_conv", "_bn1"), ("_project_conv", "_bn2")),
)
_MOBILENET = _Design(
    1e-5,
    False,
    (
        _Stage(3, 1, 1, 16, 1, False),
        _Stage(3, 2, 6, 24, 2, True),
        _Stage(3, 2, 6, 32, 3, True),
        _Stage(3, 2, 6, 64, 4, False),
        _Stage(3, 1, 6, 96, 3, True),
    ),
    ("features.0.0", "features.0.1"),
    "features.",
    1,
    (("conv.0.0", "conv.0.1"), ("conv.1.0", "conv.1.1"), ("conv.2", "conv.3")),
    (("conv.0.0", "conv.0.1"), ("conv.1", "conv.2")),
)


class Backbone:
    """Turns pictures into maps of KEPT numbers for each CELL."""

    def __init__(self, weights: Weights, device: Device = "cpu") -> None:
        """Raises DetectorError where they are of no network that is known here."""
        tensors = read_tensors(weights)
        design = next((one for one in (_LITE0, _MOBILENET) if f"{one.stem[0]}.weight" in tensors), None)
        if design is None:
            raise DetectorError(
                f"{weights.path} is neither an EfficientNet-Lite0 nor torchvision's MobileNetV2: "
                "name one of these in detectors.anomaly.backbone"
            )
        try:
            net = _Network(design, tensors)
        except (KeyError, RuntimeError) as error:
            raise DetectorError(f"{weights.path} does not hold the whole network: get it anew") from error
        self.number = int(weights.sha256[:7], 16)  # tells it from others
        self._device = torch.device(device)
        self._mean, self._spread = (
            torch.tensor(each, device=device).view(3, 1, 1) for each in (MEAN, SPREAD)
        )
        self._net = net.eval().requires_grad_(False).to(self._device).to(memory_format=torch.channels_last)
        wide = sum(stage.channels for stage in design.stages if stage.told)
        # As far apart as before, as near as can be told by fewer numbers (Johnson and Lindenstrauss 1984).
        drawn = torch.randn(wide, KEPT, generator=torch.Generator().manual_seed(SEED))
        self._reduce = torch.linalg.qr(drawn)[0].to(self._device)

    @torch.inference_mode()
    def maps(self, picture: NDArray[np.uint8]) -> Maps:
        """(rows, cols, KEPT) of a picture (H, W, 3) BGR."""
        height, width = picture.shape[:2]
        scale = WIDE / max(height, width)
        size = [max(STEP, round(scale * side / STEP) * STEP) for side in (width, height)]
        small = cv2.cvtColor(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), cv2.COLOR_BGR2RGB)
        shown = torch.from_numpy(small.astype(np.float32)).permute(2, 0, 1)[None] / 255
        values = (shown.to(self._device) - self._mean) / self._spread
        told = self._net(values.contiguous(memory_format=torch.channels_last))
        shape = (size[1] // CELL, size[0] // CELL)
        joined = torch.cat([_to(each, shape) for each in told], dim=1)[0].permute(1, 2, 0)
        return Maps((joined @ self._reduce).half().cpu().numpy(), self.number)


def open_backbone(wanted: str, store: Store, device: Device = "cpu") -> Backbone:
    """By its name in the store. Raises DetectorError, and says what is wanted."""
    return Backbone(store.find(wanted), device)


def _to(values: Tensor, shape: tuple[int, int]) -> Tensor:
    """A map brought to another size: finer ones averaged, coarser ones interpolated."""
    if values.shape[-1] > shape[1]:
        return functional.adaptive_avg_pool2d(values, shape)
    if values.shape[-1] < shape[1]:
        return functional.interpolate(values, shape, mode="bilinear")
    return values


class _Network(nn.Module):
    def __init__(self, design: _Design, tensors: Mapping[str, Tensor]) -> None:
        super().__init__()

        def layer(names: tuple[str, str], stride: int) -> _Layer:
            return _Layer(*_folded(tensors, names, design.epsilon), stride, design.lopsided)

        self.stem = layer(design.stem, 2)
        self.blocks: list[nn.ModuleList] = []
        self.told: list[bool] = []
        for number, (stage, index) in enumerate(_blocks(design), design.first):
            names = design.wide if stage.widen > 1 else design.narrow
            full = [(f"{design.block}{number}.{a}", f"{design.block}{number}.{b}") for a, b in names]
            strides = [1] * len(full)
            strides[-2] = 1 if index else stage.stride
            self.blocks.append(
                nn.ModuleList([layer(one, stride) for one, stride in zip(full, strides, strict=True)])
            )
            self.add_module(f"block{number}", self.blocks[-1])
            self.told.append(stage.told and index == stage.blocks - 1)

    def forward(self, values: Tensor) -> list[Tensor]:
        values, maps = functional.relu6(self.stem(values)), []
        for block, told in zip(self.blocks, self.told, strict=True):
            inside = values
            for layer in block[:-1]:
                inside = functional.relu6(layer(inside), inplace=True)
            inside = block[-1](inside)
            values = values + inside if values.shape == inside.shape else inside
            if told:
                maps.append(values)
        return maps


class _Layer(nn.Module):
    def __init__(self, weight: Tensor, bias: Tensor, stride: int, lopsided: bool) -> None:
        super().__init__()
        self.weight, self.bias = nn.Parameter(weight), nn.Parameter(bias)
        self.stride, kernel = stride, weight.shape[-1]
        self.groups = weight.shape[0] if weight.shape[1] == 1 else 1
        self.before = (kernel - stride) // 2 if lopsided else kernel // 2
        self.after = kernel - stride - self.before if lopsided else self.before

    def forward(self, values: Tensor) -> Tensor:
        pad = self.before
        if self.before != self.after:
            values, pad = functional.pad(values, (self.before, self.after) * 2), 0
        return functional.conv2d(values, self.weight, self.bias, self.stride, pad, 1, self.groups)


def _blocks(design: _Design) -> Iterator[tuple[_Stage, int]]:
    for stage in design.stages:
        for index in range(stage.blocks):
            yield stage, index


def _folded(tensors: Mapping[str, Tensor], names: tuple[str, str], epsilon: float) -> tuple[Tensor, Tensor]:
    """A convolution's weight and bias that do its normalisation, too."""
    weight, norm = tensors[f"{names[0]}.weight"].float(), names[1]
    gain = tensors[f"{norm}.weight"] / (tensors[f"{norm}.running_var"] + epsilon).sqrt()
    return weight * gain[:, None, None, None], tensors[f"{norm}.bias"] - gain * tensors[
        f"{norm}.running_mean"
    ]
