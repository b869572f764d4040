"""When a camera's packets tell that something moves: their sizes against the camera's own quiet level.

Pure: it knows neither packets nor pictures, only sizes, ranks and what others saw. Small lasting changes add
up as in Page, "Continuous inspection schemes", Biometrika 1954.
"""

from collections import Counter
from typing import Literal

from streams.message import LONGEST_GROUP
from streams.quiet import Quiet, level_of

HOLD = 1.0  # seconds in which no picture differs from the one two seconds before it, until the gate closes
SLACK = 1.0  # spreads: what differs by less adds nothing up
MOST = 8.0  # spreads that one packet may count for
ALERT, LOWEST, HIGHEST = 10.0, 6.0, 60.0  # spreads, added up, that open the gate: at first, and the bounds
MISTAKEN = 1.25  # it opened for nothing
OVERSLEPT = 0.7  # it should have opened
SHADOW = 64  # one quiet group in so many is decoded all the same, to learn what is missed

Why = Literal["sizes", "picture", "shadow", "other"]  # it opened


class Gate:
    """Open: everything is decoded. Closed: keyframes are, and what lies between is kept as it came.

    Counts: gate_opened_sizes (packets told), gate_opened_picture (the next keyframe showed what sizes did not
    tell: nothing is lost), gate_opened_other (damage, too long a group), gate_opened_vain (sizes told, and
    the pictures show nothing), gate_groups (that passed undecoded), gate_shadow_groups (decoded to check)
    and gate_shadow_missed (of these: something moved that nothing had told of).
    """

    def __init__(self, counts: Counter[str]) -> None:
        self.open = True
        self._counts = counts
        self._alert = ALERT
        self._quiet = Quiet()
        self._place = 0  # in the group, of the next packet
        self._sums = [0.0, 0.0]  # spreads above and below the quiet level, added up
        self._doubtful: list[tuple[int, int, float]] = []  # ranks, places, sizes since the last look
        self._still_since: float | None = None
        self._began: float | None = None  # the group
        self._longest = float("inf")  # seconds of the last group
        self._why = ""  # it opened, until a picture shows that it had to
        self._shadow_until: float | None = None  # where the group ends that is decoded to check
        self._passed = 0  # groups

    def packet(self, size: int, rank: int, at: float) -> None:
        """A packet that is no keyframe: its size in bytes, its rank among them, its time in seconds."""
        value = level_of(size)
        if self.open:
            self._doubtful.append((rank, self._place, value))
            self._place += 1
            return
        if self._began is not None and at - self._began > LONGEST_GROUP:
            self._longest = float("inf")
            self.opens("other")
            return
        self._doubtful.append((rank, self._place, value))
        off = self._quiet.off(rank, self._place, value)
        self._place += 1
        # Less than usual is a frozen picture, and lasts: no hurry.
        for side, above in enumerate((off, -off / 2)):
            self._sums[side] = max(0.0, self._sums[side] + min(above, MOST) - SLACK)
        if max(self._sums) > self._alert:
            self.opens("sizes")

    def keyframe(self, at: float) -> bool:
        """A keyframe came: whether a closed gate's group that ends here is to be decoded all the same."""
        if self._began is not None:
            self._longest = at - self._began
        self._began, self._place = at, 0
        self._sums = [0.0, 0.0]
        if self.open:
            return False
        self._passed += 1
        return self._passed % SHADOW == 0

    @property
    def may_close(self) -> bool:
        """Whether a group that begins now may be kept back."""
        since = self._still_since
        return (
            since is not None
            and self._began is not None
            and self._began - since >= HOLD
            and 0 < self._longest <= LONGEST_GROUP
            and self._quiet.known
        )

    def close(self) -> None:
        """From here on keyframes only."""
        if self._why == "sizes":
            self._counts["gate_opened_vain"] += 1
            self._alert = min(HIGHEST, self._alert * MISTAKEN)
        self.open, self._why = False, ""
        self._doubtful.clear()

    def opens(self, why: Why) -> None:
        """From here on everything."""
        self._counts["gate_shadow_groups" if why == "shadow" else f"gate_opened_{why}"] += 1
        if why == "picture":
            self._overslept()
        self.open, self._why = True, why
        self._still_since = None
        self._shadow_until = self._began
        self._sums = [0.0, 0.0]
        self._doubtful.clear()

    def looked(self, changed: bool, at: float) -> None:
        """A picture of an open gate, of that time, was compared with one about two seconds before it."""
        if changed:
            if self._why == "shadow" and self._shadow_until is not None and at < self._shadow_until:
                self._counts["gate_shadow_missed"] += 1
                self._overslept()
            self._still_since, self._why = None, ""
        else:
            self._still_since = at if self._still_since is None else self._still_since
            self._learn()
        self._doubtful.clear()

    def passed(self) -> None:
        """A closed gate's group ended, and its next keyframe shows nothing new either."""
        self._counts["gate_groups"] += 1
        self._learn()
        self._doubtful.clear()

    def _overslept(self) -> None:
        self._alert = max(LOWEST, self._alert * OVERSLEPT)

    def _learn(self) -> None:
        for rank, place, value in self._doubtful:
            self._quiet.add(rank, place, value)
