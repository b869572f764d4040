"""A camera that was learned once, for all tests that need one: learning is what takes longest here."""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from config.detectors import AnomalySettings
from detectors.anomaly.detector import AnomalyDetector
from detectors.detection import Detection
from streams.frame import Frame
from tests.detectors.anomaly.street import RATE, frame, street

SETTINGS = AnomalySettings(learn_minutes=0.5)
LEARN = 31  # seconds of footage, a little more than that


@dataclass(frozen=True, slots=True)
class LearnedOnce:
    """What was learned of a live camera, and all that was said until it was."""

    state: Path  # not to be written to
    said: list[Detection]


def watch(detector: AnomalyDetector, frames: Iterable[Frame]) -> list[Detection]:
    """What is said of each frame; a recording's frame is shown until it is answered."""
    said: list[Detection] = []
    for each in frames:
        while (answer := detector.examine([each])[0]) is None:
            assert not each.live
            time.sleep(0.02)
        said += answer
    return said


def learn_once(state: Path) -> LearnedOnce:
    """A street; a busy machine takes more than a minute."""
    detector = AnomalyDetector(SETTINGS, state)
    said: list[Detection] = []
    deadline = time.monotonic() + 100
    number = 0
    while time.monotonic() < deadline and not (said and said[-1].doubt is None):
        said += watch(detector, [frame(street(number / RATE), number, live=True)])
        if number > LEARN * RATE:
            time.sleep(0.02)  # the camera goes on while the detector learns
        number += 1
    detector.close()
    return LearnedOnce(state, said)
