"""The denoiser that ships with the package: its file of weights, and how it runs.

In OpenVINO where that is installed, several times as fast as in torch, which is always there.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import numpy as np
import safetensors
import safetensors.torch
import torch
from numpy.typing import NDArray
from torch import Tensor

from detectors.denoising.network import MULTIPLE, Denoising
from detectors.denoising.noise import Noise, Picture
from detectors.denoising.noisy import Noisy, noisy_from, tensors_of
from detectors.detection import DetectorError
from detectors.device import Device, limit_torch_threads
from detectors.offline import openvino_offline

SHIPPED: Final = Path(__file__).with_name("weights") / "denoiser.safetensors"
SHAPES: Final = 4  # of pictures, for each of which the network is kept compiled
ONE_THREAD: Final[dict[str, Any]] = {
    "PERFORMANCE_HINT": "LATENCY",
    "NUM_STREAMS": 1,
    "INFERENCE_NUM_THREADS": 1,
    "ENABLE_CPU_PINNING": False,
}
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
                {
                    key.removeprefix("network."): value.float()
                    for key, value in tensors.items()
                    if "network." in key
                }
            )
            gate = {key.removeprefix("gate."): value for key, value in tensors.items() if "gate." in key}
            self.noisy: Noisy = noisy_from(gate)
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
        self._network = network.eval().requires_grad_(False)
        self._device = device
        self._compiled: OrderedDict[tuple[int, int], _Run] = OrderedDict()
        self._openvino = device == "cpu" and find_spec("openvino") is not None
        limit_torch_threads()

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
        restored = self._run(tall, wide)(x, told)[0, :, :height, :width]
        return np.ascontiguousarray(restored.transpose(1, 2, 0))

    def _run(self, height: int, width: int) -> _Run:
        if (height, width) not in self._compiled:
            self._compiled[height, width] = (
                _in_openvino(self._network, height, width) if self._openvino else self._in_torch
            )
            while len(self._compiled) > SHAPES:
                self._compiled.popitem(last=False)
        self._compiled.move_to_end((height, width))
        return self._compiled[height, width]

    def _in_torch(self, x: Floats, told: Floats) -> Floats:
        network = self._network.to(self._device)
        with torch.inference_mode():
            given = torch.from_numpy(x).to(self._device), torch.from_numpy(told).to(self._device)
            restored: Tensor = network(*given)
        return np.asarray(restored.cpu().numpy(), np.float32)


def save(path: Path, network: Denoising, noisy: Noisy) -> None:
    """Writes the file, its numbers at half precision: what that changes cannot be seen (tests say so)."""
    tensors = {f"network.{key}": value.half().contiguous() for key, value in network.state_dict().items()}
    tensors |= {f"gate.{key}": value for key, value in tensors_of(noisy).items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    safetensors.torch.save_file(tensors, path)


def _in_openvino(network: Denoising, height: int, width: int) -> _Run:
    openvino_offline()
    import openvino

    example = torch.zeros(1, 3, height, width), torch.zeros(1, 3)
    model = openvino.convert_model(network, example_input=example, input=[(1, 3, height, width), (1, 3)])
    request = openvino.Core().compile_model(model, "CPU", ONE_THREAD).create_infer_request()

    def run(x: Floats, told: Floats) -> Floats:
        answer = request.infer([x, told], share_inputs=True, share_outputs=True)[0]
        return np.array(answer, np.float32)

    return run
