"""Makes the deepfake model: fakes drawn anew, two heads and the face denoiser trained, all calibrated.

One seed, one file. What is measured here goes into the file's header; how good it is, `framewarden evaluate
deepfake` says, on clips that nothing was learned from.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.random import Generator
from numpy.typing import NDArray
from torch import Tensor

from detectors.deepfake import pairs
from detectors.deepfake.autoencoder import AutoEncoder
from detectors.deepfake.calibration import facts_of
from detectors.deepfake.crop import Crop, whole
from detectors.deepfake.examples import Examples, ExamplesError, Part
from detectors.deepfake.heat import face_denoiser, residuals
from detectors.deepfake.model import Facts, Floats, save
from detectors.deepfake.network import SIDE, Head
from detectors.deepfake.redrawing import redrawn
from detectors.deepfake.running import as_pictures
from detectors.deepfake.training import Lesson, train
from detectors.deepfake.wear import HARD, MILD, Wear, resized
from detectors.diffusion.edm import Denoiser
from detectors.diffusion.training import train as train_denoiser

Tell = Callable[[str, float], None]

SWAPPED_STEPS: Final = 450
GENERATED_STEPS: Final = 350
SWAPPED_NARROWEST: Final = 0.75  # share of a picture that a face may be cut to
GENERATED_NARROWEST: Final = 0.85
DENOISER_STEPS: Final = 1500
DENOISER_RATE: Final = 7e-4
DENOISER_BATCH: Final = 24
NOISE: Final = (0.03, 1.0)  # levels that the face denoiser is trained with, of pictures in -1..1
PATCH: Final = 64  # px
REDRAWN_OF_EACH: Final = 28  # pictures of a clip that are drawn anew
WORN: Final = 3  # times each calibration clip is worn anew: what wear does is part of how real faces differ
PHOTOS: Final = 1 / 2  # share of the real faces shown to the head for swapped faces that come from photos
# How often each kind of fake is shown to the head for swapped faces.
KNOWN, BLENDED, SWAPPED = 0.55, 0.3, 0.15


@dataclass(frozen=True, slots=True, eq=False)
class Materials:
    """What a model is made from."""

    real: Examples
    fake: Examples  # swapped faces
    photos: Examples  # more real faces, of people and in light that clips do not have; may be none
    network: AutoEncoder  # draws real faces anew
    backbone: dict[str, Tensor]  # torchvision's MobileNetV2
    words: str  # what all this is, for the model card


def make(materials: Materials, path: Path, seed: int, tell: Tell, effort: float = 1.0) -> Facts:
    """Writes the model to `path`. Raises ExamplesError where there are too few clips.

    `effort`: how much of the training is done, 0..1: less for a trial.
    """
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
    learn_real = real.of(Part.TRAIN)
    photos = materials.photos.of(Part.TRAIN, Part.TEST)  # nothing is measured with them
    a_real = pairs.drawn((1 - PHOTOS, learn_real.pictures), (PHOTOS, photos.pictures))
    a_fake = pairs.drawn((1, fake.of(Part.TRAIN).pictures))
    redraw = pairs.redrawn(originals[0].pictures, copies[0].pictures)
    swaps = [
        (KNOWN, pairs.known(a_real, a_fake)),
        (BLENDED, pairs.blended(a_real)),
        (SWAPPED, pairs.swapped(a_real)),
    ]
    swapped = train(
        Lesson(swaps, SWAPPED_NARROWEST, HARD, True, round(effort * SWAPPED_STEPS)),
        materials.backbone,
        seed,
        partial(tell, "training the head for swapped faces"),
    )
    generated = train(
        Lesson([(1.0, redraw)], GENERATED_NARROWEST, MILD, False, round(effort * GENERATED_STEPS)),
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
    facts = _calibrated((swapped, generated), materials, copies[1], chance, partial(tell, "calibrating"))
    found = residuals(denoiser, as_pictures([resized(one, SIDE) for one in real.of(Part.CALIBRATE).pictures]))
    more = {f"denoiser.{name}": value for name, value in denoiser.state_dict().items()}
    more |= {"real.mean": found.mean(dim=0), "real.spread": found.std(dim=0)}
    path.parent.mkdir(parents=True, exist_ok=True)
    save(path, (swapped, generated), facts, more)
    return facts


def _calibrated(
    heads: tuple[Head, Head],
    materials: Materials,
    redrawn_faces: Examples,
    chance: Generator,
    done: Callable[[float], None],
) -> Facts:
    """What the heads say of clips that neither has seen."""
    given = materials.real, materials.photos, materials.fake
    sets = [_by_clip(each) for each in (*(one.of(Part.CALIBRATE) for one in given), redrawn_faces)]
    told: list[list[Floats]] = [[] for _ in sets]
    for clips, logits in zip(sets, told, strict=True):
        for crops in clips.values():
            done(sum(map(len, told)) / (1 + WORN) / sum(map(len, sets)))
            logits += _logits(heads, crops, chance)
    real, photos, swapped, generated = told
    return facts_of(real + photos, swapped, generated, materials.words)


def _by_clip(examples: Examples) -> dict[str, list[Crop]]:
    clips: dict[str, list[Crop]] = {}
    for clip, picture in zip(examples.clips, examples.pictures, strict=True):
        clips.setdefault(clip, []).append(whole(picture, SIDE))
    return clips


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


def _logits(heads: tuple[Head, Head], crops: Sequence[Crop], chance: Generator) -> list[Floats]:
    """(pictures, 2) for a clip as it came, and for each of WORN ways that it was worn in."""
    told = [_of_heads(heads, crops)]
    for _ in range(WORN):
        way = Wear.drawn(MILD, chance)
        told.append(_of_heads(heads, [Crop(way.of(one.face), way.of(one.around)) for one in crops]))
    return told


def _of_heads(heads: tuple[Head, Head], crops: Sequence[Crop]) -> Floats:
    looks = [one.face for one in crops], [one.around for one in crops]
    with torch.inference_mode():
        told = [head(as_pictures(look)).logit for head, look in zip(heads, looks, strict=True)]
    return torch.stack(told, dim=1).double().numpy()


def _between(tell: Tell, what: str, low: float, high: float, share: float) -> None:
    tell(what, low + (high - low) * share)
