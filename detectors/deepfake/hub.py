"""The hub tier: faces judged by larger weights of others, that the user has and names, and a head over them.

The evidence is drawn by the shipped model all the same.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from config.detectors import DeepfakeSettings
from detectors.deepfake.autoencoder import auto_encoder
from detectors.deepfake.crop import Crop
from detectors.deepfake.encoder import Encoder
from detectors.deepfake.heat import Heat
from detectors.deepfake.hub_head import TRAIN, HubHead, load_head
from detectors.deepfake.model import SHIPPED, Model, Scores
from detectors.deepfake.reconstruction import Reconstruction
from detectors.deepfake.scorer import Scorer
from detectors.deepfake.wear import Picture
from detectors.detection import DetectorError
from detectors.device import Device
from detectors.diffusion.folders import open_folder
from detectors.store import Store, Weights

SHORT: Final = 12  # digits of a hash that people are shown


@dataclass(frozen=True, slots=True, eq=False)
class Sources:
    """What makes numbers of crops."""

    encoder: Encoder | None
    reconstruction: Reconstruction | None
    embedded: Model
    weights: Mapping[str, Weights]  # by part: encoder, reconstruction

    @property
    def side(self) -> int:
        """px of crops: as many as the one that wants most."""
        return max(each.side for each in (self.encoder, self.reconstruction) if each is not None)

    @property
    def either_way(self) -> NDArray[np.bool_]:
        """(F,) numbers that are strange where they are too small, too: how well a machine draws a face."""
        many = self.encoder.features if self.encoder else 0
        more = self.reconstruction.features if self.reconstruction else 0
        return np.arange(many + more) >= many

    @property
    def words(self) -> str:
        """For people, with hashes."""
        return ", ".join(
            f"{part} {one.name} ({one.sha256[:SHORT]})" for part, one in sorted(self.weights.items())
        )

    @property
    def hashes(self) -> dict[str, str]:
        """Of all that the numbers depend on, by part."""
        own = {part: one.sha256 for part, one in self.weights.items()}
        if self.reconstruction is not None:
            own["shipped model"] = self.embedded.sha256  # its trunk compares
        return own

    def describe(self, pictures: Sequence[Picture]) -> NDArray[np.float32]:
        """(N, F) of square pictures."""
        told = [each.describe(pictures) for each in (self.encoder, self.reconstruction) if each is not None]
        return np.concatenate(told, axis=1)

    def heat(self, crops: Sequence[Crop]) -> list[Heat]:
        """Of each crop, where it differs from real faces."""
        return self.embedded.heat(crops)


class HubModel:
    """Scores crops of faces; remembers nothing."""

    def __init__(self, sources: Sources, head: HubHead, sha256: str) -> None:
        """`sha256`: of the head's file. Raises DetectorError where the head belongs to other weights."""
        own = sources.hashes
        for part in sorted({*own, *head.belongs_to}):
            wanted, there = head.belongs_to.get(part, ""), own.get(part, "")
            if wanted != there:
                raise DetectorError(
                    f"the head belongs to {_named(part, wanted)}, and here is {_named(part, there)}: make "
                    f"one for these weights with `{TRAIN}`, or name the weights that it was made with"
                )
        self._sources = sources
        self._head = head
        self.side = sources.side
        self.clips = head.facts.clips
        self.model = f"{sources.words}, head {sha256[:SHORT]}"
        told = "".join(f"{part} {value}\n" for part, value in sorted({**own, "head": sha256}.items()))
        self.sha256 = hashlib.sha256(told.encode()).hexdigest()

    def score(self, crops: Sequence[Crop]) -> Scores:
        """Of faces with what is around them."""
        if not crops:
            return Scores(np.zeros(0), np.zeros(0), np.zeros(0))
        with _room():
            numbers = self._sources.describe([crop.around for crop in crops])
        return self._head.score(numbers)

    def heat(self, crops: Sequence[Crop]) -> list[Heat]:
        """Drawn by the shipped model."""
        return self._sources.heat(crops) if crops else []


def open_sources(
    encoder: str | None,
    reconstruction: str | None,
    store: Store,
    device: Device = "cpu",
    shipped: Path = SHIPPED,
) -> Sources:
    """Reads what is named from the store; at least one of the two. Slow. Raises DetectorError."""
    embedded = Model(shipped, device)
    found = {
        part: store.find(name)
        for part, name in (("encoder", encoder), ("reconstruction", reconstruction))
        if name
    }
    first, second = found.get("encoder"), found.get("reconstruction")
    with _room():
        return Sources(
            encoder=Encoder(first.path, device) if first else None,
            reconstruction=_reconstruction(second, store, embedded, device) if second else None,
            embedded=embedded,
            weights=found,
        )


def open_scorer(
    settings: DeepfakeSettings, store: Store, head: Path, device: Device = "cpu", shipped: Path = SHIPPED
) -> Scorer:
    """Who scores by these settings; `head`: its file, for larger weights. Raises DetectorError."""
    if settings.encoder is None and settings.reconstruction is None:
        return Model(shipped, device)
    held, sha256 = load_head(head)  # first: it takes no time
    sources = open_sources(settings.encoder, settings.reconstruction, store, device, shipped)
    return HubModel(sources, held, sha256)


def draws_anew(name: str, store: Store, embedded: Model, device: Device = "cpu") -> Reconstruction:
    """What makes generated faces out of real ones to learn from. Raises DetectorError."""
    return _reconstruction(store.find(name), store, embedded, device)


def _reconstruction(weights: Weights, store: Store, embedded: Model, device: Device) -> Reconstruction:
    folder = weights.path
    if folder.is_dir() and not (folder / "vae").is_dir() and any(folder.glob("*encoder*.*")):
        plain = auto_encoder(store, str(folder)).to(device)  # of the TAESD family, as its author has it
        return Reconstruction(plain, None, embedded.trunk, device)
    held = open_folder(folder, device)
    return Reconstruction(held.autoencoder, held.guesser, embedded.trunk, device)


@contextmanager
def _room() -> Iterator[None]:
    """What does not fit into a card is said, and ends nothing."""
    try:
        yield
    except torch.OutOfMemoryError as error:
        raise DetectorError(
            "the card has too little memory for the weights that detectors.deepfake names: name smaller "
            "ones, or set service.device to cpu"
        ) from error


def _named(part: str, sha256: str) -> str:
    return f"the {part} {sha256[:SHORT]}" if sha256 else f"no {part}"
