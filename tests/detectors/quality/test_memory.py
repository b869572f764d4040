"""What is known of a camera outlives a restart, and is refused in words where it is damaged."""

import shutil
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from config.detectors import QualitySettings
from detectors.detection import Doubt
from detectors.quality.detector import QualityDetector
from detectors.quality.memory import Kept, kept, load, save
from detectors.quality.writer import Writer
from tests.detectors.quality.clips import Picture
from tests.detectors.quality.test_detector import noisy, scene
from tests.fakes import frame


def watch(
    detector: QualityDetector, picture: Picture, seconds: float, *, live: bool = True
) -> dict[str, str]:
    """What is said of the last picture: 'fine', 'alarming', or the doubt."""
    said = {}
    for number in range(round(5 * seconds)):
        (each,) = detector.examine([frame(number=number, picture=noisy(picture, 2), live=live)])
        said = {one.label: str(one.doubt or ("alarming" if one.alarming else "fine")) for one in each}
    return said


@pytest.fixture(scope="module")
def learned_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("learned")
    detector = QualityDetector(QualitySettings(), folder)
    watch(detector, scene(), 15)
    detector.close()
    return folder / "gate.quality"


@pytest.fixture
def learned(learned_once: Path, tmp_path: Path) -> Path:
    """What is known of a camera, in the test's own folder."""
    return Path(shutil.copy(learned_once, tmp_path))


def test_a_camera_that_was_turned_while_nobody_watched_is_told(learned: Path, tmp_path: Path) -> None:
    detector = QualityDetector(QualitySettings(), tmp_path)
    said = watch(detector, scene(seed=2), 2)
    detector.close()
    assert said["moved"] == "alarming"
    assert detector.counts["remembered"] == 1


def test_a_camera_that_stands_as_before_is_known_at_once(learned: Path, tmp_path: Path) -> None:
    detector = QualityDetector(QualitySettings(), tmp_path)
    said = watch(detector, scene(), 1)
    assert {label for label, each in said.items() if each != "fine"} <= {"looped", "combed"}
    detector.close()


def test_forgetting_a_live_stream_writes_down_what_was_learned(tmp_path: Path) -> None:
    detector = QualityDetector(QualitySettings(), tmp_path)
    watch(detector, scene(), 15)
    detector.forget("gate")
    assert watch(detector, scene(), 1)["moved"] == "fine"
    detector.close()


def test_a_recording_is_judged_from_scratch(learned: Path, tmp_path: Path) -> None:
    before = learned.read_bytes()
    detector = QualityDetector(QualitySettings(), tmp_path)
    assert watch(detector, scene(seed=2), 2, live=False)["moved"] == str(Doubt.LEARNING)
    detector.close()
    assert learned.read_bytes() == before


def test_another_size_of_picture_is_learned_anew(learned: Path, tmp_path: Path) -> None:
    detector = QualityDetector(QualitySettings(), tmp_path)
    narrow = np.ascontiguousarray(scene()[:, :240])
    assert watch(detector, narrow, 2)["moved"] == str(Doubt.LEARNING)
    detector.close()


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda blob: blob[: len(blob) // 2], "it is damaged: it is not what was written"),
        (lambda blob: blob[:-9] + b"\0" + blob[-8:], "it is damaged: it is not what was written"),
        (lambda blob: b"something else", "it was written by another version, or is damaged"),
        (lambda blob: b"", "it was written by another version, or is damaged"),
    ],
)
def test_damage_is_refused_in_words(
    damage: object, words: str, learned: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert callable(damage)
    learned.write_bytes(damage(learned.read_bytes()))
    detector = QualityDetector(QualitySettings(), tmp_path)
    assert watch(detector, scene(), 1)["moved"] == str(Doubt.LEARNING)
    detector.close()
    assert detector.counts["refused"] == 1
    assert caplog.messages == [
        f"what the pictures of gate usually look like is learned anew, {learned} cannot be used: {words}"
    ]


@pytest.mark.parametrize("lost", ["shape", "view.reference", "sharpness.detail", "stillness.longest"])
def test_a_memory_in_which_something_is_missing_is_refused_in_words(
    lost: str, learned: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    memory = load(learned)
    assert memory
    del memory[lost]
    save(memory, learned)
    detector = QualityDetector(QualitySettings(), tmp_path)
    assert watch(detector, scene(), 1)["moved"] == str(Doubt.LEARNING)
    detector.close()
    assert detector.counts["refused"] == 1
    assert f"{learned} cannot be used: it is damaged: what it holds is not all there" in caplog.text


def test_a_disk_that_hangs_holds_up_neither_pictures_nor_the_end(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    goes_on, written = threading.Event(), []

    def hang(memory: Kept, path: Path) -> None:
        goes_on.wait(60)
        written.append(path)

    detector = QualityDetector(QualitySettings(), tmp_path, Writer(Counter(), hang, patience=0.2))
    watch(detector, scene(), 15)
    began = time.monotonic()
    detector.forget("gate")
    assert watch(detector, scene(), 1)["moved"] == "fine", "what was not written yet is not known"
    detector.close()
    assert time.monotonic() - began < 10
    assert not written
    assert "gate.quality: the disk did not take it within 0.2 s. It is learned anew" in caplog.text
    goes_on.set()


def test_the_process_ends_while_the_disk_hangs() -> None:
    script = (
        "import time\n"
        "from collections import Counter\n"
        "from pathlib import Path\n"
        "from detectors.quality.writer import Writer\n"
        "writer = Writer(Counter(), lambda memory, path: time.sleep(300), patience=0.1)\n"
        "writer.put({}, Path('gate.quality'))\n"
        "writer.close()\n"
        "print(dict(writer.counts))\n"
    )
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert ended.stdout == "{'unsaved': 1}\n"


def test_only_the_newest_that_waits_is_written(tmp_path: Path) -> None:
    goes_on, begun, written = threading.Event(), threading.Event(), []

    def slowly(memory: Kept, path: Path) -> None:
        begun.set()
        goes_on.wait(60)
        written.append((path.name, float(memory["n"])))

    writer = Writer(Counter(), slowly)
    writer.put({"n": kept(0)}, tmp_path / "a")
    begun.wait(60)
    for number in (1, 2, 3):
        writer.put({"n": kept(number)}, tmp_path / "a")
        writer.put({"n": kept(number)}, tmp_path / "b")
    goes_on.set()
    writer.close()
    assert sorted(written) == [("a", 0), ("a", 3), ("b", 3)]
    assert writer.waiting(tmp_path / "a") is None
    assert not writer.counts


def test_a_folder_that_cannot_be_written_is_said_and_stops_nobody(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "state").write_text("a file where the folder should be")
    detector = QualityDetector(QualitySettings(), tmp_path / "state" / "quality")
    watch(detector, scene(), 15)
    detector.close()
    assert detector.counts["unsaved"] == 1
    assert "It is learned anew after a restart." in caplog.text
