"""What stands still: put down, taken away, changed, flickering, covered; not light, rain and walkers."""

from collections.abc import Callable, Iterator
from dataclasses import astuple
from functools import cache
from itertools import pairwise

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from detectors.anomaly.features import shrink
from detectors.anomaly.method import Reading, Seen
from detectors.anomaly.onlooker import Onlooker
from detectors.anomaly.scenery_learning import learn_scenery
from detectors.anomaly.scenery_score import Scenery
from detectors.anomaly.threshold import threshold_for
from tests.detectors.anomaly.street import HEIGHT, RATE, WIDTH, Picture, street

THRESHOLD = threshold_for(1.0)
Change = Callable[[NDArray[np.float32], float], None]  # of a picture, so many seconds after it begins
LEFT, TOP, SIDE = 100, 84, 16  # px


def views(first: float, seconds: float, change: Change | None = None) -> Iterator[tuple[float, Picture]]:
    for number in range(round(seconds * RATE)):
        at = number / RATE
        picture = street(first + at).astype(np.float32)
        if change:
            change(picture, at)
        yield at, np.clip(picture, 0, 255).astype(np.uint8)


@cache
def learned() -> Scenery:
    footage = [Seen(shrink(picture), at, at == 0) for at, picture in views(0, 40)]
    scenery = learn_scenery(footage, lambda share: None)
    assert scenery is not None
    return scenery


def watched(pictures: Iterator[tuple[float, Picture]], onlooker: Onlooker | None = None) -> list[Reading]:
    """What is said of each picture."""
    onlooker = onlooker or Onlooker(learned())
    said = []
    for at, picture in pictures:
        now = shrink(picture)
        score = onlooker.look(now, at, THRESHOLD)
        said.append(onlooker.reading(score, now, THRESHOLD))
    return said


def spot(picture: NDArray[np.float32]) -> NDArray[np.float32]:
    return picture[TOP : TOP + SIDE, LEFT : LEFT + SIDE]


def left_behind(picture: NDArray[np.float32], at: float) -> None:
    spot(picture)[:] = 0.4 * spot(picture) + (np.indices((SIDE, SIDE)).sum(axis=0) // 6 % 2 * 60)[..., None]


def flickering(picture: NDArray[np.float32], at: float) -> None:
    spot(picture)[:] += 50 * (round(at * RATE) % 2)


def covered(picture: NDArray[np.float32], at: float) -> None:
    picture[:, : WIDTH // 4] = 25


def grained(picture: NDArray[np.float32], at: float) -> None:
    grain = np.random.default_rng(4).normal(0, 14, (2 * SIDE, 2 * SIDE))
    place = picture[HEIGHT - 2 * SIDE :, LEFT : LEFT + 2 * SIDE]
    place += cv2.GaussianBlur(grain, (0, 0), 1.0)[..., None] * 3


@pytest.mark.parametrize(
    ("change", "kind", "words"),
    [
        (left_behind, "structure", "was not here before"),
        (flickering, "quality", "up and down"),
        (covered, "structure", "missing or covered"),
        (grained, "content", "another surface"),
    ],
)
def test_a_change_that_stays_is_told_within_two_seconds(change: Change, kind: str, words: str) -> None:
    said = watched(views(60, 6, change))
    late = said[round(3 * RATE) :]
    assert all(each.score > THRESHOLD for each in late)
    assert {each.kind for each in late} == {kind}
    assert all(words in each.reason for each in late)


def test_the_box_lies_over_what_was_left() -> None:
    box = watched(views(60, 4, left_behind))[-1].regions[0]
    assert box.left < (LEFT + SIDE / 2) / WIDTH < box.left + box.width
    assert box.top < (TOP + SIDE / 2) / HEIGHT < box.top + box.height
    assert box.width < 4 * SIDE / WIDTH


def test_what_always_stood_there_is_missed() -> None:
    def with_box(picture: NDArray[np.float32], at: float) -> None:
        left_behind(picture, at)

    footage = [Seen(shrink(picture), at, at == 0) for at, picture in views(0, 40, with_box)]
    scenery = learn_scenery(footage, lambda share: None)
    assert scenery is not None
    assert max(each.score for each in watched(views(60, 6, with_box), Onlooker(scenery))) < THRESHOLD
    gone = watched(views(60, 6), Onlooker(scenery))[-1]
    assert gone.score > THRESHOLD
    assert (gone.kind, gone.reason) == ("structure", "something that always stood here is missing or covered")


def brighter(picture: NDArray[np.float32], at: float) -> None:
    picture *= 1 + 0.05 * at


def stepped(picture: NDArray[np.float32], at: float) -> None:
    picture *= 0.75 if at > 3 else 1


def clouded(picture: NDArray[np.float32], at: float) -> None:
    across = (np.arange(WIDTH) / WIDTH - at / 6) / 0.35
    picture *= (1 - 0.3 * np.exp(-(across**2))).astype(np.float32)[None, :, None]


def rained_on(picture: NDArray[np.float32], at: float) -> None:
    picture += np.random.default_rng(round(at * 1000)).normal(0, 6, picture.shape[:2])[..., None]


def coarse(picture: NDArray[np.float32], at: float) -> None:
    _, packed = cv2.imencode(".jpg", picture.astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, 40])
    picture[:] = cv2.imdecode(packed, cv2.IMREAD_COLOR)


@pytest.mark.parametrize("change", [None, brighter, stepped, clouded, rained_on, coarse])
def test_light_weather_and_walkers_are_no_change_of_the_scene(change: Change | None) -> None:
    assert max(each.score for each in watched(views(60, 6, change))) < THRESHOLD


def test_an_alert_stays_and_ends_when_the_thing_is_taken_away() -> None:
    def for_a_while(picture: NDArray[np.float32], at: float) -> None:
        if 5 <= at < 25:
            left_behind(picture, at)

    high = [each.score > THRESHOLD for each in watched(views(60, 32, for_a_while))]
    first, last = high.index(True), len(high) - 1 - high[::-1].index(True)
    assert all(high[first : last + 1])
    assert 7 <= first / RATE <= 8
    assert 24 <= last / RATE <= 26.5


def test_who_stops_for_two_seconds_is_nothing_that_was_left_behind() -> None:
    def for_two_seconds(picture: NDArray[np.float32], at: float) -> None:
        if 5 <= at < 7:
            left_behind(picture, at)

    assert max(each.score for each in watched(views(60, 12, for_two_seconds))) < THRESHOLD


def test_what_stays_for_hours_becomes_the_scene() -> None:
    """Seen through a camera of one picture in three seconds, so that hours are few pictures."""
    onlooker = Onlooker(learned())
    now = shrink(next(iter(views(60, 1, left_behind)))[1])
    scores = [onlooker.look(now, 3.0 * number, THRESHOLD) for number in range(2400)]
    assert scores[200] > THRESHOLD
    assert scores[-1] < THRESHOLD
    high = [score > THRESHOLD for score in scores[5:]]
    assert sum(before != after for before, after in pairwise(high)) == 1


def test_who_waits_at_the_edge_is_nothing_put_down() -> None:
    def waiting(picture: NDArray[np.float32], at: float) -> None:
        picture[40:70, :10] = 20

    assert max(each.score for each in watched(views(60, 6, waiting))) == 0


def test_too_few_pictures_say_nothing_of_what_stands() -> None:
    footage = [Seen(shrink(picture), at, at == 0) for at, picture in views(0, 2)]
    assert learn_scenery(footage, lambda share: None) is None


def test_the_same_footage_gives_the_same_scenery() -> None:
    footage = [Seen(shrink(picture), at, at == 0) for at, picture in views(0, 12)]
    first, second = (learn_scenery(footage, lambda share: None) for _ in range(2))
    assert first is not None
    assert second is not None
    # To rounding: where arrays lie in memory decides which of them are summed in wide registers.
    assert astuple(first.tail) == pytest.approx(astuple(second.tail), rel=1e-5)
    assert np.allclose(first.spread, second.spread, rtol=1e-5)
