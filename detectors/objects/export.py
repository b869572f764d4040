"""Weights as .pt, exported once into the form that runs fastest on this machine, by a process of its own.

The daemon itself then reads no pickle. The process computes at low priority, with a home folder that goes
with it; what it wrote appears in the state folder when all of it is there.
"""

import logging
import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Final, Literal

from detectors.detection import DetectorError
from detectors.device import Device
from detectors.objects.network import short
from detectors.store import Weights

log = logging.getLogger(__name__)

Form = Literal["openvino", "onnx", "engine"]  # as ultralytics calls them
PACKAGES: Final[dict[Form, tuple[str, ...]]] = {
    "openvino": ("openvino",),
    "onnx": ("onnx", "onnxruntime"),
    "engine": ("onnx", "tensorrt"),
}
SECONDS: Final = {"openvino": 600, "onnx": 600, "engine": 3600}
PASSED_ON: Final = (
    "PATH",
    "LANG",
    "LC_ALL",
    "LD_LIBRARY_PATH",
    "CUDA_VISIBLE_DEVICES",
    "PYTHONPATH",
    "VIRTUAL_ENV",
)


def best_form(device: Device) -> Form | None:
    """The fastest that this machine has the packages for; None: torch itself."""
    wanted: tuple[Form, ...] = ("engine",) if device == "cuda" else ("openvino", "onnx")
    return next((form for form in wanted if all(map(find_spec, PACKAGES[form]))), None)


def exported(weights: Weights, file: Path, form: Form, folder: Path) -> Path | None:
    """The weights in a form, from `folder` or newly made there; None, and a warning, where that fails."""
    place = folder / f"{weights.sha256[:16]}-{form}-{_versions(form)}"
    try:
        if not place.is_dir():
            log.info("%s is exported to %s, once; this may take a minute", file, form)
            _export(file, form, place)
            _tidy(folder, weights.sha256[:16], form, place)
        return _within(place, form)
    except (OSError, DetectorError) as error:
        log.warning("%s runs slower than it could, for its export to %s failed: %s", file, form, error)
        return None


def discard(export: Path, folder: Path) -> None:
    """Removes what turned out not to work, so that it is made anew at the next start."""
    with suppress(ValueError, OSError):
        shutil.rmtree(folder / export.relative_to(folder).parts[0])


def _export(file: Path, form: Form, place: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".export-", dir=place.parent) as passing:
        home, made = Path(passing) / "home", Path(passing) / "made"
        home.mkdir()
        made.mkdir()
        environ = {key: os.environ[key] for key in PASSED_ON if key in os.environ}
        environ |= {"HOME": str(home), "TMPDIR": str(home), "OMP_NUM_THREADS": "1"}
        command = [sys.executable, "-m", "detectors.objects.export_child", str(file), form, str(made)]
        try:
            done = subprocess.run(  # noqa: S603 - our own program
                command,
                cwd=home,
                env=environ,
                capture_output=True,
                text=True,
                timeout=SECONDS[form],
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise DetectorError(f"it took longer than {SECONDS[form]} s") from error
        if done.returncode:
            lines = done.stderr.strip().splitlines() or [f"it ended with {done.returncode}"]
            raise DetectorError(short(Exception(lines[-1])))
        _within(made, form)
        try:
            made.rename(place)
        except OSError:
            if not place.is_dir():  # else another process was quicker
                raise


def _within(place: Path, form: Form) -> Path:
    suffix = {"openvino": "*.xml", "onnx": "*.onnx", "engine": "*.engine"}[form]
    found = next(place.rglob(suffix), None)
    if found is None:
        raise DetectorError(f"there is no {suffix} in {place}")
    return found


def _tidy(folder: Path, sha256: str, form: Form, kept: Path) -> None:
    """Exports of the same weights by other versions."""
    for each in folder.glob(f"{sha256}-{form}-*"):
        if each != kept:
            shutil.rmtree(each, ignore_errors=True)


def _versions(form: Form) -> str:
    """What an export depends on."""
    packages = ("ultralytics-opencv-headless", "ultralytics", *PACKAGES[form])
    told = []
    for name in packages:
        with suppress(PackageNotFoundError):
            told.append(version(name))
    if form == "engine":  # runs on this kind of card alone
        import torch

        told.append(torch.cuda.get_device_name().replace(" ", "-").replace("/", "-"))
    return "-".join(told)
