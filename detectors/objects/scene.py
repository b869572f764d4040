"""One stream's objects, and which of them are worth an alert: the stream's reasons, asked of every picture.

One reason and label make one alert, however many objects there are: thirty people in a square are one alert
that says so, not thirty. It lives for as long as any of them is there.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Final

from config.hours import Hours, hours
from config.scene import Line, ObjectAlert, Zone
from detectors.objects.places import Point, Side, crossed, inside
from detectors.objects.tracks import FOLLOWED, Track

CROSSED: Final = 2.0  # seconds for which a crossing is told
SHOWN: Final = 5  # pictures in which it is told at least, however rare they are: an alert wants several
LEAVES: Final = 1.0  # seconds outside of a zone after which somebody has left it: edges flicker
CROWD: Final = "crowd"
NOTHING: Final = "object"  # the label where there is no other: nothing is there


@dataclass(frozen=True, slots=True)
class Finding:
    """What one reason says of one picture."""

    label: str
    subject: str  # the reason's own name, or the zone or line; empty: anywhere
    score: float
    threshold: float
    reason: str
    tracks: tuple[Track, ...] = ()  # whom it is about
    outline: tuple[Point, ...] = ()  # of the place


@dataclass(frozen=True, slots=True)
class _Reason:
    alert: ObjectAlert
    hours: Hours
    threshold: float
    zone: Zone | None
    line: Line | None

    @property
    def place(self) -> str:
        return self.alert.zone or self.alert.line or ""

    @property
    def subject(self) -> str:
        return self.alert.name or self.place

    @property
    def outline(self) -> tuple[Point, ...]:
        """Corners of the zone, or the two ends of the line."""
        place = self.zone or self.line
        return place.points if place else ()

    @property
    def named(self) -> bool:
        """It names one label, of which something can be said also while there is none."""
        return not any(each in self.alert.label for each in "*?[")

    def wants(self, track: Track, now: float) -> bool:
        """Whether it is about such an object at all, wherever that is."""
        return (
            fnmatchcase(track.label, self.alert.label)
            and self.alert.min_height <= track.region.height <= self.alert.max_height
            and (self.alert.stationary or self.line is not None or self._moves(track, now))
        )

    def _moves(self, track: Track, now: float) -> bool:
        """Who lingers or is one of many may stand, if only they came."""
        lingers = self.alert.longer_than or self.alert.more_than
        return track.moved_at is not None if lingers else track.moving(now)


@dataclass(slots=True)
class _Crossing:
    at: float
    line: str
    side: Side
    track: Track
    shown: int = 0  # pictures since


class Scene:
    """What is remembered of one stream: who is in which zone since when, and who crossed which line."""

    def __init__(
        self, zones: Sequence[Zone], lines: Sequence[Line], alerts: Sequence[ObjectAlert], confidence: float
    ) -> None:
        self._zones, self._lines = zones, lines
        by_zone = {zone.name: zone for zone in zones}
        by_line = {line.name: line for line in lines}
        self._reasons = [
            _Reason(
                alert,
                hours(alert.between, alert.days, alert.time_zone),
                alert.min_confidence or confidence,
                by_zone.get(alert.zone or ""),
                by_line.get(alert.line or ""),
            )
            for alert in alerts
        ]
        self._entered: dict[tuple[str, int], float] = {}  # zone and number: since when
        self._inside_at: dict[tuple[str, int], float] = {}  # and when it was there last
        self._crossings: list[_Crossing] = []
        self.crossed: Counter[tuple[str, str, str]] = Counter()  # line, label, side: how many so far

    def forget(self) -> None:
        """Nothing goes on: pictures are missing."""
        self._entered.clear()
        self._inside_at.clear()
        self._crossings.clear()

    def look(self, tracks: Sequence[Track], now: float, at: datetime) -> list[Finding]:
        """What every reason says of those in sight at `now`, in seconds, which is the time `at`.

        Something is said of every picture, also that nothing is there.
        """
        self._enter(tracks, now)
        self._cross(tracks, now)
        said = [finding for reason in self._reasons for finding in self._ask(reason, tracks, now, at)]
        return said or [Finding(NOTHING, "", 0.0, 1.0, "nothing that is worth an alert is there")]

    def counts(self, tracks: Sequence[Track]) -> Counter[tuple[str, str]]:
        """How many of each label are in each zone; zone '': in the picture."""
        there: Counter[tuple[str, str]] = Counter()
        for track in tracks:
            there[track.label, ""] += 1
            for zone in self._zones:
                there[track.label, zone.name] += (zone.name, track.number) in self._entered
        return there

    def _enter(self, tracks: Sequence[Track], now: float) -> None:
        for zone in self._zones:
            for track in tracks:
                if inside(zone.points, track.foot):
                    self._entered.setdefault((zone.name, track.number), now)
                    self._inside_at[zone.name, track.number] = now
        in_sight = {track.number for track in tracks}
        for key, last in list(self._inside_at.items()):
            if now - last > (LEAVES if key[1] in in_sight else FOLLOWED):  # who is hidden has not left
                del self._entered[key], self._inside_at[key]

    def _cross(self, tracks: Sequence[Track], now: float) -> None:
        for each in self._crossings:
            each.shown += 1
        told = (each for each in self._crossings if now - each.at < CROSSED or each.shown < SHOWN)
        self._crossings = list(told)
        for line in self._lines:
            for track in tracks:
                side = track.before and crossed(line.points, track.before, track.foot)
                if side:
                    self._crossings.append(_Crossing(now, line.name, side, track))
                    self.crossed[line.name, track.label, side] += 1

    def _ask(self, reason: _Reason, tracks: Sequence[Track], now: float, at: datetime) -> Iterator[Finding]:
        about: dict[str, list[tuple[Track, str]]] = {}
        if reason.hours.include(at):
            for track, words in self._about(reason, tracks, now):
                about.setdefault(track.label, []).append((track, words))
        if reason.alert.more_than:
            yield self._crowd(reason, [one for some in about.values() for one in some])
            return
        for label, some in about.items():
            some.sort(key=lambda one: -one[0].confidence)
            best, words = some[0]
            many = f", {len(some)} in all" if len(some) > 1 else ""
            yield Finding(
                label,
                reason.subject,
                best.confidence,
                reason.threshold,
                f"{_a(label)} {words}{many}",
                tuple(track for track, _ in some),
                reason.outline,
            )
        if not about and reason.named:
            where = f" {'over' if reason.line else 'in'} '{reason.place}'" if reason.place else ""
            label = reason.alert.label
            yield Finding(
                label, reason.subject, 0.0, reason.threshold, f"no {label}{where} that is to be told of"
            )

    def _about(self, reason: _Reason, tracks: Sequence[Track], now: float) -> Iterator[tuple[Track, str]]:
        """Whom it is about, and what they do, in words."""
        if reason.line:
            for each in self._crossings:
                told = each.line == reason.line.name and reason.alert.way in ("both", f"to_{each.side}")
                if told and reason.wants(each.track, now):
                    yield each.track, f"crossed '{each.line}' to its {each.side}"
            return
        for track in tracks:
            since = (
                track.since if reason.zone is None else self._entered.get((reason.zone.name, track.number))
            )
            if since is None or not reason.wants(track, now) or now - since < reason.alert.longer_than:
                continue
            where = _where(reason) if reason.zone else "there"
            long = f"for {now - since:.0f} s" if now - since >= 1 else "since a moment ago"
            yield track, f"is {where} {long}"

    def _crowd(self, reason: _Reason, some: Sequence[tuple[Track, str]]) -> Finding:
        sure = [track for track, _ in some if track.confidence >= reason.threshold]
        what = "objects" if reason.alert.label == "*" else f"of '{reason.alert.label}'"
        words = f"{len(sure)} {what} {_where(reason)} at once; more than {reason.alert.more_than} are a crowd"
        score, threshold = float(len(sure)), float(reason.alert.more_than + 1)
        return Finding(CROWD, reason.subject, score, threshold, words, tuple(sure), reason.outline)


def _where(reason: _Reason) -> str:
    return f"in '{reason.place}'" if reason.place else "in the picture"


def _a(label: str) -> str:
    if label == "moving":
        return "something that moves"
    return f"{'an' if label[:1] in 'aeiou' else 'a'} {label}"
