"""What sizes a camera's packets have while nothing moves, and how far off that a size is."""

import math
from collections import deque

LEARNED = 40  # sizes that must be known
REMEMBERED = 160  # of each rank
GROUPS = 9  # whose packets at one place are remembered,
GROUPS_LEARNED = 3  # and how many of them must be known until the place counts
PLACES = 512
TENTH = 1.28  # spreads off the middle beyond which a tenth of the sizes lies, were they normally distributed
STEADIEST = 0.06  # spread, as a share of the size: no encoder is steadier
OVERHEAD = 200  # bytes: a picture of 44 bytes in which nothing changed is no half of one of 88


def level_of(size: int) -> float:
    """A packet's size in bytes on the scale on which sizes are compared: a hundredth is a per cent."""
    return math.log(size + OVERHEAD)


class Quiet:
    """By rank (see rank.py), and by place in the group of pictures.

    Encoders that keep to a rate make what follows a keyframe small, others make it large, and those with B
    pictures repeat a pattern: so a size compares with those at its own place, as soon as they are known.
    """

    def __init__(self) -> None:
        self._ranks: dict[int, _Middle] = {}
        self._any = _Middle()  # of all ranks, for those that are rare
        self._places: dict[tuple[int, int], deque[float]] = {}  # by rank and place
        self._off: dict[int, _Middle] = {}  # by rank: how far sizes lie off what is usual at their places
        self._any_off = _Middle()

    @property
    def known(self) -> bool:
        """Whether enough was seen to compare with."""
        return self._any.known

    def add(self, rank: int, place: int, level: float) -> None:
        """One more packet of a quiet picture."""
        if (usual := self._usual(rank, place)) is not None:
            self._any_off.add(level - usual)
            self._off.setdefault(rank, _Middle()).add(level - usual)
        self._any.add(level)
        self._ranks.setdefault(rank, _Middle()).add(level)
        if place < PLACES:
            self._places.setdefault((rank, place), deque(maxlen=GROUPS)).append(level)

    def off(self, rank: int, place: int, level: float) -> float:
        """How many spreads a size lies above what is usual; below it, negative."""
        usual = self._usual(rank, place)
        if usual is not None and self._any_off.known:
            return _known(self._off.get(rank), self._any_off).off(level - usual)
        return _known(self._ranks.get(rank), self._any).off(level)

    def _usual(self, rank: int, place: int) -> float | None:
        levels = self._places.get((rank, place))
        if levels is None or len(levels) < GROUPS_LEARNED:
            return None
        return sorted(levels)[len(levels) // 2]


def _known(own: "_Middle | None", other: "_Middle") -> "_Middle":
    return own if own and own.known else other


class _Middle:
    """The middle of some numbers, and how far the upper and the lower tenth of them lie off it."""

    def __init__(self) -> None:
        self._values: deque[float] = deque(maxlen=REMEMBERED)
        self._middle = self._above = self._below = 0.0
        self._stale = True

    @property
    def known(self) -> bool:
        return len(self._values) >= LEARNED

    def add(self, value: float) -> None:
        self._values.append(value)
        self._stale = True

    def off(self, value: float) -> float:
        """In spreads."""
        if self._stale:
            values = sorted(self._values)
            tenth = len(values) // 10
            self._middle = values[len(values) // 2]
            self._above = max(STEADIEST, (values[-1 - tenth] - self._middle) / TENTH)
            self._below = max(STEADIEST, (self._middle - values[tenth]) / TENTH)
            self._stale = False
        off = value - self._middle
        return off / (self._above if off > 0 else self._below)
