"""Real footage with planted faults, through a codec: told soon, told alone, and over when it is over."""

import pytest

from streams.thinning import Thinning
from tests.detectors.quality.clips import Picture, encoded, footage, frames, judged
from tests.detectors.quality.harmless import HARMLESS
from tests.detectors.quality.planted import FAULTS, planted
from tests.real import shared

BEGIN = 20.0
LONG = {"frozen": 8.0, "partly_covered": 10.0, "combed": 6.0}
# What the operator set, and a keyframe or two until the codec has settled; what must last, or come again.
SOON = {"frozen": 8.0, "partly_covered": 7.0, "combed": 4.0, "glare": 3.0}
LASTS_ON = {"combed": 5.0}


@pytest.mark.real("footage")
@pytest.mark.parametrize("video", ["vtest.mp4", "car-detection.mp4", "bottle-detection.mp4"])
def test_ordinary_footage_raises_no_alarm(video: str) -> None:
    for seen in judged(frames(shared(f"data/videos/{video}"))):
        assert not seen.alarms, (seen.position, [seen.said[label].reason for label in seen.alarms])


@pytest.fixture(scope="module")
def pedestrians() -> list[Picture]:
    return footage(shared("data/videos/vtest.mp4"), seconds=37, width=320)


@pytest.mark.real("footage")
@pytest.mark.parametrize("name", [name for name in FAULTS if name != "looped"])  # test_loop.py
def test_a_planted_fault_is_told_soon_alone_and_until_it_ends(name: str, pedestrians: list[Picture]) -> None:
    label, fault = FAULTS[name]
    end = BEGIN + LONG.get(name, 4.0)
    clip = planted(pedestrians, fault, BEGIN, end)[: round((end + 3) * 10)]
    seen = judged(frames(encoded(clip)))
    told = [each.position for each in seen if label in each.alarms]
    assert told, f"{name} was never told"
    # A blur has two names, and one may pass into the other.
    blurs = {"blurred", "defocused"} if label in {"blurred", "defocused"} else {label}
    assert {one for each in seen for one in each.alarms} <= blurs
    assert BEGIN <= told[0] <= BEGIN + SOON.get(name, 2.0)
    assert end - 1 <= told[-1] <= end + LASTS_ON.get(name, 1.5)
    during = [each for each in seen if told[0] <= each.position < end - 0.5]
    assert sum(label in each.alarms for each in during) >= 0.7 * len(during)
    assert all(blurs & each.alarms for each in during)
    assert all(": " in each.said[label].reason for each in during if label in each.alarms)


@pytest.mark.real("footage")
@pytest.mark.parametrize("name", HARMLESS)
def test_what_is_harmless_raises_no_alarm(name: str, pedestrians: list[Picture]) -> None:
    clip = planted(pedestrians, HARMLESS[name], BEGIN, BEGIN + 9)[: round((BEGIN + 11) * 10)]
    for seen in judged(frames(encoded(clip))):
        assert not seen.alarms, (seen.position, [seen.said[label].reason for label in seen.alarms])


@pytest.mark.real("footage")
@pytest.mark.parametrize("video", ["car-detection.mp4", "bottle-detection.mp4"])
@pytest.mark.parametrize("name", ["black", "defocused", "overexposed", "glare", "noisy", "tinted", "greyed"])
def test_faults_are_told_where_there_is_little_to_see(video: str, name: str) -> None:
    label, fault = FAULTS[name]
    end = BEGIN + 4
    clip = planted(footage(shared(f"data/videos/{video}"), end + 2, width=320), fault, BEGIN, end)
    seen = judged(frames(encoded(clip)))
    told = [each.position for each in seen if label in each.alarms]
    assert told, f"{name} was never told"
    assert BEGIN <= told[0] <= BEGIN + SOON.get(name, 2.0)
    assert told[-1] <= end + 1.5


@pytest.mark.real("footage")
@pytest.mark.parametrize("name", ["black", "frozen", "covered"])
def test_a_fault_is_told_where_only_a_quarter_of_the_pictures_is_kept(
    name: str, pedestrians: list[Picture]
) -> None:
    label, fault = FAULTS[name]
    end = BEGIN + LONG.get(name, 4.0) + 2
    thinning = Thinning()
    thinning.share = 0.25
    clip = planted(pedestrians, fault, BEGIN, end)[: round((end + 6) * 10)]
    seen = judged(each for each in frames(encoded(clip)) if thinning.keep())
    told = [each.position for each in seen if label in each.alarms]
    assert told and {one for each in seen for one in each.alarms} == {label}
    assert BEGIN <= told[0] <= BEGIN + SOON.get(name, 2.0) + 2.5
    assert told[-1] <= end + 2.5
