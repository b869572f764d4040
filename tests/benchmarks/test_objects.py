"""The objects benchmark: bars that say when they are missed, and none for what was not measured."""

from typing import Any

from benchmarks.objects import bars, seconds
from daemon.evaluate_objects_ways import plan_of

GOOD = {
    "gain": 12.0,
    "gain_interval": (9.0, 14.0),
    "over_classical": 3.0,
    "over_classical_interval": (0.5, 5),
}
HARMS = ("clean", "sigma 25", "sigma 50", "low light", "camera", "jpeg 10", "crf 35", "crf 42")


def missed(damages: dict[str, Any]) -> list[str]:
    return [bar.name for bar in bars(damages) if not bar.met]


def test_all_is_met_where_all_is_good() -> None:
    damages = {harm: {"gated": GOOD} for harm in HARMS}
    assert len(list(bars(damages))) == 20
    assert missed(damages) == []


def test_each_bar_is_missed_by_itself() -> None:
    spoiled = {
        ("sigma 25", "gain"): 7.9,
        ("sigma 50", "gain_interval"): (7.9, 20.0),
        ("low light", "over_classical"): 1.9,
        ("camera", "over_classical_interval"): (-0.1, 5.0),
        ("clean", "gain"): -0.3,
        ("jpeg 10", "gain"): -0.4,
        ("crf 42", "over_classical_interval"): (-1.1, 0.0),
    }
    for (harm, key), value in spoiled.items():
        damages = {name: {"gated": dict(GOOD)} for name in HARMS}
        damages[harm]["gated"][key] = value
        assert [name.split(",")[0] for name in missed(damages)] == [harm]


def test_what_was_not_measured_has_no_bar() -> None:
    assert list(bars({"clean": {"none": {"map": 42.0}, "bilateral": {"gain": -0.3}}})) == []


def test_a_bar_says_what_was_reached_and_what_was_wanted() -> None:
    (bar, *_) = bars({"sigma 25": {"gated": GOOD}})
    assert str(bar) == "met    sigma 25, gated against none: +12.0, wanted at least +8.0"


def test_what_estimating_takes_is_measured() -> None:
    (estimate,) = seconds(plan_of([]).ways)
    assert estimate.at_most
    assert estimate.reached > 0
