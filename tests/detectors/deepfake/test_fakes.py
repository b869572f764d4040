"""Fakes that are made to train on: what they change, and what they leave alone."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from detectors.deepfake.autoencoder import DECODER, ENCODER, AutoEncoder
from detectors.deepfake.blending import blend, face_mask, in_colours_of, self_blend, swap
from detectors.deepfake.compression import Codec, Compression
from detectors.deepfake.pairs import known
from detectors.deepfake.redrawing import redrawn
from detectors.deepfake.wear import HARD, MILD, UNTONED, Wear, resized

SIDE = 96


Picture = NDArray[np.uint8]


def drawn(seed: int, side: int = SIDE) -> Picture:
    """A smooth, coloured picture with some grain."""
    chance = np.random.default_rng(seed)
    small = chance.integers(0, 256, (6, 6, 3), dtype=np.uint8)
    grain = chance.integers(-8, 9, (side, side, 3))
    return np.clip(resized(small, side).astype(int) + grain, 0, 255).astype(np.uint8)


@given(st.integers(0, 10_000))
@settings(max_examples=40)
def test_a_mask_is_about_the_middle_and_leaves_the_corners(seed: int) -> None:
    mask = face_mask(SIDE, np.random.default_rng(seed))
    assert mask.shape == (SIDE, SIDE, 1)
    assert 0 <= mask.min() <= mask.max() <= 1.001
    assert mask[0, 0] == mask[0, -1] == 0
    assert mask.max() > 0.4  # there is a face


def test_a_blend_is_the_inner_picture_within_and_the_outer_one_without() -> None:
    mask = np.zeros((SIDE, SIDE, 1), np.float32)
    mask[30:60, 30:60] = 1
    mixed = blend(drawn(1), drawn(2), mask)
    assert (mixed[40, 40] == drawn(1)[40, 40]).all()
    assert (mixed[5, 5] == drawn(2)[5, 5]).all()


@pytest.mark.parametrize("seed", range(5))
def test_a_self_blend_is_another_picture_of_the_same(seed: int) -> None:
    real = drawn(seed)
    made = self_blend(real, np.random.default_rng(seed))
    assert made.shape == real.shape
    assert (made != real).any()
    assert np.corrcoef(made.ravel(), real.ravel())[0, 1] > 0.85
    assert (made == self_blend(real, np.random.default_rng(seed))).all()


def test_a_swap_takes_on_the_colours_of_where_it_is_put() -> None:
    onto, other = drawn(1) // 2, drawn(2) // 2 + 120
    middle = slice(SIDE // 4, -SIDE // 4)
    told = in_colours_of(onto, other)[middle, middle].mean()
    assert abs(told - onto[middle, middle].mean()) < abs(other[middle, middle].mean() - told)
    made = swap(onto, other, np.random.default_rng(0))
    assert (made[0, 0] == onto[0, 0]).all()
    assert (made != onto).any()


def test_a_picture_is_worn_the_same_by_the_same_way() -> None:
    for seed in range(20):
        wear = Wear.drawn((HARD, MILD)[seed % 2], np.random.default_rng(seed))
        once, again = wear.of(drawn(1)), wear.of(drawn(1))
        assert once.shape == (128, 128, 3)
        assert (once == again).all()
        assert wear.of(drawn(1), 64).shape == (64, 64, 3)


def test_a_camera_that_sharpens_or_tones_is_part_of_the_way() -> None:
    soft = np.asarray(cv2.GaussianBlur(drawn(1), (0, 0), 1.5), np.uint8)
    plain = Wear(1.0, False, 1.0, 0.0, 0.0, UNTONED, 0.0, 0.0, None, None, 0)

    def detail(picture: Picture) -> float:
        return float(np.abs(cv2.Laplacian(picture, cv2.CV_32F)).mean())

    def colour(picture: Picture) -> float:
        return float(np.ptp(picture.astype(int), axis=2).mean())

    as_it_is = plain.of(soft)
    assert detail(replace(plain, sharpened=1.5).of(soft)) > 1.5 * detail(as_it_is)
    assert colour(replace(plain, tone=(0.4, 1.0)).of(soft)) < 0.6 * colour(as_it_is)
    assert replace(plain, tone=(1.0, 1.4)).of(soft).mean() < as_it_is.mean()
    sharpened = [Wear.drawn(HARD, np.random.default_rng(seed)).sharpened > 0 for seed in range(400)]
    assert 0.15 < np.mean(sharpened) < 0.35


def test_pairs_of_known_fakes_mostly_have_their_colours_in_common() -> None:
    make = known(lambda _: drawn(1) // 2, lambda _: drawn(2) // 2 + 120)
    middle = slice(SIDE // 4, -SIDE // 4)
    apart = [
        abs(float(pair.real[middle, middle].mean()) - float(pair.fake[middle, middle].mean()))
        for pair in (make(np.random.default_rng(seed)) for seed in range(60))
    ]
    assert 0.4 < np.mean(np.array(apart) < 0.3 * max(apart)) < 0.8


@pytest.mark.parametrize("codec", Codec)
def test_compression_loses_more_at_a_lower_quality(codec: Codec) -> None:
    whole = drawn(3).astype(int)
    lost = [np.abs(Compression(codec, quality).of(drawn(3)) - whole).mean() for quality in (95, 60, 20)]
    assert lost == sorted(lost)
    assert lost[0] < lost[-1]


def random_network() -> AutoEncoder:
    """The layers of a tiny auto-encoder, with the branch in its middle, and weights drawn by chance."""
    generator = torch.Generator().manual_seed(0)

    def tensors(kinds: str, first: int, last: int) -> dict[str, torch.Tensor]:
        made: dict[str, torch.Tensor] = {}
        for number, kind in enumerate(kinds):
            if kind == "b":
                for layer in (0, 2, 4):
                    made[f"{number}.conv.{layer}.weight"] = 0.03 * torch.randn(
                        64, 64, 3, 3, generator=generator
                    )
                    made[f"{number}.conv.{layer}.bias"] = torch.zeros(64)
                if number > 10 or (kinds is DECODER and number < 6):
                    made[f"{number}.pool.0.weight"] = 0.01 * torch.randn(256, 64, 1, 1, generator=generator)
                    made[f"{number}.pool.1.weight"] = torch.ones(256)
                    made[f"{number}.pool.1.bias"] = torch.zeros(256)
                    made[f"{number}.pool.3.weight"] = 0.01 * torch.randn(64, 256, 1, 1, generator=generator)
            elif kind != "-":
                wide = {0: first, 1: first}.get(number, 64) if number in (0, 1) else 64
                after = last if number == len(kinds) - 1 else 64
                made[f"{number}.weight"] = 0.1 * torch.randn(after, wide, 3, 3, generator=generator)
                made[f"{number}.bias"] = torch.zeros(after)
        return made

    encoder = tensors(ENCODER, 3, 8)
    decoder = tensors(DECODER, 8, 3)
    return AutoEncoder(encoder, decoder).eval()


def test_faces_are_drawn_anew_beside_what_they_were_at_that_size() -> None:
    pictures = np.stack([drawn(seed, 192) for seed in range(6)])
    told: list[float] = []
    copies, originals = redrawn(pictures, random_network(), np.random.default_rng(0), told.append)
    assert copies.shape == originals.shape == pictures.shape
    assert told[-1] == 1.0
    assert np.abs(originals.astype(int) - pictures).mean() < 12  # only made small and large again
    assert np.abs(copies.astype(int) - pictures).mean() > np.abs(originals.astype(int) - pictures).mean()


def test_a_round_trip_keeps_the_size_of_a_picture() -> None:
    network = random_network()
    latents = network.encode(torch.rand(2, 3, 32, 48))
    assert latents.shape == (2, 8, 4, 6)
    assert network.decode(latents).shape == (2, 3, 32, 48)
