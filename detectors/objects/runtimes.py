"""In which form the network of a file runs on this machine."""

import logging
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from detectors.detection import DetectorError
from detectors.device import Device
from detectors.objects.export import best_form, discard, exported
from detectors.objects.network import Runtime
from detectors.objects.openvino_runtime import INSTALL, OpenVinoRuntime
from detectors.objects.ultralytics_runtime import UltralyticsRuntime
from detectors.store import Weights

log = logging.getLogger(__name__)

TENSORS: Final = (".safetensors", ".pth")  # numbers alone: of a Faster R-CNN
SUFFIXES: Final = (".xml", ".engine", ".onnx", ".pt", *TENSORS)  # the first found in a folder runs


def file_of(weights: Weights) -> Path:
    """The file of a model that may be a folder. Raises DetectorError where there is none, or several."""
    if weights.path.is_file():
        found = [weights.path] if weights.path.suffix in SUFFIXES else []
    else:
        within = [each for each in sorted(weights.path.rglob("*")) if each.is_file()]
        found = next((some for suffix in SUFFIXES if (some := [p for p in within if p.suffix == suffix])), [])
    if not found:
        raise DetectorError(
            f"{weights.path} holds no {', '.join(SUFFIXES)}: name a model that detects objects"
        )
    if len(found) > 1:
        raise DetectorError(f"{weights.path} holds {len(found)} models: name one, as {found[0]}")
    return found[0]


def open_runtime(weights: Weights, state: Path, device: Device) -> Runtime:
    """`state`: the folder for exports. Raises DetectorError where the weights cannot be used here."""
    file = file_of(weights)
    if file.suffix == ".xml":
        return OpenVinoRuntime(file)
    if file.suffix == ".onnx":
        return _onnx(file, device)
    if file.suffix == ".engine" and device == "cpu":
        raise DetectorError(
            f"{file} runs on a card alone, and there is none or service.device is 'cpu': name the .pt that "
            "it was made from"
        )
    form = best_form(device) if file.suffix == ".pt" else None
    quick = exported(weights, file, form, state) if form else None
    if quick is not None:
        try:
            return OpenVinoRuntime(quick) if form == "openvino" else UltralyticsRuntime(quick, device)
        except DetectorError as error:
            log.warning("%s runs slower than it could, for its export does not work: %s", file, error)
            discard(quick, state)
    return UltralyticsRuntime(file, device)


def _onnx(file: Path, device: Device) -> Runtime:
    if find_spec("onnxruntime") and (device == "cuda" or not find_spec("openvino")):
        return UltralyticsRuntime(file, device)
    if find_spec("openvino"):
        return OpenVinoRuntime(file)
    raise DetectorError(f"{file} needs OpenVINO or ONNX Runtime, and neither is installed: {INSTALL}")
