"""What enrolling a stream's own people is worth, and what tuning the head on them would have cost.

    python -m benchmarks.enrol [--shared SHARED] [--each 28] [--json]

SHARED holds data/faceswap_crops. Of the clips that the shipped weights were made without, each real one is a
stream with one person, or four of them are one with four. The first half of each clip's pictures is
enrolled, as two sightings; the second half, every other real clip (strangers), and every swapped clip are
judged before and after, as they come and as two other cameras would show them. Pictures are taken as faces
that fill them: none is looked for. It also enrols a fake.
"""

import argparse
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import torch
from numpy.random import Generator
from numpy.typing import NDArray

from detectors.deepfake.blending import self_blend, swap
from detectors.deepfake.compression import Codec, Compression
from detectors.deepfake.crop import Crop
from detectors.deepfake.enrolment import measured
from detectors.deepfake.examples import Examples, Part, faces
from detectors.deepfake.likelihood import Clips, Floats
from detectors.deepfake.model import Model
from detectors.deepfake.running import as_pictures
from detectors.deepfake.wear import HARD, UNTONED, Wear, resized
from detectors.device import limit_torch_threads
from detectors.roc import auc

BUDGETS: Final = (1, 10, 50)  # false alarms per thousand faces
OF_FAKES: Final = 12  # pictures of each swapped clip
TOGETHER: Final = 4  # clips of the larger streams
DRAWN: Final = 13  # of these
RIDGES: Final = (1.0, 10.0)  # how strongly a tuned layer is held to the shipped one
ROUNDS: Final = 40  # of Newton's method

Picture = NDArray[np.uint8]


def _sharpened(picture: Picture) -> Picture:
    soft = cv2.GaussianBlur(picture, (0, 0), 1.5).astype(np.float32)
    return np.clip(picture + 1.5 * (picture - soft), 0, 255).astype(np.uint8)


def _poor(picture: Picture) -> Picture:
    noise = np.random.default_rng(1).normal(0, 4, picture.shape)
    return POOR.of(np.clip(picture + noise, 0, 255).astype(np.uint8), len(picture))


POOR: Final = Wear(
    share=0.5,
    mirrored=False,
    gain=0.8,
    lift=0.0,
    blur=0.8,
    tone=UNTONED,
    sharpened=0.0,
    noise=0.0,
    before=None,
    after=Compression(Codec.JPEG, 45),
    seed=0,
)
CAMERAS: Final[Mapping[str, Callable[[Picture], Picture]]] = {
    "as they come": lambda picture: picture,
    "a poor camera": _poor,
    "a camera that sharpens": _sharpened,
}


def by_clip(examples: Examples, camera: Callable[[Picture], Picture], side: int) -> dict[str, list[Crop]]:
    """Crops of each clip, in order."""
    told: dict[str, list[Crop]] = {}
    for picture, clip in zip(examples.pictures, examples.clips, strict=True):
        seen = resized(camera(picture), side)
        told.setdefault(clip, []).append(Crop(seen, seen))
    return told


def streams(clips: Sequence[str]) -> dict[str, list[list[str]]]:
    """Which clips make a stream."""
    chance = np.random.default_rng(1)
    drawn = [sorted(chance.choice(clips, TOGETHER, replace=False).tolist()) for _ in range(DRAWN)]
    return {"one person": [[one] for one in clips], "four people": drawn}


def shares(
    shipped: Clips, real: Mapping[str, Floats], fake: Mapping[str, Floats], groups: Sequence[Sequence[str]]
) -> dict[str, Any]:
    """Alerts of the stream's own people, of strangers and of fakes, by budget, before and after."""
    told: dict[str, dict[str, list[float]]] = {}
    for group in groups:
        enrolled = [half for one in group for half in np.array_split(real[one][: len(real[one]) // 2], 2)]
        own = measured(shipped, enrolled, [number // 2 for number in range(len(enrolled))])
        judged = {
            "own": [real[one][len(real[one]) // 2 :] for one in group],
            "strangers": [scores for one, scores in real.items() if one not in group],
            "fakes": list(fake.values()),
        }
        for when, clips in (("before", shipped), ("after", own)):
            for who, some in judged.items():
                ratios = [clips.log_ratio(float(one.mean()), len(one)) for one in some]
                told.setdefault(when, {}).setdefault(who, []).extend(ratios)
    return {
        when: {
            who: {str(each): float((np.array(some) >= np.log(1000 / each)).mean()) for each in BUDGETS}
            for who, some in people.items()
        }
        for when, people in told.items()
    }


def enrolled_fakes(shipped: Clips, fake: Mapping[str, Floats]) -> dict[str, dict[str, float]]:
    """Shares of swapped clips that are told, by budget: before, and once they themselves were enrolled."""
    ratios: dict[str, list[float]] = {"before": [], "after": []}
    for scores in fake.values():
        half = len(scores) // 2
        own, later = measured(shipped, np.array_split(scores[:half], 2), [0, 0]), scores[half:]
        for when, clips in (("before", shipped), ("after", own)):
            ratios[when].append(clips.log_ratio(float(later.mean()), len(later)))
    return {
        when: {str(each): float((np.array(some) >= np.log(1000 / each)).mean()) for each in BUDGETS}
        for when, some in ratios.items()
    }


def tuned(
    model: Model,
    real: Mapping[str, list[Crop]],
    fake: Mapping[str, list[Crop]],
    groups: Sequence[Sequence[str]],
) -> dict[str, float]:
    """Area under the curve of the stream's people and all swaps, by the ridge; of the last layer alone.

    It learns from the enrolled halves blended with themselves and put onto each other, worn alike.
    """
    chance = np.random.default_rng(0)
    layer = model.trunk.decide
    weight, bias = layer.weight[0].double().numpy(), float(layer.bias[0])
    inputs = {clip: _inputs(model, [one.face for one in some]) for clip, some in real.items()}
    of_fakes = np.concatenate([_inputs(model, [one.face for one in some]) for some in fake.values()])
    made = {clip: _made(model, [one.face for one in some], chance) for clip, some in real.items()}
    areas: dict[str, list[float]] = {}
    for group in groups:
        pairs = [np.concatenate(each) for each in zip(*(made[one] for one in group), strict=True)]
        later = np.concatenate([inputs[one][len(inputs[one]) // 2 :] for one in group])
        layers = {f"ridge {ridge:g}": held_to(weight, bias, pairs[0], pairs[1], ridge) for ridge in RIDGES}
        for name, (own, shift) in {"shipped": (weight, bias), **layers}.items():
            logits = np.concatenate([later, of_fakes]) @ own + shift
            areas.setdefault(name, []).append(auc(logits, np.arange(len(logits)) >= len(later)))
    return {name: float(np.mean(some)) for name, some in areas.items()}


def held_to(weight: Floats, bias: float, real: Floats, fake: Floats, ridge: float) -> tuple[Floats, float]:
    """Logistic regression that begins at a layer and is drawn back to it: inputs (N, D) of two classes."""
    inputs = np.concatenate([real, fake])
    wanted = np.repeat((0.0, 1.0), (len(real), len(fake)))
    mean, spread = inputs.mean(axis=0), inputs.std(axis=0) + 1e-6
    scaled = np.c_[(inputs - mean) / spread, np.ones(len(inputs))]  # (N, D + 1)
    given, change = inputs @ weight + bias, np.zeros(scaled.shape[1])
    for _ in range(ROUNDS):
        likely = 1 / (1 + np.exp(-np.clip(given + scaled @ change, -30, 30)))
        slope = scaled.T @ (likely - wanted) / len(inputs) + ridge * change
        bend = (scaled * (likely * (1 - likely))[:, None]).T @ scaled / len(inputs)
        step = np.linalg.solve(bend + ridge * np.eye(len(change)), slope)
        change -= step * min(1.0, 1 / max(1e-9, float(np.linalg.norm(step))))
    moved = change[:-1] / spread
    return weight + moved, float(bias + change[-1] - moved @ mean)


def _inputs(model: Model, pictures: Sequence[Picture]) -> Floats:
    """(N, D): what the last layer of the head for swapped faces decides by."""
    caught: list[Floats] = []
    hook = model.trunk.decide.register_forward_pre_hook(
        lambda _layer, given: caught.append(given[0].double().numpy())
    )
    with torch.inference_mode():
        for first in range(0, len(pictures), 32):
            model.trunk(as_pictures(pictures[first : first + 32]))
    hook.remove()
    return np.concatenate(caught)


def _made(model: Model, pictures: Sequence[Picture], chance: Generator) -> tuple[Floats, Floats]:
    own = pictures[: len(pictures) // 2]
    real, fake = [], []
    for one in own:
        other = own[int(chance.integers(len(own)))]
        made = swap(one, other, chance) if chance.random() < 1 / 3 else self_blend(one, chance)
        wear = Wear.drawn(HARD, chance)
        real.append(wear.of(one))
        fake.append(wear.of(made))
    return _inputs(model, real), _inputs(model, fake)


def measure(shared: Path, each: int) -> dict[str, Any]:
    """Everything, as one JSON object."""
    model = Model()
    folder = shared / "data/faceswap_crops"
    real = faces(folder / "real").of(Part.TEST).some(each)
    fake = faces(folder / "fake").of(Part.TEST).some(OF_FAKES)
    result: dict[str, Any] = {"weights": model.sha256, "cameras": {}}
    for name, camera in CAMERAS.items():
        of_real, of_fake = (by_clip(some, camera, model.side) for some in (real, fake))
        scores = [{clip: model.score(some).fused for clip, some in one.items()} for one in (of_real, of_fake)]
        groups = streams(sorted(of_real))
        result["cameras"][name] = {
            size: shares(model.clips, scores[0], scores[1], some) for size, some in groups.items()
        }
        if name == next(iter(CAMERAS)):
            result["real_clips"], result["fake_clips"] = len(of_real), len(of_fake)
            result["enrolled_fakes"] = enrolled_fakes(model.clips, scores[1])
            result["tuned"] = {size: tuned(model, of_real, of_fake, some) for size, some in groups.items()}
    return result


def main() -> None:
    """Prints the figures."""
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=raw)
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    parser.add_argument("--each", type=int, default=28, help="pictures of each real clip")
    parser.add_argument("--json", action="store_true")
    wanted = parser.parse_args()
    limit_torch_threads()
    result = measure(wanted.shared, wanted.each)
    if wanted.json:
        print(json.dumps(result, indent=1))
        return
    print(f"{result['real_clips']} real and {result['fake_clips']} swapped clips; alerts in % of clips")
    print("budget per thousand: " + ", ".join(map(str, BUDGETS)))
    for camera, sizes in result["cameras"].items():
        for size, whens in sizes.items():
            for when, people in whens.items():
                words = "; ".join(
                    f"{who} {' '.join(f'{100 * share:.1f}' for share in some.values())}"
                    for who, some in people.items()
                )
                print(f"{camera}, {size}, {when}: {words}")
    print(f"a fake that was enrolled is told: {result['enrolled_fakes']}")
    print(f"the last layer tuned, AUC of own people and swaps: {result['tuned']}")


if __name__ == "__main__":
    main()
