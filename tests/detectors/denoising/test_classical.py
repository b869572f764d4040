"""Classical restorers: what they take away is noise, and where there is none they take nothing."""

import numpy as np
import pytest

from detectors.denoising import damage
from detectors.denoising.classical import Bilateral, NonLocalMeans, Stabilised
from detectors.denoising.noise import Noise, Picture, Restorer
from tests.detectors.denoising.drawn import scene

PLAIN: list[Restorer] = [Bilateral(), NonLocalMeans()]
ALL: list[Restorer] = [*PLAIN, *(Stabilised(one) for one in PLAIN)]
DARK = Noise(read=3 / 40, shot=1 / 40)


def error(one: Picture, other: Picture) -> float:
    return float(np.sqrt(np.mean((one.astype(float) - other) ** 2)))


@pytest.mark.parametrize("restorer", ALL, ids=lambda one: one.name)
def test_less_noise_is_left(restorer: Restorer) -> None:
    clean = scene()
    dim = damage.low_light(clean, np.random.default_rng(0), photons=40, read=3)
    before = dim.copy()
    assert error(restorer.restore(dim, DARK), clean) < 0.6 * error(dim, clean)
    assert np.array_equal(dim, before)


@pytest.mark.parametrize("restorer", ALL, ids=lambda one: one.name)
def test_without_noise_a_picture_stays_as_it_is(restorer: Restorer) -> None:
    restored = restorer.restore(scene(), Noise(0.0))
    assert np.array_equal(restored, scene())
    assert restored is not scene()


@pytest.mark.parametrize("level", [8, 40, 128, 220])
def test_the_transform_is_undone_without_making_dark_places_darker(level: int) -> None:
    """Averaged in between, noise that is cut off nowhere must come back as what was there."""
    noise = Noise(read=0.02, shot=0.01)

    class Average:
        name, sha256 = "average", ""

        def restore(self, picture: Picture, noise: Noise) -> Picture:
            return np.full_like(picture, round(float(picture.mean())))

    rng = np.random.default_rng(0)
    electrons = rng.poisson(level / 255 * 100, (400, 400, 3)) + 2 * rng.standard_normal((400, 400, 3))
    seen = np.clip(np.rint(electrons / 100 * 255), 0, 255).astype(np.uint8)
    assert float(Stabilised(Average()).restore(seen, noise).mean()) == pytest.approx(level, abs=2.5)


def test_in_between_the_noise_is_as_strong_in_the_dark_as_in_the_light() -> None:
    spreads = []

    class Watcher:
        name, sha256 = "watcher", ""

        def restore(self, picture: Picture, noise: Noise) -> Picture:
            spreads.append((float(picture.std()), 255 * noise.read))
            return picture

    for level in (50, 100, 150):
        flat = np.full((300, 300, 3), level, np.uint8)
        dim = damage.low_light(flat, np.random.default_rng(0), photons=100, read=3)
        Stabilised(Watcher()).restore(dim, Noise(read=0.03, shot=0.01))
    assert all(seen == pytest.approx(told, rel=0.06) for seen, told in spreads)
