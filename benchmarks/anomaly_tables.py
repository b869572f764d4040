"""The tables of the planted events."""

from typing import Any

import numpy as np

from detectors.planting.events import EventKind
from detectors.planting.negatives import Nuisance

SHIPPED = "shipped"


def show(result: dict[str, dict[str, Any]]) -> None:
    """Tables for people."""
    cameras = list(result)
    kinds = [kind for kind in EventKind if any(kind in one["events"] for one in result.values())]
    methods = (
        list(next(area["frame_auc"] for one in result.values() for area in one["events"].values()))
        if kinds
        else []
    )
    print(f"\nframe AUC of the shipped detector{'':4}" + "".join(f"{name:>10}" for name in cameras))
    for kind in kinds:
        areas = [one["events"].get(kind, {}).get("frame_auc", {}).get(SHIPPED) for one in result.values()]
        print(f"  {kind:34}" + "".join(f"{'-' if area is None else f'{area:.3f}':>10}" for area in areas))
    means = mean_areas(result)
    print(f"\nframe AUC, mean of cameras{'':10}" + "".join(f"{name:>17}" for name in methods))
    for kind in kinds:
        print(f"  {kind:34}" + "".join(f"{means[kind][method]:>17.3f}" for method in methods))
    if kinds:
        every = {method: float(np.mean([means[kind][method] for kind in kinds])) for method in methods}
        print(f"  {'mean of kinds':34}" + "".join(f"{every[method]:>17.3f}" for method in methods))
        rest = {method: area for method, area in every.items() if method != SHIPPED}
        worst = min(kinds, key=lambda kind: means[kind][SHIPPED])
        if rest:
            best = max(rest, key=lambda method: rest[method])
            print(
                f"  shipped is {every[SHIPPED] - rest[best]:+.3f} against the best single baseline, {best}; "
                f"lowest kind: {worst} {means[worst][SHIPPED]:.3f}"
            )
    print(
        "\nalerts by the judge: events, opened by it, of these box IoU > .2, kind right; median delay; "
        "named; alerts that open without the event, too, do not count"
    )
    totals = np.zeros(4, int)
    for kind in kinds:
        rows = [one["events"][kind] for one in result.values() if kind in one["events"]]
        keys = ("events", "opened", "box_right", "named_right")
        numbers = [int(sum(row[key] for row in rows)) for key in keys]  # as floats where they were JSON
        totals += numbers
        delays = [row["delay"] for row in rows if row["delay"] is not None]
        delay = f"{np.median(delays):.1f} s" if delays else "-"
        print(
            f"  {kind:20}"
            + "".join(f"{n:>8}" for n in numbers)
            + f"{delay:>10}  {','.join(sorted({n for row in rows for n in row['named']}))}"
        )
    print(f"  {'all':20}" + "".join(f"{n:>8}" for n in totals))
    print("\nnormal footage and disturbances: alerts (seconds alarming / watched, highest score)")
    for kind in ("plain", *Nuisance):
        said = []
        for name in cameras:
            seen = result[name]["calm"].get(kind)
            said.append(
                f"{name} {seen['alerts']:.0f} "
                f"({seen['alarming']:.1f}/{seen['seconds']:.0f} s, {seen['highest']:.1f})"
                if seen
                else ""
            )
        print(f"  {kind:14}" + "   ".join(said))
    print(
        "\n"
        + "\n".join(
            f"{name}: learned from {one['learn_footage_seconds']:.0f} s in {one['learn_seconds']:.1f} s, "
            f"threshold {one['threshold']:.2f}, "
            f"{one['frames_per_second']:.0f} frames/s, state {one['state_bytes'] / 1e6:.2f} MB"
            for name, one in result.items()
        )
    )


def mean_areas(result: dict[str, dict[str, Any]]) -> dict[str, dict[str, float]]:
    """{kind: {method: mean of the cameras' frame AUC}}."""
    gathered: dict[str, dict[str, list[float]]] = {}
    for one in result.values():
        for kind, figures in one["events"].items():
            for method, area in figures["frame_auc"].items():
                gathered.setdefault(kind, {}).setdefault(method, []).append(area)
    return {
        kind: {method: float(np.mean(areas)) for method, areas in by.items()} for kind, by in gathered.items()
    }
