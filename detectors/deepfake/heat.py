"""The evidence of a face: where it differs from what a denoiser that knows real faces makes of it.

The face is noised a little and restored (one step of an EDM denoiser), and what was lost is compared with
what is lost of real faces at the same place. It is shown, and not judged by: a residual alone tells no fakes.
"""

from typing import Final

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from detectors.deepfake.network import SIDE
from detectors.diffusion.edm import Denoiser
from detectors.diffusion.unet import UNet
from detectors.faces.cut import LEVEL, roll
from detectors.faces.face import Face
from streams.frame import Frame

SIGMAS: Final = (0.1, 0.3, 0.8)  # of pictures in -1..1
SPREAD: Final = 0.5  # standard deviation of faces in -1..1
WIDTHS: Final = (32, 64, 96)
FOLD: Final = 2
CELLS: Final = 32  # rows and columns of a map
STRONGEST: Final = 4.0  # standard deviations from real faces that are as hot as it gets
SEED: Final = 5
WIDTH: Final = 160  # px of a map over a whole picture

Heat = NDArray[np.float32]  # (CELLS, CELLS), 0..1


def face_denoiser() -> Denoiser:
    """Its network, untrained."""
    return Denoiser(UNet(3, FOLD, WIDTHS), SPREAD)


def residuals(denoiser: Denoiser, pictures: Tensor) -> Tensor:
    """What is lost of pictures (N, 3, SIDE, SIDE) in 0..1, as log (N, levels, CELLS, CELLS)."""
    faces = 2 * pictures - 1
    generator = torch.Generator().manual_seed(SEED)
    noise = torch.randn((1, *faces.shape[1:]), generator=generator).to(faces.device)
    lost = []
    with torch.inference_mode():
        for sigma in SIGMAS:
            level = torch.full((len(faces),), sigma, device=faces.device)
            away = (denoiser(faces + sigma * noise, level) - faces).square().mean(dim=1, keepdim=True)
            lost.append(torch.nn.functional.avg_pool2d(away, SIDE // CELLS).clamp(min=1e-6).log())
    return torch.cat(lost, dim=1)


def heat_of(found: Tensor, mean: Tensor, spread: Tensor) -> list[Heat]:
    """One map for each of `residuals`, beside those of real faces: mean and deviation (levels, CELLS, CELLS).

    Too well restored is as strange as too badly: what a machine has drawn is easy for a machine.
    """
    strange = ((found - mean) / spread).abs().mean(dim=1) / STRONGEST
    return [np.asarray(cv2.GaussianBlur(one, (0, 0), 1.0)) for one in strange.clamp(0, 1).cpu().numpy()]


def over_picture(heat: Heat, face: Face, margin: float, frame: Frame) -> Heat:
    """The map laid where the face is in its picture, small; nothing is hot elsewhere."""
    height, width = frame.picture.shape[:2]
    scale = WIDTH / width
    whole = np.zeros((max(1, round(scale * height)), WIDTH), np.float32)
    side = margin * max(face.width, face.height) * scale / CELLS
    x, y = (scale * each for each in face.centre)
    turn = -roll(face) if abs(roll(face)) > LEVEL else 0.0  # as it was cut
    place = cv2.getRotationMatrix2D((CELLS / 2, CELLS / 2), turn, side)
    place[:, 2] += np.array((x - CELLS / 2, y - CELLS / 2))
    size = (whole.shape[1], whole.shape[0])
    return np.asarray(cv2.warpAffine(heat, place, size, flags=cv2.INTER_LINEAR), np.float32)
