"""Whether one picture differs from another, seen in cells so coarse that the sensor's noise stays out.

It has no numpy, because a decoding child has none: a look costs a third of a millisecond.
"""

from av.video.frame import VideoFrame
from av.video.reformatter import Interpolation, VideoReformatter

ACROSS = 80  # cells, at most
SMALLEST = 8  # pixels of the picture that a cell is wide: in fewer, what an encoder stirs would show
CHANGED = 6  # grey levels by which a cell's mean must differ, once the exposure is taken out
LIGHT = 6  # grey levels by which the whole picture must differ
RESTLESS = 0.25  # share of the looks that find a cell changed, from which it is left out: a clock, a flag
REMEMBERED = 300  # looks over which that is counted
FEW = 0.04  # share of cells that may be left out; where more are restless, none is
FADES = 1 - 1 / REMEMBERED
Glimpse = bytes  # a grey level for each cell, row by row


class Glance:
    """Looks at one stream's pictures. What changes all the time in a small part of them is left out."""

    def __init__(self) -> None:
        self._reformatter = VideoReformatter()
        self._looks = 0
        self._restless: dict[int, tuple[float, int]] = {}  # cell: share of changes, as of that look

    def at(self, picture: VideoFrame) -> Glimpse:
        """What is seen of a picture."""
        across = max(1, min(ACROSS, picture.width // SMALLEST))
        down = max(1, min(2 * across, round(across * picture.height / max(1, picture.width))))
        small = self._reformatter.reformat(
            picture, across, down, "gray", interpolation=Interpolation.AREA, threads=1
        )
        plane = small.planes[0]
        cells = bytes(plane)
        rows = range(0, down * plane.line_size, plane.line_size)
        return b"".join(cells[row : row + across] for row in rows)

    def differs(self, now: Glimpse, before: Glimpse) -> bool:
        """Whether something moved, came, went, or the light changed between two pictures."""
        self._looks += 1
        if len(now) != len(before):
            return True
        if not _far_apart(now, before):  # nearly always so: a twentieth of the work
            return False
        changes = [here - there for here, there in zip(now, before, strict=True)]
        light = sorted(changes)[len(changes) // 2]
        if abs(light) >= LIGHT:
            return True
        low, high = light - CHANGED, light + CHANGED
        changed = [cell for cell, change in enumerate(changes) if not low < change < high]
        for cell in changed:
            share = self._share(cell)
            self._restless[cell] = share + (1 - share) / REMEMBERED, self._looks
        if len(changed) > FEW * len(changes):
            return True
        return any(self._share(cell) < RESTLESS for cell in changed) or not self._are_few(len(changes))

    def _are_few(self, cells: int) -> bool:
        """Whether what is restless is so little of the picture that it may be left out."""
        return sum(self._share(cell) >= RESTLESS for cell in self._restless) <= FEW * cells

    def _share(self, cell: int) -> float:
        share, looks = self._restless.get(cell, (0.0, self._looks))
        return share * FADES ** (self._looks - looks)


def _far_apart(now: Glimpse, before: Glimpse) -> bool:
    """Whether any cell differs by CHANGED: all of them at once, two bytes for each in one large number."""
    size, wide, other = len(now), bytearray(2 * len(now)), bytearray(2 * len(now))
    wide[::2], other[::2] = now, before
    one, two = int.from_bytes(wide, "little"), int.from_bytes(other, "little")
    ones = int.from_bytes(b"\x01\x00" * size, "little")
    high = ones << 9
    # 512 + difference - CHANGED reaches 512 where the difference reaches CHANGED.
    slack = high - CHANGED * ones
    return bool((slack + one - two | slack + two - one) & high)
