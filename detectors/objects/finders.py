"""Who finds objects, by the settings: a network of the model store, or, without one, whatever moves."""

import logging
from pathlib import Path

from config.detectors import ObjectsSettings
from detectors.denoising.classical import Bilateral
from detectors.denoising.gate import Way
from detectors.denoising.hub import open_redrawer
from detectors.denoising.model import DenoiserModel
from detectors.detection import DetectorError
from detectors.device import Device, limit_torch_threads
from detectors.objects.denoised import Denoised
from detectors.objects.faster_rcnn import FasterRcnnFinder
from detectors.objects.found import ObjectFinder
from detectors.objects.moving import MovingFinder
from detectors.objects.runtimes import TENSORS, file_of, open_runtime
from detectors.objects.sliced import SlicedFinder
from detectors.objects.yolo import FLOOR, YoloFinder
from detectors.store import Store

log = logging.getLogger(__name__)


def open_finder(
    settings: ObjectsSettings, store: Store, state: Path, device: Device = "cpu", floor: float = FLOOR
) -> ObjectFinder:
    """`state`: the folder in which exports are kept. `floor`: the least confidence that is told.

    Raises DetectorError where the model is missing or cannot be used here.
    """
    if settings.model is None:
        return MovingFinder()
    limit_torch_threads()
    weights = store.find(settings.model)
    file = file_of(weights)
    finder: ObjectFinder
    if file.suffix in TENSORS:
        finder = FasterRcnnFinder(weights, file, device, floor)
    else:
        finder = YoloFinder(open_runtime(weights, state, device), weights.name, weights.sha256, floor)
    if settings.slices != "never":  # of the picture as it is restored
        finder = SlicedFinder(finder, settings.slices)
    if settings.denoise == "never":
        return finder
    try:
        return _denoised(finder, settings, store, device)
    except DetectorError as error:
        if settings.denoise == "always":
            raise
        log.warning("objects are looked for in pictures as they are, noisy or not: %s", error)
        return finder


def _denoised(finder: ObjectFinder, settings: ObjectsSettings, store: Store, device: Device) -> Denoised:
    """Behind the denoiser, where that helps. Raises DetectorError where its weights are missing."""
    model = DenoiserModel(device=device)
    restorer = open_redrawer(settings.denoiser, store, device) if settings.denoiser else model
    ways = {Way.CLASSICAL: Bilateral(), Way.DENOISER: restorer}
    return Denoised(finder, model.noisy.logit, ways, settings.denoise == "always")
