"""Events planted into the drawn street: the same for the same seed, only where and when they say."""

from functools import cache

import numpy as np
import pytest

from detectors.planting.events import LEAD, EventKind, Planted, clip_length, plant
from detectors.planting.negatives import Nuisance, disturbed
from detectors.planting.scene import Scene, observe
from detectors.planting.walking import LASTS
from streams.recoding import decoded, encoded
from tests.detectors.anomaly.street import RATE, street


@cache
def scene() -> Scene:
    return observe([street(number / RATE) for number in range(300)], RATE)


def host() -> list[np.ndarray]:
    return [street(90 + number / RATE) for number in range(clip_length(RATE))]


def planted(kind: EventKind, seed: int) -> Planted:
    event = plant(kind, scene(), host(), RATE, seed)
    assert event is not None, f"the street cannot show {kind}"
    return event


def test_walkers_are_cut_out_of_the_street() -> None:
    assert len(scene().actors) >= 4
    for actor in scene().actors:
        assert 10 <= actor.height <= 40
        assert 15 <= actor.speed <= 35  # px a second, as they are drawn
        assert abs(actor.velocity[1]) < 3


@pytest.mark.parametrize("kind", list(EventKind))
def test_an_event_changes_only_the_pictures_and_places_that_it_tells_of(kind: EventKind) -> None:
    event, plain = planted(kind, 1), host()
    first, end = round(LEAD * RATE), round((LEAD + LASTS) * RATE)
    assert event.present[first:end].sum() >= 3
    assert not event.present[:first].any()
    assert not event.present[end:].any()
    for number, picture in enumerate(event.pictures):
        changed = np.abs(picture.astype(int) - plain[number]).max(axis=2) > 4
        assert not (changed & ~event.masks[number]).any()


@pytest.mark.parametrize("kind", [EventKind.TOO_FAST, EventKind.LEFT_BEHIND, EventKind.FLICKER])
def test_the_same_seed_gives_the_same_event_and_another_seed_another(kind: EventKind) -> None:
    one, same, other = planted(kind, 1), planted(kind, 1), planted(kind, 2)
    assert np.array_equal(one.pictures, same.pictures)
    assert not np.array_equal(one.pictures, other.pictures)


def _middles(event: Planted) -> np.ndarray:
    """(N, 2) px: the middle of what has changed, where something has."""
    return np.array([np.argwhere(mask).mean(axis=0)[::-1] for mask in event.masks if mask.any()])


def test_what_is_too_fast_moves_faster_and_what_is_too_slow_slower_than_any_walker() -> None:
    fastest = max(actor.speed for actor in scene().actors)
    slowest = min(actor.speed for actor in scene().actors)
    for seed in range(3):
        fast, slow = (_middles(planted(kind, seed)) for kind in (EventKind.TOO_FAST, EventKind.TOO_SLOW))
        assert np.median(np.abs(np.diff(fast[:, 0]))) * RATE > 1.3 * fastest
        assert abs(slow[-1, 0] - slow[0, 0]) / LASTS < 0.6 * slowest


def test_against_the_flow_means_to_the_left_where_all_walk_to_the_right() -> None:
    assert all(actor.velocity[0] > 0 for actor in scene().actors)
    path = _middles(planted(EventKind.WRONG_WAY, 1))
    assert path[-1, 0] < path[0, 0]


def test_a_scene_where_nothing_moves_has_nobody_to_go_the_wrong_way() -> None:
    empty = [street(0.0)] * 40
    for kind in (EventKind.WRONG_WAY, EventKind.TOO_FAST, EventKind.TOO_SLOW):
        assert plant(kind, observe(empty, RATE), host(), RATE, 1) is None


def test_disturbances_leave_the_beginning_alone_and_stay_mild() -> None:
    plain = host()
    for nuisance in (Nuisance.LIGHT_DRIFT, Nuisance.RAIN, Nuisance.SWAY):
        changed = disturbed(nuisance, plain, RATE, 1)
        assert np.array_equal(changed[0], plain[0])
        apart = np.abs(changed[-1 - len(plain) // 4].astype(int) - plain[-1 - len(plain) // 4]).mean()
        assert 0.3 < apart < 40, nuisance


def test_footage_comes_back_from_the_camera_nearly_as_it_went() -> None:
    plain = host()
    back = decoded(encoded(plain, RATE))
    assert len(back) == len(plain)
    assert np.abs(back[20].astype(int) - plain[20]).mean() < 4
