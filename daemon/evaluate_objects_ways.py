"""What is done to photos before objects are looked for: damage, and what takes it away again."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from detectors.denoising import damage
from detectors.denoising.camera import Camera
from detectors.denoising.classical import Bilateral, NonLocalMeans, Stabilised
from detectors.denoising.gate import Way as Choice
from detectors.denoising.model import DenoiserModel
from detectors.denoising.noise import Noise, Restorer
from detectors.objects.sliced import PARTS, SIDE

Picture = NDArray[np.uint8]
Harm = Callable[[Picture, Generator], Picture]

CHAIN_CRF: Final = 30
CHAIN_PICTURES: Final = 3  # of a camera's stream, the last of which is looked at


def _filmed(picture: Picture, rng: Generator) -> Picture:
    return damage.h264([Camera().film(picture, rng) for _ in range(CHAIN_PICTURES)], CHAIN_CRF)


DAMAGES: Final[Mapping[str, Harm]] = {
    "clean": lambda picture, _: picture,
    "sigma 15": lambda picture, rng: damage.white(picture, 15, rng),
    "sigma 25": lambda picture, rng: damage.white(picture, 25, rng),
    "sigma 50": lambda picture, rng: damage.white(picture, 50, rng),
    "sigma 75": lambda picture, rng: damage.white(picture, 75, rng),
    "low light": damage.low_light,
    "camera": _filmed,
    "jpeg 10": lambda picture, _: damage.jpeg(picture, 10),
    "crf 35": lambda picture, _: damage.h264([picture], 35),
    "crf 42": lambda picture, _: damage.h264([picture], 42),
    "fog": lambda picture, rng: damage.fog(picture, 2, rng),
}


@dataclass(frozen=True, slots=True)
class Way:
    """What takes noise away, for every picture, by what is estimated of it."""

    restorer: Restorer | None = None  # None: nothing does
    sliced: bool = False  # whether the finder looks at parts of the picture, too

    def __call__(self, picture: Picture, noise: Noise) -> Picture:
        """A picture of the same size."""
        return picture if self.restorer is None else self.restorer.restore(picture, noise)

    def __str__(self) -> str:
        """The same for whatever gives the same pictures."""
        restorer = self.restorer.sha256 if self.restorer and self.restorer.sha256 else repr(self.restorer)
        return f"Way(restorer={restorer})" + (f", slices {PARTS} of {SIDE}" if self.sliced else "")


CLASSICAL: Final[Mapping[str, Restorer]] = {
    "bilateral": Bilateral(),
    "bilateral+vst": Stabilised(Bilateral()),
    "nlm": NonLocalMeans(),
    "nlm+vst": Stabilised(NonLocalMeans()),
}
NONE: Final = "none"
ALWAYS: Final = "always"  # the learned denoiser, of every picture
GATED: Final = "gated"  # what the gate chooses for each photo alone
SETTLED: Final = "settled"  # and what it chooses where all photos are one camera's, which it gets to know
SLICED: Final = "sliced"  # nothing is taken out, and parts of the picture are looked at, too
WAYS: Final = (NONE, GATED, SETTLED, ALWAYS, *CLASSICAL, SLICED)
USUAL: Final = (NONE, GATED, SETTLED, ALWAYS, "bilateral", "bilateral+vst")  # the others take long
CHOICES: Final[Mapping[Choice, str]] = {
    Choice.PLAIN: NONE,
    Choice.CLASSICAL: "bilateral",
    Choice.DENOISER: ALWAYS,
}


@dataclass(frozen=True, slots=True)
class Plan:
    """What photos go through."""

    ways: Mapping[str, Way]
    gates: tuple[str, ...] = ()  # GATED, SETTLED: found out from the other ways, which are among `ways` then
    noisy: Callable[[Picture], float] | None = None  # log odds of a picture's being noisy, for the gates


def plan_of(names: Sequence[str]) -> Plan:
    """By the names of ways; none is always with them. Raises DetectorError where the denoiser is missing."""
    gates = tuple(name for name in (GATED, SETTLED) if name in names)
    wanted = {NONE, *names, *(CHOICES.values() if gates else ())}
    ways = {NONE: Way()}
    noisy = None
    if ALWAYS in wanted:
        model = DenoiserModel()
        ways[ALWAYS] = Way(model)
        noisy = model.noisy.logit
    ways |= {name: Way(one) for name, one in CLASSICAL.items() if name in wanted}
    if SLICED in names:
        ways[SLICED] = Way(sliced=True)
    return Plan(ways, gates, noisy if gates else None)
