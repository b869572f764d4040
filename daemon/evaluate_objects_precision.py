"""Average precision of found objects, as COCO counts it, and how much of a difference is chance.

Which found object is which true one, pycocotools says (Lin et al., Microsoft COCO, ECCV 2014). Its matches
are kept by photo, so that a bootstrap over photos need not match anew.
"""

import contextlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from daemon.evaluate_footage import FootageError
from daemon.evaluate_objects_photos import Photo

MOST: Final = 100  # objects of a photo that count
RESAMPLES: Final = 1000
RECALLS: Final = 101  # points of the curve that are averaged
_AT_ONCE: Final = 100  # resamples

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Spotted:
    """An object that was found in a photo."""

    label: str
    confidence: float
    box: tuple[float, float, float, float]  # left, top, width, height in px


@dataclass(frozen=True, slots=True, eq=False)
class Matches:
    """Of one label, all that was found, the surest first."""

    photo: NDArray[np.intp]  # (N,) in which
    right: NDArray[np.bool_]  # (T, N) at each overlap asked for, 0.5 to 0.95
    true: NDArray[np.int64]  # (P,) how many are there to be found in each photo


def matched(photos: Sequence[Photo], found: Sequence[Sequence[Spotted]]) -> list[Matches]:
    """Of every label that a photo has. Raises FootageError where pycocotools is not installed."""
    try:
        from pycocotools.coco import COCO
        from pycocotools.cocoeval import COCOeval
    except ImportError as error:
        raise FootageError(
            "average precision is counted by pycocotools, which is not installed: pip install pycocotools"
        ) from error
    labels = sorted({label for photo in photos for label in photo.labels})
    number = {label: index + 1 for index, label in enumerate(labels)}
    frames = [{"id": index + 1} for index in range(len(photos))]
    truth = [
        {"image_id": index + 1, "category_id": number[label], "bbox": list(box), "area": box[2] * box[3]}
        for index, photo in enumerate(photos)
        for label, box in zip(photo.labels, photo.boxes.tolist(), strict=True)
    ]
    told = [
        {
            "image_id": index + 1,
            "category_id": number[one.label],
            "bbox": list(one.box),
            "area": one.box[2] * one.box[3],
            "score": one.confidence,
        }
        for index, some in enumerate(found)
        for one in some
        if one.label in number
    ]
    kinds = [{"id": index, "name": label} for label, index in number.items()]
    with contextlib.redirect_stdout(io.StringIO()):
        sides = []
        for each in (truth, told):
            side = COCO()
            each = [one | {"id": index + 1, "iscrowd": 0} for index, one in enumerate(each)]
            side.dataset = {"images": frames, "categories": kinds, "annotations": each}
            side.createIndex()
            sides.append(side)
        judge = COCOeval(*sides, "bbox")
        judge.params.maxDets = [MOST]
        judge.params.areaRng, judge.params.areaRngLbl = [judge.params.areaRng[0]], ["all"]
        judge.evaluate()
    ways = len(judge.params.iouThrs)
    of_photos = np.array(judge.evalImgs, object).reshape(len(labels), len(photos))
    return [_of_label(row, ways) for row in of_photos]


def _of_label(row: NDArray[np.object_], ways: int) -> Matches:
    true = np.array([0 if one is None else len(one["gtIds"]) for one in row], np.int64)
    some = [(index, one) for index, one in enumerate(row) if one is not None]
    scores = np.concatenate([np.zeros(0), *(one["dtScores"] for _, one in some)])
    photo = np.concatenate([np.zeros(0), *(np.full(len(one["dtScores"]), index) for index, one in some)])
    right = np.concatenate([np.zeros((ways, 0)), *(one["dtMatches"] for _, one in some)], axis=1) > 0
    order = np.argsort(-scores, kind="stable")
    return Matches(photo[order].astype(np.intp), right[:, order], true)


def precision(matches: Sequence[Matches], times: NDArray[np.int64]) -> Floats:
    """(R, 2) mAP50 and mAP50-95, 0..1, where each photo counts so many times: `times` is (R, P)."""
    sums, counts = np.zeros((len(times), 2)), np.zeros(len(times))
    for one in matches:
        there = times @ one.true  # (R,)
        sums += np.where(there[:, None] > 0, _of_each(one, times, there), 0)
        counts += there > 0
    return np.asarray(sums / np.maximum(counts, 1)[:, None], np.float64)


def _of_each(one: Matches, times: NDArray[np.int64], there: NDArray[np.int64]) -> Floats:
    """(R, 2) average precision of one label."""
    hits = np.flatnonzero(one.right.any(axis=0))  # (H,) recall grows, and precision is highest, only there
    if not len(hits):
        return np.zeros((len(times), 2))
    parts = []
    for first in range(0, len(times), _AT_ONCE):
        some = slice(first, first + _AT_ONCE)
        weights = times[some][:, one.photo]  # (R, N)
        right = np.cumsum(weights[:, None, hits] * one.right[:, hits], axis=2)  # (R, T, H)
        all_found = np.cumsum(weights, axis=1)[:, None, hits]
        exact = right / np.maximum(all_found, 1)
        # As COCO: no precision is lower than a later one.
        best = np.maximum.accumulate(exact[..., ::-1], axis=2)[..., ::-1]
        recall = right / np.maximum(there[some], 1)[:, None, None]
        reached = np.floor(recall * (RECALLS - 1) + 1e-9) + 1  # points of the curve, up to here
        reached = np.where(all_found > 0, reached, 0)
        gained = np.diff(reached, axis=2, prepend=0)
        by_overlap = (gained * best).sum(axis=2) / RECALLS  # (R, T)
        parts.append(np.column_stack([by_overlap[:, 0], by_overlap.mean(axis=1)]))
    return np.concatenate(parts)


def once(photos: int) -> NDArray[np.int64]:
    """(1, P) every photo as it is."""
    return np.ones((1, photos), np.int64)


def resampled(photos: int, seed: int = 0) -> NDArray[np.int64]:
    """(RESAMPLES, P) how often each photo is drawn: the same for all that is compared."""
    return np.random.default_rng(seed).multinomial(photos, np.full(photos, 1 / photos), RESAMPLES)


def interval(values: Floats) -> tuple[float, float]:
    """The middle 95 %."""
    low, high = np.quantile(values, (0.025, 0.975))
    return float(low), float(high)
