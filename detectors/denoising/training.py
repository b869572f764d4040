"""Trains the denoiser on photos that are damaged on the way; the same photos and seed give the same weights.

What a camera and its codec do is slow to compute: a pool of whole photos is damaged once, and says of each
what the estimator takes its noise to be. White noise and too little light are drawn anew for every patch.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.random import Generator
from torch import Tensor, nn

from detectors.denoising import damage
from detectors.denoising.camera import Camera
from detectors.denoising.estimate import estimate
from detectors.denoising.network import Denoising
from detectors.denoising.noise import Noise, Picture
from detectors.diffusion.adamw import one_cycle

PATCH: Final = 64  # px
BATCH: Final = 16
RATE: Final = 2e-3
WARM: Final = 0.05  # share of the steps in which the rate rises
MOST_GRADIENT: Final = 1.0  # its norm: one odd batch must not undo what was learned
SAVED_EVERY: Final = 250  # steps
# How often each damage is shown.
WHITE, DIM, POOL = 0.35, 0.25, 0.4
MOST_SIGMA: Final = 80.0  # grey levels
PHOTONS: Final = (6.0, 300.0)  # of white, in too little light
MOST_READ: Final = 4.0  # electrons
SCATTER: Final = 0.15  # octaves of grain that the estimator sees in white noise, as a standard deviation
UNSURE: Final = 0.08  # the estimate is off by so much, as a standard deviation of its logarithm
COMPRESSED: Final = 0.15  # of white noise and too little light that goes through JPEG, too
CODEC: Final = (24, 36)  # x264's CRF behind a camera
HARD_CODEC: Final = (28, 43)  # and of clean pictures
TINY: Final = 1e-5  # of squared error: what is nearly right is right

Tell = Callable[[str, float], None]


@dataclass(frozen=True, slots=True, eq=False)
class Pair:
    """A picture as it is and as it should be."""

    noisy: Picture
    clean: Picture
    noise: Noise


def train(photos: Sequence[Picture], steps: int, seed: int, kept: Path, tell: Tell) -> Denoising:
    """The network, ready to be used. Goes on from `kept`, where an earlier attempt left it, and removes it.

    What tell() raises ends the training; the same call goes on with it.
    """
    pool = pooled(photos, np.random.default_rng(seed), tell)
    torch.manual_seed(seed)
    network = Denoising()
    optimizer = torch.optim.AdamW(network.parameters(), lr=RATE, weight_decay=1e-4)
    first = _recall(kept, network, optimizer)
    for step in range(first, steps):
        if step % SAVED_EVERY == 0:
            _keep(kept, network, optimizer, step)
            tell("training", step / steps)
        chance = np.random.default_rng((seed, step))  # of each step its own, for the sake of going on
        clean, noisy, noise = _batch(photos, pool, chance)
        loss = _loss(network(noisy, noise), clean)
        loss.backward()  # type: ignore[no-untyped-call]
        for group in optimizer.param_groups:
            group["lr"] = one_cycle(step, steps, RATE, WARM)
        nn.utils.clip_grad_norm_(network.parameters(), MOST_GRADIENT)
        optimizer.step()
        optimizer.zero_grad()
    kept.unlink(missing_ok=True)
    return network.eval().requires_grad_(False)


def pooled(photos: Sequence[Picture], chance: Generator, tell: Tell) -> list[Pair]:
    """Each photo through cameras and codecs."""
    pairs = []
    for number, photo in enumerate(photos):
        tell("filming photos", number / len(photos))
        seen = [Camera.drawn(chance).film(photo, chance) for _ in range(4)]
        seen[2:] = [damage.h264([one], int(chance.integers(*CODEC))) for one in seen[2:]]
        if chance.random() < 0.5:
            seen.append(damage.h264([photo], int(chance.integers(*HARD_CODEC))))
        else:
            seen.append(damage.jpeg(photo, int(chance.integers(8, 60))))
        if chance.random() < 0.5:
            seen.append(photo)
        pairs += [Pair(one, photo, estimate(one)) for one in seen]
    return pairs


def _batch(
    photos: Sequence[Picture], pool: Sequence[Pair], chance: Generator
) -> tuple[Tensor, Tensor, Tensor]:
    """Clean and noisy patches (BATCH, 3, PATCH, PATCH), 0..1, and what is told of their noise (BATCH, 3)."""
    clean = np.empty((BATCH, PATCH, PATCH, 3), np.float32)
    noisy = np.empty_like(clean)
    told = np.empty((BATCH, 3), np.float32)
    for index in range(BATCH):
        kind = chance.random()
        if kind < POOL:
            pair = pool[int(chance.integers(len(pool)))]
            window = _window(pair.clean.shape, chance)
            clean[index], noisy[index] = pair.clean[window], pair.noisy[window]
            noise, grain = pair.noise, pair.noise.grain
        else:
            photo = photos[int(chance.integers(len(photos)))]
            patch = photo[_window(photo.shape, chance)]
            clean[index] = patch
            noisy[index], noise = _white(patch, chance) if kind < POOL + WHITE else _dim(patch, chance)
            grain = SCATTER * abs(chance.standard_normal())
            if chance.random() < COMPRESSED:
                noisy[index] = damage.jpeg(_as_picture(noisy[index]), int(chance.integers(20, 90)))
        off = np.exp(UNSURE * chance.standard_normal(2))
        told[index] = noise.read * off[0], noise.shot * off[1] ** 2, grain
        for pictures in (clean, noisy) if chance.random() < 0.5 else ():
            pictures[index] = pictures[index, :, ::-1].copy()
    as_tensors = (torch.from_numpy(one / 255).permute(0, 3, 1, 2).contiguous() for one in (clean, noisy))
    return next(as_tensors), next(as_tensors), torch.from_numpy(told)


def _white(patch: Picture, chance: Generator) -> tuple[Any, Noise]:
    sigma = chance.uniform(0, MOST_SIGMA)
    seen = damage.white_unclipped(patch, sigma, chance)
    return seen if chance.random() < 0.3 else _as_picture(seen), Noise(read=sigma / 255)


def _dim(patch: Picture, chance: Generator) -> tuple[Any, Noise]:
    photons = float(np.exp(chance.uniform(*np.log(PHOTONS))))
    read = chance.uniform(0, MOST_READ)
    return damage.low_light(patch, chance, photons, read), Noise(read=read / photons, shot=1 / photons)


def _as_picture(values: Any) -> Picture:
    return np.asarray(np.clip(np.rint(values), 0, 255), np.uint8)


def _window(shape: tuple[int, ...], chance: Generator) -> tuple[slice, slice]:
    top, left = (int(chance.integers(0, side - PATCH + 1)) for side in shape[:2])
    return slice(top, top + PATCH), slice(left, left + PATCH)


def _loss(restored: Tensor, clean: Tensor) -> Tensor:
    """The mean of what PSNR measures: every noise level counts the same."""
    error = ((restored - clean) ** 2).flatten(1).mean(dim=1)
    loss: Tensor = (error + TINY).log().mean()
    return loss


def _keep(path: Path, network: Denoising, optimizer: torch.optim.Optimizer, step: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_suffix(".new")
    torch.save({"network": network.state_dict(), "optimizer": optimizer.state_dict(), "step": step}, beside)
    beside.replace(path)


def _recall(path: Path, network: Denoising, optimizer: torch.optim.Optimizer) -> int:
    """The step to go on with."""
    if not path.exists():
        return 0
    kept = torch.load(path, weights_only=True)
    network.load_state_dict(kept["network"])
    optimizer.load_state_dict(kept["optimizer"])
    return int(kept["step"])
