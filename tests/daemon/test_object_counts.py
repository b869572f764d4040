"""How many objects are there, in words that people read."""

from pathlib import Path

from config.detectors import ObjectsSettings
from config.scene import Zone
from daemon.object_counts import in_words, objects_there
from detectors.objects.detector import ObjectDetector
from detectors.objects.view import View
from tests.detectors.objects.test_denoised import CLEAN, NOISY, Seer, shown

HALF = Zone(name="drive", points=((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)))


def test_what_is_there_now_is_told_by_label_and_zone_and_what_has_gone_is_not(tmp_path: Path) -> None:
    seer = Seer({CLEAN: 1})
    detector = ObjectDetector(ObjectsSettings(), lambda: seer, {"yard": View(zones=(HALF,))}, tmp_path)
    for number in range(8):
        detector.examine([shown(number, CLEAN)])
    there = objects_there({"objects": detector}, "yard")
    assert there == {"": {"person": 1}, "drive": {"person": 1}}
    assert in_words(there) == "1 person; drive: 1 person"
    for number in range(8, 40):
        detector.examine([shown(number, NOISY)])
    assert objects_there({"objects": detector}, "yard") == {}
    assert objects_there({"objects": detector}, "street") == {}
    assert in_words({"": {"car": 1, "person": 2}}) == "1 car, 2 person"
