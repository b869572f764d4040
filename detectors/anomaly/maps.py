"""A picture as a map of numbers, and the promise of what makes it: a backbone, or a model that redraws."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Maps:
    """So many numbers for each cell."""

    values: NDArray[np.float16]  # (rows, cols, F)
    network: int  # which one: maps of another say nothing
    expected: NDArray[np.uint8] | None = None  # (h, w, 3) BGR, what it should look like; not kept in footage

    @property
    def shape(self) -> tuple[int, ...]:
        """What was learned holds for the same network's maps of this shape alone."""
        return (*self.values.shape, self.network)


class Mapper(Protocol):
    """Makes the maps."""

    def maps(self, picture: NDArray[np.uint8]) -> Maps:
        """Of a picture (H, W, 3) BGR of any size; of one shape for all pictures of one shape."""
        ...
