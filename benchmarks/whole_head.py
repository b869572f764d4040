"""What a head tells of whole pictures that was taught on photos and their redrawn copies, and on no face.

    python -m benchmarks.whole_head [--shared SHARED] [--steps 350] [--photos 600] [--seed 1] [--json]

SHARED holds data/bsds500 and data/coco (photos), data/diffusion_portraits, data/kodak24, data/videos and
models/taef2. Squares of 256 px of the photos are drawn anew at 128, 192 or 256 px; a head of the shape that
ships learns to tell them from their originals, with the wear of the head for generated faces. It is shown
photos that it was not taught on, and portraits of press and generator, whole: the mean of four tiles of 128
px, and the picture made small. The portraits are for this report alone: nothing is chosen by them.
"""

import argparse
import json
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from detectors.deepfake.autoencoder import AutoEncoder, auto_encoder
from detectors.deepfake.compression import Codec, Compression
from detectors.deepfake.examples import Part, part_of
from detectors.deepfake.redrawing import AT_ONCE, trip
from detectors.deepfake.running import Running, running
from detectors.deepfake.training import Lesson, Pair, train
from detectors.deepfake.wear import MILD, resized
from detectors.device import limit_torch_threads
from detectors.roc import auc
from detectors.store import Store, read_tensors

SIDE: Final = 256  # px of the squares
TILE: Final = 128  # px that a head looks at
SIZES: Final = (128, 192, 256)  # px at which they are drawn anew
NARROWEST: Final = 0.5  # share of a square that is shown: a tile of it at its own size, at the least
EACH: Final = 2  # squares of each photo that is learned from
QUALITIES: Final = (None, 90, 40)  # of JPEG
STILLS: Final = 10  # of each video

Picture = NDArray[np.uint8]
Pictures = NDArray[np.uint8]  # (N, S, S, 3) BGR


def squares(files: Sequence[Path], each: int, chance: Generator) -> Pictures:
    """Some of every photo, (N, SIDE, SIDE, 3)."""
    found = []
    for path in files:
        photo = _read(path)
        most = min(photo.shape[:2])
        for _ in range(each):
            edge = int(chance.uniform(min(SIDE, 0.8 * most), most))
            top, left = (int(chance.integers(0, side - edge + 1)) for side in photo.shape[:2])
            found.append(resized(photo[top : top + edge, left : left + edge], SIDE))
    return np.stack(found)


def drawn_anew(
    pictures: Pictures, network: AutoEncoder, sizes: Sequence[int], chance: Generator
) -> tuple[Pictures, Pictures]:
    """As they were, made small and large again like their copies; and the copies."""
    originals, copies = pictures.copy(), np.empty_like(pictures)
    for first in range(0, len(pictures), AT_ONCE):
        some = slice(first, first + AT_ONCE)
        size = int(chance.choice(sizes))
        small = np.stack([resized(one, size) for one in pictures[some]])
        originals[some] = [resized(one, SIDE) for one in small]
        copies[some] = [resized(one, SIDE) for one in trip(small, network)]
    return originals, copies


def told(run: Running, pictures: Sequence[Picture], quality: int | None) -> dict[str, NDArray[np.float64]]:
    """(N,) of each way of looking."""
    seen = [Compression(Codec.JPEG, quality).of(one) if quality else one for one in pictures]
    return {
        "four tiles": np.array([run(_tiles(one)).mean() for one in seen]),
        "made small": np.array([run([resized(_middle(one), TILE)])[0] for one in seen]),
    }


def compared(run: Running, real: Sequence[Picture], fake: Sequence[Picture]) -> dict[str, Any]:
    """Areas under the curve, and what real and fake ones are told, by JPEG quality and way of looking."""
    flags = np.arange(len(real) + len(fake)) >= len(real)
    result: dict[str, Any] = {}
    for quality in QUALITIES:
        for way, ours in told(run, real, quality).items():
            theirs = told(run, fake, quality)[way]
            result[f"{way}, {f'JPEG {quality}' if quality else 'as it is'}"] = {
                "auc": auc(np.concatenate([ours, theirs]), flags),
                "real": [float(ours.mean()), float(ours.std())],
                "fake": float(theirs.mean()),
            }
    return result


def measure(
    shared: Path, network: AutoEncoder, most: int, steps: int, seed: int, say: Callable[[str], None]
) -> dict[str, Any]:
    """Everything, as one JSON object."""
    data, chance = shared / "data", np.random.default_rng(seed)
    files = sorted([*data.glob("bsds500/*/*.jpg"), *data.glob("coco/train/*.jpg")])
    files = [files[round(at)] for at in np.linspace(0, len(files) - 1, min(most, len(files)))]
    taught = [path for path in files if part_of(path.stem) is Part.TRAIN]
    kept = [path for path in files if part_of(path.stem) is not Part.TRAIN]
    say(f"drawing squares of {len(taught)} photos anew")
    originals, copies = drawn_anew(squares(taught, EACH, chance), network, SIZES, chance)
    say(f"teaching the head, {steps} steps")
    backbone = read_tensors(Store((shared / "models",)).find("mobilenet_v2"))
    maker = partial(_pair, originals, copies)
    head = train(Lesson([(1.0, maker)], NARROWEST, MILD, False, steps), backbone, seed, lambda _: None)
    run = running(head, "cpu")
    say(f"looking at {len(kept)} other photos, and at portraits")
    real, fake = drawn_anew(squares(kept, 1, chance), network, (SIDE,), chance)
    portraits = [
        [_read(path) for path in sorted((data / "diffusion_portraits" / half).rglob("*.jpg"))]
        for half in ("real", "fake")
    ]
    pristine = [_read(path) for path in sorted((data / "kodak24").iterdir())]
    return {
        "photos, drawn anew": compared(run, list(real), list(fake)),
        "portraits": compared(run, *portraits),
        "real alone": {
            name: [float(one.mean()), float(one.std())]
            for name, some in {"kodak24": pristine, **_stills(data / "videos")}.items()
            for one in [told(run, some, None)["four tiles"]]
        },
    }


def _pair(originals: Pictures, copies: Pictures, chance: Generator) -> Pair:
    index = chance.integers(len(originals))
    return Pair(originals[index], copies[index])


def _stills(folder: Path) -> dict[str, list[Picture]]:
    found: dict[str, list[Picture]] = {}
    for path in sorted(folder.glob("*.mp4")):
        video = cv2.VideoCapture(str(path))
        many = int(video.get(cv2.CAP_PROP_FRAME_COUNT))
        for at in np.linspace(0, max(0, many - 2), STILLS).astype(int):
            video.set(cv2.CAP_PROP_POS_FRAMES, int(at))
            good, picture = video.read()
            if good:
                found.setdefault(path.name, []).append(np.asarray(picture, np.uint8))
        video.release()
    return found


def _read(path: Path) -> Picture:
    return np.asarray(cv2.imread(str(path), cv2.IMREAD_COLOR), np.uint8)


def _tiles(picture: Picture) -> list[Picture]:
    rows, columns = (np.linspace(0, side - TILE, 2).astype(int) for side in picture.shape[:2])
    return [picture[row : row + TILE, column : column + TILE] for row in rows for column in columns]


def _middle(picture: Picture) -> Picture:
    edge = min(picture.shape[:2])
    top, left = ((side - edge) // 2 for side in picture.shape[:2])
    return picture[top : top + edge, left : left + edge]


def main() -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    parser.add_argument("--steps", type=int, default=350)
    parser.add_argument("--photos", type=int, default=600, help="At most.")
    parser.add_argument("--network", default="taef2")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    limit_torch_threads()
    network = auto_encoder(Store((asked.shared / "models",)), asked.network)
    say: Callable[[str], None] = (lambda _: None) if asked.json else print
    result = measure(asked.shared, network, asked.photos, asked.steps, asked.seed, say)
    if asked.json:
        print(json.dumps(result, indent=1))
        return
    for name in ("photos, drawn anew", "portraits"):
        print(f"\n{name}")
        for way, row in result[name].items():
            real, spread = row["real"]
            print(f"  {way}: AUC {row['auc']:.3f}; real {real:.2f} +- {spread:.2f}, fake {row['fake']:.2f}")
    print("\nreal alone, four tiles")
    for name, (mean, spread) in result["real alone"].items():
        print(f"  {name}: {mean:.2f} +- {spread:.2f}")


if __name__ == "__main__":
    main()
