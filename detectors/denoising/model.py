"""The denoiser that ships with the package: its file of weights, and how it runs.

In OpenVINO where that is installed, several times as fast as in torch, which is always there.
"""

import hashlib
from collections.abc import Callable, Mapping
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import safetensors
import safetensors.torch
import torch
from numpy.typing import NDArray
from torch import Tensor

from detectors.denoising.network import MULTIPLE, Denoising
from detectors.denoising.noise import Noise, Picture
from detectors.denoising.noisy import Noisy, noisy_from, tensors_of
from detectors.denoising.quick import quick
from detectors.detection import DetectorError
from detectors.device import OPENVINO_SHAPES, Device, limit_torch_threads, openvino_quick
from detectors.offline import openvino_offline

if TYPE_CHECKING:
    from openvino import InferRequest, Model

SHIPPED: Final = Path(__file__).with_name("weights") / "denoiser.safetensors"
Floats = NDArray[np.float32]
_Run = Callable[[Floats, Floats], Floats]


class DenoiserModel:
    """A Restorer: the mean of all clean pictures that the noisy one may be."""

    name = "denoiser"

    def __init__(self, path: Path = SHIPPED, device: Device = "cpu") -> None:
        """Raises DetectorError where the file is missing or is not what it should be."""
        try:
            blob = path.read_bytes()
            tensors = safetensors.torch.load(blob)
            network = Denoising()
            network.load_state_dict(
                {key: value.float() for key, value in _within("network.", tensors).items()}
            )
            self.noisy: Noisy = noisy_from(_within("gate.", tensors))
        except OSError as error:
            raise DetectorError(
                f"the denoiser's weights {path} cannot be read ({error.strerror}): install framewarden anew, "
                "or set detectors.objects.denoise to never"
            ) from error
        except (safetensors.SafetensorError, RuntimeError, KeyError) as error:
            raise DetectorError(
                f"{path} holds no denoiser ({type(error).__name__}): install framewarden anew"
            ) from error
        self.sha256 = hashlib.sha256(blob).hexdigest()
        network = quick(network).eval().requires_grad_(False)
        limit_torch_threads()
        self._run: _Run
        if device == "cpu" and find_spec("openvino") is not None:
            self._run = _InOpenVino(network)
        else:
            self._run = _InTorch(network, device)

    def restore(self, picture: Picture, noise: Noise) -> Picture:
        """As Restorer."""
        restored = self.restore_values(np.asarray(picture, np.float32) / np.float32(255), noise)
        return np.asarray(np.rint(restored.clip(0, 1) * 255), np.uint8)

    def restore_values(self, picture: Floats, noise: Noise) -> Floats:
        """The same for (H, W, 3) BGR in about 0..1 that were never rounded nor cut off, as papers measure."""
        height, width = picture.shape[:2]
        tall, wide = (-(-side // MULTIPLE) * MULTIPLE for side in (height, width))
        padded = np.pad(picture, ((0, tall - height), (0, wide - width), (0, 0)), mode="symmetric")
        x = np.ascontiguousarray(padded.transpose(2, 0, 1)[None], np.float32)
        told = np.array([[noise.read, noise.shot, noise.grain]], np.float32)
        restored = self._run(x, told)[0, :, :height, :width]
        return np.ascontiguousarray(restored.transpose(1, 2, 0))


class _InTorch:
    def __init__(self, network: Denoising, device: Device) -> None:
        self._network = network.to(device)
        self._device = device

    def __call__(self, x: Floats, told: Floats) -> Floats:
        with torch.inference_mode():
            given = torch.from_numpy(x).to(self._device), torch.from_numpy(told).to(self._device)
            restored: Tensor = self._network(*given)
        return np.asarray(restored.cpu().numpy(), np.float32)


class _InOpenVino:
    """Converted once, in seconds, for any sides; compiled for each size, in tenths of one, to be quick."""

    def __init__(self, network: Denoising) -> None:
        self._network = network
        self._model: Model | None = None  # a clean camera never needs it
        self._compiled = lru_cache(OPENVINO_SHAPES)(self._compile)

    def __call__(self, x: Floats, told: Floats) -> Floats:
        answer = self._compiled(x.shape).infer([x, told], share_inputs=True, share_outputs=True)[0]
        return np.array(answer, np.float32)

    def _compile(self, shape: tuple[int, ...]) -> "InferRequest":
        openvino_offline()
        import openvino

        if self._model is None:
            example = torch.zeros(1, 3, 4 * MULTIPLE, 4 * MULTIPLE), torch.zeros(1, 3)
            self._model = openvino.convert_model(
                self._network, example_input=example, input=[(1, 3, -1, -1), (1, 3)]
            )
        model = self._model.clone()
        model.reshape({0: list(shape), 1: [1, 3]})
        return openvino.Core().compile_model(model, "CPU", openvino_quick()).create_infer_request()


def save(path: Path, network: Denoising, noisy: Noisy) -> None:
    """Writes the file, its numbers at half precision: what that changes cannot be seen (tests say so)."""
    tensors = {f"network.{key}": value.half().contiguous() for key, value in network.state_dict().items()}
    tensors |= {f"gate.{key}": value for key, value in tensors_of(noisy).items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    safetensors.torch.save_file(tensors, path)


def _within(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {
        key.removeprefix(prefix): value.float() for key, value in tensors.items() if key.startswith(prefix)
    }
