"""A Stable Diffusion of the user's own as a restorer: it draws the picture anew, and so invents detail.

One step of image-to-image (Meng et al., SDEdit, ICLR 2022), as models that are distilled for one step are
used (Sauer et al., Adversarial Diffusion Distillation, ECCV 2024), with as much noise as the picture has by
itself. What comes out looks likely, and nobody saw it: only the finder of objects may look at it.
"""

from typing import Final

import cv2
import numpy as np
import torch

from detectors.denoising.noise import Noise, Picture
from detectors.detection import DetectorError
from detectors.device import Device
from detectors.diffusion.folders import AutoEncoder, Diffusion, NoiseGuesser, open_folder
from detectors.store import Store

MULTIPLE: Final = 64  # px, of which a picture's sides must be: eight to a latent, eight latents in the U-Net
SPREAD: Final = 0.25  # standard deviation of pictures in 0..1: what a latent of one stands for
SEED: Final = 7  # the same picture is restored in the same way


class Redrawer:
    """A restorer whose weights are somebody else's; used from one thread."""

    def __init__(self, autoencoder: AutoEncoder, guesser: NoiseGuesser, name: str, sha256: str) -> None:
        """`name` and `sha256`: of the weights."""
        self._autoencoder = autoencoder
        self._guesser = guesser
        self.name = name
        self.sha256 = sha256

    def restore(self, picture: Picture, noise: Noise) -> Picture:
        """A new picture of the same size; not the same objects in all its detail."""
        height, width = picture.shape[:2]
        down, right = -height % MULTIPLE, -width % MULTIPLE
        whole = cv2.copyMakeBorder(picture, 0, down, 0, right, cv2.BORDER_REFLECT)
        level = noise.deviation(float(picture.mean()) / 255) / SPREAD
        shown = torch.from_numpy(np.ascontiguousarray(whole[..., ::-1])).permute(2, 0, 1)[None] / 255
        with torch.inference_mode():
            latents = self._autoencoder.encode(shown)
            chance = torch.Generator().manual_seed(SEED)
            added = torch.randn(latents.shape, generator=chance).to(latents.device)
            drawn = self._autoencoder.decode(self._guesser.redrawn(latents, added, level))
        back = (255 * drawn[0]).round().to(torch.uint8).permute(1, 2, 0).cpu().numpy()
        return np.ascontiguousarray(back[:height, :width, ::-1])


def open_redrawer(wanted: str, store: Store, device: Device = "cpu") -> Redrawer:
    """By the name of a Stable Diffusion in the store. Raises DetectorError, and says what is wanted."""
    weights = store.find(wanted)
    match open_folder(weights.path, device):
        case Diffusion(autoencoder, NoiseGuesser() as guesser):
            return Redrawer(autoencoder, guesser, weights.name, weights.sha256)
        case _:
            raise DetectorError(
                f"{weights.path} is an auto-encoder alone: name the folder of a whole Stable Diffusion 1 or "
                "2, best one made for a single step, as detectors.objects.denoiser"
            )
