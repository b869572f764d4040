"""What the empty scene looks like, small: to tell that a camera shows another scene than was learned.

Scenes are compared by the direction of their edges, which the light hardly changes, by whether there is any
colour (cameras go over to infrared at night), and by whether they fit better when one is shifted.
"""

import base64
import math
import zlib
from collections import deque
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

SIZE = (96, 54)  # px, width and height, of whatever picture
SAME = 0.6  # likeness from which two scenes are the same: still cameras show .85 and more, others .2 to .5
SHIFTED = 0.12  # likelier when shifted by so much: moved
REACH = 8  # px that a shift is looked for
EDGE = 4.0  # grey levels: edges below are noise
PLAIN = 0.02  # of the pixels having edges: less is no scene
GREY, COLOURED = 2.5, 6.0  # mean spread of blue, green, red: below there is no colour, above there is
APART = 2.0  # seconds between two pictures that are kept to see what lasts,
HALF = 7  # of so many in either half

Thumbnail = NDArray[np.uint8]  # (H, W, 3) BGR


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """The empty scene of one camera in one kind of light."""

    thumbnail: Thumbnail
    colour: float = field(init=False)  # mean spread of blue, green, red: asked for with every picture

    def __post_init__(self) -> None:
        object.__setattr__(self, "colour", _colour(self.thumbnail))

    @property
    def plain(self) -> bool:
        """It shows next to nothing: black, covered, fog."""
        edges = _edges(self.thumbnail)
        return float((edges * edges).sum()) < PLAIN * SIZE[0] * SIZE[1]

    def unlike(self, other: "Scene") -> str:
        """Why another scene is not this one, in words that follow 'because'; empty where it is."""
        if light := self.other_light(other):
            return light
        ours, theirs = _edges(self.thumbnail), _edges(other.thumbnail)
        there = _likeness(ours, theirs)
        if there + SHIFTED < 1 and _likeness_shifted(ours, theirs) > max(SAME, there + SHIFTED):
            return "the camera was moved"
        return "" if there >= SAME else "the camera shows another scene"

    def other_light(self, other: "Scene") -> str:
        """The same, as far as a single picture tells: it is in colour, or not, and this one is otherwise."""
        before, now = self.colour, other.colour
        if now < GREY and before > COLOURED:
            return "the picture has lost its colours"
        if before < GREY and now > COLOURED:
            return "the picture has colours now"
        return ""

    def likeness(self, other: "Scene") -> float:
        """-1..1 of two scenes that are the same, to choose the one that is most so."""
        return _likeness(_edges(self.thumbnail), _edges(other.thumbnail))

    def packed(self) -> str:
        """In letters, for JSON."""
        return base64.b64encode(zlib.compress(self.thumbnail.tobytes())).decode()


def unpacked(text: str) -> Scene:
    """The scene again. Raises ValueError where it is damaged."""
    try:
        blob = zlib.decompress(base64.b64decode(text, validate=True))
    except zlib.error as error:
        raise ValueError("no thumbnail") from error
    return Scene(np.frombuffer(blob, np.uint8).reshape(*SIZE[::-1], 3))


class Lookout:
    """Looks at one stream's pictures and knows what lasts in them."""

    def __init__(self) -> None:
        self._recent: deque[Thumbnail] = deque(maxlen=2 * HALF)
        self._kept_at = -math.inf
        self.stuck = False  # the picture is exactly the one before: no camera does that
        self._last: Thumbnail | None = None

    def look(self, picture: NDArray[np.uint8], at: float) -> Scene:
        """What a picture (H, W, 3) BGR shows, at a time in seconds."""
        thumbnail: Thumbnail = cv2.resize(picture, SIZE, interpolation=cv2.INTER_AREA)  # type: ignore[assignment]
        self.stuck = self._last is not None and np.array_equal(self._last, thumbnail)
        self._last = thumbnail
        if not 0 <= at - self._kept_at < APART:
            self._kept_at = at
            self._recent.append(thumbnail)
        return Scene(thumbnail)

    def forget(self) -> None:
        """What comes next has nothing to do with what was."""
        self._recent.clear()
        self._kept_at = -math.inf

    @property
    def lasting(self) -> Scene | None:
        """What stood still through the last half minute; None where that is not known, or it did not last."""
        if len(self._recent) < 2 * HALF:
            return None
        pictures = list(self._recent)
        earlier, later = _empty(pictures[:HALF]), _empty(pictures[HALF:])
        return None if earlier.unlike(later) else later

    @property
    def seen(self) -> Scene | None:
        """What stood still in what was seen lately, be it little; None where nothing was seen."""
        return _empty(list(self._recent)) if self._recent else None


def _empty(pictures: list[Thumbnail]) -> Scene:
    """The median of each pixel: by exchanging neighbours, 40 times as fast as numpy on so few."""
    ranks, middle = list(pictures), len(pictures) // 2
    for rank in range(middle + 1):
        for place in range(len(ranks) - 1, rank, -1):
            low, high = ranks[place - 1], ranks[place]
            ranks[place - 1], ranks[place] = np.minimum(low, high), np.maximum(low, high)
    return Scene(ranks[middle])


def _colour(thumbnail: Thumbnail) -> float:
    blue, green, red = cv2.split(thumbnail)
    spread = cv2.max(cv2.max(blue, green), red) - cv2.min(cv2.min(blue, green), red)
    return float(cv2.mean(spread)[0])


def _edges(thumbnail: Thumbnail) -> NDArray[np.float32]:
    """(H, W, 2) the direction of the edges, as long as 1 where they stand out."""
    grey = cv2.GaussianBlur(cv2.cvtColor(thumbnail, cv2.COLOR_BGR2GRAY).astype(np.float32), (3, 3), 0)
    upright = cv2.Sobel(grey, cv2.CV_32F, 1, 0, scale=0.125)
    level = cv2.Sobel(grey, cv2.CV_32F, 0, 1, scale=0.125)
    edges = np.stack([upright, level], axis=-1)
    edges = edges / (EDGE + np.sqrt(upright * upright + level * level)[..., None])
    return edges.astype(np.float32)


def _likeness(ours: NDArray[np.float32], theirs: NDArray[np.float32]) -> float:
    """The normalised correlation; scenes without edges are alike."""
    least = PLAIN * ours.shape[0] * ours.shape[1]
    both = float((ours * theirs).sum()) + least
    product = (float((ours * ours).sum()) + least) * (float((theirs * theirs).sum()) + least)
    return float(both / math.sqrt(product))


def _likeness_shifted(ours: NDArray[np.float32], theirs: NDArray[np.float32]) -> float:
    """The best likeness where one is shifted by up to REACH px."""
    inside = theirs[REACH:-REACH, REACH:-REACH]
    upright, level = (
        cv2.matchTemplate(
            np.ascontiguousarray(ours[..., part]), np.ascontiguousarray(inside[..., part]), cv2.TM_CCORR
        )
        for part in (0, 1)
    )
    places = upright + level
    down, across = np.unravel_index(int(np.argmax(places)), places.shape)
    height, width = inside.shape[:2]
    return _likeness(ours[down : down + height, across : across + width], inside)
