"""The three networks of MTCNN: one that proposes, one that refines, one that decides.

Zhang et al., "Joint face detection and alignment using multitask cascaded convolutional networks", IEEE
Signal Processing Letters 2016. Each gives a chance (B, 2) of no face and of a face, and how the box is to be
moved: four sides as parts of its width and height.
"""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

Arrays = Sequence[NDArray[np.float32]]
PROPOSED = 12  # px: what the first network sees at once
REFINED = 24
DECIDED = 48


class Proposer(nn.Module):
    """Looks everywhere: (1, 3, H, W) to the boxes' moves (1, 4, h, w) and chances (1, 2, h, w)."""

    def __init__(self, arrays: Arrays) -> None:
        """`arrays`: as they lie in the file, in its order."""
        super().__init__()
        self.layers = _convolutions(arrays[:9])
        self.moves, self.chances = _convolution(*arrays[9:11]), _convolution(*arrays[11:13])

    def forward(self, values: Tensor) -> tuple[Tensor, Tensor]:
        values = _pool(self.layers[0](values), 2)
        values = self.layers[2](self.layers[1](values))
        return self.moves(values), functional.softmax(self.chances(values), dim=1)


class Refiner(nn.Module):
    """(B, 3, 24, 24) to moves (B, 4) and chances (B, 2)."""

    def __init__(self, arrays: Arrays) -> None:
        super().__init__()
        self.layers = _convolutions(arrays[:9])
        self.joined = _Full(*arrays[9:12])
        self.moves, self.chances = _full(*arrays[12:14]), _full(*arrays[14:16])

    def forward(self, values: Tensor) -> tuple[Tensor, Tensor]:
        values = _pool(self.layers[0](values), 3)
        values = _pool(self.layers[1](values), 3)
        values = self.joined(_flat(self.layers[2](values)))
        return self.moves(values), functional.softmax(self.chances(values), dim=1)


class Decider(nn.Module):
    """(B, 3, 48, 48) to moves (B, 4), landmarks (B, 10), five x and five y, and chances (B, 2)."""

    def __init__(self, arrays: Arrays) -> None:
        super().__init__()
        self.layers = _convolutions(arrays[:12])
        self.joined = _Full(*arrays[12:15])
        self.moves, self.landmarks = _full(*arrays[15:17]), _full(*arrays[17:19])
        self.chances = _full(*arrays[19:21])

    def forward(self, values: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        for layer, window in zip(self.layers[:3], (3, 3, 2), strict=True):
            values = _pool(layer(values), window)
        values = self.joined(_flat(self.layers[3](values)))
        return self.moves(values), self.landmarks(values), functional.softmax(self.chances(values), dim=1)


def _pool(values: Tensor, window: int) -> Tensor:
    return functional.max_pool2d(values, window, 2, ceil_mode=True)


def _flat(values: Tensor) -> Tensor:
    """(B, C, H, W) to (B, W * H * C): the order in which they were trained."""
    return values.permute(0, 3, 2, 1).flatten(1)


def _convolutions(arrays: Arrays) -> nn.ModuleList:
    """One layer for each three arrays: (h, w, in, out), (out,), and the slopes below zero (1, 1, out)."""
    layers = []
    for weight, bias, slopes in zip(arrays[::3], arrays[1::3], arrays[2::3], strict=True):
        layers.append(nn.Sequential(_convolution(weight, bias), _slopes(slopes)))
    return nn.ModuleList(layers)


def _convolution(weight: NDArray[np.float32], bias: NDArray[np.float32]) -> nn.Conv2d:
    layer = nn.Conv2d(weight.shape[2], weight.shape[3], weight.shape[0])
    layer.weight = nn.Parameter(torch.from_numpy(weight.transpose(3, 2, 0, 1).copy()))
    layer.bias = nn.Parameter(torch.from_numpy(bias.copy()))
    return layer


def _full(weight: NDArray[np.float32], bias: NDArray[np.float32]) -> nn.Linear:
    layer = nn.Linear(*weight.shape)
    layer.weight = nn.Parameter(torch.from_numpy(weight.T.copy()))
    layer.bias = nn.Parameter(torch.from_numpy(bias.copy()))
    return layer


class _Full(nn.Sequential):
    def __init__(
        self, weight: NDArray[np.float32], bias: NDArray[np.float32], slopes: NDArray[np.float32]
    ) -> None:
        super().__init__(_full(weight, bias), _slopes(slopes))


def _slopes(values: NDArray[np.float32]) -> nn.PReLU:
    layer = nn.PReLU(values.size)
    layer.weight = nn.Parameter(torch.from_numpy(values.reshape(-1).copy()))
    return layer
