"""What was learned of one camera, and its folder: weights in safetensors, numbers in JSON, replaced as one.

The JSON names the other files by their hashes and is written last: a folder always holds one whole normal.
"""

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import safetensors.torch
import torch

from config.whole_file import write_whole
from detectors.anomaly import features, scenery, scenery_score, score
from detectors.anomaly.features import NAMES, Background, Floats
from detectors.anomaly.method import NormalError
from detectors.anomaly.scenery import Backdrop
from detectors.anomaly.scenery_score import Scenery
from detectors.anomaly.score import Expectation
from detectors.anomaly.threshold import Tail
from detectors.diffusion.edm import Denoiser, Perceptron

VERSION = 6
NETWORK = {"features": len(NAMES), "conditions": 4, "width": 128, "depth": 3}
INDEX = "normal.json"
EXPECTATION = ("mean", "whiten", "rarity", "places")  # arrays of an Expectation,
SCENERY = ("mean", "spread", "whiten", "places")  # and of a Scenery
# What JSON, safetensors and torch raise where a file is not what it should be.
DAMAGE = (ValueError, KeyError, TypeError, AttributeError, RuntimeError, safetensors.SafetensorError)


@dataclass(frozen=True, slots=True, eq=False)
class Normal:
    """One camera's normal."""

    background: Background
    expectation: Expectation
    tail: Tail
    gap: float  # seconds between the pictures that flow compared
    left_out: int  # blocks of the footage that were too unusual to learn from
    scenery: Scenery | None = None  # None where pictures came too seldom to tell what stands still
    sha256: str = ""  # of the weights as they lie on disk

    @property
    def shape(self) -> tuple[int, ...]:
        """(H, W) of the pictures that it was learned from."""
        return self.background.grey.shape

    @property
    def blocks(self) -> int:
        """Of normal footage that its tail stands on."""
        return self.tail.blocks


def recipe() -> str:
    """A hash of how features and scores are made: what was learned by another recipe is useless."""
    facts = {
        name: repr(value)
        for module in (features, score, scenery, scenery_score)
        for name, value in vars(module).items()
        if name.isupper()
    }
    text = json.dumps([VERSION, NETWORK, sorted(facts.items())])
    return hashlib.sha256(text.encode()).hexdigest()


def save(normal: Normal, folder: Path) -> str:
    """Writes the normal in place of what was there, and returns the weights' hash. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    files = blobs(normal)
    for name, blob in files.items():
        write_whole(folder / name, blob)
    for old in folder.glob("*.safetensors"):
        if old.name not in files:
            old.unlink()
    return str(json.loads(files[INDEX])["sha256"]["weights"])


def blobs(normal: Normal) -> dict[str, bytes]:
    """The files of a normal by name, the JSON last."""
    weights, scene = _parts(normal)
    scenery = normal.scenery
    parts = {
        "weights": safetensors.torch.save(weights),
        "background": safetensors.torch.save(
            scene
        ),  # apart: it goes on following the light, the weights stay
    }
    hashes = {part: hashlib.sha256(blob).hexdigest() for part, blob in parts.items()}
    numbers = {
        "version": VERSION,
        "recipe_sha256": recipe(),
        "sha256": hashes,
        "tail": asdict(normal.tail),
        "gap": normal.gap,
        "left_out": normal.left_out,
        "scenery": scenery
        and {"usual": scenery.usual, "middle": scenery.middle, "tail": asdict(scenery.tail)},
    }
    files = {_name(part, hashes[part]): blob for part, blob in parts.items()}
    return files | {INDEX: json.dumps(numbers, indent=1).encode()}


def load(folder: Path) -> Normal | None:
    """The normal in a folder, None where nothing was learned yet. Raises NormalError."""
    try:
        numbers = json.loads((folder / INDEX).read_bytes())
        if numbers["version"] != VERSION or numbers["recipe_sha256"] != recipe():
            raise NormalError("it was learned by another version")
        parts = {}
        for part in ("weights", "background"):
            sha256 = str(numbers["sha256"][part])
            blob = (folder / _name(part, sha256)).read_bytes()
            if hashlib.sha256(blob).hexdigest() != sha256:
                raise NormalError(f"the file {_name(part, sha256)} is not what was written")
            parts[part] = safetensors.torch.load(blob)
        return _assembled(parts["weights"], parts["background"], numbers)
    except FileNotFoundError as missing:
        if Path(missing.filename).name == INDEX:
            return None
        raise NormalError(f"the file {Path(missing.filename).name} is missing") from missing
    except OSError as error:
        raise NormalError(f"it cannot be read: {error.strerror}") from error
    except DAMAGE as error:
        raise NormalError(f"it is damaged ({type(error).__name__})") from error


def _parts(normal: Normal) -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor]]:
    """What stays as it was learned, and what follows the light."""
    expectation, background, scenery = normal.expectation, normal.background, normal.scenery
    weights = {name: getattr(expectation, name) for name in EXPECTATION}
    scene = {"grey": background.grey, "noise": background.noise, "colour": background.colour}
    if scenery:
        weights |= {f"scenery.{name}": getattr(scenery, name) for name in SCENERY}
        scene |= {"scenery.grey": scenery.backdrop.grey, "scenery.colour": scenery.backdrop.colour}
    state = {f"denoiser.{name}": part for name, part in expectation.denoiser.state_dict().items()}
    return _tensors(weights) | state, _tensors(scene)


def _assembled(
    weights: dict[str, torch.Tensor], scene: dict[str, torch.Tensor], numbers: dict[str, Any]
) -> Normal:
    denoiser = Denoiser(Perceptron(**NETWORK))
    state = {name: part for name, part in weights.items() if name.startswith("denoiser.")}
    denoiser.load_state_dict({name.removeprefix("denoiser."): part for name, part in state.items()})
    scenery = None
    if numbers["scenery"]:
        scenery = Scenery(
            backdrop=Backdrop(scene["scenery.grey"].numpy(), scene["scenery.colour"].numpy()),
            usual=float(numbers["scenery"]["usual"]),
            middle=float(numbers["scenery"]["middle"]),
            tail=Tail(**numbers["scenery"]["tail"]),
            **{name: weights[f"scenery.{name}"].numpy() for name in SCENERY},
        )
    return Normal(
        background=Background(*(scene[name].numpy() for name in ("grey", "noise", "colour"))),
        expectation=Expectation(
            denoiser=denoiser.eval().requires_grad_(False),
            **{name: weights[name].numpy() for name in EXPECTATION},
        ),
        tail=Tail(**numbers["tail"]),
        gap=float(numbers["gap"]),
        left_out=int(numbers["left_out"]),
        scenery=scenery,
        sha256=str(numbers["sha256"]["weights"]),
    )


def _tensors(arrays: dict[str, Floats]) -> dict[str, torch.Tensor]:
    return {name: torch.from_numpy(np.ascontiguousarray(array)) for name, array in arrays.items()}


def _name(part: str, sha256: str) -> str:
    return f"{part}-{sha256[:12]}.safetensors"
