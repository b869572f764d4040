"""The network that restores pictures: a small U-Net that is told, pixel by pixel, how noisy they are.

One step of diffusion: preconditioned as in Karras et al., Elucidating the Design Space of Diffusion-Based
Generative Models, NeurIPS 2022, with a noise level for each pixel in place of one for the picture (as FFDNet
has it, Zhang et al., TIP 2018), it gives the mean of all clean pictures that the noisy one may be, and so
invents nothing. Its blocks are those of Chen et al., Simple Baselines for Image Restoration, ECCV 2022, less
their attention to channels.
"""

from itertools import pairwise
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

WIDTHS: Final = (32, 64, 128)
BLOCKS: Final = 2  # on each of the U-Net's floors, going down as going up
FOLD: Final = 2  # pixels on each side that are folded into channels first
MULTIPLE: Final = FOLD * 2 ** (len(WIDTHS) - 1)  # of which a picture's sides must be
SPREAD: Final = 0.25  # standard deviation of pictures in 0..1
LEAST: Final = 4 / 255  # deviation below which the network may still change a picture
TINY: Final = 1e-6  # of the variance of a pixel's channels
SOFT: Final = 0.1  # how much of a block counts before it has learned


class Denoising(nn.Module):
    """D(x; sigma): pictures without noise."""

    def __init__(self, widths: tuple[int, ...] = WIDTHS, blocks: int = BLOCKS) -> None:
        super().__init__()

        def floor(width: int) -> nn.Sequential:
            return nn.Sequential(*(Block(width) for _ in range(blocks)))

        self.begin = nn.Conv2d(3 * FOLD**2 + 2, widths[0], 3, padding=1)
        self.down = nn.ModuleList([floor(width) for width in widths])
        self.shrink = nn.ModuleList([nn.Conv2d(a, b, 2, stride=2) for a, b in pairwise(widths)])
        self.grow = nn.ModuleList([nn.ConvTranspose2d(b, a, 2, stride=2) for a, b in pairwise(widths)])
        self.up = nn.ModuleList([floor(width) for width in widths])
        self.end = nn.Conv2d(widths[0], 3 * FOLD**2, 3, padding=1)
        nn.init.zeros_(self.end.weight)  # untrained, D is nearly the best linear denoiser
        nn.init.zeros_(self.end.bias)  # type: ignore[arg-type]
        self.to(memory_format=torch.channels_last)  # a third quicker to train

    def forward(self, x: Tensor, noise: Tensor) -> Tensor:
        """x (B, 3, H, W) in about 0..1; noise (B, 3): its read, shot and grain, as Noise has them.

        H and W are multiples of MULTIPLE.
        """
        read, shot, grain = torch.split(noise[..., None, None], 1, dim=1)  # each (B, 1, 1, 1)
        bright = functional.avg_pool2d(x.mean(dim=1, keepdim=True), 5, 1, 2, count_include_pad=False)
        level = (shot * bright.clamp(min=0) + read**2).sqrt().clamp(min=LEAST)  # (B, 1, H, W)
        total = (level**2 + SPREAD**2).sqrt()
        middle = x - 0.5
        keep = (SPREAD / total) ** 2  # c_skip
        add = level * SPREAD / total  # c_out
        told = torch.cat([level.log() / 4 + 0.5, (grain / 3).expand_as(level)], dim=1)
        change = self._restore(middle / total, functional.avg_pool2d(told, FOLD))
        restored: Tensor = keep * middle + add * change + 0.5
        return restored

    def _restore(self, x: Tensor, told: Tensor) -> Tensor:
        values = torch.cat([functional.pixel_unshuffle(x, FOLD), told], dim=1)
        values = self.begin(values.contiguous(memory_format=torch.channels_last))
        kept = []
        for number, floor in enumerate(self.down):
            values = floor(values)
            if number < len(self.shrink):
                kept.append(values)
                values = self.shrink[number](values)
        for number in reversed(range(len(self.up))):
            values = self.up[number](values)
            if number:
                values = self.grow[number - 1](values) + kept[number - 1]
        return functional.pixel_shuffle(self.end(values), FOLD)


class Block(nn.Module):
    """What is around a pixel, then what is at it; products of two halves take the place of activations."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.widen = nn.Conv2d(width, 2 * width, 1)
        self.around = nn.Conv2d(2 * width, 2 * width, 3, padding=1, groups=2 * width)
        self.join = nn.Conv2d(width, width, 1)
        self.again = nn.Conv2d(width, 2 * width, 1)
        self.end = nn.Conv2d(width, width, 1)
        self.much = nn.ParameterList([torch.full((1, width, 1, 1), SOFT) for _ in range(2)])

    def forward(self, values: Tensor) -> Tensor:
        one, other = self.around(self.widen(_normal(values))).chunk(2, dim=1)
        values = values + self.much[0] * self.join(one * other)
        one, other = self.again(_normal(values)).chunk(2, dim=1)
        out: Tensor = values + self.much[1] * self.end(one * other)
        return out


def _normal(values: Tensor) -> Tensor:
    """Each pixel's channels with mean 0 and deviation 1; the weights for it are in the layer that follows."""
    last = values.permute(0, 2, 3, 1)
    return functional.layer_norm(last, last.shape[3:], eps=TINY).permute(0, 3, 1, 2)
