"""Learns what stands still in a camera's view from the same footage as what moves.

The footage is cut into two halves in time; what is known of each half judges the other one, which shows what
unseen footage will score. So that light which was not seen while learning is no surprise, spreads are also
those of the same pictures made brighter, darker, half shaded, noisier and coarser.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from detectors.anomaly.features import Floats
from detectors.anomaly.method import Progress, Seen
from detectors.anomaly.scenery import FLOORS, NAMES, Backdrop, Beat, Beats, Standing, Watch, per_cell
from detectors.anomaly.scenery_score import Scenery, smoothed
from detectors.anomaly.threshold import BLOCK, Tail, fit_tail

LEAST_BEATS = 10  # fewer say nothing
MOST_BEATS = 400
RIDGE = 0.3  # of whitening: features that hardly ever change are not blown up
BELIEF = 20  # beats after which a place's own spread counts as much as the average
LEAST_USUAL = 3.0  # deviations: less is never unusual, however steady the footage was
LEAST_MIDDLE = 0.5  # deviations: a picture drawn by a computer has none at all
SEED = 1


@dataclass(frozen=True, slots=True, eq=False)
class _Look:
    """One beat of the footage."""

    beat: Beat
    fresh: bool  # nothing is known of what stood there before
    block: int


def learn_scenery(footage: Sequence[Seen], done: Progress) -> Scenery | None:
    """What stands in views of one shape; None where pictures come too seldom, or too few.

    done(share) is told the share that is done; what it raises ends learning. The same footage gives the same.
    """
    looks = _looks(footage)
    done(0.1)
    if len(looks) < LEAST_BEATS:
        return None
    half = looks[len(looks) // 2].block
    halves = [look for look in looks if look.block < half], [look for look in looks if look.block >= half]
    maps: list[Floats] = []
    for number, (own, other) in enumerate((halves, halves[::-1])):
        # Footage of a single block has no other half: it is judged by itself, and the tail's margins must do.
        model = _expect(other or own, lambda share, begin=0.1 + 0.3 * number: done(begin + 0.3 * share))  # type: ignore[misc]
        maps += [model.deviations(values) for values in _described(own, model.backdrop)]
    model = _expect(looks, lambda share: done(0.7 + 0.3 * share))
    usual = max(float(np.quantile(maps, 0.999)), LEAST_USUAL)
    smooth = np.stack([smoothed(one / usual) for one in maps])
    energy = smooth**2
    places = (energy.sum(axis=0) / max(float(energy.mean()), 1e-9) + BELIEF) / (len(energy) + BELIEF)
    places = np.sqrt(np.clip(places, 1, 9)).astype(np.float32)
    highest = (smooth / places).max(axis=(1, 2))
    blocks = np.array([look.block for look in looks])
    maxima = np.array([highest[blocks == block].max() for block in np.unique(blocks)])
    return replace(model, usual=usual, places=places, tail=fit_tail(maxima))


def _looks(footage: Sequence[Seen]) -> list[_Look]:
    beats, looks = Beats(), []
    block, filled, before, fresh = 0, 0.0, 0.0, True
    for seen in footage:
        if seen.fresh:
            beats.forget()
            fresh = True
        else:
            filled += min(max(seen.at - before, 0.0), BLOCK)
        before = seen.at
        if filled >= BLOCK:
            block, filled = block + 1, 0.0
        beat = beats.add(seen.view, seen.at)
        if beat is not None:
            looks.append(_Look(beat, fresh, block))
            fresh = False
    every = -(-len(looks) // MOST_BEATS)
    kept = [look for look in looks if look.block % every == 0]
    return [
        replace(look, fresh=look.fresh or (index > 0 and look.block > kept[index - 1].block + 1))
        for index, look in enumerate(kept)
    ]


def _described(looks: Sequence[_Look], backdrop: Backdrop) -> list[Floats]:
    watch = Watch(backdrop)
    return [watch.describe(standing) for standing in _standing(watch, looks)]


def _standing(watch: Watch, looks: Sequence[_Look]) -> list[Standing]:
    found = []
    for look in looks:
        if look.fresh:
            watch.forget()
        found.append(watch.see(look.beat))
    return found


def _expect(looks: Sequence[_Look], done: Progress) -> Scenery:
    chosen = np.unique(np.linspace(0, len(looks) - 1, min(100, len(looks))).astype(int))
    backdrop = Backdrop(
        np.median(np.stack([looks[i].beat.last for i in chosen]), axis=0).astype(np.float32),
        np.median(np.stack([looks[i].beat.colour for i in chosen]), axis=0).astype(np.float32),
    )
    watch, chance = Watch(backdrop), np.random.default_rng(SEED)
    standing = _standing(watch, looks)
    done(0.2)
    values = [watch.describe(one) for one in standing]
    mean = np.median(np.stack(values), axis=0)
    values += [watch.describe(_in_other_light(one, watch, chance)) for one in standing]
    done(0.5)
    apart = np.stack(values) - mean  # (N, rows, cols, F)
    pool = np.maximum((apart**2).mean(axis=(0, 1, 2)), np.square(FLOORS))
    own = ((apart**2).sum(axis=0) + BELIEF * pool) / (len(apart) + BELIEF)
    spread = np.sqrt(np.maximum(own, np.square(FLOORS))).astype(np.float32)
    apart /= spread
    flat = apart.reshape(-1, len(NAMES))
    power, axes = np.linalg.eigh(np.cov(flat[:: max(1, len(flat) // 50_000)].T))
    whiten = (axes / np.sqrt(np.maximum(power, 0) + RIDGE)).astype(np.float32)
    done(1.0)
    far = np.linalg.norm(apart[: len(standing)] @ whiten, axis=-1)  # (N, rows, cols) as it was filmed
    return Scenery(
        backdrop,
        mean.astype(np.float32),
        spread,
        whiten,
        usual=1.0,
        middle=max(float(np.median(far)), LEAST_MIDDLE),
        places=np.ones(spread.shape[:2], np.float32),
        tail=Tail(1.0, 0.5, 1.0, 0.05, 0),
    )


def _in_other_light(seen: Standing, watch: Watch, chance: np.random.Generator) -> Standing:
    """The same view with another exposure, partly shaded, with noise, sometimes compressed much."""
    height, width = seen.grey.shape
    gain, gamma = np.exp(chance.uniform(-0.3, 0.3)), np.exp(chance.uniform(-0.15, 0.15))
    turn = chance.uniform(0, 2 * np.pi)
    across = np.linspace(-0.5, 0.5, width)[None] * np.cos(turn)
    down = np.linspace(-0.5, 0.5, height)[:, None] * np.sin(turn)
    edge = (across + down - chance.uniform(-0.4, 0.4)) / chance.uniform(0.05, 0.2)
    lit = (gain * (1 - chance.uniform(0, 0.35) / (1 + np.exp(-edge)))).astype(np.float32)
    grey = 255 * np.clip(seen.grey * lit / 255, 0, 1) ** np.float32(gamma)
    noise = chance.standard_normal(grey.shape, np.float32) * np.float32(chance.uniform(0, 6))
    grey = np.clip(grey + 0.6 * cv2.blur(noise, (3, 3)), 0, 255).astype(np.float32)
    loss = chance.random()
    if loss < 0.4:
        grey = _coarse(grey, int(chance.integers(15, 60)))
    elif loss < 0.6:
        grey = cv2.bilateralFilter(grey, 5, float(chance.uniform(5, 30)), 3).astype(np.float32)
    light = per_cell(lit)
    unrest = np.abs(chance.standard_normal(light.shape, np.float32)) * np.float32(chance.uniform(0, 2))
    stain = chance.standard_normal(seen.colour.shape, np.float32) * np.float32(chance.uniform(0, 2))
    return watch.levelled(grey, seen.colour * light[..., None] + stain, seen.flicker * light + unrest)


def _coarse(grey: Floats, quality: int) -> Floats:
    """A picture through JPEG."""
    _, packed = cv2.imencode(".jpg", grey.astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(packed, cv2.IMREAD_GRAYSCALE), np.float32)
