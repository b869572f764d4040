"""What `framewarden evaluate deepfake` prints."""

import math
from collections.abc import Sequence
from typing import Any, Final

from rich.table import Table

from daemon import evaluate_worse

SHOWN: Final = 10  # sources: the worst


def tables_of(result: dict[str, Any]) -> list[Table | str]:
    """What is printed."""
    return [_counts(result), _rates(result), _said(result), _sources(result), *_worse(result)]


def _counts(result: dict[str, Any]) -> str:
    pictures, clips = result["pictures"], result["clips"]
    lost = sum(result["unreadable"].values())
    kinds = ", ".join(
        f"{kind}: {one['real']} real, {one['fake']} fake" for kind, one in result["kinds"].items()
    )
    reasons = ", ".join(
        f"{name.replace('_', ' ')} {halves['real']} real, {halves['fake']} fake"
        for name, halves in result["abstained_by_reason"].items()
    )
    lines = [
        (
            f"{pictures['real']} real pictures of {clips['real']} clips, {pictures['fake']} fake ones of "
            f"{clips['fake']}" + (f"; {lost} files cannot be read, and do not count" if lost else "")
        ),
        f"judged by kind of file: {kinds}",
        f"not judged: {result['abstained']:.1%}" + (f" ({reasons})" if reasons else ""),
        "",
    ]
    if len(result["kinds"]) > 1 and any(
        not one["real"] or not one["fake"] for one in result["kinds"].values()
    ):
        lines.insert(2, "Real ones and fakes are not of the same kinds of file: what tells them may be that.")
    return "\n".join(lines)


def _rates(result: dict[str, Any]) -> Table:
    table = Table(
        "of what was judged", "crop AUC (95 %)", "clip AUC (95 %)", "clip EER (95 %)",
        "caught at 1 %", "at 0.1 % of real crops", box=None,
    )  # fmt: skip
    for name, one in {"framewarden": result, **result["baselines_all"]}.items():
        table.add_row(
            name.replace("_", " "),
            *(_between(one[key], one[f"{key}_interval"]) for key in ("crop_auc", "clip_auc", "clip_eer")),
            *(
                f"{_share(one['caught'][at]['share'])}{'' if one['caught'][at]['enough_reals'] else ' *'}"
                for at in ("at_1_percent", "at_0.1_percent")
            ),
        )
    for name, one in result["heads"].items():
        table.add_row(f"{name} alone", _figure(one["crop_auc"]), _figure(one["clip_auc"]))
    return table


def _said(result: dict[str, Any]) -> str:
    alarming = result["alarming"]
    real, fake = alarming["real"], alarming["fake"]
    few = [
        text
        for text, caught in (
            ("1 % of crops", result["caught"]["at_1_percent"]),
            ("0.1 % of crops", result["caught"]["at_0.1_percent"]),
            ("1 % of clips", result["clips_caught"]["at_1_percent"]),
            ("0.1 % of clips", result["clips_caught"]["at_0.1_percent"]),
        )
        if not caught["enough_reals"]
    ]
    after = fake["after_pictures"]
    at_clips = [result["clips_caught"][at]["share"] for at in ("at_1_percent", "at_0.1_percent")]
    lines = [
        "",
        (
            f"all pictures, also those not judged (by the face as it is, or by the whole picture): crop AUC "
            f"{_figure(result['crop_auc_all'])}, clip AUC {_figure(result['clip_auc_all'])}"
        ),
        (f"clips caught at 1 % of real ones: {_share(at_clips[0])}, at 0.1 %: {_share(at_clips[1])}"),
        *(
            [f"* too few real ones to say what {', '.join(few)} is: there, no real one is above"]
            if few
            else []
        ),
        (
            f"at the daemon's threshold: {fake['alarming']} of {fake['clips']} fake clips and "
            f"{real['alarming']} of {real['clips']} real ones, after {alarming['good_pictures']} good "
            f"pictures or more{f' (median {after:.0f})' if after else ''}; {fake['too_few']} fake and "
            f"{real['too_few']} real clips have fewer, and nothing is said of them"
        ),
        (
            f"calibration error: {_figure(result['calibration_error'])} of crops, "
            f"{_figure(result['clip_calibration_error'])} of clips; shares of real ones above a score are "
            f"at most {_figure(result['real_crops_calibration_error'])} (crops) and "
            f"{_figure(result['real_clips_calibration_error'])} (clips) away from what is expected"
        ),
        (
            f"{result['ms_per_crop']:.1f} ms a crop on one core, {result['ms_to_find']:.1f} ms to find the "
            f"faces of a picture ({result['faces_by']}); weights: {result['model']}, "
            f"{result['model_sha256'][:12]}"
        ),
        "",
    ]
    return "\n".join(lines)


def _sources(result: dict[str, Any]) -> Table:
    rows = sorted(result["sources"], key=lambda one: one["crop_auc"] if one["judged"] else 2.0)
    title = "source" if len(rows) <= SHOWN else f"source (the worst of {len(rows)})"
    table = Table(title, "half", "pictures", "judged", "crop AUC", "against", "median score", box=None)
    for one in rows[:SHOWN]:
        table.add_row(
            one["source"],
            "fake" if one["fake"] else "real",
            str(one["pictures"]),
            str(one["judged"]),
            _figure(one["crop_auc"]),
            one["against"],
            _figure(one["median"]),
        )
    return table


def _worse(result: dict[str, Any]) -> Sequence[Table | str]:
    if "curves" not in result:
        return []
    many = result["curves_pictures"]
    table = Table(
        "made worse", "level", "crop AUC", "of all", "not judged", "median of real ones moves", box=None
    )
    for name, levels in result["curves"].items():
        for one in levels:
            unit = evaluate_worse.WAYS[name].unit
            table.add_row(
                name,
                "as it is" if one["level"] is None else f"{one['level']:g} {unit}",
                _figure(one["crop_auc"]),
                _figure(one["crop_auc_all"]),
                _share(one["abstained"]),
                f"{one['shift']:+.2f}",
            )
    medians = ", ".join(f"{name} {one['median']:.3f}" for name, one in result["formats"].items())
    return [
        f"\n{many['real']} real and {many['fake']} fake pictures, made worse:",
        table,
        (
            f"\nthe same real pictures as {medians}: medians of the score differ by "
            f"{result['formats_differ']:.3f} (of the likelihood: {result['formats_likelihood_differs']:.3f})"
        ),
    ]


def _figure(value: float) -> str:
    return "unknown" if math.isnan(value) else f"{value:.3f}"


def _between(value: float, both: Sequence[float]) -> str:
    return _figure(value) + ("" if math.isnan(both[0]) else f" ({both[0]:.3f}-{both[1]:.3f})")


def _share(value: float) -> str:
    return "unknown" if math.isnan(value) else f"{value:.1%}"
