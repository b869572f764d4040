"""The figures of found objects as people read them: tables, and what is drawn."""

from typing import Any

from rich.table import Table

from daemon.evaluate_objects_ways import NONE
from daemon.evaluate_plot import Panel


def tables_of(result: dict[str, Any]) -> list[Table | str]:
    """mAP50-95 and mAP50 of each damage and way, what each way gains, and what it takes."""
    ways = list(result["ways"])
    told: list[Table | str] = [
        f"{result['finder']}; {result['photos']} photos with {result['objects']} objects"
    ]
    for key, name in (("map", "mAP50-95"), ("map50", "mAP50")):
        table = Table(name, *ways, box=None)
        for harm, figures in result["damages"].items():
            table.add_row(harm, *(f"{figures[way][key]:.1f}" for way in ways))
        told += ["", table]
    for key, name in (("gain", f"against {NONE}"), ("over_classical", "against the best classical")):
        some = [way for way in ways if any(key in one[way] for one in result["damages"].values())]
        if some:
            table = Table(f"{name}, 95 %", *some, box=None)
            for harm, figures in result["damages"].items():
                table.add_row(harm, *(_gain(figures[way], key) for way in some))
            told += ["", table]
    table = Table("ms, median", *ways, "looking for objects", box=None)
    for harm, figures in result["damages"].items():
        finding = min(figures[way]["find_ms"] for way in ways)
        table.add_row(harm, *(f"{figures[way]['restore_ms']:.0f}" for way in ways), f"{finding:.0f}")
    return [*told, "", table]


def _gain(figures: dict[str, Any], key: str) -> str:
    if key not in figures:
        return ""
    low, high = figures[f"{key}_interval"]
    return f"{figures[key]:+.1f} ({low:+.1f} to {high:+.1f})"


def panels_of(result: dict[str, Any]) -> list[Panel]:
    """A line for each way over all damages."""
    harms = list(result["damages"])
    places = tuple(range(len(harms)))
    lines = {
        way: [(at, result["damages"][harm][way]["map"]) for at, harm in enumerate(harms)]
        for way in result["ways"]
    }
    rungs = (0, 10, 20, 30, 40, 50, 60)
    # One damage alone has no width to be drawn over.
    return [
        Panel(
            lines,
            "",
            "mAP50-95",
            places if len(places) > 1 else (0, 1),
            rungs,
            (*harms, "")[: max(2, len(harms))],
        )
    ]
