"""The shared denoiser: exact where the answer is known, and it learns what a linear one cannot."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from detectors.diffusion.edm import Denoiser, Perceptron, denoising_loss, log_uniform, sample
from detectors.diffusion.training import train


def test_untrained_it_is_the_best_linear_denoiser() -> None:
    denoiser = Denoiser(Perceptron(features=3, conditions=0, width=8, depth=1))
    x, sigma = torch.randn(5, 3), torch.tensor([0.1, 0.5, 1.0, 2.0, 4.0])
    assert torch.allclose(denoiser(x, sigma), x / (1 + sigma[:, None] ** 2), atol=1e-6)


def test_the_spread_of_the_data_is_taken_into_account() -> None:
    denoiser = Denoiser(Perceptron(features=2, conditions=0, width=8, depth=1), spread=0.5)
    x = torch.ones(1, 2)
    assert torch.allclose(denoiser(x, torch.tensor([0.5])), x / 2)


def test_it_learns_two_clusters_that_depend_on_a_condition() -> None:
    torch.manual_seed(0)
    generator = torch.Generator().manual_seed(0)
    condition = (torch.rand(4096, 1, generator=generator) > 0.5).float() * 2 - 1
    data = condition + 0.05 * torch.randn(4096, 1, generator=generator)
    denoiser = Denoiser(Perceptron(features=1, conditions=1, width=32, depth=2))
    said: list[float] = []
    train(
        denoiser,
        data,
        condition,
        steps=150,
        rate=1e-2,
        batch=256,
        noise=(0.05, 3.0),
        seed=0,
        done=said.append,
    )
    assert said == sorted(said)
    assert said[0] == 0
    somewhere = torch.zeros(2, 1)
    clean = denoiser(somewhere, torch.tensor([1.0, 1.0]), torch.tensor([[1.0], [-1.0]]))
    assert clean[0] > 0.7
    assert clean[1] < -0.7


def test_the_loss_weighs_noise_levels_alike() -> None:
    """An untrained denoiser of unit Gaussian data is as good as can be: a loss of one at every level."""
    generator = torch.Generator().manual_seed(0)
    denoiser = Denoiser(Perceptron(features=1, conditions=0, width=8, depth=1))
    data, noise = torch.randn(20_000, 1, generator=generator), torch.randn(20_000, 1, generator=generator)
    for level in (0.1, 1.0, 3.0):
        loss = denoising_loss(denoiser, data, torch.full((20_000,), level), noise)
        assert abs(loss.item() - 1) < 0.05


@given(st.floats(0.01, 1), st.floats(1.1, 10))
def test_noise_levels_stay_within_their_bounds(low: float, factor: float) -> None:
    sigma = log_uniform(100, low, low * factor, torch.Generator().manual_seed(0))
    assert float(sigma.min()) >= low * 0.999
    assert float(sigma.max()) <= low * factor * 1.001


def test_what_is_sampled_of_unit_data_has_unit_spread_and_comes_again() -> None:
    """An untrained denoiser is the best one of unit Gaussian data, so its samples must be such data."""
    denoiser = Denoiser(Perceptron(features=3, conditions=0, width=8, depth=1))

    def drawn() -> torch.Tensor:
        generator = torch.Generator().manual_seed(3)
        return sample(denoiser, (4000, 3), None, noise=(0.05, 4.0), generator=generator)

    first = drawn()
    assert torch.equal(first, drawn())
    assert float(first.mean().abs()) < 0.05
    assert abs(float(first.std()) - 1) < 0.05


def test_samples_follow_the_condition() -> None:
    generator = torch.Generator().manual_seed(0)
    torch.manual_seed(0)
    condition = (torch.rand(4096, 1, generator=generator) > 0.5).float() * 2 - 1
    data = condition + 0.1 * torch.randn(4096, 1, generator=generator)
    denoiser = Denoiser(Perceptron(features=1, conditions=1, width=32, depth=2))
    train(
        denoiser,
        data,
        condition,
        steps=200,
        rate=1e-2,
        batch=256,
        noise=(0.05, 4.0),
        seed=0,
        done=lambda share: None,
    )
    told = torch.tensor([[1.0]] * 300 + [[-1.0]] * 300)
    drawn = sample(denoiser, (600, 1), told, noise=(0.05, 4.0), generator=generator)
    assert float((drawn * told > 0.5).float().mean()) > 0.95
    assert float(drawn[:300].std()) < 0.3
