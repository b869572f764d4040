"""What is kept beside an alert scores its picture again, to the same number."""

import io
import json
import zipfile
from datetime import timedelta

import numpy as np
import pytest

from config.detectors import QualitySettings
from detectors.detection import Detection
from detectors.quality import before
from detectors.quality.detector import QualityDetector
from detectors.snapshot import SnapshotError, pack, unpack
from streams.frame import Frame
from tests.fakes import EPOCH


def test_quality_scores_again_to_the_same_number() -> None:
    detector = QualityDetector(QualitySettings(frozen_after=1))
    rng = np.random.default_rng(3)
    scene = rng.integers(0, 255, (180, 320, 3), np.uint8)
    told: list[tuple[Frame, Detection]] = []
    for number in range(120):
        noise = rng.integers(0, 9, scene.shape, np.uint8) if number < 70 else 0
        shown = Frame(
            "gate", number, (scene // 2 + noise).astype(np.uint8), EPOCH + timedelta(seconds=number / 5),
            0.0, number / 5, live=False, fresh=number == 0,
        )  # fmt: skip
        told += [(shown, said) for said in detector.examine([shown])[0] if said.alarming and said.before]
    detector.close()
    for shown, said in told:  # only now: what went on must not change what was kept
        assert said.before is not None
        assert before.score_again(said.before.pack(), shown, said.label) == said.score, said.label
    assert sum(said.label == "frozen" for _, said in told) > 10


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
