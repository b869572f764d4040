"""Diffusion models of others: read from their folders alone, and refused in words where they do not fit."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from diffusers import AutoencoderKL, AutoencoderTiny
from safetensors.torch import load_file, save_file

from detectors.detection import DetectorError
from detectors.diffusion.folders import TOKENS, open_folder
from tests import tiny_models
from tests.hub import Hub, running

PICTURES = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize(
    ("make", "kind"),
    [(tiny_models.auto_encoder, AutoencoderKL), (tiny_models.small_auto_encoder, AutoencoderTiny)],
)
@torch.inference_mode()
def test_a_round_trip_is_the_one_that_the_library_makes(tmp_path: Path, make: object, kind: object) -> None:
    folder = make(tmp_path / "some")  # type: ignore[operator]
    ours = open_folder(folder)
    assert ours.guesser is None
    theirs = kind.from_pretrained(folder)  # type: ignore[attr-defined]
    told = theirs.encode(2 * PICTURES - 1)
    plain = told.latent_dist.mean if kind is AutoencoderKL else told.latents
    latents = ours.autoencoder.encode(PICTURES)
    assert latents.shape == (2, 4, 8, 8)
    assert torch.allclose(latents, plain * theirs.config.scaling_factor, atol=1e-5)
    drawn = ours.autoencoder.decode(latents)
    assert drawn.shape == PICTURES.shape
    assert torch.allclose(drawn, (theirs.decode(plain).sample / 2 + 0.5).clamp(0, 1), atol=1e-5)


def test_the_noise_is_guessed_at_each_level_and_both_kinds_of_prediction_are_understood(
    tmp_path: Path,
) -> None:
    plain = open_folder(tiny_models.stable_diffusion(tmp_path / "plain")).guesser
    other = open_folder(tiny_models.stable_diffusion(tmp_path / "other", velocity=True)).guesser
    assert plain is not None and other is not None
    chance = torch.Generator().manual_seed(2)
    latents, noise = (torch.randn(2, 4, 8, 8, generator=chance) for _ in range(2))
    errors = [plain.error(latents, noise, share) for share in (0.05, 0.4)]
    assert errors[0].shape == (2, 8, 8)
    assert not torch.allclose(errors[0], errors[1])
    assert torch.equal(errors[0], plain.error(latents, noise, 0.05))
    # At the very end there is hardly anything but noise: to tell velocities, the input is a good guess.
    assert other.error(latents, noise, 1.0).mean() < 0.2 < plain.error(latents, noise, 1.0).mean()


def test_an_empty_prompt_is_what_the_text_encoder_makes_of_it(tmp_path: Path) -> None:
    folder = tiny_models.stable_diffusion(tmp_path / "sd", text=True)
    told = open_folder(folder).guesser
    assert told is not None and told.prompt is not None
    assert told.prompt.shape == (1, TOKENS, tiny_models.PROMPT)
    assert told.prompt.abs().sum() > 0
    (folder / "text_encoder" / "config.json").unlink()
    without = open_folder(folder).guesser
    assert without is not None and without.prompt is not None
    assert torch.equal(without.prompt, torch.zeros(1, TOKENS, tiny_models.PROMPT))


def _no_config(folder: Path) -> None:
    (folder / "vae" / "config.json").unlink()


def _another_kind(folder: Path) -> None:
    (folder / "vae" / "config.json").write_text(json.dumps({"_class_name": "VQModel"}))


def _no_scheduler(folder: Path) -> None:
    (folder / "scheduler" / "scheduler_config.json").unlink()


def _flow(folder: Path) -> None:
    told = json.dumps({"_class_name": "FlowMatchEulerDiscreteScheduler"})
    (folder / "scheduler" / "scheduler_config.json").write_text(told)


def _torn(folder: Path) -> None:
    (folder / "vae" / "diffusion_pytorch_model.safetensors").write_bytes(b"\x00\x01")


def _pickled(folder: Path) -> None:
    file = folder / "vae" / "diffusion_pytorch_model.safetensors"
    torch.save(load_file(file), file.with_suffix(".bin"))
    file.unlink()


def _a_layer_short(folder: Path) -> None:
    file = folder / "vae" / "diffusion_pytorch_model.safetensors"
    held = load_file(file)
    held.pop("decoder.conv_in.weight")
    save_file(held, file)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (_no_config, "has no config.json: name the folder of an auto-encoder"),
        (_another_kind, "holds a VQModel, and AutoencoderKL or AutoencoderTiny is wanted there"),
        (_no_scheduler, "cannot read .*scheduler_config.json"),
        (_flow, "is of no Stable Diffusion 1 or 2"),
        (_torn, "cannot be used .*get it anew, with .safetensors"),
        (_pickled, "cannot be used .*get it anew, with .safetensors"),
        (_a_layer_short, "does not hold the whole network .decoder.conv_in.weight"),
    ],
)
def test_what_does_not_fit_is_refused_in_words(tmp_path: Path, spoil: object, words: str) -> None:
    folder = tiny_models.stable_diffusion(tmp_path / "sd")
    spoil(folder)  # type: ignore[operator]
    with pytest.raises(DetectorError, match=words):
        open_folder(folder)


def test_one_for_inpainting_and_one_that_wants_more_than_a_prompt_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DetectorError, match="looks at 9 channels, and the auto-encoder beside it makes 4"):
        open_folder(tiny_models.stable_diffusion(tmp_path / "inpainting", in_channels=9))
    with pytest.raises(DetectorError, match="wants more than a prompt"):
        open_folder(
            tiny_models.stable_diffusion(
                tmp_path / "xl",
                addition_embed_type="text_time",
                addition_time_embed_dim=4,
                projection_class_embeddings_input_dim=16,
            )
        )


def test_half_precision_files_are_read_where_there_are_no_others(tmp_path: Path) -> None:
    folder = tiny_models.auto_encoder(tmp_path / "vae")
    whole = open_folder(folder).autoencoder.encode(PICTURES)
    file = folder / "diffusion_pytorch_model.safetensors"
    save_file({name: value.half() for name, value in load_file(file).items()}, folder / "halves")
    file.unlink()
    (folder / "halves").rename(folder / "diffusion_pytorch_model.fp16.safetensors")
    half = open_folder(folder).autoencoder.encode(PICTURES)
    assert half.dtype == torch.float32
    assert torch.allclose(half, whole, atol=0.05)


def test_nothing_is_asked_of_a_network(tmp_path: Path) -> None:
    tiny_models.stable_diffusion(tmp_path / "sd", text=True)
    tiny_models.encoder(tmp_path / "clip")
    code = (
        "from pathlib import Path; import sys\n"
        "from detectors.deepfake.encoder import Encoder\n"
        "from detectors.diffusion.folders import open_folder\n"
        "open_folder(Path(sys.argv[1]) / 'sd'); Encoder(Path(sys.argv[1]) / 'clip')\n"
        "try: Encoder(Path('openai/clip-vit-base-patch32'))\n"
        "except Exception as error: print(error)\n"
    )
    with running(Hub({})) as hub:
        done = subprocess.run(
            [sys.executable, "-c", code, str(tmp_path)],
            env={**os.environ, "HF_ENDPOINT": hub.url, "HF_HOME": str(tmp_path / "home")},
            capture_output=True, text=True, cwd=Path(__file__).parents[3],
        )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "has no config.json" in done.stdout
    assert done.stderr == ""
    assert hub.asked == []
