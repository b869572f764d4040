"""Makes detectors by the settings: the one place that knows all their classes."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, assert_never

from config.detectors import DetectorName
from config.settings import Settings
from config.state import deepfake_head
from detectors.detection import Detector
from detectors.objects.view import View

if TYPE_CHECKING:
    from detectors.deepfake.scorer import Scorer


def detector_for(
    name: DetectorName,
    settings: Settings,
    folder: Path,
    sources: Mapping[str, str],
    views: Mapping[str, View],
) -> Detector:
    """One detector; `folder`: the state. Both mappings by stream are read when its first frame comes.

    Imported late: torch is for those who need it.
    """
    match name:
        case "quality":
            from detectors.quality.detector import QualityDetector

            return QualityDetector(settings.detectors.quality, folder / "quality")
        case "anomaly":
            from daemon.models import store_of
            from detectors.anomaly.detector import AnomalyDetector
            from detectors.anomaly.tier import method_for
            from detectors.device import choose_device

            device = choose_device(settings.service.device)
            method = method_for(settings.detectors.anomaly, store_of(settings), device)
            return AnomalyDetector(settings.detectors.anomaly, folder / "anomaly", device, sources, method)
        case "deepfake":
            from daemon.models import store_of
            from detectors.deepfake.detector import DeepfakeDetector
            from detectors.device import choose_device
            from detectors.faces.finder import choose_finder

            finder = choose_finder(store_of(settings), choose_device(settings.service.device))
            opens = partial(scorer_of, settings, folder)
            return DeepfakeDetector(settings.detectors.deepfake, finder, opens, state=folder, sources=sources)
        case "objects":
            from daemon.models import store_of
            from detectors.device import choose_device
            from detectors.objects.detector import ObjectDetector
            from detectors.objects.finders import open_finder

            wanted, device = settings.detectors.objects, choose_device(settings.service.device)
            find = partial(open_finder, wanted, store_of(settings), folder / "objects" / "exports", device)
            return ObjectDetector(wanted, find, views, folder / "objects")
        case _:
            assert_never(name)


def scorer_of(settings: Settings, folder: Path) -> "Scorer":
    """Who scores faces by these settings; `folder`: the state. Raises DetectorError without weights."""
    from daemon.models import store_of
    from detectors.deepfake.hub import open_scorer
    from detectors.device import choose_device

    device = choose_device(settings.service.device)
    return open_scorer(
        settings.detectors.deepfake, store_of(settings), deepfake_head(settings, folder), device
    )
