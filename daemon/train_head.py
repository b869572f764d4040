"""`framewarden train deepfake --encoder`: teaches larger weights, which stay as they are, to tell fakes."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Final

from rich.console import Console

from config.load import load
from config.state import deepfake_head, state_folder
from daemon.bar import Tell, told
from daemon.models import store_of
from detectors.deepfake.examples import ExamplesError, faces
from detectors.deepfake.hub import Sources, draws_anew, open_sources
from detectors.deepfake.hub_head import HubHead
from detectors.deepfake.hub_learning import Report, learn
from detectors.device import choose_device, limit_torch_threads

DONE: Final = 0
FOLDERS: Final = {
    "swapped": ("swapped", "fake"),
    "generated": ("generated",),
}  # of fakes; the first that is there


async def train_head(
    data: Path,
    out: Path | None,
    encoder: str | None,
    reconstruction: str | None,
    network: str,
    contrast: float,
    seed: int,
    config: Path | None,
) -> int:
    """Writes the head where the daemon looks for it, or to `out`.

    `network`: what draws generated faces where there are none, and no reconstruction is named.
    Raises ExamplesError, DetectorError, ConfigError.
    """
    settings = load(config) if config else None
    if not (data / "real").is_dir():
        raise ExamplesError(
            f"{data} needs a folder real/ of faces named <clip>_<frame>.jpg, and may have swapped/ and "
            "generated/: docs/deepfake.md"
        )
    state = state_folder(settings)
    target = out or (deepfake_head(settings, state) if settings else state / "deepfake" / "head.safetensors")
    limit_torch_threads()
    device = choose_device(settings.service.device if settings else "auto")
    say = Console(highlight=False, soft_wrap=True)
    store = store_of(settings)

    def work(tell: Tell) -> tuple[Sources, HubHead, Report]:
        tell("reading weights", 0.0)
        sources = open_sources(encoder, reconstruction, store, device)
        tell("reading faces", 0.0)
        real = faces(data / "real", sources.side)
        fakes = {kind: faces(folder, sources.side) for kind, folder in _folders(data)}
        drawing = sources.reconstruction
        if drawing is None and "generated" not in fakes:
            drawing = draws_anew(network, store, sources.embedded, device)
        redraw = drawing.redraw if drawing else None
        looking = partial(tell, "looking at faces")
        return sources, *learn(sources, real, fakes, redraw, contrast=contrast, seed=seed, done=looking)

    sources, head, report = await told(work)
    head.save(target)
    say.print(f"{target}: made with {sources.words}", markup=False)
    say.print(f"from {report.views} views of {report.clips} clips; on clips that were not learned from:")
    for kind, area in report.crop_auc.items():
        how = " (made from the real ones)" if kind in report.made else ""
        say.print(f"  {kind}{how}: AUC {area:.3f} a picture, {report.clip_auc[kind]:.3f} a clip")
    return DONE


def _folders(data: Path) -> Iterator[tuple[str, Path]]:
    """Kinds of fakes, and where they are."""
    for kind, names in FOLDERS.items():
        yield from ((kind, data / name) for name in names if (data / name).is_dir())
