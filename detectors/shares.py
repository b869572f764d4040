"""What share of its pictures each camera keeps where the device has not room for all: fair, early and calm.

Rates are max-min fair by weight (Bertsekas and Gallager, "Data networks", 1987, 6.5.2): who wants little gets
all of it, and what is left is shared by those who want more. They follow from what a picture was measured to
cost, so nothing has to go wrong first. Only where frames wait long all the same is less room reckoned with.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

ROOM: Final = 0.85  # of the device's time: what is left keeps the queue short
LEAST_ROOM: Final = 0.2
# Pictures that one finds waiting where so much time is filled and nothing is amiss (Pollaczek and Khinchine:
# all take equally long, and come by chance).
QUEUE: Final = ROOM / (2 * (1 - ROOM))
SETTLES: Final = 8.0  # seconds over which costs and rates are averaged
CUT: Final = 0.93  # of the room, where frames wait too long; not again for so many seconds:
CUT_EVERY: Final = 3.0
FITS: Final = 1.1  # times the room, that may be kept for it still to fit
WAITS: Final = 3.0  # seconds over which waiting is averaged
DRAINED: Final = 6.0  # seconds in which what waited before is looked at
BELOW: Final = 0.97  # of the room at which they did: it is not tried again soon
CALM: Final = 20.0  # seconds without a cut, until room is given back
GIVEN_BACK: Final = 0.005  # of the device's time, a second, up to there
TRIED: Final = 0.0005  # and beyond
STEADY: Final = 0.07  # smaller changes of a share are not worth it
RAISED: Final = 0.1  # of the share, a second, at most
LEAST_SHARE: Final = 0.01
LEAST_FPS: Final = 1e-3
LEAST_COST: Final = 1e-6  # seconds


@dataclass(frozen=True, slots=True)
class Demand:
    """What one stream asks of the device."""

    fps: float  # pictures a second; infinite for a recording, which waits
    weight: float
    cost: float  # seconds a picture


@dataclass(frozen=True, slots=True)
class Span:
    """What one stream showed, and what that took, since the last look."""

    weight: float
    due: int | None  # pictures that it would have shown; None for a recording, which waits
    looked_at: int
    seconds: float  # of the device
    waited: float  # seconds, all of its pictures together


def fair_rates(demands: Mapping[str, Demand], room: float) -> dict[str, float]:
    """Pictures a second for each, which together cost no more than `room` seconds a second."""
    rates: dict[str, float] = {}
    left = room
    asking = {name: each.weight * max(each.cost, LEAST_COST) for name, each in demands.items()}
    for name in sorted(demands, key=lambda name: demands[name].fps / demands[name].weight):
        each = demands[name]
        level = max(0.0, left) / sum(asking.values())  # pictures a second for a weight of 1
        rates[name] = min(each.fps, each.weight * level)
        left -= rates[name] * max(each.cost, LEAST_COST)
        del asking[name]
    return rates


@dataclass(slots=True)
class _Account:
    """What one stream showed and took of late: older seconds count for less and less."""

    time: float = 0.0  # seconds
    due: float = 0.0  # pictures
    looked_at: float = 0.0
    seconds: float = 0.0

    def add(self, span: Span, seconds: float) -> None:
        """So much more."""
        fade = math.exp(-seconds / SETTLES)
        self.time = fade * self.time + seconds
        self.due = fade * self.due + (span.due or 0)
        self.looked_at = fade * self.looked_at + span.looked_at
        self.seconds = fade * self.seconds + span.seconds

    @property
    def fps(self) -> float:
        """Pictures a second that it would show; 0 where it is away, and takes no room from others."""
        fps = self.due / self.time
        return fps if fps >= LEAST_FPS else 0.0

    @property
    def cost(self) -> float | None:
        """Seconds a picture; None where none was looked at of late."""
        return self.seconds / self.looked_at if self.looked_at >= LEAST_FPS else None


class Shares:
    """Told once a second what was looked at, it says what share of its pictures each camera should keep.

    A share is lowered at once and raised slowly, and not for a small change: it comes to rest.
    """

    def __init__(self, longest_wait: float, at_most: float) -> None:
        """Seconds that a frame may wait for its turn, on average; `at_most`: where pictures take long."""
        self.room = ROOM
        self.shares: dict[str, float] = {}  # by stream; a recording, which waits, has none
        self._longest_wait = longest_wait
        self._at_most = at_most
        self._accounts: dict[str, _Account] = {}
        self._waited = 0.0  # seconds, a frame, of late
        self._fitted = 0.0  # seconds for which what was kept should have fitted
        self._calm = CALM  # seconds since the last cut
        self._most = ROOM  # that is believed to be there

    def follow(self, spans: Mapping[str, Span], seconds: float) -> Mapping[str, float]:
        """The shares, 0..1, after so many seconds more. Streams that are not named are forgotten."""
        for gone in self._accounts.keys() - spans.keys():
            del self._accounts[gone]
            self.shares.pop(gone, None)
        for name, span in spans.items():
            self._accounts.setdefault(name, _Account()).add(span, seconds)
        self._make_room(spans, seconds)
        demands = self._demands(spans)
        rates = fair_rates({name: each for name, each in demands.items() if each.fps}, self.room)
        for name, each in demands.items():
            if each.fps < math.inf:
                wanted = rates[name] / each.fps if each.fps else 1.0
                self.shares[name] = _moved(self.shares.get(name, 1.0), wanted, seconds)
        return self.shares

    def _demands(self, spans: Mapping[str, Span]) -> dict[str, Demand]:
        usual = self._cost
        return {
            name: Demand(
                math.inf if span.due is None else self._accounts[name].fps,
                span.weight,
                usual if (cost := self._accounts[name].cost) is None else cost,
            )
            for name, span in spans.items()
        }

    @property
    def _cost(self) -> float:
        """Seconds a picture, of the cameras' mean."""
        costs = [cost for each in self._accounts.values() if (cost := each.cost) is not None]
        return sum(costs) / len(costs) if costs else LEAST_COST

    def _make_room(self, spans: Mapping[str, Span], seconds: float) -> None:
        live = [span for span in spans.values() if span.due is not None]
        looked_at = sum(span.looked_at for span in live)
        waited = sum(span.waited for span in live) / looked_at if looked_at else 0.0
        longest = max(self._longest_wait, min(self._at_most, QUEUE * self._cost))
        self._waited += (1 - math.exp(-seconds / WAITS)) * (waited - self._waited)
        self._calm += seconds
        # Before that, frames wait because more was kept than was meant to be: nothing is learned of the room.
        # What nobody goes below (LEAST_SHARE) is meant to be kept, too, even where there is no room for it.
        meant = FITS * self.room + self._load(spans, LEAST_SHARE)
        self._fitted = self._fitted + seconds if self._load(spans) <= meant else 0.0
        if self._waited > longest and self._calm >= CUT_EVERY and self._fitted >= DRAINED:
            self._most = max(LEAST_ROOM, BELOW * self.room)
            self.room, self._calm = max(LEAST_ROOM, CUT * self.room), 0.0
        elif self._calm >= CALM and self._waited < longest / 2:
            self.room = min(self._most, self.room + GIVEN_BACK * seconds)
            self._most = min(ROOM, self._most + TRIED * seconds)

    def _load(self, spans: Mapping[str, Span], share: float | None = None) -> float:
        """Of the device's time, that what cameras keep is expected to take; or if each kept such a share."""
        asked = self._demands(spans).items()
        return sum(
            each.fps * (self.shares.get(name, 1.0) if share is None else share) * each.cost
            for name, each in asked
            if each.fps < math.inf
        )


def _moved(share: float, wanted: float, seconds: float) -> float:
    wanted = max(LEAST_SHARE, min(1.0, wanted))
    if wanted < share * (1 - STEADY):
        return wanted
    if wanted > share * (1 + STEADY) or wanted == 1:
        return min(wanted, share + max(LEAST_SHARE, RAISED * share) * seconds)
    return share
