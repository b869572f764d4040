"""For how long nobody could see what happens before a camera, and why: counted, and kept over restarts."""

import json
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Final

from alerts.rules import HOLDS, OFFLINE
from detectors.detection import Doubt

NOT_JUDGED: Final = "not_judged"  # pictures come, and none is looked at: too much to do, or the device hangs
NOT_RUNNING: Final = "not_running"  # the daemon was down
PATIENCE: Final = 6.0  # seconds without a judged picture that are no blindness yet
LONGEST: Final = 31 * 86_400.0  # seconds that a daemon was down, at most: a clock may be set anew
_DOUBTS: Final = (
    *(Doubt.DETECTOR_DEGRADED, Doubt.LEARNING, Doubt.DAMAGED, Doubt.INTERRUPTED),
    *(Doubt.TOO_DARK, Doubt.TOO_BLURRED, Doubt.TOO_COMPRESSED, Doubt.TOO_PLAIN),
)
# Every cause that is counted, the gravest first. Each becomes a label of the metrics, so none is made up.
CAUSES: Final[tuple[str, ...]] = (
    *(NOT_RUNNING, OFFLINE, NOT_JUDGED),
    *(label for _, label in HOLDS if label != OFFLINE),
    *map(str, _DOUBTS),
)


def gravest(causes: Collection[str]) -> str:
    """The one that is counted, where several hold at once; empty where none does that is blindness.

    A face that is too small to judge, say, is none.
    """
    return min((each for each in causes if each in _RANK), key=_RANK.__getitem__, default="")


_RANK: Final = {cause: number for number, cause in enumerate(CAUSES)}


@dataclass(slots=True)
class _Eye:
    """One camera."""

    total: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))  # seconds by cause
    today: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    watched: bool = False
    stopped: datetime | None = None  # when it was watched last, before this daemon
    cause: str = ""  # now
    seen_at: float = 0.0  # when that was said, by the clock
    counted_until: float = 0.0
    patience: float = PATIENCE


class BlindTime:
    """Of all cameras. At each moment at most one cause counts, so that the seconds of all may be added."""

    def __init__(
        self,
        clock: Callable[[], float],
        utc_now: Callable[[], datetime],
        memory: str = "",
    ) -> None:
        """`clock` never goes back. `memory` is what `to_json` gave. Raises ValueError where it is damaged."""
        self._clock = clock
        self._utc_now = utc_now
        self._eyes: dict[str, _Eye] = {}
        self._day = self._local_day()
        if memory:
            self._recall(memory)

    def begin(self, stream: str, sample_fps: float = 5.0) -> None:
        """A camera is watched from now on; until something is said of it, it is offline."""
        eye = self._eyes.setdefault(stream, _Eye())
        if eye.stopped is not None:
            self._count_stop(eye, eye.stopped)
            eye.stopped = None
        now = self._clock()
        eye.cause, eye.seen_at, eye.counted_until = OFFLINE, now, now
        eye.patience = max(PATIENCE, 3 / sample_fps)
        eye.watched = True

    def see(self, stream: str, cause: str) -> None:
        """What holds from now on, until the next word: one of CAUSES, or nothing where all can be told."""
        eye = self._eyes.get(stream)
        if eye is None or not eye.watched:
            return
        self._count(eye)
        eye.cause, eye.seen_at = cause, eye.counted_until

    def remove(self, stream: str) -> None:
        """It is out of the configuration."""
        self._eyes.pop(stream, None)

    def totals(self) -> Mapping[str, Mapping[str, float]]:
        """Seconds by stream and cause, since ever."""
        return {stream: dict(self._counted(eye).total) for stream, eye in self._eyes.items() if eye.watched}

    def today(self, stream: str) -> Mapping[str, float]:
        """Seconds by cause since midnight, by this machine's clock."""
        return dict(self._counted(self._eyes[stream]).today) if stream in self._eyes else {}

    def to_json(self) -> str:
        """To be kept, and handed over at the next start. Only what is watched is kept."""
        streams = {
            stream: {"total": self._counted(eye).total, "today": eye.today}
            for stream, eye in self._eyes.items()
            if eye.watched
        }
        return json.dumps(
            {
                "version": 1,
                "at": self._utc_now().isoformat(),
                "day": self._day.isoformat(),
                "streams": streams,
            }
        )

    def _recall(self, memory: str) -> None:
        try:
            said = json.loads(memory)
            if said["version"] != 1:
                raise ValueError("it is of another version")
            stopped = datetime.fromisoformat(said["at"]).astimezone(UTC)
            same_day = date.fromisoformat(said["day"]) == self._day
            for stream, kept in said["streams"].items():
                eye = self._eyes[stream] = _Eye(stopped=stopped)
                eye.total.update(_seconds(kept["total"]))
                if same_day:
                    eye.today.update(_seconds(kept["today"]))
        except (KeyError, TypeError, AttributeError, OverflowError) as error:
            raise ValueError(f"it is damaged ({type(error).__name__})") from error

    def _count_stop(self, eye: _Eye, stopped: datetime) -> None:
        now = self._utc_now()
        away = min(LONGEST, max(0.0, (now - stopped).total_seconds()))
        eye.total[NOT_RUNNING] += away
        local = now.astimezone()
        midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
        eye.today[NOT_RUNNING] += min(away, max(0.0, (local - midnight).total_seconds()))

    def _counted(self, eye: _Eye) -> _Eye:
        if eye.watched:
            self._count(eye)
        return eye

    def _count(self, eye: _Eye) -> None:
        """Adds what passed: to the cause that was said last, and once that is too long ago to none judged."""
        if (day := self._local_day()) != self._day:
            self._day = day
            for each in self._eyes.values():
                each.today.clear()
        now = self._clock()
        trusted = min(now, eye.seen_at + eye.patience)
        if eye.cause:
            _add(eye, eye.cause, trusted - eye.counted_until)
        _add(eye, NOT_JUDGED, now - max(trusted, eye.counted_until))
        eye.counted_until = now

    def _local_day(self) -> date:
        return self._utc_now().astimezone().date()


def _add(eye: _Eye, cause: str, seconds: float) -> None:
    if seconds > 0:
        eye.total[cause] += seconds
        eye.today[cause] += seconds


def _seconds(kept: Mapping[str, object]) -> dict[str, float]:
    """Only what is still counted, and makes sense."""
    return {
        cause: float(seconds)
        for cause, seconds in kept.items()
        if cause in _RANK and isinstance(seconds, int | float) and 0 <= seconds < 1e12
    }
