"""How well the detector tells labelled footage apart, beside simpler methods: what papers print."""

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daemon.bar import Tell
from daemon.evaluate_events import LATE
from daemon.evaluate_footage import (
    FootageError,
    Labelled,
    labelled,
    read_spans,
    recordings,
    stretch,
)
from daemon.evaluate_location import located
from daemon.evaluate_plot import curve
from daemon.evaluate_trial import LEARNED, Examinee, Trial, learned
from detectors.anomaly.baselines import Features, Mog2, all_of_features
from detectors.anomaly.method import Method
from detectors.roc import auc, caught_at, eer, interval
from streams.stretch import Stretch

WIDEST = 480  # px of the pictures that are kept
ALLOWED = 0.05  # share of normal frames above the threshold
Scores = NDArray[np.float64]
Others = Callable[[Sequence[Stretch]], Callable[[Stretch], dict[str, Scores]]]


@dataclass(frozen=True, slots=True, eq=False)
class Data:
    """A labelled folder, read."""

    train: list[Stretch]
    test: list[Labelled]


async def read(folder: Path, every: int, tell: Tell) -> Data:
    """train/*.mp4, test/*.mp4, test/labels.csv, test/NN_masks.npz. Raises FootageError and StreamError."""
    spans = read_spans(folder / "test" / "labels.csv")
    train_files, test_files = recordings(folder / "train"), recordings(folder / "test")
    unknown = spans.keys() - {path.stem for path in test_files}
    if unknown:
        raise FootageError(f"{folder}/test/labels.csv names clips that are not there: {', '.join(unknown)}")
    train, test = [], []
    for number, path in enumerate(train_files):
        tell("reading", number / (len(train_files) + len(test_files)))
        train.append(await stretch(path, every, WIDEST))
    for number, path in enumerate(test_files, len(train_files)):
        tell("reading", number / (len(train_files) + len(test_files)))
        test.append(await labelled(path, spans, every, WIDEST))
    if not any(one.abnormal.any() for one in test) or all(one.abnormal.all() for one in test):
        raise FootageError(f"{folder}/test has no normal or no abnormal pictures to tell apart")
    return Data(train, test)


def measure(
    data: Data,
    false_alarms_per_day: float,
    tell: Tell,
    others: Others | None = None,
    method: Method | None = None,
) -> dict[str, Any]:
    """All figures. `others` makes further baselines of the training footage; `method` as of Examinee."""
    abnormal = [one.abnormal for one in data.test]
    with tempfile.TemporaryDirectory() as state:
        tell("learning", 0.0)
        examinee = learned(data.train, false_alarms_per_day, Path(state), method)
        try:
            trials = []
            for number, clip in enumerate(data.test):
                tell("testing", number / len(data.test))
                trials.append(examinee.watch(clip.stretch.frames(LEARNED)))
            tell("locating", 0.0)
            result = _figures(trials, abnormal, examinee, data)
            result |= {} if method else located(Path(state) / LEARNED, data.test)
            level = _training_level(examinee, data.train, tell)
        finally:
            examinee.close()
    scores, flags = np.concatenate(_filled(trials)), np.concatenate(abnormal)
    result["threshold_from_training"] = level
    result["caught_at_threshold_from_training"] = float((scores[flags] > level).mean())
    result["false_at_threshold_from_training"] = float((scores[~flags] > level).mean())
    result["baselines"] = {}
    result["baselines_all"] = {}
    result["curves"] = {"framewarden": curve(scores, flags).tolist()}
    for name, by_clip in _baselines(data, tell, others).items():
        result["baselines"][name] = auc(np.concatenate(by_clip), flags)
        result["baselines_all"][name] = rates(by_clip, abnormal)
        result["curves"][name] = curve(np.concatenate(by_clip), flags).tolist()
    return result


def rates(scores: Sequence[Scores], abnormal: Sequence[NDArray[np.bool_]]) -> dict[str, Any]:
    """Frame AUC and equal error rate with 95 % by clips, and what is caught at 5 % of normal frames."""
    every, flags = np.concatenate(scores), np.concatenate(abnormal)
    return {
        "frame_auc": auc(every, flags),
        "frame_auc_interval": interval(auc, scores, abnormal),
        "frame_eer": eer(every, flags),
        "frame_eer_interval": interval(eer, scores, abnormal),
        "caught_at_5_percent": caught_at(every, flags, ALLOWED),
    }


def _filled(trials: Sequence[Trial]) -> list[Scores]:
    """The scores, 0 where the detector could not tell: what it does not tell of is not caught."""
    return [np.nan_to_num(trial.array()) for trial in trials]


def _figures(
    trials: Sequence[Trial], abnormal: Sequence[NDArray[np.bool_]], examinee: Examinee, data: Data
) -> dict[str, Any]:
    scores = _filled(trials)
    flags = np.concatenate(abnormal)
    every = np.concatenate(scores)
    stretched = [(one - one.min()) / max(float(np.ptp(one)), 1e-9) for one in scores]
    threshold = trials[0].threshold
    return {
        **rates(scores, abnormal),
        "frame_auc_clip_normalised": auc(np.concatenate(stretched), flags),
        "threshold": threshold,
        "caught_at_threshold": float((every[flags] >= threshold).mean()),
        "false_at_threshold": float((every[~flags] >= threshold).mean()),
        **_alerts(trials, data.test),
        "learn_frames": sum(len(one.pictures) for one in data.train),
        "learn_seconds": examinee.learn_seconds,
        "frames_per_second_one_core": len(every) / sum(trial.core_seconds for trial in trials),
        "state_bytes": examinee.state_bytes,
    }


def _alerts(trials: Sequence[Trial], test: Sequence[Labelled]) -> dict[str, Any]:
    """What the judge opens: for events (runs of abnormal frames), and beside them."""
    events, false, delays = 0, 0, []
    for trial, clip in zip(trials, test, strict=True):
        edges = np.flatnonzero(np.diff(clip.abnormal.astype(int), prepend=0, append=0)).reshape(-1, 2)
        opened = [number for number, _ in trial.opened]
        late = round(LATE * clip.stretch.rate)
        for first, end in edges:
            events += 1
            inside = [number for number in opened if first <= number < end + late]
            delays += [(inside[0] - first) / clip.stretch.rate] if inside else []
        false += sum(not clip.abnormal[max(0, number - late) : number + 1].any() for number in opened)
    hours = sum((~clip.abnormal).sum() / clip.stretch.rate for clip in test) / 3600
    return {
        "events": events,
        "events_alerted": len(delays),
        "delay_seconds": float(np.median(delays)) if delays else None,
        "false_alerts": false,
        "normal_hours": hours,
    }


def _training_level(examinee: Examinee, train: Sequence[Stretch], tell: Tell) -> float:
    """The score that 5 % of the pictures exceed that were learned from."""
    seen: list[Trial] = []
    for number, one in enumerate(train):
        tell("training footage", number / len(train))
        seen.append(examinee.watch(one.frames(LEARNED)))
    return float(np.quantile(np.concatenate(_filled(seen)), 1 - ALLOWED))


def _baselines(data: Data, tell: Tell, others: Others | None) -> dict[str, list[Scores]]:
    tell("baselines", 0.0)
    features, mog2 = Features(data.train), Mog2(data.train)
    more = others(data.train) if others else None
    by_method: dict[str, list[Scores]] = {}
    for number, clip in enumerate(data.test):
        tell("baselines", number / len(data.test))
        said = {**all_of_features(features, clip.stretch), "mog2": mog2.score(clip.stretch)}
        for name, scores in {**said, **(more(clip.stretch) if more else {})}.items():
            by_method.setdefault(name, []).append(scores)
    return by_method
