"""Learns what a camera's view usually looks like in maps of numbers.

The footage is cut into two halves in time; what is known of each half judges the other one, which shows what
unseen footage will score. Blocks that the other half finds outlandish are left out.
"""

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from detectors.anomaly.features import Floats
from detectors.anomaly.maps_normal import LEVELS, MapsNormal, places, untrained
from detectors.anomaly.maps_score import Smoothed
from detectors.anomaly.method import Progress, Seen, Stopped
from detectors.anomaly.threshold import BLOCK, Tail, fit_tail, typical
from detectors.diffusion.training import train

MOST = 600  # pictures that are learned from, in whole blocks
STEPS = 500
RATE = 2e-3
FURTHER_STEPS, FURTHER_RATE = 150, 5e-4  # where something was learned before
BATCH = 1024
NOISE = (0.05, 4.0)  # sigma, lowest and highest
RIDGE = 0.05  # of whitening, times the mean variance
SEED = 1


@dataclass(frozen=True, slots=True, eq=False)
class _Look:
    """One picture of the footage."""

    values: NDArray[np.float16]  # (rows, cols, F)
    seconds: float  # since the picture before
    block: int
    fresh: bool


def learn(
    footage: Sequence[Seen], start: MapsNormal | None, progress: Progress, stopped: Callable[[], bool]
) -> MapsNormal:
    """A camera's normal from maps of one shape; from `start`, learned of other footage before, if given.

    Raises Stopped soon after stopped() is true. The same footage and start give the same normal.
    """

    def done(share: float) -> None:
        if stopped():
            raise Stopped
        progress(share)

    looks = _looks(footage)
    half = looks[len(looks) // 2].block
    halves = [look for look in looks if look.block < half], [look for look in looks if look.block >= half]
    errors: list[Floats] = []
    for number, (own, other) in enumerate((halves, halves[::-1])):
        begin = 0.4 * number
        # Footage of a single block has no other half: it is judged by itself, and the tail's margins must do.
        model = _expect(other or own, start, lambda share, begin=begin: done(begin + 0.25 * share))  # type: ignore[misc]
        for index, look in enumerate(own):
            errors.append(model.errors(look.values[None].astype(np.float32))[0])
            if index % 16 == 0:
                done(begin + 0.25 + 0.15 * index / len(own))
    blocks = np.array([look.block for look in looks])
    names, place = np.unique(blocks, return_inverse=True)
    # What is usual of most blocks shows which of them are outlandish; what is usual of the others is kept.
    by_block = [_usual([errors[i] for i in np.flatnonzero(blocks == name)]) for name in names]
    usual = np.quantile(by_block, 0.75, axis=0).astype(np.float32)
    kept = typical(_maxima(looks, errors, usual))
    usual = _usual([error for error, keep in zip(errors, kept[place], strict=True) if keep])
    maxima = _maxima(looks, errors, usual)
    ours = [look for look, keep in zip(looks, kept[place], strict=True) if keep]
    model = _expect(ours, start, lambda share: done(0.8 + 0.2 * share))
    return replace(model, usual=usual, tail=fit_tail(maxima[kept]), shape=footage[0].view.shape)


def _looks(footage: Sequence[Seen]) -> list[_Look]:
    before: Seen | None = None
    looks, block, filled = [], 0, 0.0
    for seen in footage:
        fresh = seen.fresh or before is None or seen.at <= before.at
        seconds = 0.0 if fresh or before is None else seen.at - before.at
        before = seen
        filled += min(seconds, BLOCK)
        if filled >= BLOCK:
            block, filled = block + 1, 0.0
        looks.append(_Look(seen.view.values, seconds, block, fresh))
    every = -(-len(looks) // MOST)
    kept = [look for look in looks if look.block % every == 0]
    return [
        replace(look, fresh=look.fresh or (index > 0 and look.block > kept[index - 1].block + 1))
        for index, look in enumerate(kept)
    ]


def _expect(looks: Sequence[_Look], start: MapsNormal | None, done: Progress) -> MapsNormal:
    """What these pictures hold; `usual` and `tail` are not known yet."""
    maps = np.stack([look.values for look in looks])
    mean = maps.mean(axis=0, dtype=np.float32)
    done(0.1)
    if start is None:
        flat = (maps[:: max(1, len(maps) // 100)].astype(np.float32) - mean).reshape(-1, maps.shape[-1])
        power, axes = np.linalg.eigh(np.cov(flat.T))
        whiten = (axes / np.sqrt(np.maximum(power, 0) + RIDGE * power.mean() + 1e-6)).astype(np.float32)
        torch.manual_seed(SEED)
        denoiser, steps, rate = untrained(maps.shape[-1]), STEPS, RATE
    else:
        mean, whiten = (mean + start.mean) / 2, start.whiten
        denoiser, steps, rate = (
            copy.deepcopy(start.denoiser).requires_grad_(True),
            FURTHER_STEPS,
            FURTHER_RATE,
        )
    white = np.empty(maps.shape, np.float32)
    for index, one in enumerate(maps):
        white[index] = (one.astype(np.float32) - mean) @ whiten
    train(
        denoiser,
        torch.from_numpy(white.reshape(-1, maps.shape[-1])),
        torch.from_numpy(places(mean.shape[:2])).repeat(len(maps), 1),
        steps=steps,
        rate=rate,
        batch=BATCH,
        noise=NOISE,
        seed=SEED,
        done=lambda share: done(0.2 + 0.8 * share),
    )
    nothing = np.ones(len(LEVELS), np.float32)
    return MapsNormal(mean, whiten, denoiser, nothing, Tail(1.0, 0.5, 1.0, 0.05, 0), (*mean.shape,))


def _usual(errors: Sequence[Floats]) -> Floats:
    every = np.concatenate([error.reshape(-1, len(LEVELS)) for error in errors])
    usual: Floats = np.maximum(np.quantile(every, 0.999, axis=0), 1e-3).astype(np.float32)
    return usual


def _maxima(looks: Sequence[_Look], errors: Sequence[Floats], usual: Floats) -> NDArray[np.float64]:
    """(blocks,) the highest score that each block would have shown."""
    smoothed, highest = Smoothed(), []
    for look, error in zip(looks, errors, strict=True):
        if look.fresh:
            smoothed.forget()
        highest.append(float(smoothed.add((error / usual).mean(axis=-1), look.seconds).max()))
    scores, blocks = np.array(highest), np.array([look.block for look in looks])
    return np.array([scores[blocks == block].max() for block in np.unique(blocks)])
