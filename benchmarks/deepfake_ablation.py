"""What each part of making the deepfake heads is worth: heads trained without it, on the same clips and seed.

    python -m benchmarks.deepfake_ablation [--shared SHARED] [--steps 150] [--seed 1] [--only NAMES] [--json]

Short trainings (the shipped heads have 350 and 450 steps), so compare rows with each other and not with
docs/deepfake.md's figures. Crop AUC on the test clips of the swaps (as they are, and as JPEG 40), on real
test faces that were drawn anew, and on the portraits. The fake portraits are for this report alone.
"""

import argparse
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from detectors.deepfake import pairs, training
from detectors.deepfake.autoencoder import auto_encoder
from detectors.deepfake.compression import Codec, Compression
from detectors.deepfake.crop import Crop, crop_of, whole
from detectors.deepfake.examples import Part, faces
from detectors.deepfake.making import BLENDED, GENERATED_NARROWEST, KNOWN, SWAPPED, SWAPPED_NARROWEST
from detectors.deepfake.network import SIDE, Head
from detectors.deepfake.redrawing import redrawn
from detectors.deepfake.running import as_pictures
from detectors.deepfake.training import Lesson, Maker
from detectors.deepfake.wear import HARD, MILD
from detectors.faces.face import FaceFinder
from detectors.faces.finder import choose_finder
from detectors.roc import auc
from detectors.store import Store, read_tensors

EACH: Final = 12  # pictures of a clip that are drawn anew, and that are tested with
POOR: Final = Compression(Codec.JPEG, 40)
SMALLEST: Final = 48  # px of faces
BATCH: Final = 32


def tell(what: str, share: float) -> None:
    print(f"\r{what} {share:.0%}      ", end="", file=sys.stderr)


class Ground:
    """The pictures, read and drawn anew once for all heads."""

    def __init__(self, shared: Path, seed: int) -> None:
        store = Store([shared / "models"])
        self.backbone = read_tensors(store.find("mobilenet_v2"))
        real, fake = (faces(shared / "data/faceswap_crops" / half) for half in ("real", "fake"))
        self.real, self.fake = real.of(Part.TRAIN), fake.of(Part.TRAIN)
        chance, network = np.random.default_rng(seed), auto_encoder(store, "taef2")
        some = self.real.some(EACH)
        self.copies, self.originals = redrawn(some.pictures, network, chance, lambda s: tell("redrawing", s))
        test = real.of(Part.TEST).some(EACH)
        again, before = redrawn(test.pictures, network, chance, lambda s: tell("redrawing", s))
        self.halves: dict[str, tuple[list[Crop], list[Crop]]] = {
            "swaps": (_whole(test.pictures), _whole(fake.of(Part.TEST).some(EACH).pictures)),
            "redrawn": (_whole(before), _whole(again)),
        }
        self.halves["swaps as JPEG 40"] = (
            [_squeezed(one) for one in self.halves["swaps"][0]],
            [_squeezed(one) for one in self.halves["swaps"][1]],
        )
        finder = choose_finder(store)
        portraits = [
            _portraits(shared / "data/diffusion_portraits" / half, finder) for half in ("real", "fake")
        ]
        self.halves["portraits"] = (portraits[0], portraits[1])

    def lessons(self) -> dict[str, Callable[[int], Lesson]]:
        """By name, given the steps; those of the shipped heads first."""
        real = pairs.drawn((1, self.real.pictures))
        fake = pairs.drawn((1, self.fake.pictures))
        known = (KNOWN, pairs.known(real, fake))
        as_filmed = (KNOWN, pairs.known(real, fake, matched=0.0))
        plain = replace(HARD, toned=0.0, sharpened=0.0)
        blended = (BLENDED, pairs.blended(real))
        swapped = (SWAPPED, pairs.swapped(real))
        redraw = (SWAPPED, pairs.redrawn(self.originals, self.copies))
        every = [known, blended, swapped]

        def of_swaps(makers: Sequence[tuple[float, Maker]], **other: Any) -> Callable[[int], Lesson]:
            rest: dict[str, Any] = {"hardship": HARD, "together": True, **other}
            return lambda steps: Lesson(makers, SWAPPED_NARROWEST, steps=steps, **rest)

        def of_redrawn(**other: Any) -> Callable[[int], Lesson]:
            rest: dict[str, Any] = {"hardship": MILD, "together": False, **other}
            return lambda steps: Lesson([redraw], GENERATED_NARROWEST, steps=steps, **rest)

        return {
            "swapped: as shipped": of_swaps(every),
            "swapped: without known swaps": of_swaps([blended, swapped]),
            "swapped: known swaps alone": of_swaps([known]),
            "swapped: and redrawn faces": of_swaps([*every, redraw]),
            "swapped: colours as they came": of_swaps([as_filmed, blended, swapped]),
            "swapped: not toned, not sharpened": of_swaps(every, hardship=plain),
            "swapped: neither of both": of_swaps([as_filmed, blended, swapped], hardship=plain),
            "swapped: mild wear, each its own": of_swaps(every, hardship=MILD, together=False),
            "swapped: no contrastive loss": of_swaps(every, contrastive=0.0),
            "generated: as shipped": of_redrawn(),
            "generated: hard wear, both alike": of_redrawn(hardship=HARD, together=True),
            "generated: no contrastive loss": of_redrawn(contrastive=0.0),
        }


def areas(head: Head, ground: Ground, generated: bool) -> dict[str, float]:
    """Crop AUC on each set: the head sees the face alone, or what is around it."""

    def scores(crops: Sequence[Crop]) -> NDArray[np.float64]:
        looks = [one.around if generated else one.face for one in crops]
        with torch.inference_mode():
            parts = [head(as_pictures(looks[at : at + BATCH])).logit for at in range(0, len(looks), BATCH)]
        return torch.cat(parts).double().numpy()

    told = {}
    for name, (real, fake) in ground.halves.items():
        flags = np.arange(len(real) + len(fake)) >= len(real)
        told[name] = auc(np.concatenate([scores(real), scores(fake)]), flags)
    return told


def measure(ground: Ground, steps: int, seed: int, only: str) -> dict[str, dict[str, float]]:
    """Trains and tests one head after the other."""
    result = {}
    for name, lesson in ground.lessons().items():
        if only in name:
            head = training.train(lesson(steps), ground.backbone, seed, _telling(name))
            result[name] = areas(head, ground, name.startswith("generated"))
            print(f"\r{name}: {result[name]}", file=sys.stderr)
    return result


def _telling(name: str) -> Callable[[float], None]:
    return lambda share: tell(name, share)


def _portraits(folder: Path, finder: FaceFinder) -> list[Crop]:
    """The largest face of each picture that shows one."""
    crops = []
    for path in sorted(folder.rglob("*.jpg")):
        picture = np.asarray(cv2.imread(str(path)), np.uint8)
        if found := finder.find(picture, SMALLEST):
            crops.append(crop_of(picture, max(found, key=lambda one: one.width * one.height), SIDE))
    return crops


def _whole(pictures: NDArray[np.uint8]) -> list[Crop]:
    return [whole(one, SIDE) for one in pictures]


def _squeezed(crop: Crop) -> Crop:
    return Crop(POOR.of(crop.face), POOR.of(crop.around))


def show(result: Mapping[str, Mapping[str, float]], steps: int) -> None:
    """As a table."""
    columns = list(next(iter(result.values())))
    table = Table(f"{steps} steps, crop AUC", *columns, box=None)
    for name, row in result.items():
        table.add_row(name, *(f"{row[column]:.3f}" for column in columns))
    Console(highlight=False).print(table)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--shared", type=Path, default=Path(__file__).parents[2] / "shared")
    parser.add_argument("--steps", type=int, default=150)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="", help="heads whose name has this in it")
    parser.add_argument("--json", action="store_true")
    wanted = parser.parse_args()
    ground = Ground(wanted.shared, wanted.seed)
    result = measure(ground, wanted.steps, wanted.seed, wanted.only)
    if wanted.json:
        print(json.dumps(result))
    else:
        show(result, wanted.steps)


if __name__ == "__main__":
    main()
