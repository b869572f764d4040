"""Where in a camera's picture objects matter: zones, lines, and which objects there are worth an alert."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from itertools import chain, combinations
from typing import Annotated, Final, Literal

from pydantic import Field, field_validator, model_validator

from config.hours import Between, Days, TimeZone
from config.section import Section

MOVING: Final = "moving"  # the label of what moves, where nothing is known of what it is
Share = Annotated[float, Field(ge=0, le=1)]
Point = tuple[Share, Share]
PlaceName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,31}$")]


class Zone(Section):
    """A part of the picture. An object is in it when the middle of its lower edge is: where it stands."""

    name: PlaceName = Field(examples=["drive"], description="Stands in alerts and metrics.")
    points: tuple[Point, ...] = Field(
        min_length=3,
        max_length=32,
        examples=[[[0.1, 0.5], [0.6, 0.5], [0.7, 1], [0, 1]]],
        description="Its corners in order, each across and down, as shares of the picture from its top left.",
    )

    @field_validator("points")
    @classmethod
    def _is_an_area(cls, points: tuple[Point, ...]) -> tuple[Point, ...]:
        sides = [(points[i - 1], points[i]) for i in range(len(points))]
        for (first, one), (second, other) in combinations(enumerate(sides), 2):
            if second - first not in (1, len(sides) - 1) and _cross(one, other):
                raise ValueError("its sides cross each other: give the corners in order around it")
        if math.isclose(_area(points), 0, abs_tol=1e-6):
            raise ValueError("it has no area: its corners lie on one line")
        return points


class Line(Section):
    """A line that objects may cross."""

    name: PlaceName = Field(examples=["fence"], description="Stands in alerts and metrics.")
    points: tuple[Point, Point] = Field(
        examples=[[[0.2, 0.9], [0.8, 0.6]]],
        description="Its two ends, as for zones. Looking from the first to the second, it has a left and a "
        "right side.",
    )

    @field_validator("points")
    @classmethod
    def _has_a_length(cls, points: tuple[Point, Point]) -> tuple[Point, Point]:
        if points[0] == points[1]:
            raise ValueError("both ends are the same point")
        return points


class ObjectAlert(Section):
    """One reason to raise an alert about objects."""

    name: PlaceName | None = Field(
        default=None,
        examples=["lingering"],
        description="Tells it from other reasons about the same label and place, which share one alert "
        "otherwise; stands in alerts as 'subject'. Empty: the zone or line.",
    )
    label: str = Field(
        default="*", min_length=1, examples=["person"], description="Which objects; may hold * and ?."
    )
    zone: PlaceName | None = Field(
        default=None, examples=["drive"], description="Only there. Empty: anywhere in the picture."
    )
    line: PlaceName | None = Field(
        default=None, examples=["fence"], description="When they cross it, not while they are there."
    )
    way: Literal["both", "to_left", "to_right"] = Field(
        default="both", description="Which crossings of the line."
    )
    longer_than: float = Field(
        default=0, ge=0, le=86_400, description="Seconds that one must have been there."
    )
    more_than: int = Field(
        default=0, ge=0, le=1000, description="So many at once are not worth an alert: a crowd is."
    )
    stationary: bool = Field(
        default=False,
        description="Also what does not move: what stood there from the beginning, or for a minute.",
    )
    min_confidence: float | None = Field(
        default=None, gt=0, lt=1, examples=[0.5], description="Overrides detectors.objects.confidence."
    )
    min_height: Share = Field(default=0, description="Share of the picture's height; smaller ones: no alert.")
    max_height: Share = Field(default=1, description="The same for larger ones.")
    between: Between = None
    days: Days = ()
    time_zone: TimeZone = None

    @model_validator(mode="after")
    def _can_be(self) -> "ObjectAlert":
        if self.line and (self.longer_than or self.more_than):
            raise ValueError("crossing a line takes no time: 'longer_than' and 'more_than' belong to a zone")
        if self.way != "both" and not self.line:
            raise ValueError("'way' is that of crossing a line: name the line")
        if self.min_height > self.max_height:
            raise ValueError("nothing is larger than 'min_height' and smaller than 'max_height'")
        return self


def check_places(zones: Sequence[Zone], lines: Sequence[Line], alerts: Sequence[ObjectAlert]) -> None:
    """Raises ValueError where a name is given twice, or means nothing."""
    places = {"zone": [each.name for each in zones], "line": [each.name for each in lines]}
    twice = [name for name, count in Counter(chain(*places.values())).items() if count > 1]
    if twice:
        raise ValueError(f"two zones or lines are called '{twice[0]}': each needs a name of its own")
    wrong = [
        f"'{what}: {name}' of the {number}. reason is not there: {_meant(name, what, places)}"
        for number, alert in enumerate(alerts, 1)
        for what in places
        if (name := getattr(alert, what)) and name not in places[what]
    ]
    if wrong:
        raise ValueError(f"alert_on: {'; '.join(wrong)}")


def _meant(name: str, what: str, places: Mapping[str, Sequence[str]]) -> str:
    for other, names in places.items():
        if other != what and name in names:
            return f"'{name}' is a {other}, so write '{other}: {name}'"
    if near := get_close_matches(name, places[what], n=1):
        return f"did you mean '{near[0]}'?"
    return f"there are: {', '.join(places[what])}" if places[what] else f"this stream has no {what}s"


def _area(points: Sequence[Point]) -> float:
    return sum(a[0] * b[1] - b[0] * a[1] for a, b in zip(points, (*points[1:], points[0]), strict=True)) / 2


def _cross(one: tuple[Point, Point], other: tuple[Point, Point]) -> bool:
    """Whether two sides have a point in common."""

    def side(ends: tuple[Point, Point], point: Point) -> float:
        (ax, ay), (bx, by) = ends
        return (bx - ax) * (point[1] - ay) - (by - ay) * (point[0] - ax)

    return (
        side(one, other[0]) * side(one, other[1]) <= 0
        and side(other, one[0]) * side(other, one[1]) <= 0
        and not all(side(one, point) == 0 for point in other)
    )
