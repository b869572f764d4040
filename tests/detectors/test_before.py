"""What is kept beside an alert scores its picture again, to the same number."""

import io
import json
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest

from config.settings import AnomalySettings, QualitySettings
from detectors.anomaly import again
from detectors.anomaly.detector import AnomalyDetector
from detectors.detection import Detection
from detectors.quality import before
from detectors.quality.detector import QualityDetector
from detectors.snapshot import SnapshotError, pack, unpack
from streams.frame import Frame
from tests.detectors.anomaly.street import RATE, frame, street

LEARN = int(34 * RATE)  # pictures


def said_of(detector: AnomalyDetector, shown: Frame) -> Detection:
    while (answer := detector.examine([shown])[0]) is None:
        time.sleep(0.02)
    return answer[0]


def test_anomaly_scores_again_to_the_same_number(tmp_path: Path) -> None:
    detector = AnomalyDetector(AnomalySettings(learn_minutes=0.5), tmp_path)
    for number in range(LEARN):
        said_of(detector, frame(street(number / RATE), number, live=False))
    scored = 0
    for number in range(LEARN, LEARN + 40):
        picture = street(number / RATE).copy()
        across = (number - LEARN) * 9 % 120
        picture[30:90, across : across + 40] = (20, 20, 240)
        shown = frame(picture, number, live=False)
        said = said_of(detector, shown)
        if said.before is not None:
            files = said.before.pack()
            assert again.score_again(files, shown, said.threshold) == said.score
            scored += said.alarming
    detector.close()
    assert scored > 10
    assert sum(map(len, files.values())) < 1_500_000


def test_quality_scores_again_to_the_same_number() -> None:
    detector = QualityDetector(QualitySettings(frozen_after=1))
    rng = np.random.default_rng(3)
    scene = rng.integers(0, 255, (180, 320, 3), np.uint8)
    scored = 0
    for number in range(120):
        noise = rng.integers(0, 9, scene.shape, np.uint8) if number < 70 else 0
        shown = Frame(
            "gate", number, (scene // 2 + noise).astype(np.uint8), frame(scene, number).captured_at,
            0.0, number / 5, live=False, fresh=number == 0,
        )  # fmt: skip
        for said in detector.examine([shown])[0]:
            if said.alarming and said.before is not None:
                assert before.score_again(said.before.pack(), shown, said.label) == said.score, said.label
                scored += said.label == "frozen"
    detector.close()
    assert scored > 10


class Holder:
    """Whatever a test puts in."""

    def __init__(self, **held: object) -> None:
        vars(self).update(held)


def test_a_snapshot_gives_back_what_was_held() -> None:
    shared = [1.5, float("inf"), None, "ü"]
    held = Holder(a=shared, b=shared, c=(True, np.float32(0.1)), d={3: np.arange(4.0)}, e=Holder())
    held.e = held  # type: ignore[attr-defined]
    found = unpack(pack(held, {}), [Holder], {})
    assert found.a == shared and found.b is found.a and found.e is found
    assert found.c == (True, np.float32(0.1)) and type(found.c[1]) is np.float32
    assert (found.d[3] == np.arange(4.0)).all()


def test_what_was_given_is_not_written() -> None:
    given = object()
    found = unpack(pack(Holder(a=given), {"thing": given}), [Holder], {"thing": "another"})
    assert found.a == "another"


@pytest.mark.parametrize(
    "tree",
    [
        {"number": 0, "class": "system", "fields": {}},
        {"number": 0, "class": "Popen", "value": "id"},
        {"number": 0, "array": 7},
        {"again": 3},
        {"given": "nobody"},
        {"number": 0, "class": "Holder", "fields": 5},
        {"what": 1},
        [],
    ],
)
def test_a_snapshot_makes_nothing_that_is_not_listed(tree: object) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr("tree.json", json.dumps(tree))
    with pytest.raises(SnapshotError, match="it is damaged"):
        unpack(buffer.getvalue(), [Holder], {})


def test_damage_anywhere_is_said() -> None:
    whole = pack(Holder(a=np.arange(50), b=["x"] * 9), {})
    for place in range(0, len(whole), 7):
        broken = bytearray(whole)
        broken[place] ^= 0xFF
        try:
            unpack(bytes(broken), [Holder], {})
        except SnapshotError:
            continue  # what is not read needs not be whole; any other error is a mistake


def test_no_pickle_is_read() -> None:
    with pytest.raises(TypeError, match="cannot be kept"):
        pack(Holder(a=np.array([object()])), {})
