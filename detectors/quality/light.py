"""Black, overexposed, underexposed: how much of the picture lies at an end of the range."""

import numpy as np

from detectors.quality.finding import Fault, Finding
from detectors.quality.look import Look
from detectors.quality.memory import Kept, kept

DARK = 20  # grey levels, 0..255: nothing is told apart below
EVEN = 2.0  # grey levels: a cell that deviates less shows nothing
SETTLES = 120.0  # seconds until a new light is the usual one


class Light:
    """Against the camera's usual shares of dark and clipped pixels, as far as these are plausible.

    A bright sky or a dark corner is usual. But no camera usually has more than half of its picture clipped
    or nine tenths in the dark: above that the fault is told, however long it lasts.
    """

    def __init__(self, sensitivity: float) -> None:
        self._black = 0.98**sensitivity  # share of cells
        self._bright = 0.35**sensitivity  # share of the usually unclipped part
        self._dim = 0.6**sensitivity  # share of the usually lit part
        self._usual: tuple[float, float] | None = None

    def examine(self, look: Look, gap: float) -> dict[Fault, Finding]:
        """Judges a picture seen `gap` seconds after the last, then learns it slowly, whatever was found."""
        black = float(((look.mean <= DARK) & (look.deviation < EVEN)).mean())
        clipped = float(look.clipped.mean())
        dark = float(np.count_nonzero(look.grey <= DARK)) / look.grey.size
        usual = self._usual or (clipped, dark)
        usually_clipped, usually_dark = min(usual[0], 0.5), min(usual[1], 0.9)
        self._usual = (
            usual[0] + min(1.0, gap / SETTLES) * (clipped - usual[0]),
            usual[1] + min(1.0, gap / SETTLES) * (dark - usual[1]),
        )
        return {
            Fault.BLACK: Finding(black, self._black, f"{black:.0%} of the picture is black and empty"),
            Fault.OVEREXPOSED: Finding(
                max(0.0, (clipped - usually_clipped) / (1 - usually_clipped)),
                self._bright,
                f"{clipped:.0%} of the picture is clipped white, usually {usual[0]:.0%}",
            ),
            Fault.UNDEREXPOSED: Finding(
                max(0.0, (dark - usually_dark) / (1 - usually_dark)),
                self._dim,
                f"{dark:.0%} of the picture is too dark to see, usually {usual[1]:.0%}",
            ),
        }

    def keep(self) -> Kept:
        """The usual light."""
        return {} if self._usual is None else {"usual": kept(self._usual)}

    def recall(self, memory: Kept) -> None:
        """Takes up what `keep` gave."""
        if "usual" in memory:
            clipped, dark = memory["usual"]
            self._usual = float(clipped), float(dark)
