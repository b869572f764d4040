"""Degraded: what comes slowly, damaged, or not for long is told once, and ordinary trouble is not."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.flow import FLAPS_WITHIN, WORST, Flow
from alerts.judge import Judge
from alerts.rules import Rules
from alerts.verdict import Verdict
from streams.frame import Outage, StreamFault
from tests.fakes import EPOCH, GREY, frame


@dataclass
class Camera:
    """A camera and its judge, second by second: what comes, and what is told."""

    sample_fps: float = 5
    counts: Counter[str] = field(default_factory=lambda: Counter(connects=1))
    now: float = 0.0
    told: list[tuple[float, str, str, str]] = field(default_factory=list)  # when, label, change, reason
    gone_since: float | None = None

    def __post_init__(self) -> None:
        self.flow = Flow(self.sample_fps)
        self.judge = Judge("gate", Rules())

    def show(self, seconds: float, fps: float = 25, damaged: float = 0.0) -> None:
        """Pictures come at this rate, and a share of them is damaged."""
        if self.gone_since is not None:
            self.counts["connects"] += 1
            self.gone_since = None
        step = 1 / min(fps, self.sample_fps)
        owed = hurt = 0.0
        until = self.now + seconds
        while self.now < until:
            owed += fps * step
            self.counts["packets"] += int(owed)
            owed -= int(owed)
            hurt += damaged
            picture = frame("gate", 1, GREY, position=self.now)
            picture = replace(picture, damaged=hurt >= 1, fresh=False)
            hurt -= hurt >= 1
            said = self.flow.weigh(picture.captured_at, self.counts, damaged=picture.damaged)
            self._note(self.judge.weigh(picture, [said]))
            self.now += step

    def lose(self, seconds: float) -> None:
        """The connection is gone for so long."""
        if self.gone_since is None:
            self.gone_since = self.now
            self.counts["lost_ended"] += 1
        until = self.now + seconds
        while self.now < until:
            at = EPOCH + timedelta(seconds=self.now)
            outage = Outage("gate", at, self.now - self.gone_since, StreamFault.ENDED, "it is gone")
            said = self.flow.weigh(at, self.counts, damaged=None)
            self._note(self.judge.weigh_outage(outage, said))
            self.now += min(1.0, until - self.now)

    def _note(self, verdicts: Sequence[Verdict]) -> None:
        self.told += [(self.now, each.label, str(each.change), each.reason) for each in verdicts]

    @property
    def changes(self) -> list[tuple[str, str]]:
        return [(label, change) for _, label, change, _ in self.told if change != "updated"]


def test_an_ordinary_camera_is_never_degraded() -> None:
    camera = Camera()
    camera.show(120, fps=25)
    camera.show(600, fps=12)  # at night it exposes for longer
    camera.show(60, damaged=0.14)  # as one packet in a thousand lost makes it
    camera.lose(30)  # somebody restarts it
    camera.show(600)
    assert camera.changes == [("offline", "opened"), ("offline", "closed")]


def test_a_camera_that_was_never_faster_is_not_slow() -> None:
    camera = Camera(sample_fps=5)
    camera.show(900, fps=1)
    assert camera.told == []


def test_a_camera_that_gives_much_less_than_it_did_is_degraded_until_it_gives_enough() -> None:
    camera = Camera()
    camera.show(120, fps=25)
    camera.show(120, fps=2)
    camera.show(120, fps=25)
    assert camera.changes == [("degraded", "opened"), ("degraded", "closed")]
    at, _, _, reason = camera.told[0]
    assert 120 + 20 < at < 120 + 80
    assert reason.endswith(
        "25 are usual: see whether the camera, its network or this machine has too much to do."
    )


def test_a_new_rate_becomes_the_usual_one_within_hours() -> None:
    camera = Camera()
    camera.show(120, fps=25)
    camera.show(4 * 3600, fps=2)
    assert camera.changes == [("degraded", "opened"), ("degraded", "closed")]


def test_many_damaged_pictures_are_told_and_a_few_are_not() -> None:
    camera = Camera()
    camera.show(60)
    camera.show(60, damaged=0.2)
    assert camera.told == []
    camera.show(60, damaged=0.9)
    camera.show(120)
    assert camera.changes == [("degraded", "opened"), ("degraded", "closed")]
    assert "of the pictures of the last minute are damaged: packets are lost on the way" in camera.told[0][3]


def test_the_first_seconds_prove_nothing() -> None:
    camera = Camera()
    camera.show(4, damaged=1.0)
    camera.show(60)
    assert camera.told == []


@pytest.mark.parametrize(("up", "down"), [(3, 2), (4, 8), (20, 20), (30, 10)])
def test_an_hour_of_flapping_is_one_alert(up: float, down: float) -> None:
    camera = Camera()
    camera.show(60)
    while camera.now < 3660:
        camera.lose(down)
        camera.show(up)
    camera.show(FLAPS_WITHIN + 60)
    changes = camera.changes
    assert changes.count(("degraded", "opened")) == changes.count(("degraded", "closed")) == 1
    assert len(changes) <= 2 + 8, "before it was known to flap, it was offline"
    assert len(camera.told) <= 20, "updates, too, become rarer"
    assert any("The connection was lost" in reason for *_, reason in camera.told)
    assert changes[-1] == ("degraded", "closed")


def test_a_camera_that_flaps_and_then_dies_is_told_to_be_offline() -> None:
    camera = Camera()
    for _ in range(10):
        camera.lose(4)
        camera.show(4)
    assert camera.changes == [("degraded", "opened")]
    died = camera.now
    camera.lose(120)
    assert camera.changes == [("degraded", "opened"), ("offline", "opened")]
    assert died + 59 < next(at for at, label, *_ in camera.told if label == "offline") < died + 62
    assert camera.judge.degraded


SIGHTS = st.lists(
    st.tuples(
        st.floats(-5, 100) | st.just(0.0),  # seconds later; a clock may be set back
        st.integers(0, 500),  # packets more
        st.sampled_from(["connects", "lost_ended", "lost_silent", "nothing"]),
        st.none() | st.booleans(),
    ),
    max_size=80,
)


@given(sights=SIGHTS)
def test_whatever_is_seen_the_score_is_a_number_in_its_range(
    sights: list[tuple[float, int, str, bool | None]],
) -> None:
    flow, counts, at = Flow(5), Counter[str](), EPOCH
    for later, packets, event, damaged in sights:
        at += timedelta(seconds=later)
        counts["packets"] += packets
        counts[event] += 1
        said = flow.weigh(at, counts, damaged=damaged)
        assert 0 <= said.score <= WORST
        assert said.reason
