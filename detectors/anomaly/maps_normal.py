"""What was learned of one camera in maps of numbers, how unusual a picture is by that, and its file."""

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import safetensors
import safetensors.torch
import torch

from config.whole_file import write_whole
from detectors.anomaly.features import Floats
from detectors.anomaly.method import NormalError
from detectors.anomaly.threshold import Tail
from detectors.diffusion.edm import Denoiser, Perceptron

VERSION = 1
NETWORK = {"conditions": 4, "width": 128, "depth": 3}
LEVELS = (0.3, 1.0)  # sigma in whitened features
FILE = "maps-*.safetensors"
NUMBERS = "normal"  # in the file's head
ARRAYS = ("mean", "whiten", "usual")
# What JSON, safetensors and torch raise where a file is not what it should be.
DAMAGE = (ValueError, KeyError, TypeError, AttributeError, RuntimeError, safetensors.SafetensorError)


@dataclass(frozen=True, slots=True, eq=False)
class MapsNormal:
    """One camera's normal."""

    mean: Floats  # (rows, cols, F) what each place usually looks like
    whiten: Floats  # (F, F): (values - mean) @ whiten has about unit covariance over all places
    denoiser: Denoiser  # of whitened features, given the place
    usual: Floats  # (len(LEVELS),) what 99.9 % of normal cells stay under, of each error
    tail: Tail
    shape: tuple[int, ...]  # of the views that it was learned from
    sha256: str = ""  # of the file

    @property
    def blocks(self) -> int:
        """Of normal footage that its tail stands on."""
        return self.tail.blocks

    def raw(self, values: Floats) -> Floats:
        """(rows, cols) raw scores of a picture's maps (rows, cols, F); 1 is seldom reached."""
        return (self.errors(values[None])[0] / self.usual).mean(axis=-1)  # type: ignore[no-any-return]

    def errors(self, values: Floats) -> Floats:
        """(N, rows, cols, len(LEVELS)) how far the denoiser pulls the cells of maps (N, rows, cols, F)."""
        white = torch.from_numpy(((values - self.mean) @ self.whiten).reshape(-1, values.shape[-1]))
        where = torch.from_numpy(places(self.mean.shape[:2])).repeat(len(values), 1)
        pulls = []
        with torch.inference_mode():
            for level in LEVELS:
                clean = self.denoiser(white, torch.full((len(white),), level), where)
                pulls.append((clean - white).norm(dim=1) / level)
            errors: Floats = torch.stack(pulls, dim=1).numpy()
        return errors.reshape(*values.shape[:3], len(LEVELS))


def untrained(features: int) -> Denoiser:
    """Of cells of so many numbers."""
    return Denoiser(Perceptron(features, **NETWORK))


def places(shape: tuple[int, ...]) -> Floats:
    """(rows * cols, 4) where each cell lies, as the denoiser is told."""
    down, across = np.meshgrid(*(np.linspace(-1, 1, side, dtype=np.float32) for side in shape), indexing="ij")
    return np.stack([down, across, down * down, across * across], axis=-1).reshape(-1, 4)


def save(normal: MapsNormal, folder: Path) -> str:
    """Writes the normal in place of what was there, and returns its hash. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {name: torch.from_numpy(np.ascontiguousarray(getattr(normal, name))) for name in ARRAYS}
    tensors |= {f"denoiser.{name}": part for name, part in normal.denoiser.state_dict().items()}
    numbers = {"version": VERSION, "recipe": _recipe(), "tail": asdict(normal.tail), "shape": normal.shape}
    blob = safetensors.torch.save(tensors, {NUMBERS: json.dumps(numbers)})
    sha256 = hashlib.sha256(blob).hexdigest()
    path = folder / FILE.replace("*", sha256)
    write_whole(path, blob)
    for old in folder.glob(FILE):
        if old != path:
            old.unlink()
    return sha256


def load(folder: Path) -> MapsNormal | None:
    """The normal in a folder, None where nothing was learned yet. Raises NormalError."""
    try:
        files = sorted(folder.glob(FILE), key=lambda path: path.stat().st_mtime)
        if not files:
            return None
        blob = files[-1].read_bytes()
        sha256 = hashlib.sha256(blob).hexdigest()
        if files[-1].name != FILE.replace("*", sha256):
            raise NormalError(f"the file {files[-1].name} is not what was written")
        head = json.loads(blob[8 : 8 + int.from_bytes(blob[:8], "little")])
        numbers = json.loads(head["__metadata__"][NUMBERS])
        if numbers["version"] != VERSION or numbers["recipe"] != _recipe():
            raise NormalError("it was learned by another version")
        tensors = safetensors.torch.load(blob)
        denoiser = untrained(len(tensors["whiten"]))
        denoiser.load_state_dict(
            {
                name.removeprefix("denoiser."): part
                for name, part in tensors.items()
                if name.startswith("denoiser.")
            }
        )
        return MapsNormal(
            **{name: tensors[name].numpy() for name in ARRAYS},
            denoiser=denoiser.eval().requires_grad_(False),
            tail=Tail(**numbers["tail"]),
            shape=tuple(map(int, numbers["shape"])),
            sha256=sha256,
        )
    except OSError as error:
        raise NormalError(f"it cannot be read: {error.strerror}") from error
    except DAMAGE as error:
        raise NormalError(f"it is damaged ({type(error).__name__})") from error


def _recipe() -> list[object]:
    """What must be the same for it to be of use."""
    return json.loads(json.dumps([NETWORK, LEVELS]))  # type: ignore[no-any-return]
