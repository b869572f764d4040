"""`framewarden models`: what weights there are, and whether they are what they should be."""

import importlib.util
from pathlib import Path
from typing import Final

from rich.console import Console

from config.load import load
from config.settings import Settings
from config.state import deepfake_head, state_folder
from detectors.detection import DetectorError
from detectors.store import HUB, Store, Weights, store_folders

DONE: Final = 0
FAILED: Final = 1


def store_of(settings: Settings | None) -> Store:
    """The store of a configuration; without one, of the environment and the user's own state folder."""
    folder = settings.models.folder if settings else None
    return Store(store_folders(folder, state_folder(settings)))


def lacking(settings: Settings) -> list[str]:
    """What is wanted and not there, in sentences; files are not read for it."""
    store, deepfake = store_of(settings), settings.detectors.deepfake
    wanted = {
        "detectors.anomaly.backbone": settings.detectors.anomaly.backbone,
        "detectors.anomaly.reconstruction": settings.detectors.anomaly.reconstruction,
        "detectors.objects.model": settings.detectors.objects.model,
        "detectors.objects.denoiser": settings.detectors.objects.denoiser,
        "detectors.deepfake.encoder": deepfake.encoder,
        "detectors.deepfake.reconstruction": deepfake.reconstruction,
    }
    told = []
    for where, name in wanted.items():
        try:
            if name:
                store.locate(name)
        except DetectorError as error:
            told.append(f"{where}: {error}")
    if settings.detectors.anomaly.reconstruction and importlib.util.find_spec("diffusers") is None:
        told.append(f"detectors.anomaly: diffusers cannot be imported: {HUB}")
    if not (deepfake.encoder or deepfake.reconstruction):
        return told
    packages = {"transformers": deepfake.encoder, "diffusers": deepfake.reconstruction}
    if missing := [name for name, use in packages.items() if use and importlib.util.find_spec(name) is None]:
        told.append(f"detectors.deepfake: {' and '.join(missing)} cannot be imported: {HUB}")
    if not (head := deepfake_head(settings, state_folder(settings))).is_file():
        flags = [f"--{part} {getattr(deepfake, part)}" for part in ("encoder", "reconstruction")]
        asked = " ".join(flag for flag in flags if not flag.endswith(" None"))
        told.append(
            f"detectors.deepfake.head: there is no {head}: make it from faces of your own with "
            f"`framewarden train deepfake FACES {asked} --config CONFIG`"
        )
    return told


async def show(config: Path | None) -> int:
    """Lists every model with its size, licence and hash. Raises ConfigError, DetectorError."""
    store = store_of(load(config) if config else None)
    out = Console(highlight=False, soft_wrap=True)
    found = store.all()
    if not found:
        out.print(f"no weights in {_places(store)}", markup=False)
        return DONE
    for one in found:
        out.print(f"{one.name}  {_size(one.size)}, licence: {one.licence or 'unknown'}", markup=False)
        out.print(f"  {one.path}\n  sha256 {one.sha256}", markup=False)
    return DONE


async def verify(config: Path | None, name: str | None) -> int:
    """Says of each model, or of one, whether it has the hash that something vouches for; 1 where one has not.

    Raises ConfigError, DetectorError where there is none of that name.
    """
    store = store_of(load(config) if config else None)
    found = store.all()
    if name:
        found = [one for one in found if one.path == store.locate(name)]
    if not found:
        raise DetectorError(
            f"no weights in {_places(store)}: put some there, or name a folder in models.folder"
        )
    out = Console(highlight=False, soft_wrap=True)
    for one in found:
        out.print(f"{one.name}: {_verdict(one)}", markup=False)
    return FAILED if any(one.trouble for one in found) else DONE


def _verdict(one: Weights) -> str:
    if one.trouble:
        return f"{one.path} {one.trouble}"
    if one.vouched:
        return f"good, {one.sha256}"
    return f"nothing says what it should be: {one.sha256}"


def _places(store: Store) -> str:
    return ", ".join(map(str, store.folders))


def _size(count: int) -> str:
    return f"{count / 1e6:.1f} MB" if count >= 1e5 else f"{count} bytes"
