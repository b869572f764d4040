"""The denoiser that detectors share: preconditioned so that one network serves every noise level.

Karras et al., Elucidating the Design Space of Diffusion-Based Generative Models, NeurIPS 2022 (table 1).
"""

import math
from itertools import pairwise

import torch
from torch import Tensor, nn


class Denoiser(nn.Module):
    """D(x; sigma, condition): the expected clean data behind x = data + sigma * noise.

    `network` maps (scaled x, noise level (B,), condition or None) to something shaped like x; the data has
    mean zero and standard deviation `spread` (sigma_data in the paper).
    """

    def __init__(self, network: nn.Module, spread: float = 1.0) -> None:
        super().__init__()
        self.network = network
        self.spread = spread

    def forward(self, x: Tensor, sigma: Tensor, condition: Tensor | None = None) -> Tensor:
        """x (B, ...), sigma (B,) > 0, condition (B, ...) or None."""
        level = sigma.view(-1, *[1] * (x.ndim - 1))
        total = (level**2 + self.spread**2).sqrt()
        keep = (self.spread / total) ** 2  # c_skip
        add = level * self.spread / total  # c_out
        out: Tensor = self.network(x / total, sigma.log() / 4, condition)
        return keep * x + add * out


def denoising_loss(
    denoiser: Denoiser, data: Tensor, sigma: Tensor, noise: Tensor, condition: Tensor | None = None
) -> Tensor:
    """Squared error over data (B, ...), weighted so that the network sees unit targets at each level."""
    level = sigma.view(-1, *[1] * (data.ndim - 1))
    error = (denoiser(data + level * noise, sigma, condition) - data) ** 2
    weight = (sigma**2 + denoiser.spread**2) / (sigma * denoiser.spread) ** 2  # (B,)
    loss: Tensor = (weight * error.flatten(1).mean(1)).mean()
    return loss


def log_uniform(count: int, low: float, high: float, generator: torch.Generator) -> Tensor:
    """(count,) noise levels, each octave between low and high equally often."""
    share = torch.rand(count, generator=generator)
    return torch.exp(math.log(low) + share * math.log(high / low))


def sample(
    denoiser: Denoiser,
    shape: tuple[int, ...],
    condition: Tensor | None,
    *,
    noise: tuple[float, float],
    steps: int = 18,
    generator: torch.Generator,
) -> Tensor:
    """Data (N, ...) of that shape as the denoiser knows it, drawn by Heun's method along the flow.

    `noise` is the lowest and the highest level it was trained with. The same generator state gives the same
    samples (Karras et al. 2022, algorithm 1 with rho = 7 and no churn).
    """
    low, high = noise
    ramp = torch.linspace(0, 1, steps)
    levels = (high ** (1 / 7) + ramp * (low ** (1 / 7) - high ** (1 / 7))) ** 7
    # Data and noise together: the flow begins where the data still weigh something.
    x: Tensor = torch.randn(shape, generator=generator) * (high**2 + denoiser.spread**2) ** 0.5
    with torch.inference_mode():
        for level, after in pairwise([*levels.tolist(), 0.0]):
            slope = (x - denoiser(x, torch.full(shape[:1], level), condition)) / level
            ahead = x + (after - level) * slope
            if after:
                again = (ahead - denoiser(ahead, torch.full(shape[:1], after), condition)) / after
                ahead = x + (after - level) * (slope + again) / 2
            x = ahead
    return x


class Perceptron(nn.Module):
    """A network for vectors: x (B, F), level (B,), condition (B, C) or None to (B, F)."""

    def __init__(self, features: int, conditions: int, width: int, depth: int) -> None:
        super().__init__()
        sizes = [features + 1 + conditions, *[width] * depth]
        hidden = [part for a, b in pairwise(sizes) for part in (nn.Linear(a, b), nn.SiLU())]
        last = nn.Linear(width, features)
        nn.init.zeros_(last.weight)  # untrained, D is the best linear denoiser
        nn.init.zeros_(last.bias)
        self.layers = nn.Sequential(*hidden, last)

    def forward(self, x: Tensor, level: Tensor, condition: Tensor | None) -> Tensor:
        parts = [x, level[:, None]] if condition is None else [x, level[:, None], condition]
        out: Tensor = self.layers(torch.cat(parts, dim=1))
        return out
