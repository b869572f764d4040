"""`framewarden evaluate deepfake`: how well real and fake faces of a labelled folder are told apart."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from rich.console import Console

from config.detectors import DeepfakeSettings
from config.load import load
from config.settings import Settings
from config.state import deepfake_head, state_folder
from daemon import evaluate_deepfake_figures, evaluate_worse
from daemon.bar import Bar, Tell
from daemon.evaluate_deepfake_tables import tables_of
from daemon.evaluate_faces import Clip, Split, clips_of
from daemon.evaluate_out import plotted, show
from daemon.evaluate_plot import Panel, curve
from daemon.evaluate_seen import Witness, see_all
from daemon.models import store_of
from detectors.deepfake.hub import open_scorer
from detectors.device import choose_device, limit_torch_threads
from detectors.faces.finder import choose_finder

DONE: Final = 0


async def evaluate_deepfake(
    data: Path,
    as_json: bool,
    plot: Path | None,
    every: int,
    fps: float,
    split: Split,
    curves: bool,
    config: Path | None,
) -> int:
    """Prints the figures, and returns 0. Raises FootageError, DetectorError, ConfigError."""
    settings = load(config) if config else None
    with Bar(Console(stderr=True)) as bar:
        bar.tell("reading the weights", 0.0)
        clips = clips_of(data, split, every)
        result = await measure(clips, fps, curves, bar.tell, witness_of(settings)) | {"split": split}
    scored = result.pop("scored")
    plotted(plot, panels_of(result, scored) if plot else ())
    show(result, tables_of(result), as_json)
    return DONE


async def measure(
    clips: Sequence[Clip], fps: float, curves: bool, tell: Tell, witness: Witness
) -> dict[str, Any]:
    """All figures; `scored` beside them, {name: (scores, which are fake)}, is for curves.

    Raises FootageError, DetectorError.
    """
    seen, unreadable = await see_all(witness, clips, fps, tell)
    tell("counting", 0.0)
    return {
        **evaluate_deepfake_figures.figures(seen, witness.model.clips, witness.settings),
        "unreadable": {"real": unreadable[False], "fake": unreadable[True]},
        "ms_per_crop": 1000 * witness.seconds / max(1, witness.crops),
        "ms_to_find": 1000 * witness.find_seconds / max(1, witness.pictures),
        "faces_by": witness.finder.name,
        "model": witness.model.model,
        "model_sha256": witness.model.sha256,
        **(await evaluate_worse.measure(witness, seen, fps, tell) if curves else {}),
    }


def witness_of(settings: Settings | None) -> Witness:
    """As the daemon looks at faces; without settings, as it does by default. Raises DetectorError."""
    limit_torch_threads()
    store = store_of(settings)
    own = settings.detectors.deepfake if settings else DeepfakeSettings()
    device = choose_device(settings.service.device if settings else "cpu")
    head = deepfake_head(settings, state_folder(settings)) if settings else Path()
    return Witness(own, choose_finder(store, device), open_scorer(own, store, head, device))


def panels_of(result: dict[str, Any], scored: dict[str, Any]) -> list[Panel]:
    """What is drawn: caught against false, told against true, and a panel for each way of making it worse."""
    panels = [
        Panel(
            {
                name: curve(scores, fake).tolist()
                for name, (scores, fake) in scored.items()
                if fake.any() and not fake.all()
            },
            "share of real ones above the threshold",
            "share of fakes above the threshold",
        ),
        Panel(
            {
                "crops": [one[:2] for one in result["calibration_bins"]],
                "as it should be": [(0, 0), (1, 1)],
            },
            "likelihood that was told, one in two being fake",
            "share that is fake",
        ),
    ]
    for name, levels in result.get("curves", {}).items():
        way = evaluate_worse.WAYS[name]
        places = range(len(levels))
        panels.append(
            Panel(
                {
                    "AUC, judged": [(at, one["crop_auc"]) for at, one in zip(places, levels, strict=True)],
                    "AUC, all": [(at, one["crop_auc_all"]) for at, one in zip(places, levels, strict=True)],
                    "not judged": [(at, one["abstained"]) for at, one in zip(places, levels, strict=True)],
                },
                f"{way.unit}",
                f"{name}: what making pictures worse does",
                ticks=tuple(places),
                names=("as is", *(f"{level:g}" for level in way.levels)),
            )
        )
    return panels
