"""`framewarden evaluate`: how well a detector does, on a labelled folder or on a camera's own footage."""

import tempfile
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from config.load import load
from daemon import evaluate_labelled, evaluate_own
from daemon.bar import Bar
from daemon.evaluate_footage import FootageError, is_labelled, recordings
from daemon.evaluate_out import plotted, show
from daemon.evaluate_plot import roc
from daemon.models import store_of
from detectors.anomaly.method import Method
from detectors.anomaly.tier import method_for
from detectors.device import choose_device

DONE = 0
_LEARN_ENOUGH = 2  # minutes, as the daemon learns by default


async def evaluate_anomaly(
    data: Path,
    as_json: bool,
    plot: Path | None,
    every: int,
    fps: float,
    learn_minutes: float,
    false_alarms_per_day: float,
    config: Path | None = None,
) -> int:
    """Prints the figures, and returns 0. Raises FootageError, StreamError, ConfigError, DetectorError."""
    method = _method(config)
    with Bar(Console(stderr=True)) as bar:
        if is_labelled(data):
            read = await evaluate_labelled.read(data, every, bar.tell)
            result = evaluate_labelled.measure(read, false_alarms_per_day, bar.tell, method=method)
            plotted(plot, [roc(result["curves"])])
            tables = tables_of_labelled(result)
        else:
            if (data / "train").is_dir() or (data / "test").is_dir():
                raise FootageError(
                    f"{data} has only one of train/ and test/: a labelled folder has both, and "
                    "test/labels.csv; for footage without labels name the folder of the recordings"
                )
            with tempfile.TemporaryDirectory(prefix="framewarden-") as state:
                result = await evaluate_own.measure(
                    recordings(data), fps, learn_minutes, false_alarms_per_day, Path(state), bar.tell, method
                )
            tables = tables_of_own(result)
    result.pop("curves", None)
    show(result, tables, as_json)
    return DONE


def _method(config: Path | None) -> Method | None:
    """What the configuration's weights are judged by; None: the one that ships."""
    settings = load(config) if config else None
    if settings is None or not (
        settings.detectors.anomaly.backbone or settings.detectors.anomaly.reconstruction
    ):
        return None
    device = choose_device(settings.service.device)
    return method_for(settings.detectors.anomaly, store_of(settings), device)


def tables_of_labelled(result: dict[str, Any]) -> list[Table | str]:
    """What is printed of evaluate_labelled's figures."""
    table = Table("", "frame AUC", "95 %", "EER", "95 %", "caught at 5 % of normal frames", box=None)
    for name, one in {"framewarden": result, **result["baselines_all"]}.items():
        areas, errors = one["frame_auc_interval"], one["frame_eer_interval"]
        table.add_row(
            name,
            f"{one['frame_auc']:.3f}",
            f"{areas[0]:.3f}-{areas[1]:.3f}",
            f"{one['frame_eer']:.3f}",
            f"{errors[0]:.3f}-{errors[1]:.3f}",
            f"{one['caught_at_5_percent']:.1%}",
        )
    shares = {key: f"{result[key]:.1%}" for key in result if key.startswith(("caught_at_t", "false_at_t"))}
    said = (
        "\nframe AUC: how often an abnormal frame scores above a normal one; EER: errors where as "
        "many of either are taken for the other; 95 % by drawing clips anew"
        f"\nthreshold of the budget, {result['threshold']:.2f}: {shares['caught_at_threshold']} of abnormal "
        f"frames, {shares['false_at_threshold']} of normal ones"
        f"\nthreshold that 5 % of training frames reach, {result['threshold_from_training']:.2f}: "
        f"{shares['caught_at_threshold_from_training']} and {shares['false_at_threshold_from_training']}"
        f"\nalerts: {result['events_alerted']} of {result['events']} events"
        + ("" if result["delay_seconds"] is None else f", after {result['delay_seconds']:.1f} s (median)")
        + f"; {result['false_alerts']} false ones in {60 * result['normal_hours']:.1f} normal minutes"
        + (
            f"\npixel AUC {result['pixel_auc']:.3f}, RBDC {result['rbdc']:.3f}, TBDC {result['tbdc']:.3f}"
            if "pixel_auc" in result
            else ""
        )
        + "\nframe AUC with each clip stretched to 0..1, as papers do: "
        f"{result['frame_auc_clip_normalised']:.3f}"
        f"\nlearned from {result['learn_frames']} frames in {result['learn_seconds']:.1f} s of one core; "
        f"{result['frames_per_second_one_core']:.0f} frames a second on one core"
    )
    return [table, said]


def _plain(number: float) -> str:
    """In plain digits, two of which count in a small number."""
    return f"{number:,.0f}" if abs(number) >= 10 else f"{float(f'{number:.2g}'):.10f}".rstrip("0").rstrip(".")


def tables_of_own(result: dict[str, Any]) -> list[Table | str]:
    """What is printed of evaluate_own's figures."""
    counted, expected = result["counted_a_day"], result["expected_a_day"]
    minutes, budget = result["watched_seconds"] / 60, result["false_alarms_per_day"]
    lines = [
        (
            f"learned from {result['learn_minutes']:g} minutes, watched {minutes:.1f} minutes after them; "
            f"budget: {budget:g} false alarm{'' if budget == 1 else 's'} a day"
        ),
        f"alerts: {result['alerts']}, which says between {_plain(counted[1])} and {_plain(counted[2])} a day",
    ]
    if result["learn_minutes"] < _LEARN_ENOUGH:
        lines.append(
            f"That is too little to judge by: below {_LEARN_ENOUGH:g} minutes of learning, what is told here "
            "says more of the shortness than of the camera."
        )
    if expected:
        lines.append(
            f"going by how high the scores reached: {_plain(expected[0])} alarms a day "
            f"(95 %: {_plain(expected[1])} to {_plain(expected[2])})"
        )
    else:
        lines.append("too little footage to say more; watch at least a minute")
    if hard := result["hard_normals"]:
        many = f"{hard['reached']:,}" if hard["reached"] else "none"
        lines.append(
            f"hard normals: of {hard['drawn']:,} that a model of the footage after those minutes draws, "
            f"{many} would reach the threshold of {result['threshold']:.1f}; the strangest comes to "
            f"{hard['highest']:.1f}"
        )
        lines.append(
            "What this camera may yet show would raise alarms: let it learn from more footage."
            if hard["reached"]
            else "That proves little: what is drawn is tamer than what cameras come to show."
        )
    if result["alerts"]:
        lines.append("If nothing unusual is in this footage, those are false alarms: let it learn from more.")
    table = Table("planted event", "found", "box on it", "named rightly", "after", box=None)
    for kind, one in result["events"].items():
        delay = "" if one["delay_seconds"] is None else f"{one['delay_seconds']:.1f} s"
        found = f"{one['found']} of {one['planted']}"
        table.add_row(kind.replace("_", " "), found, str(one["box_right"]), str(one["named_right"]), delay)
    lines += [result["caution"]] if result["caution"] else []
    left_out = ", ".join(kind.replace("_", " ") for kind in result["not_planted"])
    after = (
        "found: an alert opens that does not open without the event; box on it: its strongest box and the "
        "event share a fifth of their area; named rightly: content, structure, motion or quality, as planted"
    )
    after += f"\nnot planted, this scene offers nothing for it: {left_out}" if left_out else ""
    return ["\n".join(lines) + "\n", table, after]
