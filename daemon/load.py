"""Once a second: what each stream showed and what that took, and so what share of its pictures it keeps."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass

from daemon.attention import Attention
from daemon.watch import Watch
from detectors.examiner import Effort
from detectors.shares import Shares, Span
from streams.camera import Camera

log = logging.getLogger(__name__)

LOWERED = 0.9  # of its pictures are kept: from there on it is said
WAIT_SHARE = 0.15  # of stale_after: what waits longer for its turn is a sign that there is too much
MOST_WAIT_SHARE = 0.5  # the same, however long a picture takes
LOST = ("dropped_shed", "dropped_unfetched", "dropped_replaced")


@dataclass(frozen=True, slots=True)
class _Mark:
    """How far a stream had come at the last look."""

    due: int
    frames: int
    seconds: float
    waited: float


class Load:
    """What there is to look at, against what the device can."""

    def __init__(self, stale_after: float) -> None:
        self.shares = Shares(WAIT_SHARE * stale_after, MOST_WAIT_SHARE * stale_after)
        self.attention: dict[str, Attention] = {}
        self.lowered: dict[str, float] = {}  # streams of which it was said, and the share that they keep
        self._marks: dict[str, tuple[Watch, _Mark]] = {}
        self._at: float | None = None

    def look(
        self,
        watches: Mapping[str, Watch],
        efforts: Mapping[str, Effort],
        weights: Mapping[str, float],
        now: float,
    ) -> None:
        """Lowers and raises what cameras keep. `now`: seconds, by a clock that never goes back."""
        seconds, self._at = now - (now if self._at is None else self._at), now
        marks = {name: (watch, _mark(watch, efforts.get(name))) for name, watch in watches.items()}
        spans = {
            name: _span(self._marks[name][1], mark, watch, weights.get(name, 1.0))
            for name, (watch, mark) in marks.items()
            if name in self._marks and self._marks[name][0] is watch  # and is not watched anew
        }
        self._marks = marks
        if seconds > 0:
            for name, share in self.shares.follow(spans, seconds).items():
                if isinstance(source := watches[name].source, Camera):
                    source.keep_only(share)
                self._tell(name, share, watches[name].sample_fps)
        for gone in self.attention.keys() - watches.keys():
            del self.attention[gone]
            self.lowered.pop(gone, None)
        for name, watch in watches.items():
            lost = sum(watch.source.counts[each] for each in LOST)
            lost += efforts[name].dropped_stale if name in efforts else 0
            self.attention.setdefault(name, Attention()).note(now, watch.frames, lost, watch.state)

    def _tell(self, name: str, share: float, fps: float) -> None:
        if name not in self.lowered and share < LOWERED:
            log.warning(
                "%s: %.1f of %g pictures a second are looked at: there is more to do than this machine can",
                name, share * fps, fps,
            )  # fmt: skip
        elif name in self.lowered and share == 1:
            log.info("%s: all its pictures are looked at again", name)
            del self.lowered[name]
        if name in self.lowered or share < LOWERED:
            self.lowered[name] = share


def _mark(watch: Watch, effort: Effort | None) -> _Mark:
    counts, effort = watch.source.counts, effort or Effort()
    due = counts["sampled"] + counts["unchanged"] + counts["dropped_shed"]
    return _Mark(due, effort.frames, effort.seconds, effort.waited)


def _span(before: _Mark, now: _Mark, watch: Watch, weight: float) -> Span:
    return Span(
        weight=weight,
        due=now.due - before.due if watch.live else None,
        looked_at=max(0, now.frames - before.frames),
        seconds=max(0.0, now.seconds - before.seconds),
        waited=max(0.0, now.waited - before.waited),
    )
