"""What is held against one face: the scores of its latest good pictures, and what they come to together."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from detectors.deepfake.crop import Crop
from detectors.deepfake.likelihood import Clips
from detectors.deepfake.model import Scores

RECENT: Final = 32  # good pictures that count: of a face that is swapped only now, the old ones say nothing


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """One good picture of the face."""

    crop: Crop
    swapped: float
    generated: float
    fused: float
    clearness: float  # px of detail: how well the face can be seen


class Suspicion:
    """Grows and shrinks with each good picture of one face; a picture that is not good leaves it alone."""

    def __init__(self, clips: Clips, enough: int) -> None:
        """`enough`: good pictures below which nothing is said."""
        self._clips = clips
        self._enough = enough
        self._samples: deque[Sample] = deque(maxlen=max(RECENT, enough))
        self.good = 0  # pictures so far

    @property
    def samples(self) -> Sequence[Sample]:
        """The latest good pictures, oldest first."""
        return tuple(self._samples)

    @property
    def enough(self) -> bool:
        """Whether anything can be said."""
        return self.good >= self._enough

    @property
    def log_ratio(self) -> float:
        """In nats: how much likelier these pictures are of a fake than of a real face; 0 before the first."""
        if not self._samples:
            return 0.0
        mean = float(np.mean([sample.fused for sample in self._samples]))
        return self._clips.log_ratio(mean, len(self._samples))

    @property
    def label(self) -> str:
        """Which kind of fake it rather looks like."""
        swapped, generated = (
            np.mean([getattr(sample, name) for sample in self._samples] or [0.0])
            for name in ("swapped", "generated")
        )
        return "swapped" if swapped >= generated else "generated"

    def note(self, crop: Crop, scores: Scores, index: int, clearness: float) -> None:
        """One more good picture, and its place in what the model said."""
        self._samples.append(
            Sample(
                crop,
                float(scores.swapped[index]),
                float(scores.generated[index]),
                float(scores.fused[index]),
                clearness,
            )
        )
        self.good += 1
