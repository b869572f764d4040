"""Whether regions are found: by region and by track (Ramachandra and Jones, Street Scene, WACV 2020).

A region is found where a detected one overlaps it (intersection over union of at least .1 of the pixels), a
track where at least a tenth of its regions are found. Both are plotted against false regions a picture, and
the area under the curve from 0 to 1 false region is the figure.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

OVERLAP = 0.1
TRACKED = 0.1  # share of a track's regions
LEVELS = 40
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Criteria:
    """Areas under the curves, 0..1."""

    rbdc: float
    tbdc: float


def criteria(maps: Sequence[NDArray[np.floating]], masks: Sequence[Mask]) -> Criteria:
    """Of clips: `maps` (N, H, W) of scores, `masks` (N, H, W) of what is abnormal; nan without any region."""
    tracks = [_tracks(clip) for clip in masks]
    sizes = [Counter(int(name) for frame in clip for name in np.unique(frame) if name) for clip in tracks]
    regions, pictures = sum(sum(one.values()) for one in sizes), sum(len(clip) for clip in masks)
    if not regions:
        return Criteria(float("nan"), float("nan"))
    highest = np.concatenate([clip.reshape(len(clip), -1).max(axis=1) for clip in maps])
    levels = np.unique(np.quantile(highest, np.linspace(0.02, 1, LEVELS)))[::-1]
    points = [(0.0, 0.0, 0.0)]
    for level in levels:
        hits, false, whole = 0, 0, 0
        for scores, clip, size in zip(maps, tracks, sizes, strict=True):
            seen = dict.fromkeys(size, 0)
            for now, truth in zip(scores, clip, strict=True):
                found, wrong = _matched(now >= level, truth)
                false += wrong
                for name in found:
                    seen[name] += 1
            hits += sum(seen.values())
            whole += sum(seen[name] >= TRACKED * size[name] for name in size)
        points.append((false / pictures, hits / regions, whole / sum(map(len, sizes))))
    rate, by_region, by_track = np.array(points).T
    return Criteria(_area(rate, by_region), _area(rate, by_track))


def _area(rate: NDArray[np.float64], found: NDArray[np.float64]) -> float:
    """Under the curve from 0 to 1 false region a picture; beyond the last point it stays as it is."""
    grid = np.linspace(0, 1, 201)
    order = np.lexsort((found, rate))
    return float(np.interp(grid, rate[order], np.maximum.accumulate(found[order])).mean())


def _matched(detected: Mask, truth: NDArray[np.int32]) -> tuple[set[int], int]:
    """The names of the regions that were found, and how many detected regions overlap none."""
    count, marks = cv2.connectedComponents(detected.astype(np.uint8))
    names = int(truth.max()) + 1
    together = np.bincount((marks * names + truth).ravel(), minlength=count * names).reshape(count, names)
    either = together.sum(axis=1)[:, None] + together.sum(axis=0) - together
    hits = (together > 0) & (together >= OVERLAP * either)
    hits[0] = hits[:, 0] = False  # the ground
    found = {int(name) for name in np.flatnonzero(hits.any(axis=0))}
    return found, count - 1 - int(hits.any(axis=1).sum())


def _tracks(masks: Mask) -> NDArray[np.int32]:
    """(N, H, W) each region by its track's number, from 1: regions of neighbouring pictures that overlap."""
    numbered = np.zeros(masks.shape, np.int32)
    many = 0
    for number, mask in enumerate(masks):
        count, marks = cv2.connectedComponents(mask.astype(np.uint8))
        taken: set[int] = set()
        for mark in range(1, count):
            here = marks == mark
            before = numbered[number - 1][here] if number else np.zeros(0, np.int32)
            names, shares = np.unique(before[before > 0], return_counts=True)
            free = [int(name) for name in names[np.argsort(-shares)] if int(name) not in taken]
            many += not free
            name = free[0] if free else many
            taken.add(name)
            numbered[number][here] = name
    return numbered
