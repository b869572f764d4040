"""A picture as a backbone sees it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Maps:
    """Its feature maps."""

    values: NDArray[np.float16]  # (rows, cols, KEPT)
    network: int  # which one: maps of another say nothing

    @property
    def shape(self) -> tuple[int, ...]:
        """What was learned holds for the same network's maps of this shape alone."""
        return (*self.values.shape, self.network)
