"""What about the strangest place is unusual: the kind of thing it is, and the reason in words."""

import cv2
import numpy as np
from numpy.typing import NDArray

from detectors.anomaly.features import CONTENT, FLOORS, MOTION, NAMES, Cells, Floats
from detectors.anomaly.score import PARTS, Expectation

LIT = 0.7  # likeness of its edges from which what is in front of the scene is the scene in another light
LARGE = 0.05  # share of the picture from which a strange place may be something that covers it,
BULK = 3.0  # if it is so many deviations bulkier than what moves in this scene
TELLS = 0.85  # of a cell's oddness is left without one kind of features: so it is one of the reasons
MANY = 10.0  # times the usual speed from which no number says more
FILLING = (2.0, 1.0, 1.0, 0.5, 0.5)  # noise levels at which some features are filled in from the others


def explain(
    cells: Cells, raw: Floats, expectation: Expectation, there: NDArray[np.bool_], now: Floats, usual: Floats
) -> tuple[str, str]:
    """What is unusual: its kind, 'motion', 'content', 'structure' or 'quality', and the reason in words.

    `raw` (N,): the cells' scores; `there` (rows, cols): the strangest place; `now`, `usual` (H, W): the
    picture in the light of the scene, and the scene.
    """
    inside = there[cells.rows, cells.cols]
    share = np.zeros(there.shape, np.float32)
    share[cells.rows[inside], cells.cols[inside]] = cells.values[inside, _COVER] ** 2
    if edges_alike(now, usual, share) >= LIT:
        return "quality", "what stands here is lit otherwise than before"
    bulk = cells.values[inside, _BULK] - expectation.mean[_BULK]
    if there.mean() >= LARGE and inside.any() and np.median(bulk) >= BULK * expectation.spread[_BULK]:
        return "structure", "something larger than what moves here covers a part of the picture"
    worst = int(np.argmax(raw))
    one = Cells(cells.rows[[worst]], cells.cols[[worst]], cells.values[[worst]])
    odd, foretold = float(expectation.odd_looks(one)[0]), _foretold(one, expectation)
    left = expectation.odd_looks(foretold)  # of that, where one part were as the rest foretells
    kind = "motion" if left[_MOVES] <= left[_LOOKS] else "content"
    moved = np.abs(one.values[0] - foretold.values) / expectation.spread  # (shares, F) deviations
    leading = [max(part, key=lambda index: moved[number, index]) for number, part in enumerate(PARTS)]
    parts = [
        (number, leading[number]) for number in np.argsort(left[: len(PARTS)]) if left[number] < TELLS * odd
    ]
    if not parts:  # no one thing is odd, but all of its looks, or all of its movement, together
        whole = _MOVES if kind == "motion" else _LOOKS
        leading = [max(part, key=lambda index: moved[whole, index]) for part in PARTS]
        parts = [(whole, index) for index in sorted(leading, key=lambda index: -moved[whole, index])]
    rare = float(expectation.rareness(one)[0]) ** 2
    if rare >= max(1.0, odd):  # its looks say less than its place
        kind = "content"
    said = ["is where hardly anything was ever seen"] if rare >= 1 else []
    for number, index in parts:
        words = _words(NAMES[index], one.values[0], foretold.values[number])
        if words not in said and len(said) < 2:
            said.append(words)
    return kind, " and ".join(said)


def _foretold(one: Cells, expectation: Expectation) -> Cells:
    """A cell, once for each of _SHARES: with these features as the others foretell them.

    As diffusion models fill in what is missing: noise is taken off again and again, and what is known is put
    back each time (Lugmayr et al., RePaint, CVPR 2022).
    """
    rows, cols = one.rows.repeat(len(_SHARES)), one.cols.repeat(len(_SHARES))
    values = one.values.repeat(len(_SHARES), axis=0)
    for sigma in FILLING:
        values = np.where(_SHARES, expectation.expected(Cells(rows, cols, values), sigma), values)
    return Cells(rows, cols, values.astype(np.float32))


def edges_alike(now: Floats, usual: Floats, share: Floats) -> float:
    """-1..1 how alike two pictures (H, W) are in some cells, by what light changes least: edges.

    `share` (rows, cols), 0..1, says how much each cell counts. Each has its own likeness: the border of a
    shadow or of a lamp's light is an edge of its own, and would outweigh all others.
    """
    ours, theirs = (
        [cv2.Sobel(smooth, cv2.CV_32F, across, 1 - across) for across in (1, 0)]
        for smooth in (cv2.blur(now, (5, 5)), cv2.blur(usual, (5, 5)))
    )
    both, now_size, usual_size = (
        cv2.resize(one[0] * other[0] + one[1] * other[1], share.shape[::-1], interpolation=cv2.INTER_AREA)
        for one, other in ((ours, theirs), (ours, ours), (theirs, theirs))
    )
    alike = both / np.sqrt(np.maximum(now_size * usual_size, 1e-6))
    return float((share * alike).sum() / max(float(share.sum()), 1e-6))


def _words(name: str, seen: Floats, usual: Floats) -> str:
    index = NAMES.index(name)
    more = bool(seen[index] > usual[index])
    if name == "quick" and more:
        times = float(seen[index]) / max(float(usual[index]), 1e-4)
        return (
            f"moves at {times:.1f} times the usual speed here"
            if times < MANY
            else "moves much faster than is usual here"
        )
    if name in ("sideways", "updown", "speed"):
        across, down, speed = (float(seen[NAMES.index(part)]) for part in MOTION[:3])
        right, below, before = (float(usual[NAMES.index(part)]) for part in MOTION[:3])
        times = speed / max(before, 1e-4)
        if not more and name == "speed" and times < 0.5:
            return "stands or moves slower than is usual here"
        if abs(across) >= abs(down):
            way = "to the right" if across > 0 else "to the left"
        else:
            way = "downwards" if down > 0 else "upwards"
        if across * right + down * below < 0 and np.hypot(right, below) >= FLOORS[NAMES.index("speed")]:
            return f"moves {way}, against the usual way here"
        if 1.3 <= times < MANY:
            return f"moves {way} at {times:.1f} times the usual speed here"
        return f"moves {way}, unlike what is usual here"
    return {
        "quick": ("", "stands or moves slower than is usual here"),
        "arriving": ("comes faster than is usual here", "stands or moves slower than is usual here"),
        "disorder": ("moves unevenly", "moves more evenly than usual"),
        "cover": ("fills more of its place than usual", "fills less of its place than usual"),
        "extent": ("is larger than usual", "is smaller than usual"),
        "bulk": ("is much larger than usual", "stands more alone than usual"),
        "contrast": ("stands out more than usual", "stands out less than usual"),
        "brightness": ("is brighter than usual", "is darker than usual"),
        "blue": ("is bluer than usual", "is less blue than usual"),
        "red": ("is redder than usual", "is less red than usual"),
    }.get(name, ("has a coarser pattern than usual", "has a smoother surface than usual"))[0 if more else 1]


_BULK, _COVER = NAMES.index("bulk"), NAMES.index("cover")
_MOVES, _LOOKS = len(PARTS), len(PARTS) + 1  # behind each part by itself: all of movement, all of looks
_SHARES = np.array(
    [[index in part for index in range(len(NAMES))] for part in PARTS]
    + [[name in names for name in NAMES] for names in (MOTION, CONTENT)]
)
