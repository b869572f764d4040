"""How much a camera is watched: a share of the time, and of the pictures that were due."""

import pytest

from daemon.attention import WINDOW, Attention


def test_a_camera_whose_pictures_are_all_judged_is_watched() -> None:
    attention = Attention()
    assert (attention.share, attention.judged_fps) == (0, 0), "nothing is known yet"
    for second in range(10):
        attention.note(second, 5 * second, 0, online=True)
    assert (attention.share, attention.judged_fps) == (1, 5)


def test_what_is_lost_and_what_is_away_is_not_watched() -> None:
    attention = Attention()
    for second in range(11):
        attention.note(second, second, 4 * second, online=True)
    assert attention.share == pytest.approx(0.2)
    for second in range(11, 21):
        attention.note(second, 10, 40, online=False)
    assert attention.share == pytest.approx(0.1)
    assert attention.judged_fps == pytest.approx(0.5)


def test_only_the_last_minute_counts() -> None:
    attention = Attention()
    for second in range(200):
        attention.note(second, max(0, second - 100), 0, online=second >= 100)
    assert attention.share == 1
    assert attention.judged_fps == pytest.approx(1)
    for second in range(200, 200 + round(WINDOW)):
        attention.note(second, 100, 0, online=False)
    assert attention.share == pytest.approx(0, abs=0.02)


def test_a_camera_that_shows_seldom_a_picture_is_watched() -> None:
    attention = Attention()
    for second in range(300):
        attention.note(second, second // 120, 0, online=True)
    assert attention.share == 1
