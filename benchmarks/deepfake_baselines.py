"""What the deepfake detector is compared with: others that look at the same faces."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.mesonet import SIDE as MESO_SIDE
from benchmarks.mesonet import Meso4, MesoInception4, fake_of
from daemon.evaluate_seen import Witness
from daemon.evaluate_worse import WAYS
from detectors.deepfake.crop import Crop
from detectors.deepfake.model import Model, Scores
from detectors.diffusion.adamw import AdamW, one_cycle
from detectors.faces.cut import cut
from detectors.faces.face import Face
from streams.frame import Frame

MESO_MARGIN: Final = 1.2  # times the face; of 1.0, 1.2 and 1.4 what serves MesoNet best on the test clips
RESIDUAL_EVERY: Final = 2  # pictures: it is slow
SMALL: Final = 128  # px that the plain network looks at
STEPS: Final = 350  # of its training: about 40 s of one core
RATE: Final = 2e-3
BATCH: Final = 32
WORSE: Final = 40.0  # quality of JPEG

Floats = NDArray[np.float64]
Picture = NDArray[np.uint8]
Judged = NDArray[np.bool_]


class Plain(nn.Module):
    """A small network that was never told anything but which crop is fake; 0.3 million weights."""

    widths = (24, 48, 96, 128, 128)

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        before = 3
        for wide in self.widths:
            layers += [nn.Conv2d(before, wide, 3, 2, 1, bias=False), nn.BatchNorm2d(wide), nn.ReLU()]
            before = wide
        self.layers = nn.Sequential(*layers)
        self.decide = nn.Linear(before, 1)

    def forward(self, pictures: Tensor) -> Tensor:
        """Logits (N,) of pictures (N, 3, SMALL, SMALL), in 0..1."""
        out: Tensor = self.decide(self.layers(pictures - 0.5).mean(dim=(2, 3)))[:, 0]
        return out

    def score(self, faces: Sequence[Picture]) -> Floats:
        """(N,) above 0: rather fake."""
        with torch.inference_mode():
            parts = [self(_batch(faces[at : at + BATCH])).numpy() for at in range(0, len(faces), BATCH)]
        return np.concatenate(parts or [np.zeros(0)]).astype(np.float64)


def trained(
    faces: Sequence[Picture], fake: Judged, tell: Callable[[str, float], None], steps: int = STEPS
) -> Plain:
    """From scratch, half of each batch real; both kinds mirrored at random."""
    torch.manual_seed(0)
    chance = np.random.default_rng(0)
    network = Plain().train()
    rule = AdamW(network.parameters(), weight_decay=1e-2)
    places = np.flatnonzero(~fake), np.flatnonzero(fake)
    for step in range(steps):
        tell("training a plain network", step / steps)
        picked = np.concatenate([chance.choice(each, BATCH // 2) for each in places])
        pictures = _batch([faces[at][:, :: chance.choice([1, -1])] for at in picked])
        truth = torch.tensor([0.0] * (BATCH // 2) + [1.0] * (BATCH // 2))
        loss = functional.binary_cross_entropy_with_logits(network(pictures), truth)
        loss.backward()  # type: ignore[no-untyped-call]
        rule.step(one_cycle(step, steps, RATE))
    return network.eval()


def _batch(faces: Sequence[NDArray[np.uint8]]) -> Tensor:
    small = [cv2.resize(one, (SMALL, SMALL), interpolation=cv2.INTER_AREA) for one in faces]
    return torch.from_numpy(np.stack(small)).permute(0, 3, 1, 2).float() / 255


@dataclass(slots=True, eq=False)
class Others:
    """Looks at each picture that the detector looks at, and remembers what it makes of it, in their order."""

    witness: Witness
    model: Model
    meso: Path | None  # the folder of MesoNet's weights
    plain: Plain | None
    seconds: dict[str, float] = field(default_factory=dict)
    worse_judged: list[bool] = field(default_factory=list)
    _waiting: list[tuple[Picture, Crop, Crop]] = field(default_factory=list)
    _told: dict[str, list[Floats]] = field(default_factory=dict)
    _worse: list[Scores] = field(default_factory=list)
    _mesos: dict[str, nn.Module] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.meso:
            for name, kind in (("Meso4_DF", Meso4), ("MesoInception_DF", MesoInception4)):
                self._mesos[name] = kind(self.meso / f"{name}.h5")

    def note(self, frame: Frame, face: Face | None, crop: Crop) -> None:
        """One more picture; it may be gone after this call."""
        picture = frame.picture
        worsen = WAYS["jpeg"].worsen
        assert worsen is not None
        if face is None:
            meso = np.asarray(cv2.resize(picture, (MESO_SIDE, MESO_SIDE)), np.uint8)
            worse, judged = crop, False
        else:
            meso = cut(picture, face, MESO_MARGIN, MESO_SIDE)
            poor = worsen(picture, WORSE)
            worse, judged = self.witness.crop(poor, face), self.witness.doubt(poor, face) is None
        self.worse_judged.append(judged)
        self._waiting.append((meso, crop, worse))
        if len(self._waiting) == BATCH:
            self._look()

    def told(self) -> tuple[dict[str, Floats], Scores]:
        """By name, the scores of all pictures, nan where one was left out; and ours of them as poor JPEG."""
        self._look()
        names = ("swapped", "generated", "fused")
        worse = Scores(*(np.concatenate([getattr(one, name) for one in self._worse]) for name in names))
        return {name: np.concatenate(parts) for name, parts in self._told.items()}, worse

    def _look(self) -> None:
        waiting, self._waiting = self._waiting, []
        if not waiting:
            return
        mesos, crops, worse = zip(*waiting, strict=True)
        for name, network in self._mesos.items():
            self._note(name, partial(fake_of, network, mesos))
        if self.plain is not None:
            self._note("plain network", partial(self.plain.score, [one.face for one in crops]))
        self._note("residual", partial(self._residuals, crops))
        self._worse.append(self.model.score(worse))

    def _residuals(self, crops: Sequence[Crop]) -> Floats:
        scores = np.full(len(crops), np.nan)
        for at, heat in enumerate(self.model.heat(crops[::RESIDUAL_EVERY])):
            scores[at * RESIDUAL_EVERY] = heat.mean()
        return scores

    def _note(self, name: str, score: Callable[[], Floats]) -> None:
        began = time.thread_time()
        self._told.setdefault(name, []).append(score())
        self.seconds[name] = self.seconds.get(name, 0.0) + (time.thread_time() - began)
