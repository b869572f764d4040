"""The promise of whoever scores crops of faces: the shipped model, or larger weights that the user has."""

from collections.abc import Sequence
from typing import Protocol

from detectors.deepfake.crop import Crop
from detectors.deepfake.heat import Heat
from detectors.deepfake.likelihood import Clips
from detectors.deepfake.model import Scores


class Scorer(Protocol):
    """Remembers nothing; used from one thread."""

    @property
    def side(self) -> int:
        """px of the crops that it looks at."""
        ...

    @property
    def clips(self) -> Clips:
        """What fused scores of real faces and of fakes do."""
        ...

    @property
    def model(self) -> str:
        """What it is, in a few words, for the card of a detection."""
        ...

    @property
    def sha256(self) -> str:
        """Of all weights that a score depends on."""
        ...

    def score(self, crops: Sequence[Crop]) -> Scores:
        """The same one at a time or many. Raises DetectorError."""
        ...

    def heat(self, crops: Sequence[Crop]) -> list[Heat]:
        """Of each crop, where it differs from real faces: for people to look at."""
        ...
