"""The denoiser that ships: what it does to pictures, in which form it runs, and how it is made anew."""

from pathlib import Path

import numpy as np
import pytest
import torch

from daemon.train_denoiser import make
from detectors.denoising import damage, model
from detectors.denoising.estimate import estimate
from detectors.denoising.model import SHIPPED, DenoiserModel
from detectors.denoising.network import Denoising
from detectors.denoising.noise import Noise, Picture
from detectors.denoising.quick import quick
from detectors.detection import DetectorError
from tests.detectors.denoising.drawn import textured
from tests.real import absent


@pytest.fixture(scope="module")
def denoiser() -> DenoiserModel:
    if not SHIPPED.exists():
        absent("no weights of the denoiser")
    return DenoiserModel()


def error(one: Picture, other: Picture) -> float:
    """Root mean square, grey levels."""
    return float(np.sqrt(np.mean((one.astype(float) - other.astype(float)) ** 2)))


@pytest.mark.parametrize("sigma", [15, 30, 60])
def test_noise_goes_and_the_picture_stays(denoiser: DenoiserModel, sigma: float) -> None:
    noisy = damage.white(textured(), sigma, np.random.default_rng(0))
    restored = denoiser.restore(noisy, estimate(noisy))
    assert restored.shape == noisy.shape
    assert restored.dtype == np.uint8
    assert error(restored, textured()) < 0.5 * error(noisy, textured())


def test_too_little_light_is_made_up_for(denoiser: DenoiserModel) -> None:
    noisy = damage.low_light(textured(), np.random.default_rng(0))
    assert error(denoiser.restore(noisy, estimate(noisy)), textured()) < 0.45 * error(noisy, textured())


def test_a_clean_picture_hardly_changes(denoiser: DenoiserModel) -> None:
    assert error(denoiser.restore(textured(), Noise(0.0)), textured()) < 6


def test_it_tells_noisy_pictures_from_clean_and_from_compressed_ones(denoiser: DenoiserModel) -> None:
    chance = np.random.default_rng(0)
    for noisy in (damage.white(textured(), 25, chance), damage.low_light(textured(), chance)):
        assert denoiser.noisy.logit(noisy) > 1
    for clean in (textured(), damage.jpeg(textured(), 10), damage.h264([textured()], 38)):
        assert denoiser.noisy.logit(clean) < 1


@pytest.mark.parametrize("shape", [(16, 16), (97, 131), (240, 320), (33, 500)])
def test_pictures_of_any_size_are_restored_alike_in_openvino_and_in_torch(
    denoiser: DenoiserModel, shape: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("openvino")
    noisy = damage.white(textured(*shape), 25, np.random.default_rng(0))
    compiled = denoiser.restore(noisy, Noise(25 / 255))
    monkeypatch.setattr(model, "find_spec", lambda _: None)
    plain = DenoiserModel().restore(noisy, Noise(25 / 255))
    assert np.abs(compiled.astype(int) - plain.astype(int)).max() <= 2


def test_the_quick_network_computes_the_same_as_the_one_that_learns() -> None:
    torch.manual_seed(0)
    network = Denoising((8, 16), blocks=2).requires_grad_(False)
    for value in network.parameters():
        torch.nn.init.normal_(value, std=0.3)
    pictures, noise = torch.rand(2, 3, 16, 24), torch.tensor([[0.1, 0.02, 0.3], [0.3, 0.0, 1.0]])
    wanted = network(pictures, noise)
    assert (wanted - pictures).abs().mean() > 0.01
    torch.testing.assert_close(quick(network)(pictures, noise), wanted, atol=1e-5, rtol=1e-4)


def test_missing_and_damaged_weights_are_told_in_words(tmp_path: Path) -> None:
    with pytest.raises(DetectorError, match=r"cannot be read .* set detectors.objects.denoise to never"):
        DenoiserModel(tmp_path / "none.safetensors")
    (tmp_path / "bad.safetensors").write_bytes(b"no weights at all")
    with pytest.raises(DetectorError, match="holds no denoiser"):
        DenoiserModel(tmp_path / "bad.safetensors")


class _StopError(Exception):
    pass


def test_training_can_be_broken_off_and_gone_on_with_to_the_same_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("detectors.denoising.training.SAVED_EVERY", 2)
    monkeypatch.setattr("detectors.denoising.training.BATCH", 2)
    monkeypatch.setattr("detectors.denoising.noisy.STEPS", 20)
    photos = [textured(130, 140), textured(128, 160)]

    def quiet(what: str, share: float) -> None:
        """Nobody looks."""

    def stops(what: str, share: float) -> None:
        if what == "training" and share >= 0.5:
            raise _StopError

    whole, parts = tmp_path / "whole.safetensors", tmp_path / "parts.safetensors"
    make(photos, whole, 4, 3, quiet)
    with pytest.raises(_StopError):
        make(photos, parts, 4, 3, stops)
    assert not parts.exists()
    assert parts.with_suffix(".training").exists()
    make(photos, parts, 4, 3, quiet)
    assert parts.read_bytes() == whole.read_bytes()
    assert not parts.with_suffix(".training").exists()
    noisy = damage.white(textured(), 25, np.random.default_rng(0))
    assert DenoiserModel(parts).restore(noisy, Noise(25 / 255)).shape == noisy.shape
