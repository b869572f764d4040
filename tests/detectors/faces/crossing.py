"""Two people who pass before one another, as a finder sees them: the nearer one hides the other."""

import math
import random

from detectors.faces.face import Face
from detectors.faces.tracks import Tracks
from tests.detectors.faces.drawn import face_at

STEP = 0.2  # seconds
COUNT = 21  # pictures; they meet in the middle
JITTER = 0.03  # of a face's size, of place and size
MISSED = 0.08  # of the pictures


def swapped(seed: int) -> bool:
    """Whether a number goes over from one of them to the other."""
    chance = random.Random(seed)
    near = chance.uniform(60, 140)  # px
    sizes = near, near * chance.uniform(0.75, 1.0)
    pace = chance.uniform(0.3, 2.5) * near, -chance.uniform(0.3, 2.5) * near  # px a second
    lower, meet = chance.uniform(0, 0.5) * near, STEP * (COUNT / 2 + chance.uniform(-1, 1))
    tracks, owner = Tracks(), dict[int, int]()
    for step in range(COUNT):
        places = [
            (
                320 + pace[who] * (step * STEP - meet) + chance.gauss(0, JITTER) * sizes[who],
                200 + who * lower + chance.gauss(0, JITTER) * sizes[who],
            )
            for who in (0, 1)
        ]
        hidden = math.dist(*places) < 0.5 * near
        found: list[tuple[int, Face]] = [
            (who, face_at(*places[who], sizes[who] * (1 + chance.gauss(0, JITTER))))
            for who in (0, 1)
            if chance.random() >= MISSED and not (hidden and who == 1)
        ]
        chance.shuffle(found)
        told = tracks.follow([face for _, face in found], step * STEP)
        for (who, _), track in zip(found, told, strict=True):
            if owner.setdefault(track.number, who) != who:
                return True
    return False
