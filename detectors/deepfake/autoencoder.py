"""A tiny auto-encoder of a diffusion model's latent space: pictures come back as such a model draws them.

The TAESD family (Ollin Boer Bohan, MIT): three halvings, blocks of three convolutions; newer members have a
branch with group normalisation in their middle blocks, and their files tell which.
"""

from collections.abc import Mapping
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from detectors.detection import DetectorError
from detectors.store import Store, read_tensors

WIDE: Final = 64  # channels
BRANCH: Final = 4 * WIDE
GROUPS: Final = 4
SHRUNK: Final = 8  # times, each way
# The layers of the files by their numbers: c a convolution, h one that halves, b a block, - without weights.
ENCODER: Final = "cbhbbbhbbbhbbbc"
DECODER: Final = "-c-bbb-cbbb-cbbb-cbc"
DOUBLED: Final = (6, 11, 16)  # numbers of the decoder's layers that double the map


class AutoEncoder(nn.Module):
    """Pictures (B, 3, H, W) in 0..1, sides multiples of SHRUNK, to latents and back."""

    def __init__(self, encoder: Mapping[str, Tensor], decoder: Mapping[str, Tensor]) -> None:
        """Raises KeyError or RuntimeError where the tensors are of something else."""
        super().__init__()
        self.encoder = _chain(ENCODER, encoder)
        self.decoder = _chain(DECODER, decoder)

    def encode(self, pictures: Tensor) -> Tensor:
        """(B, C, H / SHRUNK, W / SHRUNK)."""
        for layer in self.encoder:
            pictures = layer(pictures)
        return pictures

    def decode(self, latents: Tensor) -> Tensor:
        """Pictures in 0..1."""
        values = torch.tanh(latents / 3) * 3
        for number, layer in enumerate(self.decoder):
            values = functional.interpolate(values, scale_factor=2.0) if number in DOUBLED else layer(values)
        return values.clamp(0, 1)


def auto_encoder(store: Store, name: str) -> AutoEncoder:
    """From a folder of the store with a file *encoder* and a file *decoder*. Raises DetectorError."""
    folder = store.find(name).path
    try:
        files = [next(iter(sorted(folder.glob(f"*{part}*")))) for part in ("encoder", "decoder")]
    except StopIteration:
        raise DetectorError(
            f"{folder} has no files *encoder* and *decoder*: name an auto-encoder of the TAESD family"
        ) from None
    encoder, decoder = (read_tensors(store.find(str(file))) for file in files)
    try:
        return AutoEncoder(encoder, decoder).eval().requires_grad_(False)
    except (KeyError, RuntimeError) as error:
        raise DetectorError(
            f"{folder} is no auto-encoder of the TAESD family ({error}): name another"
        ) from error


def _chain(kinds: str, tensors: Mapping[str, Tensor]) -> nn.ModuleList:
    layers = nn.ModuleList()
    for number, kind in enumerate(kinds):
        own = {
            name.removeprefix(f"{number}."): value.float()
            for name, value in tensors.items()
            if name.startswith(f"{number}.")
        }
        layer: nn.Module
        if kind == "b":
            layer = _Block(branch="pool.0.weight" in own)
        elif kind == "-":
            layer = nn.ReLU() if number == 2 else nn.Identity()
        else:
            after, before = own["weight"].shape[:2]
            stride = 2 if kind == "h" else 1
            layer = nn.Conv2d(before, after, 3, stride, 1, bias="bias" in own)
        if kind != "-":
            layer.load_state_dict(own)
        layers.append(layer)
    return layers


class _Block(nn.Module):
    def __init__(self, branch: bool) -> None:
        super().__init__()
        three = [nn.Conv2d(WIDE, WIDE, 3, padding=1) for _ in range(3)]
        self.conv = nn.Sequential(three[0], nn.ReLU(), three[1], nn.ReLU(), three[2])
        self.pool = (
            nn.Sequential(
                nn.Conv2d(WIDE, BRANCH, 1, bias=False),
                nn.GroupNorm(GROUPS, BRANCH),
                nn.ReLU(),
                nn.Conv2d(BRANCH, WIDE, 1, bias=False),
            )
            if branch
            else None
        )

    def forward(self, values: Tensor) -> Tensor:
        if self.pool is not None:
            values = values + self.pool(values)
        return functional.relu(self.conv(values) + values)
