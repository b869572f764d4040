"""Footage in memory: pictures without a gap between them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from streams.frame import Frame

START = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, eq=False)
class Stretch:
    """Footage without a gap."""

    pictures: Sequence[NDArray[np.uint8]]  # (H, W, 3) BGR
    rate: float  # pictures a second

    @property
    def seconds(self) -> float:
        return len(self.pictures) / self.rate

    def frames(self, stream: str) -> Iterator[Frame]:
        """As frames of a recording that begins afresh; the time is made up."""
        for number, picture in enumerate(self.pictures):
            at = number / self.rate
            filmed = START + timedelta(seconds=at)
            yield Frame(stream, number, picture, filmed, at, at, live=False, fresh=number == 0)
