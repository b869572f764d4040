"""The figures of `framewarden evaluate deepfake`: of what was seen, how well real and fake are told apart."""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from config.detectors import DeepfakeSettings
from daemon.evaluate_seen import Floats, Seen
from detectors.deepfake.baselines import cross_validated
from detectors.deepfake.crop import Crop
from detectors.deepfake.likelihood import Clips, chance
from detectors.deepfake.suspicion import Suspicion
from detectors.roc import auc, caught_at, eer, interval

FALSE: Final = {"1_percent": 0.01, "0.1_percent": 0.001}  # shares of real ones above the threshold
WANTED: Final = (0.001, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5)  # shares of real faces that may be alarming
BINS: Final = 10
HEADS: Final = ("swapped", "generated")

Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Told:
    """One score of crops and of the clips they come from, higher: rather fake."""

    crops: Sequence[Floats]  # of each clip
    clips: Floats  # (clips,)
    fake: Flags  # (clips,)

    @classmethod
    def of(cls, crops: Sequence[Floats], fake: Sequence[bool], clip: Callable[[Floats], float]) -> "Told":
        """Of clips with no crop nothing is told. `clip`: the score of a clip by those of its crops."""
        some = [at for at, one in enumerate(crops) if len(one)]
        return cls(
            [crops[at] for at in some],
            np.array([clip(crops[at]) for at in some]),
            np.array([fake[at] for at in some], bool),
        )

    @property
    def flags(self) -> list[Flags]:
        """Of the crops of each clip."""
        return [np.full(len(one), fake) for one, fake in zip(self.crops, self.fake, strict=True)]

    @property
    def every(self) -> tuple[Floats, Flags]:
        """Of all crops."""
        if not self.crops:
            return np.zeros(0), np.zeros(0, bool)
        return np.concatenate(self.crops), np.concatenate(self.flags)

    def rates(self) -> dict[str, Any]:
        """Areas, error rates, and what is caught; in brackets 95 % by drawing clips anew."""
        scores, flags = self.every
        each = [one[None] for one in self.clips], [one[None] for one in self.fake]
        unknown = math.nan, math.nan
        return {
            "crop_auc": auc(scores, flags),
            "crop_auc_interval": interval(auc, self.crops, self.flags) if self.crops else unknown,
            "crop_eer": eer(scores, flags),
            "clip_auc": auc(self.clips, self.fake),
            "clip_auc_interval": interval(auc, *each) if self.crops else unknown,
            "clip_eer": eer(self.clips, self.fake),
            "clip_eer_interval": interval(eer, *each) if self.crops else unknown,
            "caught": _caught(scores, flags),
            "clips_caught": _caught(self.clips, self.fake),
        }


def _caught(scores: Floats, fake: Flags) -> dict[str, Any]:
    """`enough_reals`: whether there are so many real ones that one of them is a share that small."""
    reals = int((~fake).sum())
    return {
        f"at_{name}": {
            "share": caught_at(scores, fake, share) if reals and fake.any() else math.nan,
            "enough_reals": reals >= 1 / share,
        }
        for name, share in FALSE.items()
    }


def figures(seen: Sequence[Seen], clips: Clips, settings: DeepfakeSettings) -> dict[str, Any]:
    """All that follows from the scores alone."""
    fake = [one.clip.fake for one in seen]

    def ratio(crops: Floats) -> float:
        return clips.log_ratio(float(crops.mean()), len(crops))

    fused = Told.of([one.scores.fused[one.judged] for one in seen], fake, ratio)
    everything = Told.of([one.scores.fused for one in seen], fake, ratio)
    heads = {
        name: Told.of([getattr(one.scores, name)[one.judged] for one in seen], fake, _mean) for name in HEADS
    }
    others = _baselines(seen)
    baselines = {name: one.rates() for name, one in others.items()}
    return {
        **fused.rates(),
        "crop_auc_all": auc(*everything.every),
        "clip_auc_all": auc(everything.clips, everything.fake),
        "heads": {
            name: {"crop_auc": auc(*one.every), "clip_auc": auc(one.clips, one.fake)}
            for name, one in heads.items()
        },
        **_counted(seen),
        "clips_told": {"real": int((~fused.fake).sum()), "fake": int(fused.fake.sum())},
        **_calibration(fused, clips),
        "alarming": _alarming(seen, clips, settings),
        "sources": _sources(seen, ratio),
        "kinds": _kinds(seen),
        "baselines": {name: one["crop_auc"] for name, one in baselines.items()},
        "baselines_all": baselines,
        "scored": {"fused, crops": fused.every, "fused, clips": (fused.clips, fused.fake)}
        | {f"{name}, crops": one.every for name, one in others.items()},
    }


def _mean(crops: Floats) -> float:
    return float(crops.mean())


def _baselines(seen: Sequence[Seen]) -> dict[str, Told]:
    """What is no detector: colour and sharpness, learned from other clips of these data; bytes a pixel.

    On the same crops as the detector.
    """
    fake = [one.clip.fake for one in seen]
    told = {}
    some = [at for at, one in enumerate(seen) if one.judged.any()]
    scores = cross_validated([seen[at].plain[seen[at].judged] for at in some], [fake[at] for at in some])
    if scores is not None:
        told["colour_sharpness"] = Told.of(scores, [fake[at] for at in some], _mean)
    if not any(np.isnan(one.weights).any() for one in seen):
        told["bytes_per_pixel"] = Told.of([-one.weights[one.judged] for one in seen], fake, _mean)
    return told


def _counted(seen: Sequence[Seen]) -> dict[str, Any]:
    pictures, reasons = Counter[bool](), dict[str, dict[str, int]]()
    for one in seen:
        pictures[one.clip.fake] += len(one.doubts)
        for doubt in one.doubts:
            if doubt is not None:
                halves = reasons.setdefault(doubt.value, {"real": 0, "fake": 0})
                halves["fake" if one.clip.fake else "real"] += 1
    abstained = sum(sum(halves.values()) for halves in reasons.values())
    return {
        "pictures": {"real": pictures[False], "fake": pictures[True]},
        "clips": {
            "real": sum(not one.clip.fake for one in seen),
            "fake": sum(one.clip.fake for one in seen),
        },
        "abstained": abstained / max(1, pictures.total()),
        "abstained_by_reason": dict(sorted(reasons.items(), key=lambda item: -sum(item[1].values()))),
    }


def _calibration(fused: Told, clips: Clips) -> dict[str, Any]:
    """How far likelihoods are to be believed. Either half weighs the same, as likelihoods have it."""
    scores, flags = fused.every
    crops = np.array([chance(clips.log_ratio(float(one), 1)) for one in scores])
    whole = np.array([chance(float(one)) for one in fused.clips])
    error, bins = expected_error(crops, flags)
    reals = [one for one, fake in zip(fused.crops, fused.fake, strict=True) if not fake]
    return {
        "calibration_error": error,
        "calibration_bins": bins,
        "clip_calibration_error": expected_error(whole, fused.fake)[0],
        "real_crops_calibration_error": _away(np.concatenate(reals or [np.zeros(0)])[:, None], clips),
        "real_clips_calibration_error": _away(reals, clips),
        "real_clips_above": {
            f"{share:g}": float((fused.clips[~fused.fake] >= -math.log(share)).mean()) if reals else math.nan
            for share in WANTED
        },
    }


def _away(reals: Iterable[Floats], clips: Clips) -> float:
    """By how much the share of real ones above a score is away from what is expected, where it is most.

    Of groups of crops, by the mean and the two variances that likelihoods stand on.
    """
    strange = [
        (float(one.mean()) - clips.real) / math.sqrt(clips.between + clips.within / len(one)) for one in reals
    ]
    if not strange:
        return math.nan
    return max(
        abs(float(np.mean(np.array(strange) > NormalDist().inv_cdf(1 - share))) - share) for share in WANTED
    )


def expected_error(chances: Floats, fake: Flags) -> tuple[float, list[list[float]]]:
    """Expected calibration error, and [chance that was told, share that is fake, weight] of each tenth.

    Guo et al., "On calibration of modern neural networks", ICML 2017.
    """
    if not fake.any() or fake.all():
        return math.nan, []
    weigh = np.where(fake, 0.5 / fake.sum(), 0.5 / (~fake).sum())
    places = np.minimum((chances * BINS).astype(int), BINS - 1)
    bins = []
    for place in np.unique(places):
        here = places == place
        weight = float(weigh[here].sum())
        told = float((weigh[here] * chances[here]).sum() / weight)
        true = float(weigh[here & fake].sum() / weight)
        bins.append([told, true, weight])
    return sum(weight * abs(told - true) for told, true, weight in bins), bins


def _alarming(seen: Sequence[Seen], clips: Clips, settings: DeepfakeSettings) -> dict[str, Any]:
    """Clips whose pictures, one after the other, ever come to the threshold; as the daemon adds them up."""
    threshold = math.log(1000 / settings.false_alarms_per_thousand_faces)
    halves: dict[str, dict[str, Any]] = {}
    for half, fake in (("real", False), ("fake", True)):
        some = [one for one in seen if one.clip.fake == fake]
        when = [_reached(one, clips, settings.good_pictures, threshold) for one in some]
        pictures = [at for at in when if at]
        halves[half] = {
            "clips": len(some),
            "too_few": sum(int(one.judged.sum()) < settings.good_pictures for one in some),
            "alarming": len(pictures),
            "after_pictures": float(np.median(pictures)) if pictures else None,
        }
    return {"threshold": threshold, "good_pictures": settings.good_pictures, **halves}


def _reached(one: Seen, clips: Clips, enough: int, threshold: float) -> int | None:
    """Good pictures until the threshold is reached; None: never."""
    suspicion = Suspicion(clips, enough)
    nothing = Crop(*(np.zeros((0, 0, 3), np.uint8) for _ in range(2)))
    for index in np.flatnonzero(one.judged):
        suspicion.note(nothing, one.scores, int(index), 0.0)
        if suspicion.enough and suspicion.log_ratio >= threshold:
            return suspicion.good
    return None


def _sources(seen: Sequence[Seen], ratio: Callable[[Floats], float]) -> list[dict[str, Any]]:
    """Each folder of a half, or each clip of several pictures where there are none, beside the other half.

    That of the same folder where the other half has one; the mean of ties is a half.
    """

    def fused(some: Iterable[Seen]) -> Floats:
        return np.concatenate([one.scores.fused[one.judged] for one in some] or [np.zeros(0)])

    def named(one: Seen) -> str:
        return one.clip.source or (one.clip.name if len(one.numbers) > 1 else "single pictures")

    folders = {(one.clip.source, one.clip.fake) for one in seen if one.clip.source}
    rows = []
    for name, fake in sorted({(named(one), one.clip.fake) for one in seen}, key=lambda key: (key[1], key[0])):
        own = [one for one in seen if named(one) == name and one.clip.fake == fake]
        alike = (name, not fake) in folders
        others = fused(
            one for one in seen if one.clip.fake != fake and (not alike or one.clip.source == name)
        )
        scores = fused(own)
        flags = np.concatenate([np.full(len(scores), fake), np.full(len(others), not fake)])
        rows.append(
            {
                "source": name,
                "fake": fake,
                "against": f"the {'real' if fake else 'fake'} half" + (f" of {name}" if alike else ""),
                "pictures": sum(len(one.doubts) for one in own),
                "judged": len(scores),
                "crop_auc": auc(np.concatenate([scores, others]), flags),
                "median": float(np.median(scores)) if len(scores) else math.nan,
                "likelihood": chance(ratio(scores)) if len(own) == 1 and len(scores) else None,
            }
        )
    return rows


def _kinds(seen: Sequence[Seen]) -> dict[str, dict[str, Any]]:
    """By kind of file: how many of each half, and how these alone are told apart."""
    kinds = {}
    for kind in sorted({one.clip.kind for one in seen}):
        some = [one for one in seen if one.clip.kind == kind]
        told = Told.of([one.scores.fused[one.judged] for one in some], [one.clip.fake for one in some], _mean)
        scores, flags = told.every
        kinds[kind] = {
            "real": int((~flags).sum()),
            "fake": int(flags.sum()),
            "crop_auc": auc(scores, flags) if len(scores) else math.nan,
        }
    return kinds
