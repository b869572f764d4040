"""A small U-Net for pictures: the network inside a Denoiser that restores them from any noise level.

Ronneberger et al., U-Net, MICCAI 2015; residual blocks told of the noise level as in Ho et al., NeurIPS 2020.
"""

import math
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

LEVELS = 32  # numbers that tell the noise level


class UNet(nn.Module):
    """Pictures (B, C, H, W) and their noise level (B,) to something shaped like them.

    Squares of `fold` x `fold` pixels are folded into channels first, so that the widest maps are small.
    H and W must be multiples of fold * 2 ** (len(widths) - 1).
    """

    def __init__(self, channels: int = 3, fold: int = 4, widths: tuple[int, ...] = (48, 80, 128)) -> None:
        super().__init__()
        self.fold = fold
        many = channels * fold**2
        told = 4 * LEVELS
        self.tell = nn.Sequential(nn.Linear(LEVELS, told), nn.SiLU())
        self.begin = nn.Conv2d(many, widths[0], 3, padding=1)
        self.down = nn.ModuleList([_Block(width, width, told) for width in widths])
        self.shrink = nn.ModuleList([nn.Conv2d(a, b, 3, stride=2, padding=1) for a, b in pairwise(widths)])
        self.middle = _Block(widths[-1], widths[-1], told)
        self.grow = nn.ModuleList([nn.Conv2d(b, a, 3, padding=1) for a, b in pairwise(widths)])
        self.up = nn.ModuleList([_Block(2 * width, width, told) for width in widths])
        self.end = nn.Conv2d(widths[0], many, 3, padding=1)
        nn.init.zeros_(self.end.weight)  # untrained, D is nearly the best linear denoiser

    def forward(self, x: Tensor, level: Tensor, condition: Tensor | None = None) -> Tensor:
        """`condition` is of the Denoiser's promise; this network knows none."""
        if condition is not None:
            raise ValueError("this network takes no condition")
        told = self.tell(_waves(level))
        values = self.begin(functional.pixel_unshuffle(x, self.fold))
        kept = []
        for number, block in enumerate(self.down):
            values = block(values, told)
            kept.append(values)
            if number < len(self.shrink):
                values = self.shrink[number](values)
        values = self.middle(values, told)
        for number in reversed(range(len(self.up))):
            values = self.up[number](torch.cat([values, kept[number]], dim=1), told)
            if number:
                values = self.grow[number - 1](functional.interpolate(values, scale_factor=2.0))
        return functional.pixel_shuffle(self.end(values), self.fold)


class _Block(nn.Module):
    def __init__(self, before: int, after: int, told: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(before, after, 3, padding=1)
        self.norm = nn.GroupNorm(8, after)
        self.told = nn.Linear(told, 2 * after)
        self.second = nn.Conv2d(after, after, 3, padding=1)
        self.pass_on = nn.Conv2d(before, after, 1) if before != after else nn.Identity()
        nn.init.zeros_(self.told.weight)
        nn.init.zeros_(self.told.bias)

    def forward(self, values: Tensor, told: Tensor) -> Tensor:
        gain, lift = self.told(told)[..., None, None].chunk(2, dim=1)
        inside = self.norm(self.first(functional.silu(values)))
        out: Tensor = self.pass_on(values) + self.second(functional.silu(inside * (1 + gain) + lift))
        return out


def _waves(level: Tensor) -> Tensor:
    """(B, LEVELS) of log sigma / 4, as the Denoiser gives it."""
    rates = torch.exp(torch.linspace(math.log(0.5), math.log(16), LEVELS // 2))
    angles = 2 * math.pi * level[:, None] * rates
    return torch.cat([angles.sin(), angles.cos()], dim=1)
