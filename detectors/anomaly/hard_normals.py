"""Hard normals: cells drawn from what one stretch of footage taught, judged by what another one taught.

A network finds nothing strange in what it draws itself. Two stretches of one camera know different things,
and what one of them holds for possible may go further than what it happened to show. Drawn by the sampler of
Karras et al., NeurIPS 2022. It tries a threshold, and never sets one.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from detectors.anomaly.features import NAMES, Cells
from detectors.anomaly.inference import of_either
from detectors.anomaly.learning import NOISE
from detectors.anomaly.normal import Normal
from detectors.anomaly.score import Expectation, place
from detectors.diffusion.edm import sample

DRAWN = 20_000
SEED = 1


@dataclass(frozen=True, slots=True)
class Stress:
    """What a threshold makes of drawn cells."""

    drawn: int
    reached: int  # how many would alarm, if all around them looked like them for a moment
    highest: float  # score of the strangest


def stress(judge: Normal, drawing: Expectation, threshold: float, pictures: int) -> Stress:
    """`drawing` was learned from so many pictures of the same camera, which `judge` has not learned from.

    `threshold` is a score: see Reading. The same two give the same answer.
    """
    found = scores(judge, drawn(drawing, pictures, DRAWN))
    return Stress(len(found), int((found >= threshold).sum()), float(found.max()))


def scores(judge: Normal, cells: Cells) -> NDArray[np.float64]:
    """(N,) of cells, each as if all around it looked like it for a moment."""
    found = np.array([judge.tail.surprise(float(raw)) for raw in judge.expectation.strangeness(cells)])
    return of_either(found) if judge.scenery else found


def drawn(expectation: Expectation, pictures: int, count: int) -> Cells:
    """So many cells, each where things were seen about as often as that in so many pictures."""
    # The other way round than rarity() of score.py.
    visits = (pictures + 1.0) ** (1 - expectation.rarity.astype(np.float64)) - 1
    share = np.maximum(visits, 0).ravel()
    chance = np.random.default_rng(SEED)
    where = (
        chance.choice(share.size, count, p=share / share.sum())
        if share.sum()
        else chance.integers(share.size, size=count)
    )
    rows, cols = np.unravel_index(where, expectation.rarity.shape)
    told = torch.from_numpy(place(rows, cols, expectation.rarity.shape))
    white = sample(
        expectation.denoiser,
        (count, len(NAMES)),
        told,
        noise=NOISE,
        generator=torch.Generator().manual_seed(SEED),
    )
    return Cells(rows, cols, expectation.features(white).astype(np.float32))
