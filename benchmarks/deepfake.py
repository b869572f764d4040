"""The deepfake detector's bars: swapped and generated faces, beside others that look at the same pictures.

    python -m benchmarks.deepfake [--shared SHARED] [--only swaps,portraits,worse,alerts] [--every 1] [--json]

SHARED holds data/faceswap_crops, data/diffusion_portraits, data/videos and models/mesonet. Of the swaps only
the clips are counted that the shipped weights were made without; of the portraits they have seen none. What
has to be trained here (the plain network, the weights of colour and sharpness) learns from the other clips of
the swaps. The fake portraits are for this report alone: nothing is chosen by them. MesoNet's authors trained
it on the set that the swaps come from, so its figures on them are of pictures it may know. In brackets 95 %
by drawing clips anew.
"""

import argparse
import asyncio
import json
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from benchmarks import deepfake_alerts
from benchmarks.deepfake_baselines import Others, Plain, trained
from benchmarks.load import Load
from daemon import evaluate_worse
from daemon.evaluate_deepfake import witness_of
from daemon.evaluate_deepfake_figures import Told, figures
from daemon.evaluate_faces import Split, clips_of
from daemon.evaluate_out import known
from daemon.evaluate_seen import Seen, Witness, see_all
from detectors.deepfake.baselines import Linear
from detectors.deepfake.crop import Crop, whole
from detectors.deepfake.detector import DeepfakeDetector
from detectors.deepfake.heat import Heat
from detectors.deepfake.likelihood import Clips
from detectors.deepfake.model import SHIPPED, Model, Scores
from detectors.faces.face import Face
from detectors.roc import auc
from streams.frame import Frame
from tests.real import SHARED

FPS: Final = 5.0
LEARN_EVERY: Final = 3  # pictures of a training clip
SETS: Final = {"swaps": "faceswap_crops", "portraits": "diffusion_portraits"}
SPLITS: Final[dict[str, Split]] = {"swaps": "test", "portraits": "all"}
PARTS: Final = (*SETS, "worse", "alerts")

Tell = Callable[[str, float], None]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Blank:
    """Scores nothing: where only crops are wanted."""

    side: int
    clips: Clips
    model: str = "blank"
    sha256: str = ""

    def score(self, crops: Sequence[Crop]) -> Scores:
        """Zeros."""
        return Scores(*(np.zeros(len(crops)) for _ in range(3)))

    def heat(self, crops: Sequence[Crop]) -> list[Heat]:
        """Nothing."""
        return [np.zeros((1, 1), np.float32) for _ in crops]


@dataclass(frozen=True, slots=True, eq=False)
class Learned:
    """Baselines that had to learn from the training clips."""

    linear: Linear
    plain: Plain


def tell(what: str, share: float) -> None:
    """Where somebody looks."""
    if sys.stderr.isatty():
        print(f"\r{what} {share:.0%}          ", end="", file=sys.stderr)


async def learned(witness: Witness, shared: Path) -> Learned:
    """From the training clips of the swaps."""
    crops: list[Crop] = []

    def note(_frame: Frame, _face: Face | None, crop: Crop) -> None:
        crops.append(crop)

    blind = Witness(witness.settings, witness.finder, Blank(witness.model.side, witness.model.clips))
    clips = clips_of(shared / "data" / SETS["swaps"], "train", LEARN_EVERY)
    seen, _ = await see_all(blind, clips, FPS, tell, note)
    fake = np.concatenate([np.full(len(one.doubts), one.clip.fake) for one in seen])
    judged = np.concatenate([one.judged for one in seen])
    plain = np.concatenate([one.plain for one in seen])
    kept = [one.face for one, use in zip(crops, judged, strict=True) if use]
    return Learned(Linear(plain[judged], fake[judged]), trained(kept, fake[judged], tell))


def _model(witness: Witness) -> Model:
    assert isinstance(witness.model, Model)
    return witness.model


async def told_apart(
    witness: Witness, others: Learned, shared: Path, name: str, every: int
) -> tuple[dict[str, Any], list[Seen]]:
    """One set: the detector's figures, and under `baselines_all` those of the others."""
    meso = shared / "models" / "mesonet"
    beside = Others(witness, _model(witness), meso if meso.is_dir() else None, others.plain)
    clips = clips_of(shared / "data" / SETS[name], SPLITS[name], every)
    seen, _ = await see_all(witness, clips, FPS, tell, beside.note)
    result = figures(seen, witness.model.clips, witness.settings)
    result.pop("scored")
    result.pop("sources")
    scores, worse = beside.told()
    scores["colour_sharpness"] = np.concatenate([others.linear.score(one.plain) for one in seen])
    judged = np.concatenate([one.judged for one in seen])
    fake = np.concatenate([np.full(len(one.doubts), one.clip.fake) for one in seen])
    for own, each in scores.items():
        by_clip = _by_clip(each, judged & np.isfinite(each), seen)
        rates = Told.of(by_clip, [one.clip.fake for one in seen], lambda some: float(some.mean())).rates()
        result["baselines"][own], result["baselines_all"][own] = rates["crop_auc"], rates
    both = judged & np.array(beside.worse_judged)
    result["jpeg_40"] = {
        head: auc(getattr(worse, head)[both], fake[both]) for head in ("fused", "swapped", "generated")
    }
    result["jpeg_40"]["abstained"] = float(1 - both.sum() / judged.sum())
    return result, seen


def _by_clip(scores: Floats, use: NDArray[np.bool_], seen: Sequence[Seen]) -> list[Floats]:
    ends = np.cumsum([len(one.doubts) for one in seen])[:-1]
    pairs = zip(np.split(scores, ends), np.split(use, ends), strict=True)
    return [some[used] for some, used in pairs]


def bars(result: dict[str, Any]) -> list[tuple[str, float, str, bool]]:
    """What is wanted, what was measured, the bar, and whether it is met."""
    rows: list[tuple[str, float, str, bool]] = []

    def least(what: str, value: float, bar: float) -> None:
        rows.append((what, value, f"at least {bar:.3g}", value >= bar))

    def most(what: str, value: float, bar: float) -> None:
        rows.append((what, value, f"at most {bar:.3g}", value <= bar))

    swaps, portraits, worse = (result.get(part) for part in ("swaps", "portraits", "worse"))
    if swaps:
        least("swaps, crops, the head for swapped faces", swaps["heads"]["swapped"]["crop_auc"], 0.97)
        least("swaps, clips, the head for swapped faces", swaps["heads"]["swapped"]["clip_auc"], 0.98)
        least("swaps as JPEG 40, the head for swapped faces", swaps["jpeg_40"]["swapped"], 0.95)
        least("swaps, crops, fused", swaps["crop_auc"], 0.95)
        trivial = swaps["baselines"]["colour_sharpness"]
        least("swaps, fused, above colour and sharpness", swaps["crop_auc"] - trivial, 0.05)
        most("calibration error of crops (swaps)", swaps["calibration_error"], 0.05)
    if portraits:
        least("portraits, the head for generated faces", portraits["heads"]["generated"]["crop_auc"], 0.93)
        least("portraits as JPEG 40, that head", portraits["jpeg_40"]["generated"], 0.90)
        least("portraits, fused", portraits["crop_auc"], 0.90)
    if worse:
        for name, one in worse.items():
            most(f"format bias on real {name}, median score, nats", one["formats_differ"], 0.02)
            most(f"the same as a likelihood, real {name}", one["formats_likelihood_differs"], 0.02)
    if "alerts" in result:
        some = result["alerts"].values()
        most("real videos with an alert", sum(len(one["real_with_alert"]) for one in some), 0)
        clips = result["alerts"]["faces of clips"]
        least("share of swapped clips with an alert within 10 s", clips["fake_in_time"] / clips["fake"], 1.0)
    most("ms a crop on one core", result["ms_per_crop"], 10)
    most("MB of weights", result["megabytes"], 8)
    return rows


async def measure(shared: Path, parts: Sequence[str], every: int) -> dict[str, Any]:
    """All figures of these parts."""
    witness, load = witness_of(None), Load()
    result: dict[str, Any] = {}
    others = await learned(witness, shared) if set(parts) & set(SETS) else None
    for name in SETS:
        seen: list[Seen] = []
        if others and name in parts:
            result[name], seen = await told_apart(witness, others, shared, name, every)
        if "worse" in parts:
            if not seen:
                clips = clips_of(shared / "data" / SETS[name], SPLITS[name], every)
                seen, _ = await see_all(witness, clips, FPS, tell)
            result.setdefault("worse", {})[name] = await evaluate_worse.measure(witness, seen, FPS, tell)
    if "alerts" in parts:
        detector = DeepfakeDetector(witness.settings, witness.finder, partial(_model, witness))
        with tempfile.TemporaryDirectory() as folder:
            result["alerts"] = await deepfake_alerts.measure(shared, Path(folder), detector, tell)
    result["ms_per_crop"] = _ms_per_crop(witness)
    result["megabytes"] = SHIPPED.stat().st_size / 1e6
    result["model_sha256"], result["faces_by"] = witness.model.sha256, witness.finder.name
    result["machine"] = load.in_words()
    return result


def _ms_per_crop(witness: Witness) -> float:
    if not witness.crops:
        chance = np.random.default_rng(0)
        noise = chance.integers(0, 256, (64, 300, 300, 3), dtype=np.uint8)
        witness.score([whole(one, witness.model.side) for one in noise])
    return 1000 * witness.seconds / witness.crops


def show(result: dict[str, Any]) -> None:
    """In words and tables."""
    out = Console(highlight=False)
    out.width = max(out.width, 120)
    for name in SETS:
        if name in result:
            out.print(_table(name, result[name]))
    for name, one in result.get("worse", {}).items():
        out.print(_worse(name, one))
    if "alerts" in result:
        out.print(_alerts(result["alerts"]))
    table = Table("bar", "measured", "wanted", "", box=None)
    for what, value, bar, met in bars(result):
        table.add_row(what, f"{value:.3f}", bar, "met" if met else "MISSED")
    out.print(table)
    out.print(f"weights {result['model_sha256'][:12]}, faces by {result['faces_by']}; {result['machine']}")


def _table(name: str, result: dict[str, Any]) -> Table:
    pictures, clips = result["pictures"], result["clips"]
    title = (
        f"{name}: {pictures['real']} real pictures of {clips['real']} clips, {pictures['fake']} fake ones of "
        f"{clips['fake']}; {result['abstained']:.1%} not judged"
    )
    columns = ("", "crop AUC", "clip AUC", "clip EER", "caught at 1 %", "as JPEG 40")
    table = Table(*columns, title=title, title_justify="left", box=None)

    def between(one: dict[str, Any], key: str) -> str:
        low, high = one[f"{key}_interval"]
        return f"{one[key]:.3f} ({low:.3f}-{high:.3f})"

    for own, one in {"framewarden": result, **result["baselines_all"]}.items():
        rates = [between(one, key) for key in ("crop_auc", "clip_auc", "clip_eer")]
        caught = f"{one['caught']['at_1_percent']['share']:.1%}"
        worse = f"{result['jpeg_40']['fused']:.3f}" if own == "framewarden" else ""
        table.add_row(own.replace("_", " "), *rates, caught, worse)
    for head, one in result["heads"].items():
        areas = f"{one['crop_auc']:.3f}", f"{one['clip_auc']:.3f}"
        table.add_row(f"the head for {head} faces", *areas, "", "", f"{result['jpeg_40'][head]:.3f}")
    return table


def _worse(name: str, result: dict[str, Any]) -> Table:
    columns = ("", "crop AUC: as it is, then made worse", "not judged at worst", "real median moves at worst")
    table = Table(*columns, title=f"{name}, made worse", title_justify="left", box=None)
    for way, levels in result["curves"].items():
        areas = ", ".join(
            (f"{one['level']:g}: " if one["level"] is not None else "") + f"{one['crop_auc']:.3f}"
            for one in levels
        )
        furthest = max((one["shift"] for one in levels), key=abs)
        table.add_row(way, areas, f"{levels[-1]['abstained']:.1%}", f"{furthest:+.2f}")
    medians = ", ".join(f"{way} {one['median']:.3f}" for way, one in result["formats"].items())
    table.add_row("formats", f"median of real ones: {medians}", "", f"{result['formats_differ']:.3f}")
    return table


def _alerts(result: dict[str, Any]) -> Table:
    columns = ("videos", "real ones with an alert", "fakes with an alert", "within 10 s", "after (median)")
    table = Table(*columns, title="alerts", title_justify="left", box=None)
    for name, one in result.items():
        table.add_row(
            name,
            f"{len(one['real_with_alert'])} of {one['real']} ({one['real_minutes']:.1f} minutes)",
            f"{one['fake_with_alert']} of {one['fake']}" if one["fake"] else "",
            str(one["fake_in_time"]) if one["fake"] else "",
            "" if one["median_seconds"] is None else f"{one['median_seconds']:.1f} s",
        )
    return table


def main() -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--shared", type=Path, default=SHARED)
    parser.add_argument("--only", default=",".join(PARTS))
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    parts = asked.only.split(",")
    if unknown := set(parts) - set(PARTS):
        parser.error(f"--only: {', '.join(unknown)} is none of {', '.join(PARTS)}")
    result = asyncio.run(measure(asked.shared, parts, asked.every))
    if asked.json:
        print(json.dumps(known(result), allow_nan=False))
    else:
        show(result)


if __name__ == "__main__":
    main()
