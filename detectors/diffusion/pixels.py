"""U-Nets of others that draw pixels, from folders as diffusers writes them (DDPM, Ho et al., NeurIPS 2020).

A folder is what DDPMPipeline saves (unet/ and scheduler/), or a U-Net alone with its scheduler_config.json.
"""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from detectors.detection import DetectorError
from detectors.device import Device
from detectors.diffusion.folders import (
    AUTO_ENCODERS,
    CONFIG,
    MORE,
    UNTOLD,
    Diffusion,
    NoiseGuesser,
    network_in,
    open_folder,
    read_json,
    schedule,
    trained_on,
)


class Pixels:
    """In place of an auto-encoder: pictures (N, 3, H, W) in 0..1 to -1..1, as U-Nets want them, and back."""

    def __init__(self, device: Device) -> None:
        self._device = torch.device(device)

    def encode(self, pictures: Tensor) -> Tensor:
        """The same size."""
        return 2 * pictures.to(self._device) - 1

    def decode(self, values: Tensor) -> Tensor:
        """Pictures in 0..1."""
        return (values / 2 + 0.5).clamp(0, 1)


@dataclass(frozen=True, slots=True)
class PixelDiffusion:
    """What such a folder holds."""

    pixels: Pixels
    guesser: NoiseGuesser
    size: tuple[int, int]  # height and width of the pictures that it was trained on


def open_any(folder: Path, device: Device = "cpu") -> Diffusion | PixelDiffusion:
    """Reads a folder of this kind, or one of open_folder. Raises DetectorError, and says what is wanted."""
    if (folder / "vae" / CONFIG).is_file():
        return open_folder(folder, device)
    inner = folder / "unet" if (folder / "unet" / CONFIG).is_file() else folder
    if not (inner / CONFIG).is_file():
        raise DetectorError(
            f"{folder} has no {CONFIG}: name a folder that diffusers wrote, of an auto-encoder "
            f"({' or '.join(AUTO_ENCODERS)}), of a whole Stable Diffusion, or of a {UNTOLD} and its scheduler"
        )
    if inner == folder and read_json(folder / CONFIG).get("_class_name") in AUTO_ENCODERS:
        return open_folder(folder, device)
    network = network_in(inner, (UNTOLD,) if inner != folder else (UNTOLD, *AUTO_ENCODERS), device)
    config, size = network.config, trained_on(network.config)
    if config["in_channels"] != 3 or config["out_channels"] != 3:
        raise DetectorError(
            f"{inner} draws {config['out_channels']} channels from {config['in_channels']}: name one that "
            "draws colour pictures, or whose vae lies beside it"
        )
    if any(config.get(name) for name in MORE):
        raise DetectorError(
            f"{inner} wants to be told what to draw: name one that was trained without classes"
        )
    if size is None:
        raise DetectorError(
            f"{inner / CONFIG} does not say in 'sample_size' how large the pictures were that it was trained "
            "on: write it there"
        )
    beside = folder / "scheduler"
    kept, velocity = schedule(beside if beside.is_dir() else folder)
    return PixelDiffusion(Pixels(device), NoiseGuesser(network, kept, velocity, None, device), size)
