"""A head that is turned by so much is said to be."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from detectors.faces.pose import pose_of

# Another head than the one that is built in; mm to the right, down, and towards who looks.
HEAD = np.array([(-33, 2, 1), (31, 1, 1), (0, 38, 30), (-27, 68, 4), (25, 67, 3)], np.float64)


@pytest.mark.parametrize("yaw", [-60, -30, 0, 20, 45])
@pytest.mark.parametrize("pitch", [-25, 0, 25])
def test_yaw_and_pitch(yaw: float, pitch: float) -> None:
    pose = pose_of(seen(yaw, pitch, 0))
    assert (pose.yaw, pose.pitch) == pytest.approx((yaw, pitch), abs=8)


@pytest.mark.parametrize("roll", [-170, -90, -20, 0, 20, 90])
def test_a_head_that_rolls_is_turned_no_more_for_it(roll: float) -> None:
    pose = pose_of(seen(30, -20, roll))
    assert (pose.yaw, pose.pitch, pose.roll) == pytest.approx((30, -20, roll), abs=8)


@given(yaw=st.floats(-70, 70), scale=st.floats(0.05, 20), x=st.floats(-500, 500))
def test_place_and_size_do_not_matter(yaw: float, scale: float, x: float) -> None:
    assert pose_of(scale * seen(yaw, 0, 0) + np.float32(x)).yaw == pytest.approx(
        pose_of(seen(yaw, 0, 0)).yaw, abs=1
    )


@given(places=st.lists(st.floats(-1e4, 1e4, width=32), min_size=10, max_size=10))
def test_any_five_places_have_a_pose(places: list[float]) -> None:
    pose = pose_of(np.array(places, np.float32).reshape(5, 2))
    assert all(np.isfinite(each) and abs(each) <= 180 for each in (pose.yaw, pose.pitch, pose.roll))


def seen(yaw: float, pitch: float, roll: float) -> NDArray[np.float32]:
    """The head from far away: nodding first, then turned to the right as seen, then rolled clockwise."""
    a, b, c = np.radians((yaw, pitch, roll))
    nod = np.array([(1, 0, 0), (0, np.cos(b), np.sin(b)), (0, -np.sin(b), np.cos(b))])
    turn = np.array([(np.cos(a), 0, np.sin(a)), (0, 1, 0), (-np.sin(a), 0, np.cos(a))])
    lean = np.array([(np.cos(c), -np.sin(c), 0), (np.sin(c), np.cos(c), 0), (0, 0, 1)])
    return np.asarray((HEAD @ (lean @ turn @ nod).T)[:, :2], np.float32)
