"""How noisy a picture is said to be, beside how noisy it was made."""

import numpy as np
import pytest

from detectors.denoising import damage
from detectors.denoising.estimate import estimate
from detectors.denoising.flatness import FEATURES, flatness
from tests.detectors.denoising.drawn import textured


@pytest.mark.parametrize("sigma", [5, 15, 25, 40])
def test_white_noise_is_told_within_a_tenth(sigma: float) -> None:
    told = estimate(damage.white(textured(), sigma, np.random.default_rng(0)))
    assert 255 * told.deviation(0.5) == pytest.approx(sigma, rel=0.12)
    assert told.grain < 0.5


def test_a_clean_picture_has_next_to_none() -> None:
    assert 255 * estimate(textured()).deviation(0.5) < 3


def test_too_little_light_is_noisier_where_it_is_bright() -> None:
    told = estimate(damage.low_light(textured(), np.random.default_rng(0), photons=40, read=1))
    assert told.shot == pytest.approx(1 / 40, rel=0.4)
    assert told.deviation(0.8) > 1.2 * told.deviation(0.2)


def test_noise_that_was_smoothed_has_grain() -> None:
    chance = np.random.default_rng(0)
    noise = damage.white_unclipped(np.zeros((240, 320, 3), np.uint8), 60, chance)
    kernel = np.ones((3, 3)) / 9
    smooth = np.stack(
        [
            np.real(np.fft.ifft2(np.fft.fft2(noise[..., i]) * np.fft.fft2(kernel, noise.shape[:2])))
            for i in range(3)
        ],
        axis=-1,
    )
    told = estimate(np.clip(textured() + smooth, 0, 255).astype(np.uint8))
    assert told.grain > 0.8
    assert told.read > 0


@pytest.mark.parametrize("shape", [(8, 8), (15, 15), (16, 200), (17, 33), (31, 64)])
@pytest.mark.parametrize("level", [0, 128, 255])
def test_any_picture_can_be_asked_about(shape: tuple[int, int], level: int) -> None:
    flat = np.full((*shape, 3), level, np.uint8)
    assert estimate(flat).deviation() == pytest.approx(0, abs=1e-6)
    told = flatness(flat)
    assert told.shape == (FEATURES,)
    assert np.isfinite(told).all()


def test_noise_shows_where_a_picture_is_flat_and_compression_empties_it() -> None:
    clean = textured()
    noisy = damage.white(clean, 15, np.random.default_rng(0))
    squeezed = damage.jpeg(clean, 10)
    finest = slice(0, 3)  # of brightness, the flattest first
    assert flatness(noisy)[finest].min() > flatness(clean)[finest].min() + 1
    assert flatness(squeezed)[0] <= flatness(clean)[0] + 0.1
