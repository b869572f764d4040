"""`framewarden evaluate objects`: what is found in damaged photos, as they are and with noise taken out."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from rich.console import Console

from config.detectors import ObjectsSettings
from config.load import load
from config.settings import Settings
from config.state import state_folder
from daemon.bar import Bar, Tell
from daemon.evaluate_footage import FootageError
from daemon.evaluate_objects_gate import chosen
from daemon.evaluate_objects_photos import Photo, photos_of, shrunk
from daemon.evaluate_objects_precision import Floats, interval, matched, once, precision, resampled
from daemon.evaluate_objects_seen import Kept, Look, look_at_all
from daemon.evaluate_objects_tables import panels_of, tables_of
from daemon.evaluate_objects_ways import CHOICES, CLASSICAL, NONE, SETTLED, Plan, plan_of
from daemon.evaluate_out import plotted, show
from daemon.models import store_of
from detectors.device import choose_device
from detectors.objects.finders import open_finder
from detectors.objects.found import ObjectFinder

DONE: Final = 0
FLOOR: Final = 0.001  # confidence from which COCO's figures are counted


async def evaluate_objects(
    data: Path,
    as_json: bool,
    plot: Path | None,
    photos: int | None,
    damages: Sequence[str],
    ways: Sequence[str],
    small: int,
    keep: Path | None,
    model: str | None,
    config: Path | None,
) -> int:
    """Prints the figures, and returns 0. Raises FootageError, DetectorError, ConfigError."""
    settings = load(config) if config else None
    some = photos_of(data, photos)
    with Bar(Console(stderr=True)) as bar:
        bar.tell("reading the weights", 0.0)
        finder = finder_of(settings, model)
        shown = shrunk(some, small) if small > 1 else some
        result = await measure(shown, damages, plan_of(ways), finder, Kept(keep), bar.tell)
    plotted(plot, panels_of(result) if plot else ())
    show(result, tables_of(result), as_json)
    return DONE


def finder_of(settings: Settings | None, model: str | None) -> ObjectFinder:
    """As the daemon finds, but also what it is hardly sure of. Raises FootageError, DetectorError."""
    own = settings.detectors.objects if settings else ObjectsSettings()
    own = own.model_copy(update={"model": model or own.model, "denoise": "never", "slices": "never"})
    if own.model is None:
        raise FootageError(
            "photos need a model that knows what it sees: name one of the store with --model (see "
            "`framewarden models list`), or a configuration that has detectors.objects.model"
        )
    device = choose_device(settings.service.device if settings else "cpu")
    return open_finder(own, store_of(settings), state_folder(settings), device, FLOOR)


async def measure(
    photos: Sequence[Photo],
    damages: Sequence[str],
    plan: Plan,
    finder: ObjectFinder,
    kept: Kept,
    tell: Tell,
    seed: int = 0,
) -> dict[str, Any]:
    """All figures: `damages`, {damage: {way: figures}}. Raises FootageError, DetectorError.

    mAP is 0..100. `gain` is against none, `over_classical` against the best classical way of the same damage.
    """
    if not photos or not any(photo.labels for photo in photos):
        raise FootageError("there are no photos with objects in them: nothing can be counted")
    cv2.setNumThreads(1)
    looks, gate = await look_at_all(photos, damages, plan, finder, kept, seed, tell)
    times = resampled(len(photos))
    result = {}
    for number, harm in enumerate(damages):
        tell("counting", number / len(damages))
        some = {way: looks[harm, way] for way in plan.ways}
        choices = {choice: some[way] for choice, way in CHOICES.items()} if plan.gates else {}
        gated = {name: chosen(gate[harm], choices, name == SETTLED) for name in plan.gates}
        result[harm] = _figures(photos, {NONE: some[NONE]} | gated | some, times)
    return {
        "finder": finder.name,
        "finder_sha256": finder.sha256,
        "photos": len(photos),
        "objects": sum(len(photo.labels) for photo in photos),
        "seed": seed,
        "ways": list(next(iter(result.values()))),
        "damages": result,
    }


def _figures(photos: Sequence[Photo], looks: Mapping[str, Sequence[Look]], times: Any) -> dict[str, Any]:
    """Of one damage, by way."""
    told: dict[str, Any] = {}
    drawn: dict[str, Floats] = {}
    for way, some in looks.items():
        matches = matched(photos, [one.found for one in some])
        whole = 100 * precision(matches, once(len(photos)))[0]
        drawn[way] = 100 * precision(matches, times)
        told[way] = {
            "map50": whole[0],
            "map": whole[1],
            "map50_interval": interval(drawn[way][:, 0]),
            "map_interval": interval(drawn[way][:, 1]),
            "restore_ms": float(np.median([one.restore_ms for one in some])),
            "find_ms": float(np.median([one.find_ms for one in some])),
        }
    best = max((way for way in CLASSICAL if way in told), key=lambda way: told[way]["map"], default=None)
    for way in told:
        for key, other in (("gain", NONE), ("over_classical", best)):
            if other in told and way != other and not (key == "over_classical" and way in (NONE, *CLASSICAL)):
                off = drawn[way][:, 1] - drawn[other][:, 1]
                told[way][key] = told[way]["map"] - told[other]["map"]
                told[way][f"{key}_interval"] = interval(off)
                told[way][f"{key}_of"] = other
    return told
