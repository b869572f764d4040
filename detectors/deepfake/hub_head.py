"""A head over the numbers of larger weights: two weighted sums, what real faces get, and what it belongs to.

Made by hub_learning.py from the user's own pictures, and kept as one .safetensors file.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import safetensors
import safetensors.numpy
from numpy.typing import NDArray

from detectors.deepfake.model import FACTS, Facts, Floats, Scores
from detectors.detection import DetectorError

ABOUT: Final = "head"  # the name of the header's entry
FARTHEST: Final = 6.0  # standard deviations from real faces: beyond, one number would outweigh all others
TRAIN: Final = "framewarden train deepfake FACES --encoder NAME --config CONFIG"


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """A weighted sum of inputs."""

    weight: Floats  # (G,)
    bias: float

    def of(self, inputs: Floats) -> Floats:
        """(N,) of inputs (N, G); above 0: rather fake."""
        return inputs @ self.weight + self.bias


@dataclass(frozen=True, slots=True, eq=False)
class Yardstick:
    """How numbers (N, F) become inputs (N, G): in standard deviations from real faces."""

    mean: Floats  # (F,)
    spread: Floats  # (F,)
    either_way: NDArray[
        np.bool_
    ]  # (F,) numbers of which it is told, too, how far they are off in either direction

    def inputs(self, numbers: NDArray[np.float32]) -> Floats:
        """(N, G)."""
        away = np.clip((numbers - self.mean) / self.spread, -FARTHEST, FARTHEST)
        return np.concatenate([away, np.abs(away[:, self.either_way])], axis=1)


@dataclass(frozen=True, slots=True, eq=False)
class HubHead:
    """What was learned."""

    yardstick: Yardstick
    swapped: Line
    generated: Line
    facts: Facts  # measured on clips that were not learned from
    belongs_to: Mapping[str, str]  # sha256 of what makes the numbers, by part: encoder, reconstruction, ...

    def score(self, numbers: NDArray[np.float32]) -> Scores:
        """Of numbers (N, F)."""
        inputs = self.yardstick.inputs(numbers)
        return self.facts.scores(self.swapped.of(inputs), self.generated.of(inputs))

    def save(self, path: Path) -> str:
        """Writes it in place of what was there, and returns its hash. Raises DetectorError."""
        tensors: dict[str, NDArray[Any]] = {
            "mean": self.yardstick.mean,
            "spread": self.yardstick.spread,
            "either_way": self.yardstick.either_way.astype(np.uint8),
            "swapped.weight": self.swapped.weight,
            "swapped.bias": np.array([self.swapped.bias]),
            "generated.weight": self.generated.weight,
            "generated.bias": np.array([self.generated.bias]),
        }
        told = {FACTS: self.facts.to_json(), "belongs_to": dict(self.belongs_to)}
        blob = safetensors.numpy.save(
            tensors, {ABOUT: json.dumps(told, sort_keys=True)}
        )  # of two, order is chance
        draft = path.with_name(f".{path.name}.new")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            draft.write_bytes(blob)
            draft.replace(path)
        except OSError as error:
            raise DetectorError(
                f"cannot write {path} ({error.strerror or error}): name another place with --out"
            ) from error
        return hashlib.sha256(blob).hexdigest()


def load_head(path: Path) -> tuple[HubHead, str]:
    """A head, and its hash. Raises DetectorError."""
    try:
        blob = path.read_bytes()
        with safetensors.safe_open(path, "numpy") as file:
            told = json.loads((file.metadata() or {})[ABOUT])
        facts, belongs_to = Facts.from_json(told[FACTS]), dict(told["belongs_to"])
        tensors = safetensors.numpy.load(blob)
        yardstick = Yardstick(tensors["mean"], tensors["spread"], tensors["either_way"].astype(np.bool_))
        swapped, generated = (
            Line(tensors[f"{kind}.weight"], float(tensors[f"{kind}.bias"][0]))
            for kind in ("swapped", "generated")
        )
    except OSError as error:
        raise DetectorError(
            f"there is no head at {path} ({error.strerror or error}): make one with `{TRAIN}`, or name one "
            "in detectors.deepfake.head"
        ) from error
    except (safetensors.SafetensorError, KeyError, ValueError, TypeError) as error:
        raise DetectorError(
            f"{path} is no head of this version ({error}): make one with `{TRAIN}`"
        ) from error
    return HubHead(yardstick, swapped, generated, facts, belongs_to), hashlib.sha256(blob).hexdigest()
