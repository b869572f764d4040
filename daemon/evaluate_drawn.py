"""Tries a threshold, before it goes live, on normal things that were drawn instead of seen."""

from dataclasses import asdict, dataclass, field
from pathlib import Path

from daemon.bar import Tell
from detectors.anomaly import learning
from detectors.anomaly.cells import Cells
from detectors.anomaly.hard_normals import stress
from detectors.anomaly.method import Seen
from detectors.anomaly.normal import load
from streams.frame import Frame

MOST = 900  # pictures that are learned from, to draw from


@dataclass(slots=True)
class Rest:
    """The first pictures of the footage that the detector did not learn from."""

    seen: list[Seen] = field(default_factory=list)
    _method: Cells = field(default_factory=Cells)

    def add(self, frame: Frame) -> None:
        if len(self.seen) < MOST:
            self.seen.append(Seen(self._method.view(frame.picture), frame.position, frame.fresh))


def tried(folder: Path, rest: Rest, threshold: float, tell: Tell) -> dict[str, float] | None:
    """What the normal in a subfolder of `folder` makes of what a model of the rest draws (see Stress).

    None where nothing moves in the rest, so that there is nothing to draw from.
    """
    judge = next(one for one in map(load, sorted(folder.iterdir())) if one is not None)
    try:
        drawing = learning.learn(
            rest.seen, lambda share: tell("learning what else may come", share), lambda: False
        )
    except ValueError:
        return None
    return asdict(stress(judge, drawing.expectation, threshold, len(rest.seen)))
