"""Trains a denoiser on data that fit into memory; the same data and seed give the same network."""

from collections.abc import Callable

import torch
from torch import Tensor

from detectors.diffusion.adamw import AdamW, one_cycle
from detectors.diffusion.edm import Denoiser, denoising_loss, log_uniform

ASKED_EVERY = 25  # steps


def train(
    denoiser: Denoiser,
    data: Tensor,
    condition: Tensor | None,
    *,
    steps: int,
    rate: float,
    batch: int,
    noise: tuple[float, float],
    seed: int,
    done: Callable[[float], None],
) -> None:
    """On data (N, ...) and their conditions (N, C), with noise levels from `noise`[0] to `noise`[1].

    `rate` is the highest learning rate of one cycle. done(share) is called again and again; what it raises
    ends the training. Afterwards the denoiser is ready to be used.
    """
    chance = torch.Generator().manual_seed(seed)
    optimizer = AdamW(denoiser.parameters())
    for step in range(steps):
        if step % ASKED_EVERY == 0:
            done(step / steps)
        picked = torch.randint(len(data), (batch,), generator=chance)
        sigma = log_uniform(batch, *noise, chance)
        some = data[picked]
        added = torch.randn(some.shape, generator=chance)
        told = None if condition is None else condition[picked]
        denoising_loss(denoiser, some, sigma, added, told).backward()  # type: ignore[no-untyped-call]
        optimizer.step(one_cycle(step, steps, rate))
    denoiser.eval().requires_grad_(False)
