"""Makes the deepfake model: fakes drawn anew, two heads and the face denoiser trained, all calibrated.

One seed, one file. What is measured here goes into the file's header; how good it is, `framewarden evaluate
deepfake` says, on clips that nothing was learned from.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.random import Generator
from numpy.typing import NDArray
from torch import Tensor

from detectors.deepfake.autoencoder import AutoEncoder
from detectors.deepfake.blending import blend, face_mask, self_blend, swap
from detectors.deepfake.calibration import facts_of
from detectors.deepfake.examples import Examples, ExamplesError, Part
from detectors.deepfake.heat import face_denoiser, residuals
from detectors.deepfake.model import Facts, Floats, as_pictures, save
from detectors.deepfake.network import SIDE, Head
from detectors.deepfake.redrawing import redrawn
from detectors.deepfake.training import Lesson, Maker, Pair, train
from detectors.deepfake.wear import HARD, MILD, Wear, resized
from detectors.diffusion.edm import Denoiser
from detectors.diffusion.training import train as train_denoiser

Tell = Callable[[str, float], None]

SWAPPED_STEPS: Final = 450
GENERATED_STEPS: Final = 350
SWAPPED_NARROWEST: Final = 0.75  # share of a picture
GENERATED_NARROWEST: Final = 0.85
DENOISER_STEPS: Final = 1500
DENOISER_RATE: Final = 7e-4
DENOISER_BATCH: Final = 24
NOISE: Final = (0.03, 1.0)  # levels that the face denoiser is trained with, of pictures in -1..1
PATCH: Final = 64  # px
REDRAWN_OF_EACH: Final = 28  # pictures of a clip that are drawn anew
PASTED: Final = 0.3  # share of the redrawn faces of which only the face is pasted
WORN: Final = 3  # times each calibration clip is worn anew: what wear does is part of how real faces differ
# How often each kind of fake is shown to the head for swapped faces.
KNOWN, BLENDED, SWAPPED = 0.55, 0.3, 0.15


@dataclass(frozen=True, slots=True, eq=False)
class Materials:
    """What a model is made from."""

    real: Examples
    fake: Examples  # swapped faces
    network: AutoEncoder  # draws real faces anew
    backbone: dict[str, Tensor]  # torchvision's MobileNetV2
    words: str  # what all this is, for the model card


def make(materials: Materials, path: Path, seed: int, tell: Tell, effort: float = 1.0) -> Facts:
    """Writes the model to `path`. `effort`: how much of the training is done, 0..1 for a trial. Raises ExamplesError where there are too few clips."""
    real, fake = materials.real, materials.fake
    for name, each in (("real", real), ("fake", fake)):
        if min(len(set(each.of(part).clips)) for part in (Part.TRAIN, Part.CALIBRATE)) < 2:
            raise ExamplesError(f"too few clips of {name} faces: some dozens are needed, and split by clip")
    chance = np.random.default_rng(seed)
    known = Examples(real.pictures, real.clips).some(REDRAWN_OF_EACH)
    originals, copies = [], []
    for number, part in enumerate((Part.TRAIN, Part.CALIBRATE)):
        some = known.of(part)
        say = partial(_between, tell, "drawing faces anew", number / 2, (number + 1) / 2)
        drawn, as_they_were = redrawn(some.pictures, materials.network, chance, say)
        originals.append(Examples(as_they_were, some.clips))
        copies.append(Examples(drawn, some.clips))
    learn_real, learn_fake = real.of(Part.TRAIN), fake.of(Part.TRAIN)
    swaps = list(_of_swaps(learn_real.pictures, learn_fake.pictures))
    redrawn_pairs = [(1.0, partial(_redrawn_pair, originals[0].pictures, copies[0].pictures))]
    swapped = train(
        Lesson(swaps, HARD, True, SWAPPED_NARROWEST, round(effort * SWAPPED_STEPS)),
        materials.backbone,
        seed,
        partial(tell, "training the head for swapped faces"),
    )
    generated = train(
        Lesson(redrawn_pairs, MILD, False, GENERATED_NARROWEST, round(effort * GENERATED_STEPS)),
        materials.backbone,
        seed,
        partial(tell, "training the head for generated faces"),
    )
    denoiser = _trained_denoiser(
        learn_real.pictures,
        round(effort * DENOISER_STEPS),
        seed,
        partial(tell, "training the face denoiser"),
    )
    tell("calibrating", 0.0)
    facts = calibrated(
        (swapped, generated),
        real.of(Part.CALIBRATE),
        fake.of(Part.CALIBRATE),
        copies[1],
        materials.words,
        chance,
    )
    found = residuals(denoiser, as_pictures([resized(one, SIDE) for one in real.of(Part.CALIBRATE).pictures]))
    more = {f"denoiser.{name}": value for name, value in denoiser.state_dict().items()}
    more |= {"real.mean": found.mean(dim=0), "real.spread": found.std(dim=0)}
    path.parent.mkdir(parents=True, exist_ok=True)
    save(path, (swapped, generated), facts, more)
    return facts


def calibrated(
    heads: tuple[Head, Head],
    real: Examples,
    swapped: Examples,
    redrawn_faces: Examples,
    words: str,
    chance: Generator,
) -> Facts:
    """What the heads say of clips that neither has seen, as they come and worn."""
    of_real, of_swapped, of_redrawn = (
        _logits(heads, each, chance) for each in (real, swapped, redrawn_faces)
    )
    return facts_of(of_real, of_swapped, of_redrawn, words)


def _of_swaps(real: NDArray[np.uint8], fake: NDArray[np.uint8]) -> Iterator[tuple[float, Maker]]:
    def pick(some: NDArray[np.uint8], chance: Generator) -> NDArray[np.uint8]:
        return np.asarray(some[chance.integers(len(some))], np.uint8)

    def known(chance: Generator) -> Pair:
        return Pair(pick(real, chance), pick(fake, chance))

    def blended(chance: Generator) -> Pair:
        face = pick(real, chance)
        return Pair(face, self_blend(face, chance))

    def swapped(chance: Generator) -> Pair:
        face = pick(real, chance)
        return Pair(face, swap(face, pick(real, chance), chance))

    yield from ((KNOWN, known), (BLENDED, blended), (SWAPPED, swapped))


def _redrawn_pair(originals: NDArray[np.uint8], copies: NDArray[np.uint8], chance: Generator) -> Pair:
    index = chance.integers(len(originals))
    real, copy = originals[index], copies[index]
    return Pair(real, blend(copy, real, face_mask(len(real), chance)) if chance.random() < PASTED else copy)


def _trained_denoiser(
    faces: NDArray[np.uint8], steps: int, seed: int, done: Callable[[float], None]
) -> Denoiser:
    torch.manual_seed(seed)
    chance = np.random.default_rng(seed)
    patches = np.stack([_patch(resized(face, SIDE), chance) for face in faces for _ in range(2)])
    data = 2 * torch.from_numpy(patches[..., ::-1].copy()).permute(0, 3, 1, 2).float() / 255 - 1
    denoiser = face_denoiser()
    train_denoiser(
        denoiser,
        data,
        None,
        steps=steps,
        rate=DENOISER_RATE,
        batch=DENOISER_BATCH,
        noise=NOISE,
        seed=seed,
        done=done,
    )
    return denoiser


def _patch(face: NDArray[np.uint8], chance: Generator) -> NDArray[np.uint8]:
    top, left = chance.integers(0, SIDE - PATCH + 1, 2)
    patch = face[top : top + PATCH, left : left + PATCH]
    return patch[:, ::-1] if chance.random() < 0.5 else patch


def _logits(heads: tuple[Head, Head], examples: Examples, chance: Generator) -> list[Floats]:
    """(pictures, 2) for each clip, once as it came and WORN times worn, each in its own way."""
    told = []
    for clip in dict.fromkeys(examples.clips):
        own = [examples.pictures[at] for at, name in enumerate(examples.clips) if name == clip]
        ways = [None, *(Wear.drawn(MILD, chance) for _ in range(WORN))]
        for way in ways:
            crops = [way.of(one) if way else resized(one, SIDE) for one in own]
            told.append(_of_heads(heads, crops))
    return told


def _of_heads(heads: tuple[Head, Head], crops: Sequence[NDArray[np.uint8]]) -> Floats:
    pictures = as_pictures(crops)
    with torch.inference_mode():
        return torch.stack([head(pictures).logit for head in heads], dim=1).double().numpy()


def _between(tell: Tell, what: str, low: float, high: float, share: float) -> None:
    tell(what, low + (high - low) * share)
