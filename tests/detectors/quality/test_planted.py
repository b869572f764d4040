"""Real footage with planted faults, through a codec: told soon, told alone, and over when it is over."""

import pytest

from tests.detectors.quality.planted import FAULTS, Picture, encoded, footage, frames, judged, planted
from tests.real import shared

BEGIN, LONG = 12.0, {"frozen": 11.0}
SOON = {"frozen": 5.0 + 3.0}  # what the operator set, and a keyframe or two until the codec has settled


@pytest.mark.real("footage")
@pytest.mark.parametrize("video", ["vtest.mp4", "car-detection.mp4", "bottle-detection.mp4"])
def test_ordinary_footage_raises_no_alarm(video: str) -> None:
    for seen in judged(frames(shared(f"data/videos/{video}"))):
        assert not seen.alarms, (seen.position, [seen.said[label].reason for label in seen.alarms])


@pytest.fixture(scope="module")
def pedestrians() -> list[Picture]:
    return footage(shared("data/videos/vtest.mp4"), seconds=27)


@pytest.mark.real("footage")
@pytest.mark.parametrize("name", FAULTS)
def test_a_planted_fault_is_told_soon_alone_and_until_it_ends(name: str, pedestrians: list[Picture]) -> None:
    label, fault = FAULTS[name]
    end = BEGIN + LONG.get(name, 5.0)
    clip = planted(pedestrians, fault, BEGIN, end)[: round((end + 4) * 10)]
    seen = judged(frames(encoded(clip)))
    alarms = [(each.position, each.alarms) for each in seen if each.alarms]
    assert alarms, f"{name} was never told"
    assert {one for _, labels in alarms for one in labels} == {label}
    first, last = alarms[0][0], alarms[-1][0]
    assert BEGIN <= first <= BEGIN + SOON.get(name, 2.0)
    assert end - 1 <= last <= end + 1.5
    during = [each for each in seen if first <= each.position < end - 0.5]
    assert all(label in each.alarms for each in during)
    assert all(each.said[label].reason for each in during)


@pytest.mark.real("footage")
@pytest.mark.parametrize("video", ["car-detection.mp4", "bottle-detection.mp4"])
@pytest.mark.parametrize("name", ["black", "blurred", "overexposed", "underexposed", "greyed", "frozen"])
def test_faults_are_told_where_there_is_little_to_see(video: str, name: str) -> None:
    label, fault = FAULTS[name]
    end = BEGIN + LONG.get(name, 4.0)
    clip = planted(footage(shared(f"data/videos/{video}"), end + 2, width=320), fault, BEGIN, end)
    seen = judged(frames(encoded(clip)))
    told = [each.position for each in seen if label in each.alarms]
    assert told, f"{name} was never told"
    assert BEGIN <= told[0] <= BEGIN + SOON.get(name, 2.0)
    assert told[-1] <= end + 1.5
