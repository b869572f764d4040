"""The shipped model: two heads, one for swapped and one for generated faces, and what real faces score.

A file of weights is whole: the heads, the face denoiser that draws the evidence, and in its header what was
measured when it was made.
"""

import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import chain
from pathlib import Path
from typing import Any, Final

import numpy as np
import safetensors
import safetensors.torch
import torch
from numpy.typing import NDArray
from torch import Tensor

from detectors.deepfake.crop import Crop
from detectors.deepfake.heat import Heat, face_denoiser, heat_of, residuals
from detectors.deepfake.likelihood import Clips
from detectors.deepfake.network import SIDE, Head
from detectors.deepfake.running import as_pictures, running
from detectors.deepfake.wear import resized
from detectors.detection import DetectorError
from detectors.device import Device
from detectors.diffusion.edm import Denoiser

SHIPPED: Final = Path(__file__).parent / "weights" / "deepfake.safetensors"
FACTS: Final = "facts"  # the name of the header's entry
HEADS: Final = ("swapped", "generated")
VERSION: Final = 1

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Scale:
    """What one head says of real faces, mean and standard deviation of its logits, and of its fakes."""

    mean: float
    spread: float
    fake: float  # the mean of fakes, in these deviations from this mean

    def of(self, logits: Floats) -> Floats:
        """In standard deviations from what real faces score."""
        return (logits - self.mean) / self.spread


@dataclass(frozen=True, slots=True)
class Faint:
    """The mean of both heads' scores, which is high where each suspects a little."""

    fake: float  # of fakes of both kinds
    variance: float  # of real faces


@dataclass(frozen=True, slots=True)
class Facts:
    """What was measured when the model was made."""

    swapped: Scale
    generated: Scale
    faint: Faint
    clips: Clips  # of fused scores
    made_from: str  # data and seed in words, for the model card

    def to_json(self) -> str:
        return json.dumps({"version": VERSION, **asdict(self)}, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> "Facts":
        """Raises ValueError, KeyError or TypeError where it is something else."""
        raw: dict[str, Any] = json.loads(text)
        if raw["version"] != VERSION:
            raise ValueError(f"it is of version {raw['version']}, and {VERSION} is read here")
        return cls(
            Scale(**raw["swapped"]),
            Scale(**raw["generated"]),
            Faint(**raw["faint"]),
            Clips(**raw["clips"]),
            str(raw["made_from"]),
        )

    def scores(self, swapped: Floats, generated: Floats) -> "Scores":
        """Of the logits of both heads, each (N,).

        A fake is reckoned to be swapped, or generated, or of a kind that each head suspects a little: their
        likelihood ratios are added, each as likely beforehand. The mean of both heads finds fewer of either.
        """
        swapped, generated = self.swapped.of(swapped), self.generated.of(generated)
        ratios = (
            _log_ratio(swapped, self.swapped.fake),
            _log_ratio(generated, self.generated.fake),
            _log_ratio((swapped + generated) / 2, self.faint.fake, self.faint.variance),
        )
        fused = np.logaddexp.reduce(np.stack(ratios), axis=0) - math.log(len(ratios))
        return Scores(swapped, generated, fused)


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """Of N crops, each (N,), higher: rather fake."""

    swapped: Floats  # standard deviations from what real faces score
    generated: Floats
    fused: Floats  # nats: how much likelier such a crop is of a fake than of a real face

    def part(self, first: int, end: int) -> "Scores":
        """Those of some of the crops."""
        return Scores(self.swapped[first:end], self.generated[first:end], self.fused[first:end])


class Model:
    """Scores crops of faces; remembers nothing. Made once, used from one thread."""

    side = SIDE
    model = "embedded"

    def __init__(self, path: Path = SHIPPED, device: Device = "cpu") -> None:
        """Raises DetectorError where the file is not one of this version."""
        try:
            blob = path.read_bytes()
            with safetensors.safe_open(path, "pt") as file:
                self.facts = Facts.from_json((file.metadata() or {})[FACTS])
            tensors = safetensors.torch.load(blob)
            self._heads = [_head(tensors, name, device) for name in HEADS]
            self._denoiser = _denoiser(tensors, device)
            self._real = (tensors["real.mean"].float().to(device), tensors["real.spread"].float().to(device))
        except OSError as error:
            raise DetectorError(
                f"{path} cannot be read ({error.strerror or error}): install framewarden anew"
            ) from error
        except (safetensors.SafetensorError, KeyError, ValueError, TypeError, RuntimeError) as error:
            raise DetectorError(
                f"{path} is no deepfake model of this version ({str(error).splitlines()[0]}): install "
                "framewarden anew, or make one with `framewarden train deepfake`"
            ) from error
        self.sha256 = hashlib.sha256(blob).hexdigest()
        self.clips = self.facts.clips
        self._device = torch.device(device)
        self._running = [running(head, device) for head in self._heads]

    @property
    def trunk(self) -> Head:
        """A head whose maps can be compared."""
        return self._heads[0]

    def score(self, crops: Sequence[Crop]) -> Scores:
        """One crop at a time or many, the scores are the same."""
        looks = [one.face for one in crops], [one.around for one in crops]
        return self.facts.scores(*(run(look) for run, look in zip(self._running, looks, strict=True)))

    def heat(self, crops: Sequence[Crop]) -> list[Heat]:
        """Of each crop, where it differs from real faces: for people to look at."""
        if not crops:
            return []
        found = residuals(
            self._denoiser, as_pictures([resized(one.face, SIDE) for one in crops]).to(self._device)
        )
        return heat_of(found, *self._real)


def _log_ratio(scores: Floats, fake: float, variance: float = 1.0) -> Floats:
    """Of two normal distributions of one variance, about 0 and about `fake`."""
    return fake * (scores - fake / 2) / variance


def save(path: Path, heads: Sequence[Head], facts: Facts, more: dict[str, Tensor]) -> None:
    """Writes a file of weights, in half precision: folded heads as HEADS has them, and tensors besides."""
    named = {
        f"{name}.{key}": value
        for name, head in zip(HEADS, heads, strict=True)
        for key, value in head.state_dict().items()
    }
    tensors = {key: value.half().contiguous() for key, value in chain(named.items(), more.items())}
    path.write_bytes(safetensors.torch.save(tensors, {FACTS: facts.to_json()}))


def _denoiser(tensors: dict[str, Tensor], device: Device) -> Denoiser:
    denoiser = face_denoiser()
    prefix = "denoiser."
    denoiser.load_state_dict(
        {key.removeprefix(prefix): value.float() for key, value in tensors.items() if key.startswith(prefix)}
    )
    return denoiser.eval().requires_grad_(False).to(torch.device(device))


def _head(tensors: dict[str, Tensor], name: str, device: Device) -> Head:
    head = Head(folded=True)
    prefix = f"{name}."
    head.load_state_dict(
        {key.removeprefix(prefix): value.float() for key, value in tensors.items() if key.startswith(prefix)}
    )
    head.eval().requires_grad_(False).to(torch.device(device))
    return head.to(memory_format=torch.channels_last)
