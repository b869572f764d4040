"""How much a camera is watched: a share of the time, and of the pictures that were due."""

from datetime import timedelta

import pytest

from daemon.attention import WINDOW, Attention
from tests.fakes import EPOCH


def test_a_camera_whose_pictures_are_all_judged_is_watched() -> None:
    attention = Attention()
    assert (attention.share, attention.judged_fps) == (0, 0), "nothing is known yet"
    for second in range(10):
        attention.note(second, 5 * second, 0, "online")
    assert (attention.share, attention.judged_fps) == (1, 5)


def test_what_is_lost_and_what_is_away_is_not_watched() -> None:
    attention = Attention()
    for second in range(11):
        attention.note(second, second, 4 * second, "degraded")
    assert attention.share == pytest.approx(0.2)
    for second in range(11, 21):
        attention.note(second, 10, 40, "offline")
    assert attention.share == pytest.approx(0.1)
    assert attention.judged_fps == pytest.approx(0.5)


def test_only_the_last_minute_counts() -> None:
    attention = Attention()
    for second in range(200):
        attention.note(second, max(0, second - 100), 0, "online" if second >= 100 else "connecting")
    assert attention.share == 1
    assert attention.judged_fps == pytest.approx(1)
    for second in range(200, 200 + round(WINDOW)):
        attention.note(second, 100, 0, "offline")
    assert attention.share == pytest.approx(0, abs=0.02)


def test_a_camera_that_shows_seldom_a_picture_is_watched() -> None:
    attention = Attention()
    for second in range(300):
        attention.note(second, second // 120, 0, "online")
    assert attention.share == 1


def test_it_is_known_since_when_a_state_lasts() -> None:
    now = EPOCH
    attention = Attention(lambda: now)
    for second, state in enumerate(["connecting", "online", "online", "degraded", "online", "online"]):
        now = EPOCH + timedelta(seconds=second)
        attention.note(second, 0, 0, state)
    assert (attention.state, attention.since) == ("online", EPOCH + timedelta(seconds=4))
