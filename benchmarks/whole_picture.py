"""Whether the shipped head for generated faces tells whole pictures that a machine has drawn. It does not.

    python -m benchmarks.whole_picture [--shared SHARED] [--photos 24] [--network taef2] [--json]

SHARED holds data/bsds500 (photos), data/videos and models/taef2. Each photo's middle square is drawn anew at
256 and at 128 px by the auto-encoder that the head's own hard negatives came from: the easiest generator
there is for it, so what it misses here it misses everywhere. It is seen whole at 128 px, and in four tiles
of the 256 px. Beside it stand two baselines: how sharp a picture is, and how many bytes a pixel its JPEG has.

Over time: how unevenly pictures change (the standard deviation of second-order differences of the
embedding; D3, Zheng et al. 2025) in real footage, and in the same footage drawn anew picture by picture.
In brackets 95 % by drawing photos anew.
"""

import argparse
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from detectors.deepfake.autoencoder import AutoEncoder, auto_encoder
from detectors.deepfake.compression import Codec, Compression
from detectors.deepfake.crop import Crop, whole
from detectors.deepfake.model import Model
from detectors.deepfake.redrawing import trip
from detectors.deepfake.running import as_pictures
from detectors.deepfake.wear import resized
from detectors.device import limit_torch_threads
from detectors.roc import auc, interval
from detectors.store import Store

LARGE: Final = 256  # px of the square that is drawn anew
SEEN: Final = 128  # px that the head looks at
QUALITIES: Final = (None, 90, 40)  # of JPEG
PARTS: Final = ("val", "test")
RUN: Final = 16  # pictures of a piece of footage,
FPS: Final = 8.0  # as D3 takes them
PIECES: Final = 2  # of each video

Picture = NDArray[np.uint8]
Floats = NDArray[np.float64]


def photos(folder: Path, most: int) -> list[Picture]:
    """The middle squares of so many, spread evenly: (LARGE, LARGE, 3) BGR."""
    files = sorted(folder.rglob("*.jpg"))
    picked = [files[round(at)] for at in np.linspace(0, len(files) - 1, min(most, len(files)))]
    return [whole(np.asarray(cv2.imread(str(path)), np.uint8), LARGE).around for path in picked]


def redrawn(pictures: Sequence[Picture], network: AutoEncoder) -> list[Picture]:
    """Each drawn anew at its own size."""
    return [trip(one[None], network)[0] for one in pictures]


def compared(model: Model, real: Sequence[Picture], fake: Sequence[Picture]) -> dict[str, Any]:
    """Areas under the curve of everybody who looks at the pictures, by JPEG quality."""
    flags = np.arange(len(real) + len(fake)) >= len(real)
    told = {}
    for quality in QUALITIES:
        seen = [Compression(Codec.JPEG, quality).of(one) if quality else one for one in (*real, *fake)]
        scores = model.score([Crop(one, one) for one in (resized(each, SEEN) for each in seen)])
        ways: dict[str, Floats] = {"head": scores.generated, "both heads": scores.fused}
        if len(seen[0]) == LARGE:
            tiles = [_tile(one, row, column) for one in seen for row in (0, 1) for column in (0, 1)]
            ways["head, tiles"] = (
                model.score([Crop(one, one) for one in tiles]).generated.reshape(-1, 4).mean(1)
            )
        ways["sharpness"] = np.array([-_sharpness(one) for one in seen])
        ways["bytes"] = np.array([-_bytes(one) for one in seen])
        told[f"JPEG {quality}" if quality else "not compressed"] = {
            "auc": {name: auc(each, flags) for name, each in ways.items()},
            "interval": interval(auc, [each[None] for each in scores.generated], [f[None] for f in flags]),
            "head_of_real": [float(scores.generated[~flags].mean()), float(scores.generated[~flags].std())],
            "head_of_redrawn": float(scores.generated[flags].mean()),
        }
    return told


def uneven(model: Model, pictures: Sequence[Picture]) -> float:
    """D3 of one piece of footage: lower where pictures follow each other too smoothly."""
    with torch.inference_mode():
        seen = model.trunk(as_pictures(pictures)).embedding.double().numpy()
    pace = np.linalg.norm(np.diff(seen, axis=0), axis=1)
    return float(np.diff(pace).std())


def footage(path: Path) -> list[list[Picture]]:
    """PIECES of RUN pictures, FPS a second, spread over the video."""
    video = cv2.VideoCapture(str(path))
    rate, many = video.get(cv2.CAP_PROP_FPS) or FPS, int(video.get(cv2.CAP_PROP_FRAME_COUNT))
    step = max(1, round(rate / FPS))
    pieces = []
    for begin in np.linspace(0, max(0, many - RUN * step), PIECES):
        video.set(cv2.CAP_PROP_POS_FRAMES, int(begin))
        taken: list[Picture] = []
        for number in range(RUN * step):
            good, picture = video.read()
            if good and number % step == 0:
                taken.append(whole(np.asarray(picture, np.uint8), SEEN).around)
        pieces.append(taken)
    video.release()
    return [one for one in pieces if len(one) == RUN]


def measure(shared: Path, most: int, network: AutoEncoder, say: Callable[[str], None]) -> dict[str, Any]:
    """Everything, as one JSON object."""
    model = Model()
    result: dict[str, Any] = {"weights": model.sha256}
    for part in PARTS:
        real = photos(shared / "data/bsds500" / part, most)
        small = [resized(one, SEEN) for one in real]
        for side, some in ((LARGE, real), (SEEN, small)):
            say(f"{part}: drawing {len(some)} photos anew at {side} px")
            result[f"{part}, drawn anew at {side} px"] = compared(model, some, redrawn(some, network))
    say("footage")
    pieces = [one for path in sorted((shared / "data/videos").glob("*.mp4")) for one in footage(path)]
    real_pace = np.array([uneven(model, one) for one in pieces])
    fake_pace = np.array([uneven(model, redrawn(one, network)) for one in pieces])
    flags = np.arange(2 * len(pieces)) >= len(pieces)
    result["footage"] = {
        "pieces": len(pieces),
        "uneven_real": float(real_pace.mean()),
        "uneven_redrawn": float(fake_pace.mean()),
        "auc_of_smooth_as_fake": auc(-np.concatenate([real_pace, fake_pace]), flags),
    }
    return result


def _tile(picture: Picture, row: int, column: int) -> Picture:
    return picture[row * SEEN : (row + 1) * SEEN, column * SEEN : (column + 1) * SEEN]


def _sharpness(picture: Picture) -> float:
    return float(cv2.Laplacian(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), cv2.CV_64F).var())


def _bytes(picture: Picture) -> float:
    return float(len(cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 90])[1]) / picture.size)


def main() -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    parser.add_argument("--photos", type=int, default=24)
    parser.add_argument("--network", default="taef2")
    parser.add_argument("--json", action="store_true")
    wanted = parser.parse_args()
    limit_torch_threads()
    network = auto_encoder(Store((wanted.shared / "models",)), wanted.network)
    result = measure(wanted.shared, wanted.photos, network, (lambda _: None) if wanted.json else print)
    if wanted.json:
        print(json.dumps(result, indent=1))
        return
    for name, rows in result.items():
        if name == "weights":
            continue
        print(f"\n{name}")
        for row, facts in rows.items():
            if not isinstance(facts, dict):
                print(f"  {row}: {facts:.4g}")
                continue
            low, high = facts["interval"]
            words = ", ".join(f"{way} {value:.3f}" for way, value in facts["auc"].items())
            print(f"  {row}: {words}; head [{low:.2f}..{high:.2f}]")
            print(
                f"    head of real {facts['head_of_real'][0]:.2f} +- {facts['head_of_real'][1]:.2f}, "
                f"of redrawn {facts['head_of_redrawn']:.2f}"
            )


if __name__ == "__main__":
    main()
