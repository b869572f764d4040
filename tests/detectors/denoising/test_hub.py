"""A Stable Diffusion of the user as a restorer: any size, the same again, words where it does not fit."""

from pathlib import Path
from typing import Literal

import numpy as np
import pytest
import torch

from config.detectors import ObjectsSettings
from detectors.denoising.hub import open_redrawer
from detectors.denoising.noise import Noise
from detectors.detection import DetectorError
from detectors.diffusion.folders import open_folder
from detectors.objects.denoised import Denoised
from detectors.objects.finders import open_finder
from detectors.store import Store
from tests import tiny_models
from tests.detectors.denoising.drawn import scene
from tests.fakes import frame
from tests.tiny_detectors import faster_rcnn


@pytest.mark.parametrize("size", [(64, 64), (70, 131)])
def test_a_picture_keeps_its_size_and_is_drawn_the_same_again(tmp_path: Path, size: tuple[int, int]) -> None:
    tiny_models.stable_diffusion(tmp_path / "tiny", text=True)
    redrawer = open_redrawer("tiny", Store([tmp_path]))
    assert redrawer.name == "tiny"
    assert len(redrawer.sha256) == 64
    picture = scene(*size)
    before = picture.copy()
    one, same = (redrawer.restore(picture, Noise(0.1)) for _ in range(2))
    assert one.shape == picture.shape
    assert one.dtype == np.uint8
    assert np.array_equal(one, same)
    assert np.array_equal(picture, before)
    assert not np.array_equal(one, redrawer.restore(picture, Noise(0.4)))


def test_one_that_guesses_the_noise_gets_the_picture_back(tmp_path: Path) -> None:
    """At a level where the U-Net hears the noise, what is left without it is what was there."""
    guesser = open_folder(tiny_models.stable_diffusion(tmp_path / "tiny", velocity=True)).guesser
    assert guesser is not None
    chance = torch.Generator().manual_seed(3)
    latents, noise = (torch.randn(1, 4, 8, 8, generator=chance) for _ in range(2))
    faint, strong = (guesser.redrawn(latents, noise, level) for level in (0.03, 2.0))
    assert (faint - latents).square().mean() < 0.05 < (strong - latents).square().mean()


def test_an_auto_encoder_alone_is_refused_in_words(tmp_path: Path) -> None:
    tiny_models.auto_encoder(tmp_path / "vae-only")
    with pytest.raises(DetectorError, match=r"auto-encoder alone: name the folder of a whole Stable"):
        open_redrawer("vae-only", Store([tmp_path]))


def test_what_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(DetectorError, match="no weights 'turbo'"):
        open_redrawer("turbo", Store([tmp_path]))


def test_the_setting_puts_it_before_the_finder(tmp_path: Path) -> None:
    faster_rcnn(tmp_path / "rcnn.pth")
    tiny_models.stable_diffusion(tmp_path / "tiny")
    store, found = Store([tmp_path]), []
    denoise: Literal["never", "always"]
    for denoise in ("never", "always"):
        settings = ObjectsSettings(model="rcnn", denoise=denoise, denoiser="tiny")
        finder = open_finder(settings, store, tmp_path / "state", floor=0.0)
        assert isinstance(finder, Denoised) == (denoise == "always")
        found.append(finder.find([frame(picture=scene())]))
    assert found[0] != found[1]
    with pytest.raises(DetectorError, match="no weights 'other'"):
        open_finder(settings.model_copy(update={"denoiser": "other"}), store, tmp_path / "state")
