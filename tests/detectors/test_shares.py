"""Room is shared fairly and by weight, and the shares come to rest, whatever pictures cost."""

import math
import random
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.shares import ROOM, Demand, Shares, Span, fair_rates

NAMES = st.sampled_from("abcdefghijkl")
DEMANDS = st.dictionaries(
    NAMES,
    st.builds(
        Demand,
        fps=st.floats(0.1, 60) | st.just(math.inf),
        weight=st.floats(0.1, 10),
        cost=st.floats(0.0005, 0.2),
    ),
    min_size=1,
)


@given(demands=DEMANDS, room=st.floats(0.1, 1))
def test_rates_are_fair_and_use_what_there_is(demands: dict[str, Demand], room: float) -> None:
    rates = fair_rates(demands, room)
    spent = sum(rates[name] * each.cost for name, each in demands.items())
    assert spent <= room * (1 + 1e-6)
    short = [name for name, each in demands.items() if rates[name] < each.fps * (1 - 1e-6)]
    if short:
        assert spent == pytest.approx(room), "nobody goes short while there is room"
    for name in short:
        assert rates[name] > 0
        for other, each in demands.items():  # nobody has more than who goes short, by weight
            assert rates[other] / each.weight <= rates[name] / demands[name].weight * (1 + 1e-6)


@dataclass
class House:
    """Streams before one device, second by second: who is given more than there is time for waits."""

    demands: Mapping[str, Demand]
    noise: Callable[[], float]
    shares: Shares = field(default_factory=lambda: Shares(longest_wait=0.2, at_most=1.0))
    slower: float = 1.0  # than it seems: what the device loses beside the detectors
    waiting: float = 0.0  # seconds of work
    history: list[dict[str, float]] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)
    owed: Counter[str] = field(default_factory=Counter)  # parts of pictures

    def looked_at(self, name: str, pictures: float) -> int:
        self.owed[name] += pictures  # type: ignore[assignment]
        whole = int(self.owed[name])
        self.owed[name] -= whole
        return whole

    def second(self) -> None:
        shown = {
            name: each.fps * self.shares.shares.get(name, 1.0)
            for name, each in self.demands.items()
            if each.fps < math.inf
        }
        costs = {name: each.cost * self.noise() for name, each in self.demands.items()}
        asked = sum(fps * costs[name] for name, fps in shown.items()) * self.slower + self.waiting
        done = min(1.0, 1 / asked) if asked else 1.0
        self.waiting = min(max(0.0, asked - 1), 2.0)  # what is older is dropped
        recorded = [name for name, each in self.demands.items() if each.fps == math.inf]
        idle = max(0.0, 1 - asked)
        spans = {
            name: Span(
                each.weight,
                due=round(each.fps),
                looked_at=(looked := self.looked_at(name, shown[name] * done)),
                seconds=looked * costs[name],
                waited=looked * self.waiting,
            )
            for name, each in self.demands.items()
            if name in shown
        }
        for name in recorded:
            looked = self.looked_at(name, idle / len(recorded) / costs[name])
            spans[name] = Span(self.demands[name].weight, None, looked, looked * costs[name], 0.0)
        self.history.append(dict(self.shares.follow(spans, 1.0)))
        self.waits.append(self.waiting)


@settings(max_examples=100)
@given(
    demands=DEMANDS.filter(lambda some: any(each.fps < math.inf for each in some.values())),
    seed=st.integers(0, 1000),
    slower=st.floats(1, 1.3),
)
def test_shares_come_to_rest_near_what_is_fair_and_nobody_starves(
    demands: dict[str, Demand], seed: int, slower: float
) -> None:
    demands = {
        name: Demand(max(1.0, round(each.fps)) if each.fps < math.inf else each.fps, each.weight, each.cost)
        for name, each in demands.items()
    }
    chance = random.Random(seed)
    house = House(demands, lambda: chance.uniform(0.9, 1.1), slower=slower)
    for _ in range(240):
        house.second()
    ideal = fair_rates(demands, ROOM)
    last = house.history[-60:]
    for name, share in house.history[-1].items():
        assert share >= min(1.0, 0.4 * ideal[name] / demands[name].fps)
        seen = [each[name] for each in last]  # who has what others leave feels all of their noise
        assert max(seen) <= 1.6 * min(seen) + 0.02, "one swings"
    together = [
        sum(share * demands[name].fps * demands[name].cost for name, share in each.items()) for each in last
    ]
    assert max(together) <= 1.25 * min(together), "all of them swing together"
    assert sum(house.waits[-60:]) / 60 < 0.5, "frames grow old"


def test_what_is_lowered_at_once_is_raised_again_when_there_is_room() -> None:
    many = {name: Demand(5, 1, 0.02) for name in "abcdefghijklmnopqrst"}  # twice what there is time for
    house = House(many, lambda: 1.0)
    for _ in range(30):
        house.second()
    lowered = house.history[-1]
    assert all(0.3 < share < 0.55 for share in lowered.values())
    assert house.history[2] == pytest.approx(lowered, abs=0.1), "it is lowered at once"
    assert house.waits[-1] == 0
    house.demands = {name: many[name] for name in "abcde"}
    for _ in range(40):
        house.second()
    assert house.history[-1] == dict.fromkeys("abcde", 1.0)


def test_priorities_hold_and_who_wants_little_has_it() -> None:
    house = House(
        {
            "vault": Demand(5, 4, 0.05),
            "yard": Demand(5, 1, 0.05),
            "roof": Demand(5, 1, 0.05),
            "clock": Demand(1, 1, 0.05),
        },
        lambda: 1.0,
    )
    for _ in range(60):
        house.second()
    shares = house.history[-1]
    assert shares["vault"] == 1.0
    assert shares["clock"] == 1.0
    assert shares["yard"] == pytest.approx(shares["roof"])
    assert 0.9 * (ROOM - 0.3) / 0.5 <= shares["yard"] <= 1.1 * (ROOM - 0.3) / 0.5


def test_a_camera_that_is_away_takes_no_room_from_others() -> None:
    shares = Shares(longest_wait=0.2, at_most=1.0)
    there = Span(1, 20, 20, 0.8, 0.0)
    for _ in range(60):
        shares.follow({"there": there, "away": Span(1, 0, 0, 0.0, 0.0)}, 1.0)
    assert shares.shares == {"there": 1.0, "away": 1.0}


def test_where_frames_wait_all_the_same_less_room_is_reckoned_with_and_later_given_back() -> None:
    shares = Shares(longest_wait=0.2, at_most=1.0)
    for _ in range(60):
        shares.follow({"gate": Span(1, 5, 5, 0.1, 5 * 0.5)}, 1.0)
    assert shares.room < 0.3
    for _ in range(1500):
        shares.follow({"gate": Span(1, 5, 5, 0.1, 0.0)}, 1.0)
    assert shares.room == pytest.approx(ROOM)


def test_where_pictures_take_long_waiting_for_some_of_them_is_no_sign_of_too_much() -> None:
    shares = Shares(longest_wait=0.2, at_most=1.0)
    for _ in range(60):
        shares.follow({"gate": Span(1, 2, 2, 2 * 0.3, 2 * 0.7)}, 1.0)
    assert shares.room == ROOM
    for _ in range(60):
        shares.follow({"gate": Span(1, 2, 2, 2 * 0.3, 2 * 1.1)}, 1.0)
    assert shares.room < 0.5, "but frames must not grow old"
