"""MesoNet with its published weights: the small deepfake classifiers that others are compared with.

Afchar, Nozick, Yamagishi, Echizen, "MesoNet: a compact facial video forgery detection network", WIFS 2018;
built from the paper. The files are the Keras ones that its authors published.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import cv2
import h5py
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

SIDE: Final = 256  # px of what it looks at
EPSILON: Final = 1e-3  # of Keras' normalisation
Kernels = Mapping[str, NDArray[np.float32]]


class Meso4(nn.Module):
    """Four convolutions."""

    shapes = ((3, 8, 3), (8, 8, 5), (8, 16, 5), (16, 16, 5))

    def __init__(self, file: Path) -> None:
        super().__init__()
        held = _Held(file)
        self.stages = nn.ModuleList(
            _Stage(held.convolution(*shape), held.norm(shape[1])) for shape in self.shapes
        )
        self.end = _End(held)

    def forward(self, pictures: Tensor) -> Tensor:
        """Of pictures (N, 3, SIDE, SIDE), RGB in 0..1: how likely each is real, (N,)."""
        values = pictures
        for stage, pool in zip(self.stages, (2, 2, 2, 4), strict=True):
            values = functional.max_pool2d(stage(values), pool)
        out: Tensor = self.end(values)
        return out


class MesoInception4(nn.Module):
    """Two stages that look at several scales, and two convolutions."""

    widths = ((3, (1, 4, 4, 2)), (11, (2, 4, 4, 2)))
    shapes = ((12, 16, 5), (16, 16, 5))

    def __init__(self, file: Path) -> None:
        super().__init__()
        held = _Held(file)
        stages: list[nn.Module] = [_Inception(held, before, widths) for before, widths in self.widths]
        stages += [_Stage(held.convolution(*shape), held.norm(shape[1])) for shape in self.shapes]
        self.stages = nn.ModuleList(stages)
        self.end = _End(held)

    def forward(self, pictures: Tensor) -> Tensor:
        """As Meso4."""
        values = pictures
        for stage, pool in zip(self.stages, (2, 2, 2, 4), strict=True):
            values = functional.max_pool2d(stage(values), pool)
        out: Tensor = self.end(values)
        return out


class _Held:
    """A file's layers, each kind in the order in which they were made, which is that of their numbers."""

    def __init__(self, file: Path) -> None:
        with h5py.File(file) as opened:
            names = [name.decode() for name in opened.attrs["layer_names"]]
            self._layers: dict[str, list[Kernels]] = {"conv2d": [], "batch_normalization": [], "dense": []}
            for name in sorted(names, key=lambda one: int(one.rpartition("_")[2])):
                kind = name.rpartition("_")[0]
                if kind in self._layers:
                    inside = opened[name][name]
                    self._layers[kind].append({key.split(":")[0]: inside[key][()] for key in inside})

    def convolution(self, before: int, after: int, side: int, dilation: int = 1) -> nn.Conv2d:
        one = self._layers["conv2d"].pop(0)
        layer = nn.Conv2d(before, after, side, padding=dilation * (side // 2), dilation=dilation)
        kernel = torch.from_numpy(one["kernel"]).permute(3, 2, 0, 1)
        layer.load_state_dict({"weight": kernel, "bias": torch.from_numpy(one["bias"])})
        return layer

    def norm(self, wide: int) -> nn.BatchNorm2d:
        one = self._layers["batch_normalization"].pop(0)
        layer = nn.BatchNorm2d(wide, eps=EPSILON)
        names = {
            "weight": "gamma",
            "bias": "beta",
            "running_mean": "moving_mean",
            "running_var": "moving_variance",
        }
        state = {name: torch.from_numpy(one[theirs]) for name, theirs in names.items()}
        layer.load_state_dict(state | {"num_batches_tracked": torch.tensor(0)})
        return layer

    def dense(self, before: int, after: int) -> nn.Linear:
        one = self._layers["dense"].pop(0)
        layer = nn.Linear(before, after)
        layer.load_state_dict(
            {"weight": torch.from_numpy(one["kernel"].T), "bias": torch.from_numpy(one["bias"])}
        )
        return layer


class _Stage(nn.Module):
    def __init__(self, convolution: nn.Conv2d, norm: nn.BatchNorm2d) -> None:
        super().__init__()
        self.convolution, self.norm = convolution, norm

    def forward(self, values: Tensor) -> Tensor:
        out: Tensor = self.norm(functional.relu(self.convolution(values)))
        return out


class _Inception(nn.Module):
    def __init__(self, held: _Held, before: int, widths: tuple[int, int, int, int]) -> None:
        super().__init__()
        first, *others = widths
        self.plain = held.convolution(before, first, 1)
        self.ways = nn.ModuleList()
        for dilation, wide in enumerate(others, 1):
            narrow = held.convolution(before, wide, 1)
            self.ways.append(nn.Sequential(narrow, nn.ReLU(), held.convolution(wide, wide, 3, dilation)))
        self.norm = held.norm(sum(widths))

    def forward(self, values: Tensor) -> Tensor:
        seen = [self.plain(values), *(way(values) for way in self.ways)]
        out: Tensor = self.norm(functional.relu(torch.cat(seen, dim=1)))
        return out


class _End(nn.Module):
    def __init__(self, held: _Held) -> None:
        super().__init__()
        self.first, self.last = held.dense(1024, 16), held.dense(16, 1)

    def forward(self, values: Tensor) -> Tensor:
        flat = values.permute(0, 2, 3, 1).flatten(1)  # as Keras has it: channels last
        return torch.sigmoid(self.last(functional.leaky_relu(self.first(flat), 0.1)))[:, 0]


def fake_of(network: nn.Module, pictures: Sequence[NDArray[np.uint8]]) -> NDArray[np.float64]:
    """How likely pictures (H, W, 3) BGR of faces are fakes, (N,)."""
    if not pictures:
        return np.zeros(0)
    resized = [cv2.resize(one, (SIDE, SIDE), interpolation=cv2.INTER_AREA)[..., ::-1] for one in pictures]
    stacked = torch.from_numpy(np.ascontiguousarray(np.stack(resized))).permute(0, 3, 1, 2).float() / 255
    with torch.inference_mode():
        return np.asarray(1 - network.eval()(stacked).double().numpy())
