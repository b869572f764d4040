"""Runs a head over pictures: in OpenVINO where that is installed, nearly three times as fast as in torch."""

from collections.abc import Callable, Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from detectors.deepfake.network import SIDE, Block, Convolution, Head
from detectors.deepfake.wear import Picture
from detectors.device import OPENVINO_ONE_THREAD, Device
from detectors.offline import openvino_offline

if TYPE_CHECKING:
    from openvino import Model, Output

AT_ONCE: Final = 16  # pictures that torch is given

Floats = NDArray[np.float64]
Running = Callable[[Sequence[Picture]], Floats]


def running(head: Head, device: Device) -> Running:
    """What gives the logits (N,) of N pictures (SIDE, SIDE, 3) BGR: the same one at a time or many.

    `head` is folded. The two ways differ by less than a hundred thousandth.
    """
    if device == "cpu" and find_spec("openvino") is not None:
        return _InOpenVino(head)
    return _InTorch(head, device)


def as_pictures(pictures_bgr: Sequence[Picture]) -> Tensor:
    """(N, 3, H, W) RGB in 0..1 of pictures (H, W, 3) BGR."""
    stacked = np.ascontiguousarray(np.stack(pictures_bgr)[..., ::-1])
    pictures = torch.from_numpy(stacked).permute(0, 3, 1, 2).float() / 255
    return pictures.contiguous(memory_format=torch.channels_last)


class _InTorch:
    def __init__(self, head: Head, device: Device) -> None:
        self._head, self._device = head, torch.device(device)

    def __call__(self, pictures: Sequence[Picture]) -> Floats:
        parts = [np.zeros(0)]
        for first in range(0, len(pictures), AT_ONCE):
            given = as_pictures(pictures[first : first + AT_ONCE]).to(self._device)
            with torch.inference_mode():
                parts.append(self._head(given).logit.double().cpu().numpy())
        return np.concatenate(parts)


class _InOpenVino:
    """One picture at a time: with one thread, several at once take as long."""

    def __init__(self, head: Head) -> None:
        openvino_offline()
        import openvino

        # In bfloat16, which it takes where it can, a report would be scored otherwise than elsewhere.
        exact = {**OPENVINO_ONE_THREAD, "INFERENCE_PRECISION_HINT": "f32"}
        self._request = openvino.Core().compile_model(_graph(head), "CPU", exact).create_infer_request()

    def __call__(self, pictures: Sequence[Picture]) -> Floats:
        logits = np.zeros(len(pictures))
        for number, picture in enumerate(pictures):
            given = np.ascontiguousarray(picture[None])
            logits[number] = self._request.infer([given], share_inputs=True)[0].item()
        return logits


def _graph(head: Head) -> "Model":
    """The head, bytes (1, SIDE, SIDE, 3) BGR to a logit: in milliseconds, where to trace it takes seconds."""
    import openvino
    from openvino import opset13 as op

    given = op.parameter([1, SIDE, SIDE, 3], openvino.Type.u8)
    rgb = op.gather(op.convert(given, openvino.Type.f32), op.constant([2, 1, 0]), op.constant(3))
    pictures = op.divide(op.transpose(rgb, op.constant([0, 3, 1, 2])), op.constant(np.float32(255)))
    maps = op.divide(op.subtract(pictures, _constant(head.mean)), _constant(head.spread))
    maps = op.clamp(_convolved(maps, head.stem), 0, 6)
    for block in head.blocks:
        assert isinstance(block, Block)  # noqa: S101 - a ModuleList knows no types
        inside = maps if block.widen is None else op.clamp(_convolved(maps, block.widen), 0, 6)
        inside = op.clamp(_convolved(inside, block.spread), 0, 6)
        inside = _convolved(inside, block.narrow)
        maps = op.add(maps, inside) if block.shortcut else inside
    places = op.constant([2, 3])
    found = op.concat([op.reduce_mean(maps, places), op.reduce_max(maps, places)], 1)
    for layer in (head.embed, head.decide):
        found = op.add(op.matmul(found, _constant(layer.weight), False, True), _constant(layer.bias))
    return openvino.Model([found], [given])


def _convolved(maps: "Output", layer: Convolution) -> "Output":
    from openvino import opset13 as op

    own = layer.convolution
    weight, bias = own.weight.numpy(), own.bias
    assert bias is not None and isinstance(own.padding, tuple)  # noqa: S101, PT018 - of a folded head
    how = list(own.stride), list(own.padding), list(own.padding), [1, 1]
    if own.groups > 1:
        one_by_one = weight.reshape(own.groups, -1, *weight.shape[1:])
        maps = op.group_convolution(maps, op.constant(one_by_one), *how)
    else:
        maps = op.convolution(maps, op.constant(weight), *how)
    return op.add(maps, op.constant(bias.numpy().reshape(1, -1, 1, 1)))


def _constant(values: Tensor) -> "Output":
    from openvino import opset13 as op

    return op.constant(values.numpy())
