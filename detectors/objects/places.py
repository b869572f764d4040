"""Zones and lines: whether an object is in the one, and on which side of the other. Pure geometry.

Points are shares of the picture, across and down, from its top left.
"""

from collections.abc import Sequence
from typing import Literal

Point = tuple[float, float]
Side = Literal["left", "right"]


def inside(corners: Sequence[Point], point: Point) -> bool:
    """Whether a point is within a polygon: a ray from it meets its sides an odd number of times."""
    across, down = point
    within = False
    for (ax, ay), (bx, by) in zip(corners, (*corners[1:], corners[0]), strict=True):
        if (ay > down) != (by > down) and across < ax + (down - ay) * (bx - ax) / (by - ay):
            within = not within
    return within


def crossed(ends: tuple[Point, Point], before: Point, now: Point) -> Side | None:
    """To which side of the line somebody came who went straight from one point to another; None: not over it.

    Left and right are those of somebody who looks from the first end to the second. The line itself belongs
    to its right, so whoever walks along it does not cross it again and again.
    """
    was, is_now = (_turn(*ends, point) < 0 for point in (before, now))
    if was == is_now:
        return None
    first, second = (_turn(before, now, end) for end in ends)
    if first * second > 0:  # beyond one of the ends
        return None
    return "left" if is_now else "right"


def _turn(a: Point, b: Point, point: Point) -> float:
    """Negative where the point is to the left of the way from a to b, in a picture, whose y goes down."""
    return (b[0] - a[0]) * (point[1] - a[1]) - (b[1] - a[1]) * (point[0] - a[0])
