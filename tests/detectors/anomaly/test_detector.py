"""One camera's way through the detector: watched, learned, judged, remembered."""

import json
import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
import pytest

from config.detectors import AnomalySettings
from daemon.evaluate_events import iou
from detectors.anomaly.again import score_again
from detectors.anomaly.detector import AnomalyDetector
from detectors.detection import Detection, Doubt, Kind
from streams.frame import Frame
from streams.thinning import Thinning
from tests.detectors.anomaly.learned import LEARN, SETTINGS, LearnedOnce, watch
from tests.detectors.anomaly.street import RATE, Picture, footage, frame, street


def judged(state: Path, frames: Iterable[Frame], settings: AnomalySettings = SETTINGS) -> list[Detection]:
    detector = AnomalyDetector(settings, state)
    try:
        return watch(detector, frames)
    finally:
        detector.close()


@pytest.fixture
def state(learned_once: LearnedOnce, tmp_path: Path) -> Path:
    """A copy of the folder of a camera that has been learned."""
    folder = tmp_path / "state"
    shutil.copytree(learned_once.state, folder)
    return folder


def test_a_new_camera_is_learned_while_its_frames_are_answered(
    learned_once: LearnedOnce,
) -> None:
    *learning, first, last = learned_once.said
    assert last.doubt is None, "it was not learned within a minute"
    assert {each.doubt for each in learning} == {Doubt.LEARNING}
    assert first.doubt is Doubt.INTERRUPTED
    progress = [each.progress for each in learning]
    assert all(share is not None for share in progress)
    assert progress == sorted(share for share in progress if share is not None)
    assert progress[0] == 0
    assert 0.9 < (progress[-1] or 0) <= 1
    assert learning[60].reason == "learning what is normal here: 12 of 30 s watched"
    assert not any(each.alarming for each in learning)


def test_normal_footage_raises_no_alarm_and_an_intruder_does(state: Path) -> None:
    normal = judged(state, footage(60, 20))
    assert not any(each.alarming for each in normal)
    assert all(each.kind is Kind.ANOMALY and each.provisional for each in normal)
    assert all(each.heatmap is None and not each.regions for each in normal if each.score < 2)
    odd = judged(state, footage(60, 5, intruder=True))
    worst = max(odd, key=lambda each: each.score)
    assert sum(each.alarming for each in odd) >= 5
    assert worst.reason
    assert worst.label in {"motion", "content"}
    assert worst.heatmap is not None
    assert 0 <= worst.heatmap.min() <= worst.heatmap.max() <= 1


@pytest.mark.parametrize("share", [0.25, 0.7])
def test_where_only_a_share_of_the_pictures_is_kept_they_score_what_they_would_otherwise(
    state: Path, share: float
) -> None:
    def kept(frames: Iterable[Frame]) -> list[Frame]:
        thinning = Thinning()
        thinning.share = share
        return [each for each in frames if thinning.keep()]

    normal = judged(state, kept(footage(60, 30)))
    doubts = [each.doubt for each in normal]
    assert set(doubts[1:]) == {None, Doubt.INTERRUPTED}
    pairs = len(doubts) // 2 - 1  # the first and the last may be halves of one
    assert doubts.count(None) >= pairs, "of two that follow on each other, the second one is judged"
    assert not any(each.alarming for each in normal)
    odd = judged(state, kept(footage(60, 15, intruder=True)))
    assert sum(each.alarming for each in odd) >= 3


def test_a_camera_that_stalls_for_minutes_keeps_its_normal(state: Path) -> None:
    before = list(footage(60, 2))
    after = [frame(street(180 + n / RATE), 1000 + n, position=180 + n / RATE, fresh=False) for n in range(10)]
    said = judged(state, [*before, *after])
    assert said[len(before)].doubt is Doubt.INTERRUPTED
    assert said[-1].doubt is None


def test_the_box_lies_over_the_intruder(state: Path) -> None:
    frames = list(footage(61, 3, intruder=True))
    for each, detection in zip(frames, judged(state, frames), strict=True):
        if detection.alarming:
            x = (212 - 45 * (each.position % 5)) / 192
            box = detection.regions[0]
            assert box.left - 0.1 <= x <= box.left + box.width + 0.1
            assert box.top <= 0.25 <= box.top + box.height


def test_what_covers_a_part_of_the_picture_is_boxed_as_a_whole_and_named(state: Path) -> None:
    def covered(position: float) -> Picture:
        picture = street(position)
        if position > 62:
            picture[20:90, 40:130] = 25
        return picture

    frames = [frame(covered(60 + n / RATE), n, position=60 + n / RATE) for n in range(25)]
    alarming = [each for each in judged(state, frames) if each.alarming]
    assert alarming
    for each in alarming:
        assert each.label == "structure"
        assert iou(each.regions[0], (40 / 192, 20 / 108, 130 / 192, 90 / 108)) > 0.5


def test_a_part_that_is_lit_otherwise_is_told_as_a_matter_of_quality(state: Path) -> None:
    def lit(position: float) -> Picture:
        picture = street(position)
        if position > 62:
            part = picture[10:100, 60:140]
            part[:] = np.clip(part * 0.55, 0, 255).astype(np.uint8)
        return picture

    frames = [frame(lit(60 + n / RATE), n, position=60 + n / RATE) for n in range(16)]
    alarming = [each for each in judged(state, frames) if each.alarming]
    assert alarming
    assert alarming[0].label == "quality"
    assert alarming[0].reason == "what stands here is lit otherwise than before"


def test_going_the_wrong_way_scores_above_what_is_normal(state: Path) -> None:
    normal = [each.score for each in judged(state, footage(60, 15))]
    wrong = judged(state, footage(60, 15, wrong_way=True))
    assert np.median([each.score for each in wrong]) > max(normal)
    reasons = " ".join(each.reason for each in wrong)
    assert "to the left" in reasons


def test_who_stops_because_the_picture_stops_is_nothing_unusual(state: Path, tmp_path: Path) -> None:
    walkers = [frame(street(200 + n / RATE), n) for n in range(50)]
    frozen = [frame(street(210), 50 + n) for n in range(40)]
    shutil.copytree(state, tmp_path / "other")
    told = judged(state, [*walkers, *frozen])
    assert max(each.score for each in told[-40:]) <= max(each.score for each in told[10:50])

    chance = np.random.default_rng(3)
    stand = [np.clip(street(210) + chance.normal(0, 1, (108, 192, 3)), 0, 255) for _ in range(40)]
    alive = [frame(one.astype(np.uint8), 50 + n) for n, one in enumerate(stand)]
    told = judged(tmp_path / "other", [*walkers, *alive])  # they do stop, and a camera shows it
    assert max(each.score for each in told[-20:]) >= told[-1].threshold


def test_a_restart_judges_at_once_and_scores_the_same(state: Path) -> None:
    first = judged(state, footage(60, 4, intruder=True))
    again = judged(state, footage(60, 4, intruder=True))
    assert again[0].doubt is Doubt.INTERRUPTED
    assert all(each.doubt is None for each in again[1:])
    # Between them the background has followed four seconds of light.
    assert [each.score for each in again] == pytest.approx([each.score for each in first], abs=0.5)
    assert again[0].made_by.model_sha256 == first[0].made_by.model_sha256
    assert len(again[0].made_by.model_sha256) == 64


def test_the_same_frames_score_the_same(state: Path, tmp_path: Path) -> None:
    twin = tmp_path / "twin"
    shutil.copytree(state, twin)
    first, second = (judged(folder, footage(60, 4, intruder=True)) for folder in (state, twin))
    assert [each.score for each in first] == [each.score for each in second]


def test_a_larger_budget_lowers_the_threshold_without_learning_anew(state: Path) -> None:
    generous = AnomalySettings(false_alarms_per_day=50, learn_minutes=0.5)
    _, one = judged(state, footage(60, 0.4), generous)
    _, other = judged(state, footage(60, 0.4))
    assert one.doubt is None
    assert one.threshold < other.threshold


def _flip(folder: Path) -> None:
    weights = next(folder.glob("weights-*"))
    blob = bytearray(weights.read_bytes())
    blob[len(blob) // 2] ^= 0xFF
    weights.write_bytes(blob)


def _truncate(folder: Path) -> None:
    (folder / "normal.json").write_text('{"version": 1')


def _age(folder: Path) -> None:
    numbers = json.loads((folder / "normal.json").read_text())
    numbers["version"] = 0
    (folder / "normal.json").write_text(json.dumps(numbers))


def _lose(folder: Path) -> None:
    next(folder.glob("background-*")).unlink()


def _distort(folder: Path) -> None:
    numbers = json.loads((folder / "normal.json").read_text())
    del numbers["tail"]["scale"]
    (folder / "normal.json").write_text(json.dumps(numbers))


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (_flip, "is not what was written"),
        (_truncate, "it is damaged"),
        (_age, "it was learned by another version"),
        (_lose, "is missing"),
        (_distort, "it is damaged"),
    ],
)
def test_a_spoilt_folder_is_refused_in_words_and_learned_anew(
    state: Path, spoil: Callable[[Path], None], words: str
) -> None:
    spoil(state / "gate" / "1")
    detector = AnomalyDetector(SETTINGS, state)
    (said,) = watch(detector, footage(60, 0.2))
    assert said.doubt is Doubt.LEARNING
    assert "anew, because what was learned earlier cannot be used" in said.reason
    assert words in said.reason
    assert detector.counts["refused"] == 1
    detector.close()


def test_another_shape_of_picture_is_learned_anew(state: Path) -> None:
    detector = AnomalyDetector(SETTINGS, state)
    assert watch(detector, footage(60, 2))[-1].doubt is None
    (said,) = watch(detector, [frame(np.zeros((108, 108, 3), np.uint8), 0)])
    assert said.doubt is Doubt.LEARNING
    assert said.reason.endswith("anew, because the picture has another shape than before")
    detector.close()


def test_damaged_pictures_are_neither_judged_nor_learned(state: Path, tmp_path: Path) -> None:
    broken = frame(np.full((108, 192, 3), 128, np.uint8), 3, damaged=True)
    detector = AnomalyDetector(SETTINGS, state)
    before = watch(detector, footage(60, 2))
    assert watch(detector, [broken])[0].doubt is Doubt.DAMAGED
    detector.close()
    assert before[-1].doubt is None
    new = AnomalyDetector(SETTINGS, tmp_path / "new")
    assert watch(new, [broken])[0].doubt is Doubt.DAMAGED
    assert watch(new, [frame(street(0), 0)])[0].progress == 0
    new.close()


def test_a_picture_without_a_predecessor_cannot_be_told(state: Path) -> None:
    """Neither the first one after reconnecting, nor one after others were lost: nothing counts twice."""
    detector = AnomalyDetector(SETTINGS, state)
    odd = watch(detector, footage(60, 3, intruder=True))
    assert any(each.alarming for each in odd)
    (fresh,) = watch(detector, [frame(street(63.0, intruder=True), 0, fresh=True)])
    late = watch(detector, [frame(street(63.0 + n, intruder=True), n, position=1.0 * n) for n in (1, 2, 3)])
    for each in (fresh, *late):
        assert each.doubt is Doubt.INTERRUPTED
        assert each.reason == "no picture at the usual distance before it, to compare"
        assert not each.alarming
    (again,) = watch(detector, [frame(street(66.2), 99, position=3.2)])
    assert again.doubt is None
    detector.close()


def test_forgetting_keeps_what_was_learned(state: Path) -> None:
    detector = AnomalyDetector(SETTINGS, state)
    watch(detector, footage(60, 1))
    detector.forget("gate")
    detector.forget("gate")
    assert watch(detector, footage(60, 1))[-1].doubt is None
    detector.close()


def test_closing_in_the_middle_of_learning_ends_soon_and_the_footage_is_learned_from_later(
    tmp_path: Path,
) -> None:
    detector = AnomalyDetector(SETTINGS, tmp_path)
    watch(detector, (frame(each.picture, each.number, live=True) for each in footage(0, LEARN)))
    began = time.monotonic()
    detector.close()
    assert time.monotonic() - began < 5
    again = AnomalyDetector(SETTINGS, tmp_path)
    (said,) = watch(again, [frame(street(100), 0, live=True)])
    assert said.doubt is Doubt.LEARNING
    assert said.reason == "learning what is normal here: 30 of 30 s watched"
    _, said = watch(again, [frame(street(100 + number / RATE), number) for number in (1, 2)])
    assert said.doubt is None
    again.close()
    (left,) = tmp_path.rglob("footage")
    assert left.stat().st_size < 100_000, "what was learned from is still there"


def test_recordings_that_learn_hold_up_nobody(tmp_path: Path) -> None:
    """Two of them in one batch with a camera; and closing waits neither for them, nor for long."""
    detector = AnomalyDetector(AnomalySettings(learn_minutes=0.12), tmp_path)
    batches = [
        [
            frame(each.picture, each.number, stream="first"),
            frame(each.picture, each.number, stream="second"),
            frame(each.picture, each.number, stream="camera", live=True),
        ]
        for each in footage(0, 8)
    ]
    answers = [detector.examine(batch) for batch in batches]
    began = time.monotonic()
    first, second, camera = answers[-1]
    assert first is second is None
    assert camera is not None
    assert camera[0].doubt is Doubt.LEARNING
    for _ in range(5):
        detector.examine(batches[-1])
    assert time.monotonic() - began < 1
    assert [answer is None for answer, *_ in answers] == [False] * 37 + [True] * 3
    began = time.monotonic()
    detector.close()
    assert time.monotonic() - began < 5


def _nothing_ever_happens() -> Iterator[np.ndarray]:
    while True:
        yield np.full((48, 64, 3), 90, np.uint8)


def test_a_constant_tiny_picture_is_learned_and_judged_without_nonsense(tmp_path: Path) -> None:
    settings = AnomalySettings(learn_minutes=0.15)
    detector = AnomalyDetector(settings, tmp_path)
    pictures = _nothing_ever_happens()
    said = watch(detector, (frame(next(pictures), number) for number in range(60)))
    # It is learned from so many pictures, and judged from the next one on, which has no predecessor.
    assert [each.doubt for each in said] == [Doubt.LEARNING] * 46 + [Doubt.INTERRUPTED] + [None] * 13
    assert said[-1].score == 0
    white = np.full((48, 64, 3), 90, np.uint8)
    white[10:40, 20:50] = 255
    shown = watch(detector, (frame(white.copy(), number) for number in range(60, 66)))
    assert all(np.isfinite(each.score) for each in shown)
    assert shown[-1].alarming
    detector.close()
    assert sum(file.stat().st_size for file in tmp_path.rglob("*") if file.is_file()) < 5_000_000


def test_somebody_who_passes_once_while_it_learns_is_still_unusual_later(tmp_path: Path) -> None:
    frames = [
        frame(street(number / RATE, intruder=80 <= number < 90), number)
        for number in range(int(LEARN * RATE))
    ]
    detector = AnomalyDetector(SETTINGS, tmp_path)
    watch(detector, frames)
    odd = watch(detector, footage(60, 5, intruder=True))
    assert sum(each.alarming for each in odd) >= 3
    detector.close()


def test_what_is_kept_of_an_alarming_picture_scores_it_again(state: Path) -> None:
    detector = AnomalyDetector(SETTINGS, state)
    told: list[tuple[Frame, Detection]] = []
    for number in range(40):
        picture = street(number / RATE).copy()
        across = max(0, number - 8) * 9 % 120
        picture[30:90, across : across + 40] = (20, 20, 240)
        shown = frame(picture, number, live=True)
        told += [(shown, said) for said in watch(detector, [shown]) if said.before and said.alarming]
    detector.close()
    assert len(told) > 5
    for shown, said in told[::4]:  # only now: what went on must not change what was kept
        assert said.before is not None
        files = said.before.pack()
        assert score_again(files, shown, said.threshold) == said.score
        assert sum(map(len, files.values())) < 2_500_000
