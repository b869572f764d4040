"""What to expect on a camera's own footage: false alarms a day, and which planted events are found."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daemon.bar import Tell
from daemon.evaluate_drawn import Rest, tried
from daemon.evaluate_events import Found, found, truth_boxes
from daemon.evaluate_footage import FootageError, frames
from daemon.evaluate_trial import LEARNED, Examinee, Trial
from detectors.anomaly.method import Method
from detectors.anomaly.threshold import BLOCK
from detectors.detection import Doubt
from detectors.planting.events import EventKind, clip_length, plant
from detectors.planting.scene import Scene, observe
from detectors.rates import DAY, expected_a_day, poisson_interval
from streams.frame import Frame
from streams.recoding import decoded, encoded
from streams.stretch import Stretch

SEEDS = 3  # events of each kind
HOSTS = 8  # stretches of footage that events are planted into
SCENE = 600  # pictures from which things to plant are cut
LEAST = 20.0  # seconds of footage to judge
Picture = NDArray[np.uint8]


@dataclass(slots=True, eq=False)
class _Hosts:
    """A fair choice of stretches among all that come by (reservoir sampling: Vitter, 1985)."""

    length: int  # pictures
    kept: list[list[Picture]] = field(default_factory=list)
    _now: list[Picture] = field(default_factory=list)
    _seen: int = 0
    _chance: np.random.Generator = field(default_factory=lambda: np.random.default_rng(0))

    def add(self, frame: Frame) -> None:
        if frame.fresh:
            self._now = []
        self._now.append(frame.picture.copy())
        if len(self._now) == self.length:
            self._seen += 1
            place = int(self._chance.integers(self._seen)) if self._seen > HOSTS else len(self.kept)
            if place == len(self.kept):
                self.kept.append(self._now)
            elif place < HOSTS:
                self.kept[place] = self._now
            self._now = []


async def measure(
    paths: Sequence[Path],
    fps: float,
    learn_minutes: float,
    false_alarms_per_day: float,
    state: Path,
    tell: Tell,
    method: Method | None = None,
) -> dict[str, Any]:
    """Learns from the beginning of the recordings, judges the rest, plants events into parts of the rest.

    `state` is an empty folder. Raises FootageError where there is too little, StreamError where a recording
    cannot be read.
    """
    examinee = Examinee(learn_minutes, false_alarms_per_day, state, method)
    try:
        hosts, rest = _Hosts(clip_length(fps)), Rest() if method is None else None
        trials, shown = await _shown(examinee, paths, fps, hosts, rest, tell)
        watched = sum(trial.positions[-1] - trial.positions[0] for trial in trials if trial.positions)
        if watched < LEAST:
            raise FootageError(
                f"only {watched:.0f} s are left after {60 * learn_minutes:.0f} s to learn from: "
                f"give more footage, or fewer --learn-minutes; {LEAST:.0f} s are the least"
            )
        result = _calm(trials, watched, false_alarms_per_day) | {
            "learn_minutes": learn_minutes,
            "learn_seconds": examinee.learn_seconds,
        }
        result["hard_normals"] = tried(state / LEARNED, rest, result["threshold"], tell) if rest else None
        tell("looking at what moves", 0.0)
        scene = observe(shown, fps)
        quiet = await _quiet(examinee, hosts.kept, fps, tell)
        result["caution"] = (
            ""
            if quiet
            else "Alerts open on this footage without any event: what is found below may be those."
        )
        result["events"] = await _events(examinee, scene, quiet or hosts.kept, fps, tell)
        result["not_planted"] = [kind for kind in EventKind if kind not in result["events"]]
        return result
    finally:
        examinee.close()


async def _shown(
    examinee: Examinee, paths: Sequence[Path], fps: float, hosts: _Hosts, rest: Rest | None, tell: Tell
) -> tuple[list[Trial], list[Picture]]:
    """The trials of all footage after the learning, and some pictures from before."""
    learning = True
    shown: list[Picture] = []
    trials: list[Trial] = []
    for number, path in enumerate(paths):
        showing = None
        async for frame, share in frames(path, fps, examinee.width):
            tell("learning" if learning else "watching", (number + share) / len(paths))
            if learning:
                if len(shown) < SCENE:
                    shown.append(frame.picture.copy())
                answer = examinee.learn([frame])
                learning = answer is None or answer.doubt is Doubt.LEARNING
                if not learning:
                    examinee.finish_learning(frame)
            else:
                showing = showing or examinee.begin()
                showing.see(frame)
                hosts.add(frame)
                if rest:
                    rest.add(frame)
        if showing:
            trials.append(showing.end())
    if learning:
        raise FootageError(
            "the footage ends before enough was seen to learn from: give more, or fewer --learn-minutes"
        )
    return trials, shown


def _calm(trials: Sequence[Trial], watched: float, budget: float) -> dict[str, Any]:
    threshold = trials[0].threshold
    alerts = sum(len(trial.opened) for trial in trials)
    counted = poisson_interval(alerts, watched / DAY)
    expected = expected_a_day(np.concatenate([trial.maxima(BLOCK) for trial in trials]), threshold, BLOCK)
    return {
        "false_alarms_per_day": budget,
        "threshold": threshold,
        "watched_seconds": watched,
        "alerts": alerts,
        "alarming_seconds": sum(trial.alarming_seconds for trial in trials),
        "counted_a_day": [alerts * DAY / watched, *counted],
        "expected_a_day": list(expected) if expected else None,
    }


async def _quiet(
    examinee: Examinee, hosts: Sequence[Sequence[Picture]], fps: float, tell: Tell
) -> list[Sequence[Picture]]:
    """The hosts on which no alert opens as they are: an alert on any other would prove nothing."""
    quiet = []
    for number, host in enumerate(hosts):
        tell("looking for quiet footage", number / len(hosts))
        await asyncio.sleep(0)
        if not examinee.watch(Stretch(decoded(encoded(host, fps)), fps).frames("plain")).opened:
            quiet.append(host)
    return quiet


async def _events(
    examinee: Examinee, scene: Scene, hosts: Sequence[Sequence[Picture]], fps: float, tell: Tell
) -> dict[str, dict[str, Any]]:
    """Each kind's figures; a kind that this scene cannot show is left out."""
    outcomes: dict[str, list[Found]] = {}
    total = len(EventKind) * SEEDS
    for number, kind in enumerate(EventKind):
        for seed in range(SEEDS if hosts else 0):
            tell("planting events", (number * SEEDS + seed) / total)
            await asyncio.sleep(0)  # a way out for Ctrl-C
            planted = plant(kind, scene, hosts[(number + seed) % len(hosts)], fps, seed)
            if planted is None:
                continue
            filmed = Stretch(decoded(encoded(planted.pictures, fps)), fps)
            trial = examinee.watch(filmed.frames("planted"))
            boxes = truth_boxes(planted.masks)
            outcomes.setdefault(kind, []).append(found(kind, planted.present, boxes, fps, trial))
    return {kind: _summary(some) for kind, some in outcomes.items()}


def _summary(outcomes: Sequence[Found]) -> dict[str, Any]:
    opened = [one for one in outcomes if one.opened]
    return {
        "planted": len(outcomes),
        "found": len(opened),
        "recall": len(opened) / len(outcomes),
        "box_right": sum(one.overlap > 0.2 for one in opened),
        "named_right": sum(one.named_right for one in opened),
        "delay_seconds": float(np.median([one.delay for one in opened])) if opened else None,
    }
