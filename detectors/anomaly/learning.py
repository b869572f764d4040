"""Learns a camera's normal from its own footage: the empty scene, and what moves in front of it.

The footage is cut into two halves in time. A model of each half judges the other one, which shows what unseen
footage will score: the threshold and the restless places come from that. Blocks that the other half finds
outlandish are left out, and the model that is kept learns from all the rest.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from detectors.anomaly.features import (
    FLOORS,
    NAMES,
    Background,
    Cells,
    Floats,
    Observer,
    Past,
    Recent,
    empty_scene,
)
from detectors.anomaly.method import Progress, Seen, Stopped
from detectors.anomaly.normal import NETWORK, Normal
from detectors.anomaly.score import Expectation, Map, place, rarity
from detectors.anomaly.threshold import BLOCK, fit_tail, typical
from detectors.diffusion.edm import Denoiser, Perceptron
from detectors.diffusion.training import train

STEPS = 500
RATE = 2e-3  # of learning, at its highest
FURTHER_STEPS = 150  # where something was learned before,
FURTHER_RATE = 5e-4  # and gently, so that it is not lost
ODD_GAP = 2.0  # times the usual gap: flow over more compares badly
SAME_SPREAD = 4.0  # times the variance, or a share of it, at which whitening still fits
BATCH = 1024
NOISE = (0.05, 4.0)  # sigma, lowest and highest
SCENES = 150  # pictures for the median
MOST_CELLS = 200_000
EMPTY_CELLS = 0.05  # share of learned cells with nothing in them: a scene where nothing moves has only these
RESTLESS = 100  # cells after which a place's own score counts as much as the average
SEED = 1


@dataclass(frozen=True, slots=True, eq=False)
class _Look:
    """One picture, described."""

    cells: Cells
    gap: float
    seconds: float  # since the picture before
    block: int
    fresh: bool


def learn(
    footage: Sequence[Seen],
    progress: Progress,
    stopped: Callable[[], bool],
    start: Expectation | None = None,
) -> Normal:
    """A camera's normal from pictures of the same size.

    `start` is what was learned before from other footage of the same view: its network is trained further, in
    a third of the time, and what was seen then stays known. The empty scene and the threshold come from the
    new footage alone, so it must be footage that `start` has not learned from. Where the new cells have
    little in common with the old ones, all is learned anew.

    Raises Stopped soon after stopped() is true. The same footage gives the same normal.
    Raises ValueError where no two pictures follow on each other.
    """

    def done(share: float) -> None:
        if stopped():
            raise Stopped
        progress(share)

    chosen = np.unique(np.linspace(0, len(footage) - 1, min(SCENES, len(footage))).astype(int))
    background = empty_scene(
        np.stack([footage[i].view.grey for i in chosen]), np.stack([footage[i].view.colour for i in chosen])
    )
    looks = []
    for index, look in enumerate(_looks(footage, background)):
        looks.append(look)
        if index % 16 == 0:
            done(0.4 * index / len(footage))
    if not looks:
        raise ValueError("no two pictures of the footage follow on each other")
    shape = background.colour.shape[:2]
    odd = _judged_by_the_other_half(looks, shape, start, done)
    kept = typical(_maxima(looks, odd, np.ones(shape, np.float32)))
    blocks = np.array([look.block for look in looks])
    ours = [one if keep else one[:0] for one, keep in zip(odd, kept[blocks], strict=True)]
    places = _places(looks, ours, shape)
    maxima = _maxima(looks, odd, places)
    cells = [look.cells for look in looks if kept[look.block]]
    model = _expect(cells, shape, start, lambda share: done(0.8 + 0.2 * share))
    return Normal(
        background=background,
        expectation=replace(model, places=places),
        tail=fit_tail(maxima[kept]),
        gap=float(np.median([look.gap for look in looks])),
        left_out=int((~kept).sum()),
    )


def _judged_by_the_other_half(
    looks: Sequence[_Look], shape: tuple[int, ...], start: Expectation | None, done: Progress
) -> list[Floats]:
    """(N,) for each look: how odd its cells are to a model that has not seen them."""
    half = looks[len(looks) // 2].block
    halves = [look for look in looks if look.block < half], [look for look in looks if look.block >= half]
    odd: list[Floats] = []
    for number, (own, other) in enumerate((halves, halves[::-1])):
        begin = 0.4 + 0.2 * number
        # Footage of a single block has no other half: it is judged by itself, and the tail's margins must do.
        cells = [look.cells for look in other or own]
        model = _expect(cells, shape, start, lambda share, begin=begin: done(begin + 0.2 * share))  # type: ignore[misc]
        odd += [model.oddness(look.cells) for look in own]
    return odd


def _looks(footage: Sequence[Seen], background: Background) -> Iterator[_Look]:
    # Where only some pictures were kept, two come at the camera's pace, and then none for a while: what is
    # learned is that pace, at which they are compared when there is room for all again.
    gaps = [gap for _, _, gap, _ in _compared(footage)]
    longest = ODD_GAP * float(np.quantile(gaps, 0.25)) if gaps else 0.0
    observer = Observer(background)
    block, filled = 0, 0.0
    for seen, past, gap, seconds in _compared(footage):
        filled += min(seconds, BLOCK)
        if filled >= BLOCK:
            block, filled = block + 1, 0.0
        if gap <= longest:
            yield _Look(observer.describe(seen.view, past, gap), gap, seconds, block, not seconds)


def _compared(footage: Sequence[Seen]) -> Iterator[tuple[Seen, Past, float, float]]:
    """Each picture, what it is compared with, how far back that is, and seconds since the one before."""
    recent = Recent()
    before: Seen | None = None
    for seen in footage:
        if seen.fresh or before is None or seen.at <= before.at:
            recent.forget()
            seconds = 0.0
        else:
            seconds = seen.at - before.at
        before = seen
        if pair := recent.past(seen.view, seen.at):
            yield seen, *pair, seconds


def _expect(
    all_cells: Sequence[Cells], shape: tuple[int, ...], start: Expectation | None, done: Progress
) -> Expectation:
    values = np.concatenate([cells.values for cells in all_cells])
    where = place(
        np.concatenate([cells.rows for cells in all_cells]),
        np.concatenate([cells.cols for cells in all_cells]),
        shape,
    )
    chance = np.random.default_rng(SEED)
    if len(values) > MOST_CELLS:
        some = chance.choice(len(values), MOST_CELLS, replace=False)
        values, where = values[some], where[some]
    empty = max(500, int(EMPTY_CELLS * len(values)))
    values = np.concatenate([values, np.zeros((empty, len(NAMES)), np.float32)])
    where = np.concatenate([where, chance.uniform(-1, 1, (empty, 2)).astype(np.float32)[:, [0, 1, 0, 1]]])
    where[-empty:, 2:] **= 2
    rare = rarity(all_cells, shape)
    if start is not None and _fits(start, values) and start.rarity.shape == rare.shape:
        mean, whiten = start.mean, start.whiten  # what its network was trained in
        denoiser = _further(start.denoiser)
        steps, rate = FURTHER_STEPS, FURTHER_RATE
        rare = np.minimum(rare, start.rarity)
    else:
        mean, whiten = _whitening(values)
        denoiser = _untrained()
        steps, rate = STEPS, RATE
    train(
        denoiser,
        torch.from_numpy((values - mean) @ whiten),
        torch.from_numpy(where),
        steps=steps,
        rate=rate,
        batch=BATCH,
        noise=NOISE,
        seed=SEED,
        done=done,
    )
    return Expectation(
        mean,
        whiten,
        denoiser,
        rarity=rare,
        places=np.ones(shape, np.float32),
    )


def _whitening(values: Floats) -> tuple[Floats, Floats]:
    """The mean (F,) and the whitening matrix (F, F) of cells (N, F)."""
    mean: Floats = values.mean(axis=0)
    spread = np.maximum(values.std(axis=0), FLOORS).astype(np.float32)
    power, axes = np.linalg.eigh(np.cov(((values - mean) / spread).T))
    whiten: Floats = (axes / np.sqrt(np.maximum(power, 0) + 0.02) / spread[:, None]).astype(np.float32)
    return mean, whiten


def _fits(start: Expectation, values: Floats) -> bool:
    """Whether cells (N, F) are still of such a size that the earlier network can be trained further."""
    energy = float((((values - start.mean) @ start.whiten) ** 2).mean())
    return start.mean.shape == values.shape[1:] and 1 / SAME_SPREAD < energy < SAME_SPREAD


def _untrained() -> Denoiser:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(SEED)
        return Denoiser(Perceptron(**NETWORK))


def _further(known: Denoiser) -> Denoiser:
    denoiser = _untrained()
    denoiser.load_state_dict(known.state_dict())
    return denoiser


def _places(looks: Sequence[_Look], odd: Sequence[Floats], shape: tuple[int, ...]) -> Floats:
    """(rows, cols) how restless each place is, 1 where no more so than the average or little was seen."""
    energy, count = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
    for look, one in zip(looks, odd, strict=True):
        if len(one):
            np.add.at(energy, (look.cells.rows, look.cells.cols), one**2)
            np.add.at(count, (look.cells.rows, look.cells.cols), 1)
    if not count.any():
        return np.ones(shape, np.float32)
    energy /= energy.sum() / count.sum()
    near_energy, near_count = (
        cv2.blur(grid, (3, 3), borderType=cv2.BORDER_CONSTANT) * 9 for grid in (energy, count)
    )
    # A place that was calm so far is no reason to raise the alarm sooner: planted events say so.
    places: Floats = np.sqrt(np.clip((near_energy + RESTLESS) / (near_count + RESTLESS), 1, 9))
    return places.astype(np.float32)


def _maxima(looks: Sequence[_Look], odd: Sequence[Floats], places: Floats) -> NDArray[np.float64]:
    """(blocks,) the highest score that each block would have shown."""
    maxima = np.zeros(looks[-1].block + 1)
    scores = Map(places.shape)
    for look, one in zip(looks, odd, strict=True):
        if look.fresh:
            scores.forget()
        now = scores.add(look.cells, one / places[look.cells.rows, look.cells.cols], look.seconds)
        maxima[look.block] = max(maxima[look.block], float(now.max()))
    return maxima
