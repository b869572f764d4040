"""The quality detector on drawn scenes: what is which fault, what is none, and what hides what."""

import functools
import gc
import weakref
from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction

import av
import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.detectors import QualitySettings
from detectors.detection import Detection, Doubt
from detectors.quality.detector import QualityDetector
from detectors.quality.finding import HIDES, Fault, Finding, settle
from streams.frame import Frame
from tests.detectors.quality.clips import Picture, encoded, frames, judged
from tests.detectors.quality.planted import FAULTS, shown
from tests.fakes import damaged, frame

LABELS = {str(fault) for fault in Fault}
RNG = np.random.default_rng(0)


def scene(seed: int = 1, contrast: float = 1.0, light: float = 120.0) -> Picture:
    """A street of rectangles, (180, 320, 3), mean about `light`."""
    return _drawn(seed, contrast, light).copy()


@functools.cache
def _drawn(seed: int, contrast: float, light: float) -> Picture:
    rng = np.random.default_rng(seed)
    picture = np.full((180, 320, 3), light, np.float32)
    for _ in range(120):
        left, top = rng.integers(0, 300), rng.integers(0, 165)
        wide, high = rng.integers(8, 60), rng.integers(6, 40)
        picture[top : top + high, left : left + wide] = light + contrast * rng.integers(-90, 90, 3)
    return np.clip(picture, 0, 255).astype(np.uint8)


def noisy(picture: Picture, sigma: float) -> Picture:
    grain = RNG.normal(0, sigma, picture.shape[:2])[..., None]
    return np.clip(picture + grain, 0, 255).astype(np.uint8)


class Camera:
    """Shows pictures to one detector, five a second."""

    def __init__(self, settings: QualitySettings | None = None) -> None:
        self.detector = QualityDetector(settings or QualitySettings())
        self.number = 0

    def show(self, picture: Picture, **changes: object) -> dict[str, Detection]:
        seen = replace(frame(number=self.number, picture=picture), **changes)  # type: ignore[arg-type]
        self.number += 1
        (said,) = self.detector.examine([seen])
        assert [each.label for each in said] == list(dict.fromkeys(each.label for each in said))
        assert {each.label for each in said} == LABELS
        return {each.label: each for each in said}

    def watch(self, picture: Picture, seconds: float, noise: float = 2.0) -> dict[str, Detection]:
        said: dict[str, Detection] = {}
        for _ in range(round(seconds * 5)):
            said = self.show(noisy(picture, noise))
        return said


def alarms(said: dict[str, Detection]) -> set[str]:
    return {label for label, each in said.items() if each.alarming}


@pytest.fixture
def settled() -> Camera:
    camera = Camera()
    assert alarms(camera.watch(scene(), 15)) == set()
    return camera


SLOW = {"frozen", "looped", "partly_covered", "glare", "shaken", "combed"}  # told by what lasts or moves


@pytest.mark.parametrize("name", [name for name in FAULTS if name not in SLOW])
def test_a_fault_is_told_at_once_and_alone_and_is_over_when_it_is_over(name: str, settled: Camera) -> None:
    label, fault = FAULTS[name]
    told = [alarms(settled.show(shown(fault, noisy(scene(), 2), number))) for number in range(15)]
    assert told[5:] == [{label}] * 10
    assert set().union(*told) == {label}
    assert alarms(settled.watch(scene(), 1.6)) == set()


def test_black_is_black_and_nothing_else_can_be_told(settled: Camera) -> None:
    said = settled.show(np.zeros((180, 320, 3), np.uint8))
    assert alarms(said) == {"black"}
    assert said["black"].reason == (
        "100% of the picture is black and empty: "
        "see whether the lens is capped, the light out, or the camera broken"
    )
    for label in LABELS - {"black"}:
        assert said[label].doubt is Doubt.HIDDEN
        assert said[label].reason == "cannot be told: the picture is black"


def test_a_night_scene_is_not_black_nor_covered_nor_blurred(settled: Camera) -> None:
    for _ in range(25):
        said = settled.show(noisy(scene(contrast=0.25, light=35), 3))
        assert not alarms(said) & {"black", "covered", "blurred", "defocused", "moved"}


def test_a_camera_that_starts_at_night_is_not_black() -> None:
    camera = Camera()
    for _ in range(50):
        said = camera.show(noisy(scene(contrast=0.2, light=30), 3))
        assert not alarms(said) & {"black", "covered", "moved"}


def test_a_scene_of_shades_of_dark_is_not_black(settled: Camera) -> None:
    for _ in range(10):
        said = settled.show(noisy(scene(contrast=0.1, light=12), 1))
    assert said["black"].score < 0.8
    assert alarms(said) == {"underexposed"}


def test_twilight_and_clouds_are_not_faults(settled: Camera) -> None:
    for step in range(300):
        light = 0.25 + 0.75 * abs(np.cos(step / 60))
        assert alarms(settled.show(noisy((scene() * light).astype(np.uint8), 2))) == set()


def test_an_empty_corridor_with_sensor_noise_is_not_frozen() -> None:
    assert Camera().watch(scene(), 60, noise=1.0)["frozen"].score == 0


def test_a_repeated_picture_is_frozen_after_the_time_that_was_set() -> None:
    camera = Camera(QualitySettings(frozen_after=3))
    camera.watch(scene(), 15)
    still = noisy(scene(), 2)
    told = [camera.show(still)["frozen"] for _ in range(26)]
    assert [each.alarming for each in told] == [number >= 15 for number in range(26)]
    assert told[18].reason == "nothing new for 3.6 s: the camera or its encoder hangs: restart it"
    assert told[18].threshold == 3
    assert not camera.show(noisy(scene(), 2))["frozen"].alarming


def test_a_frozen_picture_that_is_encoded_again_is_frozen_despite_its_keyframes() -> None:
    moving = [noisy(scene(), 3) for _ in range(150)]
    seen = judged(frames(encoded(moving + [moving[-1]] * 150, crf=23, keyframe_every=2)))
    told = [each.position for each in seen if "frozen" in each.alarms]
    assert 20 <= told[0] <= 23
    assert told[-1] > 29.5


def test_a_frozen_picture_that_pulses_with_its_keyframes_is_frozen(settled: Camera) -> None:
    """Each keyframe is coarser than what the pictures after it make of it, and always in the same way."""
    group = [noisy(scene(), sigma) for sigma in (4, 2, 2, 2)]
    said: dict[str, Detection] = {}
    for step in range(60):
        said = settled.show(group[min(step % 10, 3)])
    assert alarms(said) == {"frozen"}
    assert said["frozen"].score > 10


@pytest.mark.parametrize("crf", [23, 34])
def test_a_still_scene_at_a_low_bitrate_is_not_frozen(crf: int) -> None:
    still = [noisy(scene(), 2) for _ in range(300)]
    for each in judged(frames(encoded(still, crf=crf, keyframe_every=4))):
        assert "frozen" not in each.alarms, each.said["frozen"].reason


def test_a_still_scene_with_rare_keyframes_teaches_patience() -> None:
    still = [noisy(scene(), 1) for _ in range(500)]
    seen = judged(frames(encoded(still, crf=36, keyframe_every=12)))
    assert max(each.said["frozen"].score for each in seen) > 10  # it does repeat exactly for so long
    assert not any("frozen" in each.alarms for each in seen)
    assert seen[-1].said["frozen"].threshold == pytest.approx(18, abs=1)


def street(number: int) -> Picture:
    """A noisy scene through which a block walks, to and fro."""
    picture = noisy(scene(), 2)
    left = round(150 + 140 * np.sin(number / 15))
    picture[60:120, left : left + 20] = (30, 40, 200)
    return picture


def test_a_frozen_picture_that_a_starved_encoder_stirs_is_told_once_nothing_moves_for_long() -> None:
    moving = [street(number) for number in range(700)]
    seen = judged(frames(encoded(moving + [moving[-1]] * 360, bitrate=60_000)))
    told = [each.position for each in seen if "frozen" in each.alarms]
    assert told
    assert 99 <= told[0] <= 102
    assert {one for each in seen for one in each.alarms} == {"frozen"}


def test_a_starved_scene_in_which_little_moves_is_not_called_frozen() -> None:
    """Something moves in the first ten seconds of a minute."""
    moving = [street(number if number % 500 < 100 else 0) for number in range(1000)]
    seen = judged(frames(encoded(moving, bitrate=60_000)))
    assert not any("frozen" in each.alarms for each in seen)


def test_what_was_before_a_reconnection_does_not_make_a_picture_frozen(settled: Camera) -> None:
    still = noisy(scene(), 2)
    for _ in range(20):
        settled.show(still)
    said = settled.show(still, fresh=True, position=0.0)
    assert said["frozen"].score == 0
    assert alarms(said) == set()


def test_a_new_view_becomes_the_reference_after_a_minute(settled: Camera) -> None:
    other = scene(seed=2)
    seconds = [step / 5 for step in range(350) if "moved" in alarms(settled.show(noisy(other, 2)))]
    assert seconds[0] < 2
    assert 59 < seconds[-1] < 63
    back = settled.watch(scene(), 3)
    assert alarms(back) == {"moved"}


def test_a_knock_is_told_with_its_size(settled: Camera) -> None:
    said = settled.watch(np.roll(scene(), 16, axis=1), 3)
    assert alarms(said) == {"moved"}
    assert "the picture shifted by +5% across and" in said["moved"].reason
    heatmap = said["moved"].heatmap
    assert heatmap is not None
    assert heatmap.dtype == np.float32
    assert 0 <= heatmap.min() <= heatmap.max() <= 1


def test_a_knock_during_an_outage_is_told(settled: Camera) -> None:
    settled.show(noisy(scene(seed=2), 2), fresh=True, position=0.0)
    settled.number = 0
    for _ in range(10):
        said = settled.show(noisy(scene(seed=2), 2), fresh=False)
    assert alarms(said) == {"moved"}


def test_the_view_cannot_be_told_before_it_is_learned() -> None:
    moved = Camera().watch(scene(), 5)["moved"]
    assert moved.doubt is Doubt.LEARNING
    assert moved.progress == pytest.approx(0.46, abs=0.05)
    assert moved.reason == f"learning the view, {moved.progress:.0%}"


def test_a_covering_is_shown_where_it_is(settled: Camera) -> None:
    picture = scene()
    picture[:, 120:] = 90
    said = settled.watch(picture, 2)
    assert alarms(said) == {"covered"}
    (region,) = said["covered"].regions
    assert region.left == pytest.approx(0.375, abs=0.07)
    assert region.left + region.width == pytest.approx(1)
    assert region.height == pytest.approx(1, abs=0.12)


def test_a_camera_blurred_from_the_start_is_told() -> None:
    soft = np.asarray(cv2.GaussianBlur(scene(), (0, 0), 5), np.uint8)
    assert "defocused" in alarms(Camera().watch(soft, 5, noise=0.5))


def test_fog_is_too_plain_to_be_called_blurred_or_moved() -> None:
    waves = 120 + 3 * np.sin(np.arange(320) / 10) + 3 * np.sin(np.arange(180) / 10)[:, None]
    said = Camera().watch(np.repeat(waves.astype(np.uint8)[..., None], 3, axis=2), 11, noise=0.5)
    assert not alarms(said)
    assert said["defocused"].doubt is said["moved"].doubt is Doubt.TOO_PLAIN
    assert said["defocused"].reason == "too few edges to tell sharp from blurred"
    assert said["moved"].reason == "too little steady structure to know the place by"


def test_a_soft_camera_is_its_own_measure() -> None:
    soft = np.asarray(cv2.GaussianBlur(scene(), (0, 0), 1.2), np.uint8)
    camera = Camera()
    assert alarms(camera.watch(soft, 20, noise=1)) == set()


def test_a_stretched_region_is_shown_where_it_is(settled: Camera) -> None:
    picture = scene()
    picture[100:] = picture[100]
    settled.show(picture)
    said = settled.show(picture)  # a dear check: every other look, while nothing is wrong
    assert alarms(said) == {"smeared"}
    (region,) = said["smeared"].regions
    assert region.top == pytest.approx(0.56, abs=0.12)
    assert said["defocused"].doubt is Doubt.HIDDEN


def test_what_the_decoder_says_counts_once_it_says_it_often(settled: Camera) -> None:
    picture = noisy(scene(), 2)
    (said,) = settled.detector.examine([damaged(frame(number=settled.number, picture=picture))])
    assert not any(each.alarming for each in said)
    for number in range(1, 15):
        seen = damaged(frame(number=settled.number + number, picture=noisy(scene(), 2)))
        (said,) = settled.detector.examine([seen])
    smeared = next(each for each in said if each.label == "smeared")
    assert smeared.alarming
    assert "the decoder found damage in 7" in smeared.reason


def test_losses_in_a_real_stream_are_told() -> None:
    """Every other packet is corrupted, from the twelfth second on, and decoded as a camera's would be."""
    moving = [noisy(np.roll(scene(), number // 2, axis=1), 2) for number in range(200)]
    seen = judged(_after_losses(moving, begin=120))
    told = [each.position for each in seen if "smeared" in each.alarms]
    assert told
    assert 12 <= told[0] < 15


def _after_losses(pictures: list[Picture], begin: int) -> Iterator[Frame]:
    encoder = av.CodecContext.create("libx264", "w")
    encoder.width, encoder.height, encoder.pix_fmt = 320, 180, "yuv420p"
    encoder.framerate, encoder.time_base = Fraction(10), Fraction(1, 10)
    encoder.options = {"preset": "veryfast", "tune": "zerolatency", "g": "20", "crf": "23"}
    decoder = av.CodecContext.create("h264", "r")
    decoder.thread_count = 1
    assert isinstance(encoder, av.VideoCodecContext)
    assert isinstance(decoder, av.VideoCodecContext)
    for number, picture in enumerate(pictures):
        for packet in encoder.encode(av.VideoFrame.from_ndarray(picture, "bgr24")):
            data = bytearray(bytes(packet))
            if number >= begin and number % 2:
                middle = len(data) // 3
                data[middle : middle + 40] = RNG.integers(0, 255, len(data[middle : middle + 40])).tobytes()
            for decoded in decoder.decode(av.Packet(bytes(data))):
                shown = np.asarray(decoded.to_ndarray(format="bgr24"), np.uint8)
                yield replace(
                    frame(picture=shown, number=number, position=number / 10), damaged=decoded.is_corrupt
                )


def test_streams_are_judged_apart_and_forgotten_apart() -> None:
    detector = QualityDetector(QualitySettings(frozen_after=1))
    still = scene()
    for number in range(30):
        pair = [frame("a", number, noisy(still, 2)), frame("b", number, noisy(still, 2))]
        detector.examine(pair)
    for number in range(30, 40):
        first, second = detector.examine([frame("a", number, still), frame("b", number, noisy(still, 2))])
    assert [each.label for each in first if each.alarming] == ["frozen"]
    assert not any(each.alarming for each in second)
    detector.forget("a")
    detector.forget("never seen")
    (again,) = detector.examine([frame("a", 40, still)])
    assert next(each for each in again if each.label == "moved").doubt is Doubt.LEARNING
    detector.close()


def test_no_picture_is_kept_at_full_size_once_it_is_judged() -> None:
    detector = QualityDetector(QualitySettings())
    picture = scene()
    gone = weakref.ref(picture)
    detector.examine([frame(picture=picture)])
    del picture
    gc.collect()
    assert gone() is None


def test_another_size_of_picture_starts_over(settled: Camera) -> None:
    said = settled.show(np.ascontiguousarray(scene()[:, :240]), fresh=True)
    assert said["moved"].doubt is Doubt.LEARNING


@pytest.mark.parametrize(
    "shape", [(1080, 1920, 3), (360, 640, 3), (241, 319, 3), (480, 480, 3), (16, 16, 3), (90, 1000, 3)]
)
def test_any_shape_of_picture_is_judged(shape: tuple[int, int, int]) -> None:
    camera = Camera()
    for _ in range(3):
        camera.show(RNG.integers(0, 255, shape, dtype=np.uint8))


@pytest.mark.parametrize("name", ["black", "covered", "overexposed", "underexposed", "stretched", "turned"])
def test_more_sensitive_never_means_a_higher_threshold(name: str) -> None:
    def thresholds(sensitivity: float) -> dict[str, float]:
        said = Camera(QualitySettings(sensitivity=sensitivity)).show(scene())
        return {label: each.threshold for label, each in said.items()}

    gross, usual, fine = thresholds(0.25), thresholds(1), thresholds(4)
    label, _ = FAULTS[name]
    assert fine[label] < usual[label] < gross[label]
    for each in (gross, usual, fine):
        assert 0 < each["black"] < 1 and 0 < each["covered"] < 1 and 0 < each["moved"] < 1


def _finding() -> st.SearchStrategy[Finding]:
    make: Callable[[float, bool], Finding] = lambda score, sure: Finding(  # noqa: E731
        score, 0.5, "", None if sure else Doubt.LEARNING
    )
    return st.builds(make, st.floats(0, 1), st.booleans())


@given(st.fixed_dictionaries({fault: _finding() for fault in Fault}))
def test_no_fault_alarms_that_an_alarming_one_hides(findings: dict[Fault, Finding]) -> None:
    settled = settle(findings)
    assert settled.keys() == findings.keys()
    loud = {fault for fault, each in settled.items() if each.alarming}
    for fault in loud & HIDES.keys():
        assert not loud & HIDES[fault]
    assert bool(loud) == any(each.alarming for each in findings.values())


def test_a_detection_says_who_made_it_and_by_which_settings() -> None:
    one = Camera().show(scene())["black"]
    other = Camera(QualitySettings(frozen_after=9)).show(scene())["black"]
    assert one.made_by.name == "quality"
    assert one.made_by.model
    assert len(one.made_by.config_sha256) == 64
    assert one.made_by.config_sha256 != other.made_by.config_sha256
