"""The life of a normal: learned, judged by, learned further, changed for another one, found again."""

from collections import Counter
from pathlib import Path

import pytest

from config.detectors import AnomalySettings
from detectors.anomaly.footage import MOST
from detectors.anomaly.history import read_history
from detectors.anomaly.pupil import Pupil
from detectors.detection import Detection, Doubt
from tests.detectors.anomaly.drill import Camera, Classroom, Drill

SETTINGS = AnomalySettings(learn_minutes=1)
MINUTE, HOUR = 60, 3600


class Stage:
    """A pupil with all that is around it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.method, self.school, self.camera = Drill(), Classroom(), Camera()
        self.counts: Counter[str] = Counter()
        self.source = "one"
        self.pupil = self.born()

    def born(self) -> Pupil:
        return Pupil(
            self.method, "gate", self.folder, SETTINGS, "config", self.school, self.counts, self.source
        )

    def restart(self, *, killed: bool = False) -> None:
        if not killed:
            self.pupil.close()
        self.pupil = self.born()
        self.camera.reconnects()

    def watch(self, seconds: int, score: float = 0.3, **kind: bool) -> list[Detection]:
        said = [self.pupil.examine(self.camera.frame(score, **kind)) for _ in range(seconds)]
        return [each for each in said if each is not None]

    def learned(self) -> None:
        """Up to the first normal."""
        assert self.watch(MINUTE + 4)[-1].doubt is None

    @property
    def last_lesson(self) -> tuple[float, ...]:
        return self.method.lessons[-1].scores


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path / "gate")


def test_a_camera_is_learned_and_learned_further_at_growing_distances(stage: Stage) -> None:
    stage.learned()
    assert stage.pupil.life.lessons == 1
    stage.watch(16 * MINUTE)
    assert stage.pupil.life.lessons == 2
    assert stage.method.starts[-1] == stage.method.lessons[0], "it did not start from what was known"
    (said,) = stage.watch(1)
    assert said.made_by.model_sha256 == "sha-1-2"
    stage.watch(50 * MINUTE)
    assert stage.pupil.life.lessons == 2
    stage.watch(16 * MINUTE)
    assert stage.pupil.life.lessons == 3
    assert stage.counts == Counter(learned=1, relearned=2)


def test_somebody_before_the_camera_when_it_starts_is_not_taken_for_the_scene(stage: Stage) -> None:
    empty = stage.camera.empty
    stage.camera.empty = empty.copy()
    stage.camera.empty[5:, 20:80] = 40
    stage.watch(3)
    stage.camera.empty = empty
    said = stage.watch(MINUTE)
    assert "anew" not in said[-1].reason
    assert stage.watch(3)[-1].doubt is None


def test_nothing_suspicious_is_learned_nor_what_is_near_it(stage: Stage) -> None:
    stage.learned()
    for _ in range(12):
        stage.watch(50, 0.3)
        stage.watch(2, 1.0)  # six seconds before something odd
        stage.watch(4, 1.1)
        stage.watch(1, 3.0)  # odd, though no alarm
        stage.watch(9, 1.2)
    stage.watch(5 * MINUTE, 0.3)
    learned = stage.last_lesson
    assert len(stage.method.lessons) == 2
    assert max(learned) < 1.05, "what stands around something odd was learned"
    assert set(map(round, learned)) == {0, 1} or set(map(round, learned)) == {0}


def test_rising_scores_bring_the_next_lesson_forward(stage: Stage) -> None:
    stage.learned()
    stage.watch(25 * MINUTE)
    assert len(stage.method.lessons) == 2
    stage.watch(15 * MINUTE, 1.2)
    assert stage.counts["drifted"] >= 1
    assert len(stage.method.lessons) >= 3, "the next one would come after an hour"


def test_learning_rests_for_a_minute_after_an_alarm_and_while_it_is_held(stage: Stage) -> None:
    stage.learned()
    stage.watch(5 * MINUTE)
    assert stage.watch(1, 6.0)[-1].alarming
    stage.watch(58, 1.5)
    stage.watch(3 * MINUTE)
    stage.pupil.held = True
    stage.watch(3 * MINUTE, 1.5)
    stage.pupil.held = False
    stage.watch(6 * MINUTE)
    assert len(stage.method.lessons) == 2
    assert max(stage.last_lesson) == pytest.approx(0.3, abs=0.01)


def test_a_normal_that_would_be_worse_is_not_believed(stage: Stage) -> None:
    stage.learned()
    stage.method.more = 1.0
    stage.watch(20 * MINUTE)
    assert len(stage.method.lessons) == 2
    assert stage.pupil.life.lessons == 1
    assert stage.counts["kept_old"] == 1
    assert stage.watch(1)[-1].score == pytest.approx(0.3)
    stage.method.more = 0.0
    stage.watch(11 * MINUTE)
    assert stage.pupil.life.lessons == 2, "the next one had no chance"


def test_a_normal_that_no_longer_finds_an_alarm_is_not_believed(stage: Stage) -> None:
    stage.learned()
    stage.method.more = -3.0
    stage.watch(10 * MINUTE + 75)
    assert len(stage.method.lessons) == 2
    stage.watch(4, 6.0)
    stage.watch(4 * MINUTE)
    assert (stage.pupil.life.lessons, stage.counts["kept_old"]) == (1, 1)


def test_a_camera_that_is_moved_alarms_then_is_learned_anew_and_known_again_when_it_is_back(
    stage: Stage,
) -> None:
    stage.learned()
    stage.watch(MINUTE)
    stage.camera.moves(6)
    said = stage.watch(50, 7.0)
    assert said[0].alarming
    assert said[-1].doubt is Doubt.LEARNING
    assert "anew, because the camera was moved since" in said[-1].reason
    when = stage.camera.at.astimezone()
    assert said[-1].reason[-5:-3] in {f"{when:%H}"}
    stage.watch(MINUTE)
    assert stage.watch(1)[-1].doubt is None
    assert stage.pupil.life.normals == 2
    stage.camera.moves(-6)
    said = stage.watch(45)
    assert said[-1].doubt is None
    assert said[-1].made_by.model_sha256 == "sha-1-1"
    assert len(stage.method.lessons) == 2, "it was learned again although it was known"
    assert stage.counts["switched"] == 1


def test_night_without_colours_is_told_at_once_learned_once_and_known_from_then_on(stage: Stage) -> None:
    stage.learned()
    stage.camera.looks_at(1, colour=False)
    said = stage.watch(25, 7.0)
    assert {each.doubt for each in said} == {Doubt.LEARNING}, "infrared was judged by the normal of the day"
    assert said[0].reason == "the picture has lost its colours: waiting whether that lasts"
    said = stage.watch(20)
    assert "anew, because the picture has lost its colours since" in said[-1].reason
    stage.watch(MINUTE)
    for colour in (True, False, True):
        stage.camera.looks_at(1, colour=colour)
        first, second = stage.watch(2)
        assert first.doubt is Doubt.INTERRUPTED
        assert second.doubt is None
    assert len(stage.method.lessons) == 2


def test_a_covered_camera_is_doubted_and_not_learned(stage: Stage) -> None:
    stage.learned()
    stage.camera.is_covered()
    said = stage.watch(5 * MINUTE, 7.0)
    assert said[-1].doubt is Doubt.HIDDEN
    assert said[-1].reason == "next to nothing is seen of the scene that was learned"
    stage.restart()
    assert stage.watch(5 * MINUTE)[-1].doubt is Doubt.HIDDEN
    stage.camera.looks_at(1)
    assert stage.watch(2)[-1].doubt is None
    assert len(stage.method.lessons) == 1


def test_another_address_is_learned_anew_and_the_first_one_known_when_it_is_back(stage: Stage) -> None:
    stage.learned()
    stage.source = "two"
    stage.restart()
    said = stage.watch(10)
    assert said[-1].reason.endswith("anew, because the stream has another address")
    stage.learned()
    stage.source = "one"
    stage.restart()
    assert stage.watch(2)[-1].made_by.model_sha256 == "sha-1-1"


@pytest.mark.parametrize("killed", [False, True])
def test_footage_survives_a_restart_in_the_middle_of_watching(stage: Stage, killed: bool) -> None:
    assert stage.watch(41)[-1].reason == "learning what is normal here: 40 of 60 s watched"
    stage.restart(killed=killed)
    assert stage.watch(2)[-1].reason == "learning what is normal here: 41 of 60 s watched"
    stage.watch(25)
    assert len(stage.method.lessons) == 1
    assert len(stage.last_lesson) == 62


def test_footage_survives_a_restart_in_the_middle_of_a_lesson(stage: Stage) -> None:
    stage.school.open = False
    assert stage.watch(70)[-1].progress == pytest.approx(0.9)
    stage.restart()
    stage.school.open = True
    stage.watch(2)
    assert stage.watch(1)[-1].doubt is None


def test_footage_for_going_on_survives_a_restart_and_is_not_learned_twice(stage: Stage) -> None:
    stage.learned()
    for _ in range(4):
        stage.watch(3 * MINUTE)
        stage.restart(killed=True)
    stage.watch(8 * MINUTE)
    assert stage.pupil.life.lessons == 2
    assert len(stage.last_lesson) <= 11 * MINUTE
    footage = next(stage.folder.rglob("footage"))
    assert footage.stat().st_size < 8 * MINUTE * 100


def test_a_recording_waits_for_each_lesson(stage: Stage) -> None:
    stage.school.open = False
    frames = [stage.camera.frame(live=False) for _ in range(70)]
    said = [stage.pupil.examine(each) for each in frames]
    assert said.count(None) == 9
    stage.school.teach()
    assert stage.pupil.examine(frames[-1]) is not None


def test_useless_footage_is_said_and_gathered_again(stage: Stage) -> None:
    stage.method.fault = ValueError("no two pictures of the footage follow on each other")
    said = stage.watch(64)
    assert said[-1].doubt is Doubt.LEARNING
    assert "anew, because the footage before was no use: no two pictures" in stage.watch(1)[-1].reason
    stage.method.fault = None
    assert stage.watch(70)[-1].doubt is None


def test_pictures_at_another_pace_are_learned_and_both_paces_known(stage: Stage) -> None:
    stage.learned()
    said = [stage.pupil.examine(stage.camera.frame(passes=3.0)) for _ in range(30)]
    assert said[-1] is not None
    assert "anew, because pictures come much faster or slower" in said[-1].reason
    assert stage.pupil.life.normals == 1, "what was learned is lost, and perhaps the pace comes back"


def test_no_more_normals_are_kept_than_fit(stage: Stage) -> None:
    for seed in range(1, 8):
        stage.camera.looks_at(seed)
        stage.watch(50)
        stage.learned()
    assert stage.pupil.life.normals == 4
    stage.camera.looks_at(7)
    stage.restart()
    assert stage.watch(2)[-1].made_by.model_sha256 == "sha-7-1"


def test_a_normal_that_cannot_be_read_is_learned_anew_and_the_others_stay(stage: Stage) -> None:
    stage.learned()
    (stage.folder / "1" / "drill.json").write_text("{")
    stage.restart(killed=True)
    said = stage.watch(2)
    assert said[-1].reason.endswith("anew, because what was learned earlier cannot be used: it is damaged")
    stage.learned()
    (stage.folder / "1" / "card.json").write_text("[]")
    stage.restart(killed=True)
    assert stage.watch(2)[-1].doubt is Doubt.LEARNING


def test_timestamps_that_stand_still_are_said_and_fill_no_disk(stage: Stage) -> None:
    said = [stage.pupil.examine(stage.camera.frame(passes=0.0)) for _ in range(2 * MOST)]
    assert said[-1] is not None
    assert said[-1].reason == ("learning what is normal here: 0 of 60 s watched (its timestamps stand still)")
    assert next(stage.folder.rglob("footage")).stat().st_size < (MOST + 1) * 100


def test_what_was_scored_is_kept(stage: Stage) -> None:
    stage.learned()
    stage.watch(10, 2.0)
    stage.pupil.close()
    scores = read_history(stage.folder)
    assert len(scores) == MINUTE + 14
    assert scores.score[-1] == pytest.approx(2.0, abs=0.01)
    assert scores.threshold[-1] == pytest.approx(4.64, abs=0.01)


def test_a_disk_that_fails_while_it_judges_stops_nothing(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    stage.learned()
    stage.pupil.close()
    (stage.folder / "1" / "footage").unlink()
    (stage.folder / "1" / "footage").mkdir()  # in the way
    stage.restart(killed=True)
    assert all(each.doubt is None for each in stage.watch(30)[1:])
    assert any("is judged as before, and learns no more" in said for said in caplog.messages)
    stage.pupil.close()
