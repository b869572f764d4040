"""Runs a network in OpenVINO on one thread of the processor, from its .xml or an .onnx."""

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from detectors.detection import DetectorError
from detectors.device import OPENVINO_SHAPES, openvino_quick
from detectors.objects.network import describe, short
from detectors.offline import openvino_offline

if TYPE_CHECKING:
    from openvino import InferRequest, Model

INSTALL: Final = 'pip install "framewarden[openvino]"'


class OpenVinoRuntime:
    """One of fixed sides is compiled once, a flexible one for each shape: quicker than once for all."""

    form = "OpenVINO"
    side_by_side = False  # with one thread, several pictures at once take as long

    def __init__(self, file: Path) -> None:
        """Raises DetectorError where the package is missing, or cannot read the file."""
        openvino_offline()
        try:
            import openvino
        except ImportError as error:
            raise DetectorError(
                f"{file} needs the package openvino, which cannot be imported ({error}): {INSTALL}"
            ) from error
        self._file = file
        self._core = openvino.Core()
        try:
            model = self._core.read_model(file)
        except RuntimeError as error:
            raise DetectorError(
                f"OpenVINO cannot read {file} ({short(error)}): get it anew, its .xml with its .bin"
            ) from error
        inner, outer = model.input(0).get_partial_shape(), model.output(0).get_partial_shape()
        last = tuple(-1 if side.is_dynamic else side.get_length() for side in outer)[-2:]
        self.network = describe(file, inner.is_dynamic, last)
        self._compiled = lru_cache(OPENVINO_SHAPES)(self._compile)
        self._compiled((1, self.network.height, self.network.width, 3))  # what fails, fails now

    def run(self, pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
        """As Runtime."""
        answers = []
        try:
            request = self._compiled((1, *pictures.shape[1:]))
            for picture in pictures:
                answer = request.infer({0: picture[None]}, share_inputs=True, share_outputs=True)[0]
                answers.append(answer if len(pictures) == 1 else answer.copy())
        except RuntimeError as error:
            raise DetectorError(f"OpenVINO failed on {self._file} ({short(error)})") from error
        return answers[0] if len(answers) == 1 else np.concatenate(answers)

    def _compile(self, shape: tuple[int, ...]) -> "InferRequest":
        try:
            model = _from_pictures(self._core.read_model(self._file), shape)
            return self._core.compile_model(model, "CPU", openvino_quick()).create_infer_request()
        except RuntimeError as error:
            raise DetectorError(
                f"OpenVINO cannot run {self._file} for {shape[2]}x{shape[1]} ({short(error)}): export "
                "it anew, with a version of ultralytics that is not older than it"
            ) from error


def _from_pictures(model: "Model", shape: tuple[int, ...]) -> "Model":
    """The network for `shape` (1, H, W, 3) of bytes in BGR: what comes before it is part of its graph."""
    import openvino
    from openvino.preprocess import ColorFormat, PrePostProcessor

    model.reshape([shape[0], 3, shape[1], shape[2]])
    front = PrePostProcessor(model)
    front.input().tensor().set_element_type(openvino.Type.u8).set_layout(openvino.Layout("NHWC"))
    front.input().tensor().set_color_format(ColorFormat.BGR)
    steps = front.input().preprocess()
    steps.convert_element_type(openvino.Type.f32).convert_color(ColorFormat.RGB).scale(255.0)
    front.input().model().set_layout(openvino.Layout("NCHW"))
    return front.build()
