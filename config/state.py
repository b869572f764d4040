"""Where the daemon keeps what must survive it: learned normals, outbox, evidence."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from platformdirs import user_state_path

from config.address import at_home
from config.settings import Settings

ENROLMENT: Final = "enrolment.json"


def state_folder(settings: Settings | None = None, environ: Mapping[str, str] = os.environ) -> Path:
    """service.state_dir, else systemd's $STATE_DIRECTORY, else the user's own (~/.local/state/framewarden).

    Without settings (a subscriber needs none), the last two. The folder is named, not made.
    """
    if settings is not None and settings.service.state_dir is not None:
        return Path(at_home(str(settings.service.state_dir))).absolute()
    if given := environ.get("STATE_DIRECTORY"):
        return Path(given.split(":")[0])  # systemd lists all of a unit's state directories
    return user_state_path("framewarden", appauthor=False)


def deepfake_head(settings: Settings, state: Path) -> Path:
    """The head over larger weights that judges faces: detectors.deepfake.head, else the state folder's."""
    return settings.detectors.deepfake.head or state / "deepfake" / "head.safetensors"


def enrolment_file(state: Path, stream: str) -> Path:
    """What a stream's own people score, once they were enrolled."""
    return state / "deepfake" / stream / ENROLMENT
