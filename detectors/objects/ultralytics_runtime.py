"""Runs a network by ultralytics itself: in torch, ONNX Runtime or TensorRT, on the processor or a card."""

import pickle
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from detectors.detection import DetectorError
from detectors.device import Device, limit_torch_threads
from detectors.objects.network import Network, answer_of, describe, short
from detectors.offline import ultralytics_offline

FORMS: Final = {".pt": "PyTorch", ".onnx": "ONNX Runtime", ".engine": "TensorRT"}
UNREADABLE: Final = (
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
    LookupError,
    AttributeError,
    ImportError,
    AssertionError,
    EOFError,
    pickle.UnpicklingError,
)  # what ultralytics raises on files that it cannot use


class UltralyticsRuntime:
    """Weights as .pt are read by a list of what may stand in them: code of their own is never run."""

    def __init__(self, file: Path, device: Device) -> None:
        """Raises DetectorError where ultralytics cannot use the file here."""
        limit_torch_threads()
        ultralytics_offline()
        import torch

        self.side_by_side = device == "cuda"
        self.form = f"{FORMS[file.suffix]}{', half precision' if device == 'cuda' else ''}"
        self._file = file
        self._device = torch.device(device)
        try:
            self._backend = _backend(file, self._device)
            self.network = self._described()
        except UNREADABLE as error:
            raise DetectorError(
                f"ultralytics cannot use {file} ({short(error)}): name weights of a YOLO (v5u, v8 or newer) "
                "or an RT-DETR that it has trained or exported"
            ) from error

    def run(self, pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
        """As Runtime."""
        try:
            return self._asked(pictures)
        except (RuntimeError, ValueError, AssertionError) as error:
            raise DetectorError(f"{self.form} failed on {self._file} ({short(error)})") from error

    def _asked(self, pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
        import torch

        with torch.inference_mode():
            shown = torch.from_numpy(pictures).to(self._device).permute(0, 3, 1, 2).flip(1).contiguous()
            answer = self._backend((shown.half() if self._backend.fp16 else shown.float()) / 255)
            first = answer[0] if isinstance(answer, list | tuple) else answer
            told: NDArray[np.float32] = torch.as_tensor(first).float().cpu().numpy()
            return told

    def _described(self) -> Network:
        if self._file.suffix != ".pt":
            flexible = bool(self._backend.dynamic)
            network = describe(self._file, flexible, (-1, -1))
            shown = self._asked(np.zeros((1, network.height, network.width, 3), np.uint8))
            return describe(self._file, flexible, shown.shape[-2:])
        model = self._backend.model
        if model.task != "detect":
            raise DetectorError(
                f"{self._file} is for the task '{model.task}': name a model that detects objects"
            )
        labels = tuple(str(model.names[number]) for number in range(len(model.names)))
        size = model.args.get("imgsz", 640) if isinstance(model.args, dict) else 640
        height, width = size if isinstance(size, list | tuple) else (size, size)
        head = type(model.model[-1]).__name__
        answer = answer_of(len(labels), (-1, -1), bool(self._backend.end2end), head == "RTDETRDecoder")
        return Network(labels, int(height), int(width), int(self._backend.stride), True, answer)


def _backend(file: Path, device: Any) -> Any:
    if file.suffix == ".onnx" and device.type == "cpu":
        import onnxruntime
        from ultralytics.nn.backends import ONNXBackend

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        return ONNXBackend(file, device, session_options=options)
    from ultralytics.nn.autobackend import AutoBackend

    return AutoBackend(str(file), device=device, fp16=device.type == "cuda", verbose=False)
