"""How each stream's scores went lately: kept in memory, written beside an alert, drawn for its report."""

import json
import math
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import numpy as np
from numpy.typing import NDArray

from alerts.verdict import Verdict
from detectors.detection import Detection, Kind

ROOM: Final = 600  # frames of each curve: two minutes at five a second, 15 kB
MOST: Final = 64  # faces or objects of a stream with curves of their own: those seen last
_Key = tuple[str, Kind, str, str]
_WIDTH, _HEIGHT, _LEFT, _BELOW = 720, 200, 44, 24
_HEAD: Final = (
    f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" '
    'font-family="system-ui,sans-serif" font-size="12"><title>The score over time</title>'
)


@dataclass(frozen=True, slots=True)
class Point:
    """What was said of one frame."""

    at: float  # seconds since 1970
    score: float  # nan where the detector could not tell
    threshold: float


class Curves:
    """The last scores of all streams. `note` and `of` may be called from several threads."""

    def __init__(self) -> None:
        self._state = threading.Lock()
        self._rings: dict[_Key, NDArray[np.float64]] = {}  # (ROOM, 3) at, score, threshold
        self._counts: dict[_Key, int] = {}

    def note(self, stream: str, at: datetime, detections: Iterable[Detection]) -> None:
        """After each frame."""
        seconds = at.timestamp()
        with self._state:
            for each in detections:
                key = _key(stream, each.kind, each.label, each.subject)
                if key not in self._rings:
                    self._make_room(stream)
                    self._rings[key], self._counts[key] = np.empty((ROOM, 3)), 0
                score = math.nan if each.doubt else each.score
                self._rings[key][self._counts[key] % ROOM] = seconds, score, each.threshold
                self._counts[key] += 1

    def of(self, verdict: Verdict) -> list[Point]:
        """The last scores of what the verdict is about, the oldest first."""
        key = _key(verdict.stream, verdict.kind, verdict.label, verdict.subject)
        with self._state:
            if key not in self._rings:
                return []
            count = self._counts[key]
            rows = np.roll(self._rings[key], -count, axis=0) if count > ROOM else self._rings[key][:count]
            return [Point(*row) for row in rows.tolist()]

    def forget(self, stream: str) -> None:
        """Of a stream that is no longer watched."""
        with self._state:
            for key in [key for key in self._rings if key[0] == stream]:
                del self._rings[key], self._counts[key]

    def _make_room(self, stream: str) -> None:
        """Faces and objects come and go, and are never seen under the same number again."""
        found = [key for key in self._rings if key[0] == stream and key[3]]
        if len(found) >= MOST:
            del self._rings[oldest := min(found, key=self._seen)], self._counts[oldest]

    def _seen(self, key: _Key) -> float:
        """When it was noted last, seconds since 1970."""
        return float(self._rings[key][(self._counts[key] - 1) % ROOM][0])


def to_json(points: Sequence[Point]) -> bytes:
    """An object of three lists; null where the detector could not tell."""
    return json.dumps(
        {
            "at": [
                datetime.fromtimestamp(each.at, UTC).isoformat(timespec="milliseconds") for each in points
            ],
            "score": [_number(each.score) for each in points],
            "threshold": [_number(each.threshold) for each in points],
        }
    ).encode()


def from_json(text: bytes) -> list[Point]:
    """The points again. Raises ValueError, KeyError or TypeError where they are damaged."""
    raw = json.loads(text)
    return [
        Point(
            datetime.fromisoformat(at).timestamp(),
            math.nan if score is None else score,
            math.nan if threshold is None else threshold,
        )
        for at, score, threshold in zip(raw["at"], raw["score"], raw["threshold"], strict=True)
    ]


def joined(earlier: Sequence[Point], later: Sequence[Point]) -> list[Point]:
    """Both, what is in both once: a curve that is written again goes on where it was."""
    end = earlier[-1].at if earlier else -math.inf
    return [*earlier, *(point for point in later if point.at > end + 0.0005)]


def to_svg(points: Sequence[Point], marks: Sequence[tuple[datetime, str]] = ()) -> str:
    """The curve with its threshold, and an upright line at each mark. Colours follow the page's theme."""
    told = [each for each in points if math.isfinite(each.score)]
    if len(told) < 2:
        return ""
    began, ended = points[0].at, points[-1].at
    highest = 1.1 * max(max(each.score, each.threshold) for each in told if math.isfinite(each.threshold))
    highest = highest if highest > 0 else 1.0

    def across(at: float) -> float:
        return round(_LEFT + (_WIDTH - _LEFT) * (at - began) / max(ended - began, 1e-3), 1)

    def down(score: float) -> float:
        return round((_HEIGHT - _BELOW) * (1 - min(max(score, 0.0), highest) / highest), 1)

    def line(places: Sequence[tuple[float, float]], how: str) -> str:
        path = "M" + "L".join(f"{x} {y}" for x, y in places)
        return f'<path d="{path}" fill="none" {how}/>'

    def words(x: float, y: float, side: str, colour: str, text: str) -> str:
        return f'<text x="{x}" y="{y}" text-anchor="{side}" fill="{colour}">{text}</text>'

    bottom, level = _HEIGHT - _BELOW, down(told[-1].threshold)
    parts = [
        _HEAD,
        line([(_LEFT, 0), (_LEFT, bottom), (_WIDTH, bottom)], 'stroke="#888"'),
        line([(across(p.at), down(p.threshold)) for p in told], 'stroke="#c60" stroke-dasharray="6 4"'),
        *(
            line([(across(p.at), down(p.score)) for p in stretch], 'stroke="#2a7de1" stroke-width="2"')
            for stretch in _stretches(points)
        ),
        words(_LEFT - 4, level + 4, "end", "#c60", f"{told[-1].threshold:.3g}"),
        words(_LEFT - 4, bottom, "end", "#888", "0"),
        *(
            words(across(at), _HEIGHT - 6, side, "#888", f"{datetime.fromtimestamp(at, UTC):%H:%M:%S}")
            for at, side in ((began, "start"), (ended, "end"))
        ),
    ]
    for moment, text in marks:
        place = across(moment.timestamp())
        if _LEFT <= place <= _WIDTH:
            aside, side = (-4, "end") if place > _WIDTH / 2 else (4, "start")
            parts.append(line([(place, 0), (place, bottom)], 'stroke="#888" stroke-dasharray="2 3"'))
            parts.append(words(place + aside, 12, side, "#888", text))
    return "".join([*parts, "</svg>"])


def _key(stream: str, kind: Kind, label: str, subject: str) -> _Key:
    """What one alert is about: the label counts only where each label has alerts of its own."""
    return stream, kind, label if kind in (Kind.QUALITY, Kind.OBJECT) else "", subject


def _stretches(points: Sequence[Point]) -> list[list[Point]]:
    """Broken where the detector could not tell."""
    found: list[list[Point]] = [[]]
    for point in points:
        if math.isfinite(point.score):
            found[-1].append(point)
        elif found[-1]:
            found.append([])
    return [stretch for stretch in found if stretch]


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None
