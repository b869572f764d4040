"""What Prometheus is told of the pictures that are restored before objects are looked for."""

from collections.abc import Mapping
from pathlib import Path

from config.detectors import ObjectsSettings
from daemon.object_metrics import object_metrics
from detectors.objects.detector import ObjectDetector
from detectors.objects.moving import MovingFinder
from detectors.objects.view import View
from tests.detectors.objects.test_denoised import CLEAN, NOISY, Seer, behind, shown


def told(detector: ObjectDetector) -> Mapping[tuple[str, ...], float]:
    """By name and labels."""
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in object_metrics({"objects": detector})
        for sample in family.samples
    }


def test_it_can_be_seen_whose_pictures_are_restored_how_and_how_often(tmp_path: Path) -> None:
    finder = behind(Seer({60: 1, 50: 1, NOISY: 1}))
    views = dict.fromkeys(("day", "night"), View())
    detector = ObjectDetector(ObjectsSettings(), lambda: finder, views, tmp_path)
    detector.examine([shown(0, CLEAN, "day"), shown(0, NOISY, "night"), shown(0, NOISY, "uploads/7")])
    seen = told(detector)
    assert seen["framewarden_denoising", "day", "plain"] == 1
    assert seen["framewarden_denoising", "day", "denoiser"] == 0
    assert seen["framewarden_denoising", "night", "denoiser"] == 1
    assert not any("uploads/7" in labels for labels in seen)
    assert seen["framewarden_denoising_pictures_total", "plain"] == 1
    assert seen["framewarden_denoising_pictures_total", "denoiser"] == 2
    assert seen["framewarden_denoising_pictures_total", "compared"] == 2


def test_a_detector_without_a_finder_has_nothing_to_tell(tmp_path: Path) -> None:
    detector = ObjectDetector(ObjectsSettings(), MovingFinder, {"day": View()}, tmp_path)
    detector.examine([shown(0, NOISY, "day")])
    assert not any(name.startswith("framewarden_denoising") for name, *_ in told(detector))
