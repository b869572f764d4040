"""How well the anomaly detector tells normal footage from abnormal footage, and what it costs, on one core.

    python -m benchmarks.anomaly ucsd_ped2 DATA/ucsd_ped2 [--every 2] [--json]
    python -m benchmarks.anomaly video DATA/videos/vtest.mp4 [--json]

The first learns from the folder's normal clips and is tested on the others, without normalising by test clip;
the second learns from the first 60 % of one recording and watches the rest, as it is and with planted events.
"""

import argparse
import csv
import json
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.planted_events import planted
from config.settings import AnomalySettings
from detectors.anomaly.detector import AnomalyDetector
from detectors.anomaly.features import NAMES, Cells, Observer, Recent, Small, shrink
from detectors.anomaly.normal import Normal, load
from detectors.anomaly.score import Map
from detectors.detection import Detection
from streams.frame import Frame

Picture = NDArray[np.uint8]
Flags = NDArray[np.bool_]
START = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(slots=True, eq=False)
class Clip:
    """A stretch of footage."""

    pictures: list[Picture]
    rate: float  # pictures a second
    abnormal: Flags  # (N,)
    masks: Flags | None = None  # (N, H, W)


@dataclass(slots=True, eq=False)
class Outcome:
    """What a detector said of test clips."""

    scores: list[NDArray[np.float64]] = field(default_factory=list)
    abnormal: list[Flags] = field(default_factory=list)

    def flat(self) -> tuple[NDArray[np.float64], Flags]:
        return np.concatenate(self.scores), np.concatenate(self.abnormal)


def read(path: Path, every: int = 1) -> tuple[list[Picture], float]:
    """Every so many pictures of a recording, at most 640 px wide, and how many a second that makes."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        stream.thread_count = 1
        rate = float(stream.average_rate or 25) / every
        pictures = []
        for number, picture in enumerate(container.decode(stream)):
            if number % every == 0:
                width = min(640, picture.width) // 2 * 2
                height = round(picture.height * width / picture.width / 2) * 2
                bgr: Picture = picture.to_ndarray(format="bgr24", width=width, height=height)  # type: ignore[assignment]
                pictures.append(bgr)
    return pictures, rate


def ped2(folder: Path, every: int) -> tuple[list[Clip], list[Clip]]:
    """Normal clips, and labelled ones."""
    spans: dict[str, list[tuple[int, int]]] = {}
    with (folder / "test" / "labels.csv").open() as file:
        for row in csv.DictReader(file):
            span = int(row["first_abnormal_frame"]) - 1, int(row["last_abnormal_frame"])
            spans.setdefault(row["clip"], []).append(span)
    train, test = [], []
    for path in sorted((folder / "train").glob("*.mp4")):
        pictures, rate = read(path, every)
        train.append(Clip(pictures, rate, np.zeros(len(pictures), bool)))
    for path in sorted((folder / "test").glob("*.mp4")):
        pictures, rate = read(path, every)
        numbers = np.arange(len(pictures)) * every
        abnormal = np.zeros(len(pictures), bool)
        for first, end in spans.get(path.stem, []):
            abnormal |= (numbers >= first) & (numbers < end)
        packed = np.load(path.with_name(f"{path.stem}_masks.npz"))
        masks = np.unpackbits(packed["masks"], axis=-1)[..., : int(packed["width"])].astype(bool)[::every]
        test.append(Clip(pictures, rate, abnormal, masks))
    return train, test


def frames(clips: Sequence[Clip]) -> Iterator[Frame]:
    """The clips as one camera's frames; each begins afresh."""
    number = 0
    for clip in clips:
        for index, picture in enumerate(clip.pictures):
            position = index / clip.rate
            yield Frame(
                "camera", number, picture, START, time.monotonic(), position, live=False, fresh=index == 0
            )
            number += 1


def learned(
    clips: Sequence[Clip], settings: AnomalySettings, folder: Path
) -> tuple[AnomalyDetector, Normal, float]:
    """A detector that has learned from the clips, what it learned, and the seconds of one core it took."""
    detector = AnomalyDetector(settings, folder)
    started = time.process_time()
    for frame in frames(clips):
        said_of(detector, frame)
    said_of(detector, next(frames(clips)))  # not answered before all is learned
    seconds = time.process_time() - started
    normal = load(folder / "camera")
    if normal is None:
        sys.exit("nothing was learned: the footage is too short")
    return detector, normal, seconds


def said_of(detector: AnomalyDetector, frame: Frame) -> Detection:
    """What is said of a recording's frame, which waits while the detector learns."""
    while (answer := detector.examine([frame])[0]) is None:
        time.sleep(0.05)
    return answer[0]


def footage_seconds(clips: Sequence[Clip]) -> float:
    return sum((len(clip.pictures) - 1) / clip.rate for clip in clips)


def watch(detector: AnomalyDetector, clips: Sequence[Clip]) -> tuple[list[list[Detection]], float]:
    """What is said of each picture, and the seconds of one core that each took."""
    said: list[list[Detection]] = []
    spent, count = 0.0, 0
    for clip in clips:
        answers = []
        for frame in frames([clip]):
            started = time.thread_time()
            answers.append(said_of(detector, frame))
            spent += time.thread_time() - started
            count += 1
        said.append(answers)
    return said, spent / count


def auc(scores: NDArray[np.floating], abnormal: Flags) -> float:
    """The chance that an abnormal one scores above a normal one."""
    _, places, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[places]
    many, few = int(abnormal.sum()), int((~abnormal).sum())
    return float((ranks[abnormal].sum() - many * (many + 1) / 2) / (many * few))


def eer(scores: NDArray[np.floating], abnormal: Flags) -> float:
    """The share of errors of either kind where both are as frequent."""
    levels = np.unique(scores)
    false = np.array([(scores[~abnormal] >= level).mean() for level in levels])
    missed = np.array([(scores[abnormal] < level).mean() for level in levels])
    best = int(np.argmin(np.abs(false - missed)))
    return float((false[best] + missed[best]) / 2)


def figures(outcome: Outcome) -> dict[str, float]:
    """Frame AUC with a 95 % interval by clips, equal error rate, what is caught at 5 % of normal frames."""
    scores, abnormal = outcome.flat()
    chance = np.random.default_rng(0)
    draws = []
    for _ in range(300):
        picked = chance.integers(0, len(outcome.scores), len(outcome.scores))
        some = np.concatenate([outcome.scores[i] for i in picked])
        flags = np.concatenate([outcome.abnormal[i] for i in picked])
        if flags.any() and not flags.all():
            draws.append(auc(some, flags))
    low, high = np.quantile(draws, [0.025, 0.975])
    return {
        "frame_auc": auc(scores, abnormal),
        "frame_auc_low": float(low),
        "frame_auc_high": float(high),
        "frame_eer": eer(scores, abnormal),
        "caught_at_5_percent": float((scores[abnormal] > np.quantile(scores[~abnormal], 0.95)).mean()),
    }


def clip_normalised(outcome: Outcome) -> float:
    """The AUC that papers print: every clip's scores stretched to 0..1. No live detector can do this."""
    scores = [(s - s.min()) / max(float(np.ptp(s)), 1e-9) for s in outcome.scores]
    return auc(np.concatenate(scores), np.concatenate(outcome.abnormal))


# Baselines: the same foreground, features, smoothing and maximum; only the score of a cell differs.


def described(clips: Sequence[Clip], normal: Normal) -> Iterator[tuple[int, int, Cells, float]]:
    """(clip, picture, cells, seconds since the picture before) wherever something compares."""
    observer = Observer(normal.background)
    for number, clip in enumerate(clips):
        recent = Recent()
        for index, picture in enumerate(clip.pictures):
            small = shrink(picture)
            pair = recent.past(small, index / clip.rate)
            if pair is not None:
                yield number, index, observer.describe(small, *pair), 1 / clip.rate


def baselines(train: Sequence[Clip], test: Sequence[Clip], normal: Normal) -> dict[str, Outcome]:
    cells = [cells for _, _, cells, _ in described(train, normal)]
    values = np.concatenate([one.values for one in cells]).astype(np.float64)
    shape = normal.expectation.places.shape
    mean, precision = (
        values.mean(axis=0),
        np.linalg.inv(np.cov(values.T) + np.diag(values.var(axis=0) * 0.02)),
    )

    total, square, count = (np.zeros((*shape, len(NAMES))) for _ in range(3))
    for one in cells:
        np.add.at(total, (one.rows, one.cols), one.values)
        np.add.at(square, (one.rows, one.cols), one.values.astype(np.float64) ** 2)
        np.add.at(count, (one.rows, one.cols), 1)
    belief = 20
    own_mean = (total + belief * mean) / (count + belief)
    own_spread = (square + belief * (values.var(axis=0) + mean**2)) / (count + belief) - own_mean**2

    def pooled(one: Cells) -> NDArray[np.float64]:
        apart = one.values - mean
        squares: NDArray[np.float64] = np.einsum("ni,ij,nj->n", apart, precision, apart)
        return np.sqrt(squares)

    def per_cell(one: Cells) -> NDArray[np.float64]:
        apart = one.values - own_mean[one.rows, one.cols]
        squares: NDArray[np.float64] = (apart**2 / (own_spread[one.rows, one.cols] + 1e-9)).sum(axis=1)
        return np.sqrt(squares)

    def speed(one: Cells) -> NDArray[np.float64]:
        return one.values[:, NAMES.index("speed")].astype(np.float64)

    outcomes = {}
    for name, score in {
        "mahalanobis_pooled": pooled,
        "mahalanobis_per_cell": per_cell,
        "foreground_speed": speed,
    }.items():
        outcomes[name] = _smoothed(test, normal, score)
    outcomes["mog2_area"] = _mog2(train, test)
    return outcomes


def _smoothed(test: Sequence[Clip], normal: Normal, score: Any) -> Outcome:
    lists = [np.zeros(len(clip.pictures)) for clip in test]
    scores, before = Map(normal.expectation.places.shape), -1
    for clip, index, cells, seconds in described(test, normal):
        if clip != before:
            scores.forget()
            before = clip
        lists[clip][index] = scores.add(cells, score(cells), seconds).max()
    return Outcome(lists, [clip.abnormal for clip in test])


def _mog2(train: Sequence[Clip], test: Sequence[Clip]) -> Outcome:
    model = cv2.createBackgroundSubtractorMOG2(detectShadows=False)
    for clip in train:
        for picture in clip.pictures:
            model.apply(shrink(picture).grey)
    areas = [
        np.array(
            [(model.apply(shrink(picture).grey, learningRate=0) > 0).mean() for picture in clip.pictures]
        )
        for clip in test
    ]
    return Outcome(areas, [clip.abnormal for clip in test])


def pixel_auc(detector: AnomalyDetector, normal: Normal, test: Sequence[Clip]) -> float:
    """Over the pixels of every third picture: the raw map against the masks."""
    scores, flags = [], []
    grid = Map(normal.expectation.places.shape)
    before = -1
    for clip, index, cells, seconds in described(test, normal):
        if clip != before:
            grid.forget()
            before = clip
        now = grid.add(cells, normal.expectation.strangeness(cells), seconds)
        masks = test[clip].masks
        if masks is None or index % 3:
            continue
        height, width = masks[index].shape
        small: Small = shrink(test[clip].pictures[index])
        # A cell's window is centred on its upper left corner.
        across = (np.arange(0, width, 2) * small.width / width / 8).astype(np.float32)
        down = (np.arange(0, height, 2) * small.height / height / 8).astype(np.float32)
        where_x, where_y = np.meshgrid(across, down)
        scores.append(cv2.remap(now, where_x, where_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE))
        flags.append(masks[index][::2, ::2])
    quantised = np.minimum(np.concatenate([s.ravel() for s in scores]) * 500, 60_000).astype(np.int32)
    return auc(quantised, np.concatenate([f.ravel() for f in flags]))


def on_ped2(folder: Path, every: int, false_alarms: float) -> dict[str, Any]:
    train, test = ped2(folder, every)
    seconds = footage_seconds(train)
    settings = AnomalySettings(false_alarms_per_day=false_alarms, learn_minutes=(seconds - 0.5) / 60)
    with tempfile.TemporaryDirectory() as state:
        detector, normal, learn_seconds = learned(train, settings, Path(state))
        kept = sum(len(clip.pictures) for clip in train)
        size = sum(file.stat().st_size for file in (Path(state) / "camera").iterdir())
        said, cost = watch(detector, test)
        detector.close()
    outcome = Outcome(
        [np.array([one.score for one in clip]) for clip in said], [clip.abnormal for clip in test]
    )
    scores, abnormal = outcome.flat()
    threshold = said[0][0].threshold
    return {
        **figures(outcome),
        "frame_auc_clip_normalised": clip_normalised(outcome),
        "pixel_auc": pixel_auc(detector, normal, test),
        "threshold": threshold,
        "caught_at_threshold": float((scores[abnormal] >= threshold).mean()),
        "false_at_threshold": float((scores[~abnormal] >= threshold).mean()),
        "learn_frames": kept,
        "learn_seconds": learn_seconds,
        "frames_per_second_one_core": 1 / cost,
        "state_bytes": size,
        "tail": str(normal.tail),
        "left_out": normal.left_out,
        "baselines": {name: figures(other) for name, other in baselines(train, test, normal).items()},
    }


def on_video(path: Path, every: int, false_alarms: float) -> dict[str, Any]:
    pictures, rate = read(path, every)
    cut = int(0.6 * len(pictures))
    train = Clip(pictures[:cut], rate, np.zeros(cut, bool))
    rest = Clip(pictures[cut:], rate, np.zeros(len(pictures) - cut, bool))
    events = {name: Clip(changed, rate, seen) for name, changed, seen in planted(rest.pictures, rate)}
    settings = AnomalySettings(
        false_alarms_per_day=false_alarms, learn_minutes=(footage_seconds([train]) - 0.5) / 60
    )
    result: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as state:
        detector, normal, result["learn_seconds"] = learned([train], settings, Path(state))
        said, cost = watch(detector, [rest])
        threshold = said[0][0].threshold
        quiet = np.array([one.score for one in said[0]])
        result |= {
            "learn_frames": cut,
            "frames_per_second_one_core": 1 / cost,
            "threshold": threshold,
            "normal_highest": float(quiet.max()),
            "normal_alarming": float((quiet >= threshold).mean()),
            "normal_alerts": alerts(quiet >= threshold),
            "tail": str(normal.tail),
            "left_out": normal.left_out,
            "events": {},
        }
        for name, clip in events.items():
            said, _ = watch(detector, [clip])
            scores = np.array([one.score for one in said[0]])
            alarming = [
                one for one, seen in zip(said[0], clip.abnormal, strict=True) if seen and one.alarming
            ]
            result["events"][name] = {
                "frame_auc": auc(scores, clip.abnormal),
                "alarming": float((scores[clip.abnormal] >= threshold).mean()),
                "alerts": alerts((scores >= threshold) & clip.abnormal),
                "alarming_without": float((quiet[clip.abnormal] >= threshold).mean()),
            }
            result[f"why_{name}"] = f"{alarming[0].label}: {alarming[0].reason}" if alarming else "-"
        detector.close()
    others = {name: baselines([train], [clip], normal) for name, clip in events.items()}
    result["baselines"] = {
        baseline: {name: auc(*outcomes[baseline].flat()) for name, outcomes in others.items()}
        for baseline in next(iter(others.values()))
    }
    return result


def alerts(alarming: Flags) -> int:
    """How often at least three of five pictures in a row are alarming, after it was not so."""
    enough = np.convolve(alarming, np.ones(5), "valid") >= 3
    return int(enough[:1].sum() + (enough[1:] & ~enough[:-1]).sum())


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", choices=["ucsd_ped2", "video"])
    parser.add_argument("path", type=Path)
    parser.add_argument("--every", type=int, default=1, help="look at every so many pictures")
    parser.add_argument("--false-alarms-per-day", type=float, default=1.0)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    cv2.setNumThreads(1)
    measure = on_ped2 if asked.data == "ucsd_ped2" else on_video
    result = measure(asked.path, asked.every, asked.false_alarms_per_day)
    if asked.json:
        print(json.dumps(result))
    else:
        show(result)


def show(result: dict[str, Any]) -> None:
    for name, value in result.items():
        if isinstance(value, dict):
            print(f"{name}:")
            for inner, numbers in value.items():
                print(f"  {inner:24s}", "  ".join(f"{key} {number:.3f}" for key, number in numbers.items()))
        else:
            print(f"{name:28s}", f"{value:.3f}" if isinstance(value, float) else value)


if __name__ == "__main__":
    main()
