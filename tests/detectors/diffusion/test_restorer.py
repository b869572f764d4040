"""Pictures that come back from a diffusion model: by the library's own arithmetic, and from what folders."""

import json
from pathlib import Path

import pytest
import torch
from diffusers import DDIMScheduler, UNet2DModel
from torch import Tensor

from detectors.detection import DetectorError
from detectors.diffusion.folders import Diffusion
from detectors.diffusion.pixels import PixelDiffusion, open_any
from detectors.diffusion.restorer import open_restorer
from tests import tiny_models


def pictures(height: int, width: int) -> Tensor:
    return torch.rand(2, 3, height, width, generator=torch.Generator().manual_seed(1))


@torch.inference_mode()
def test_noise_is_taken_out_as_by_the_library_s_ddim(tmp_path: Path) -> None:
    folder = tiny_models.pixel_u_net(tmp_path / "product")
    opened = open_any(folder)
    assert isinstance(opened, PixelDiffusion)
    shown = 2 * pictures(*opened.size) - 1
    noise = torch.randn(shown.shape, generator=torch.Generator().manual_seed(2))
    theirs, network = (
        DDIMScheduler.from_pretrained(folder / "scheduler"),
        UNet2DModel.from_pretrained(folder / "unet"),
    )
    theirs.set_timesteps(10)
    values = theirs.add_noise(shown, noise, torch.tensor([400, 400]))
    for step in (400, 300, 200, 100):
        told = network(values, step).sample
        values = theirs.step(told, step, values, use_clipped_model_output=True).prev_sample
    ours = opened.guesser.restored(shown, noise, 400 / 999, 4, bound=1.0)
    assert (ours - shown).abs().mean() > 0.1  # an untrained network restores nothing
    assert torch.allclose(ours, values, atol=0.05)  # theirs keeps the noise of the very first step


@pytest.mark.parametrize(
    ("make", "size"),
    [
        (tiny_models.pixel_u_net, (32, 32)),  # stretched, as it was trained
        (tiny_models.stable_diffusion, (64, 128)),  # 16 latents of 8 px
        (tiny_models.auto_encoder, (144, 256)),
        (tiny_models.small_auto_encoder, (144, 256)),
    ],
)
def test_each_kind_of_folder_restores_at_its_own_size_and_always_in_the_same_way(
    tmp_path: Path, make: object, size: tuple[int, int]
) -> None:
    folder = make(tmp_path / "some")  # type: ignore[operator]
    restorer = open_restorer(folder)
    assert restorer.size(360, 640) == size
    shown = pictures(*size)
    told = restorer.restored(shown)
    assert told.shape == shown.shape
    assert told.min() >= 0 and told.max() <= 1
    assert not torch.allclose(told, shown, atol=0.05)
    assert torch.allclose(told[1:], open_restorer(folder).restored(shown[1:]), atol=1e-4)


def test_a_u_net_alone_with_its_scheduler_beside_it_is_read_and_so_is_one_in_latents_without_a_prompt(
    tmp_path: Path,
) -> None:
    folder = tiny_models.pixel_u_net(tmp_path / "whole")
    alone = tmp_path / "alone"
    (folder / "unet").rename(alone)
    (folder / "scheduler" / "scheduler_config.json").rename(alone / "scheduler_config.json")
    assert isinstance(open_any(alone), PixelDiffusion)
    latent = tiny_models.stable_diffusion(tmp_path / "latent")
    tiny_models.small_u_net(16, in_channels=4, out_channels=4).save_pretrained(latent / "unet")
    opened = open_any(latent)
    assert isinstance(opened, Diffusion)
    assert opened.guesser is not None and opened.guesser.prompt is None
    assert open_restorer(latent).restored(pictures(64, 128)).shape == (2, 3, 64, 128)


def _edit(file: Path, **told: object) -> None:
    file.write_text(json.dumps({**json.loads(file.read_text()), **told}))


def _grey(folder: Path) -> None:
    tiny_models.small_u_net(in_channels=1, out_channels=1).save_pretrained(folder / "unet")


def _classes(folder: Path) -> None:
    tiny_models.small_u_net(num_class_embeds=3).save_pretrained(folder / "unet")


def _no_size(folder: Path) -> None:
    _edit(folder / "unet" / "config.json", sample_size=None)


def _no_scheduler(folder: Path) -> None:
    (folder / "scheduler" / "scheduler_config.json").unlink()


def _guesses_the_picture(folder: Path) -> None:
    _edit(folder / "scheduler" / "scheduler_config.json", prediction_type="sample")


def _another_kind(folder: Path) -> None:
    _edit(folder / "unet" / "config.json", _class_name="UNet2DConditionModel")


def _nothing(folder: Path) -> None:
    (folder / "unet" / "config.json").unlink()


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (_grey, "draws 1 channels from 1: name one that draws colour pictures"),
        (_classes, "wants to be told what to draw: name one that was trained without classes"),
        (_no_size, "does not say in 'sample_size' how large the pictures were"),
        (_no_scheduler, "cannot read .*scheduler_config.json"),
        (_guesses_the_picture, "of no DDPM that guesses noise or velocity: name one of these"),
        (_another_kind, "holds a UNet2DConditionModel, and UNet2DModel is wanted there"),
        (_nothing, "has no config.json: name a folder that diffusers wrote, of an auto-encoder"),
    ],
)
def test_what_does_not_fit_is_refused_in_words(tmp_path: Path, spoil: object, words: str) -> None:
    folder = tiny_models.pixel_u_net(tmp_path / "product")
    spoil(folder)  # type: ignore[operator]
    with pytest.raises(DetectorError, match=words):
        open_restorer(folder)
