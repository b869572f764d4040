"""Learning on request, by a method that learns nothing: what is gathered, gone on with, and put in place."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from config.detectors import AnomalySettings
from detectors.anomaly.history import read_history
from detectors.anomaly.method import Stopped
from detectors.anomaly.pupil import Pupil
from detectors.anomaly.shelf import Shelf
from detectors.anomaly.teacher import Teacher
from detectors.detection import DetectorError
from streams.frame import Frame
from tests.detectors.anomaly.drill import Camera, Classroom, Drill, DrillLearned

SETTINGS = AnomalySettings()


def teacher(folder: Path, method: Drill, footage: str = "clips") -> Teacher:
    return Teacher(SETTINGS, folder, "gate", "source", footage, method)


def recording(seconds: int, seed: int = 1) -> Iterator[Frame]:
    camera = Camera(seed)
    return iter([camera.frame() for _ in range(seconds)])


def learn(one: Teacher) -> str:
    return str(one.learn(lambda share: None, lambda: False))


def test_what_is_learned_is_what_the_daemon_judges_by(tmp_path: Path) -> None:
    method = Drill()
    one = teacher(tmp_path, method)
    for frame in recording(90):
        one.add(frame)
    taught = one.learn(lambda share: None, lambda: False)
    assert (taught.pictures, taught.seconds, taught.anew) == (90, 89.0, False)
    assert len(Shelf(tmp_path / "gate", "source")) == 1
    assert len(Shelf(tmp_path / "gate", "another")) == 0
    pupil = Pupil(method, "gate", tmp_path / "gate", SETTINGS, "", Classroom(), one.counts, "source")
    said = [pupil.examine(frame) for frame in recording(3)]
    assert said[-1] is not None
    assert said[-1].doubt is None
    pupil.close()


def test_a_scene_that_is_known_is_replaced_with_its_thresholds_and_another_one_is_not(tmp_path: Path) -> None:
    method = Drill()
    for seed, anew in ((1, False), (2, False), (1, True)):
        one = teacher(tmp_path, method)
        for frame in recording(60, seed):
            one.add(frame)
        assert one.learn(lambda share: None, lambda: False).anew is anew
        (tmp_path / "gate" / "1" / "blocks").write_bytes(bytes(100))
    assert len(Shelf(tmp_path / "gate", "source")) == 2
    assert not (tmp_path / "gate" / "taught").exists()


class Cut(Drill):
    """The power goes as soon as the new normal is saved."""

    def save(self, learned: DrillLearned, folder: Path) -> str:
        super().save(learned, folder)
        raise RuntimeError("the power went")


def test_a_power_cut_while_it_is_replaced_leaves_no_threshold_of_the_old_one(tmp_path: Path) -> None:
    for method in (Drill(), Cut()):
        one = teacher(tmp_path, method)
        for frame in recording(60):
            one.add(frame)
        if isinstance(method, Cut):
            (tmp_path / "gate" / "1" / "blocks").write_bytes(bytes(100))
            with pytest.raises(RuntimeError, match="the power went"):
                learn(one)
        else:
            learn(one)
    assert not (tmp_path / "gate" / "1" / "blocks").exists()


def test_an_interrupted_attempt_is_gone_on_with_and_no_picture_counts_twice(tmp_path: Path) -> None:
    method = Drill()
    clips = [list(recording(40)), list(recording(50))]
    one = teacher(tmp_path, method)
    for frame in [*clips[0], *clips[1][:10]]:
        one.add(frame, part=0 if frame in clips[0] else 1)
    one.close()
    one = teacher(tmp_path, method)
    assert one.came_to.part == 1
    for part, clip in enumerate(clips):
        for frame in clip:
            one.add(frame, part)
    assert one.seconds == 39 + 9 + 39, "the second between the attempts was not watched"
    learn(one)
    assert len(method.lessons[-1].scores) == 90


def test_other_footage_is_not_gone_on_with(tmp_path: Path) -> None:
    one = teacher(tmp_path, Drill(), "these")
    for frame in recording(40):
        one.add(frame)
    one.close()
    assert teacher(tmp_path, Drill(), "those").came_to.position < 0
    assert not (tmp_path / "gate" / "taught").exists()


def test_a_lesson_that_is_stopped_keeps_the_footage(tmp_path: Path) -> None:
    one = teacher(tmp_path, Drill())
    for frame in recording(40):
        one.add(frame)
    with pytest.raises(Stopped):
        one.learn(lambda share: None, lambda: True)
    one.close()
    one = teacher(tmp_path, Drill())
    for frame in recording(40):
        one.add(frame)
    assert "pictures=40" in learn(one)


def test_useless_footage_is_said_and_thrown_away(tmp_path: Path) -> None:
    method = Drill()
    one = teacher(tmp_path, method)
    for frame in recording(40):
        one.add(frame)
    method.fault = ValueError("nothing follows on anything")
    with pytest.raises(
        DetectorError, match="this footage is no use to learn gate from: nothing follows on anything"
    ):
        learn(one)
    assert not (tmp_path / "gate" / "taught").exists()
    assert not read_history(tmp_path / "gate").at.size


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "gate").write_text("in the way")
    one = teacher(tmp_path, Drill())
    with pytest.raises(DetectorError, match=r"cannot keep what is learned of gate in .*: Not a directory"):
        one.add(next(recording(1)))
