"""The list of what belongs to one alert's evidence: every file's hash, and who judged what."""

import hashlib
import json
import math
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

from alerts.verdict import Verdict
from config.secrets import hide
from streams.frame import Frame

NAME: Final = "manifest.json"
FRAME: Final = "frame.png"
VERSION: Final = 1
_LARGEST: Final = 10_000_000  # bytes of a manifest
_PACKAGES: Final = ("framewarden", "numpy", "opencv-python-headless", "torch", "av")


class ManifestError(Exception):
    """A folder without a manifest that can be read; says why."""


@dataclass(slots=True)
class Manifest:
    """`facts` are those of the opening; `files` grows while the alert lives."""

    facts: dict[str, Any]
    files: dict[str, str] = field(default_factory=dict)  # name: SHA-256

    def note(self, name: str, content: bytes) -> None:
        """A file that was written just now."""
        self.files[name] = hashlib.sha256(content).hexdigest()

    def to_json(self) -> bytes:
        """The same manifest, always the same bytes."""
        whole = {"version": VERSION, **self.facts, "files": dict(sorted(self.files.items()))}
        return json.dumps(whole, indent=1, ensure_ascii=False, allow_nan=False).encode("utf-8", "replace")


def facts_of(verdict: Verdict, frame: Frame | None, again: tuple[str, ...] = ()) -> dict[str, Any]:
    """What the manifest says besides the hashes. `again`: the files that the score can be computed from."""
    seen = verdict.detection
    made_by = seen.made_by if seen else verdict.made_by
    return {
        "alert": {
            "alert_id": verdict.alert_id,
            "fingerprint": verdict.fingerprint,
            "stream": verdict.told_of,
            "kind": str(verdict.kind),
            "label": verdict.label,
            "subject": verdict.subject,
            "severity": str(verdict.severity),
            "reason": hide(verdict.reason),
            "provisional": bool(verdict.provisional),
            "first_frame_at": verdict.first_frame_at.isoformat(),
            "captured_at": verdict.captured_at.isoformat(),
        },
        "detector": {
            "name": made_by.name,
            "model": made_by.model,
            "model_sha256": made_by.model_sha256,
            "config_sha256": made_by.config_sha256,
        },
        "judged": None
        if frame is None or seen is None
        else {
            "file": FRAME,
            "position": frame.position,
            "fresh": frame.fresh,
            "damaged": frame.damaged,
            "label": seen.label,
            "score": _finite(seen.score),
            "threshold": _finite(seen.threshold),
            "again": list(again),
        },
        "versions": {"python": sys.version.split()[0], **_versions()},
    }


def read(folder: Path) -> Manifest:
    """The manifest of a folder. Raises ManifestError."""
    path = folder / NAME
    try:
        if path.stat().st_size > _LARGEST:
            raise ManifestError(f"{path} is too large for a manifest")
        raw = json.loads(path.read_bytes())
        if raw.pop("version") != VERSION:
            raise ManifestError(f"{path} was written by another version of framewarden")
        files = raw.pop("files")
        if not all(_plain(name) and isinstance(sha256, str) for name, sha256 in files.items()):
            raise ManifestError(f"{path} names files that do not lie in its folder")
    except FileNotFoundError:
        raise ManifestError(f"{path} is missing: this is no evidence folder, or not a whole one") from None
    except OSError as error:
        raise ManifestError(f"{path} cannot be read: {error.strerror or error}") from None
    except (ValueError, KeyError, AttributeError, TypeError, RecursionError):
        raise ManifestError(f"{path} is damaged") from None
    return Manifest(raw, files)


def unlike(folder: Path, manifest: Manifest) -> list[str]:
    """What is not as the manifest says: a sentence for each file. Empty where all is as it was."""
    said = []
    for name, sha256 in sorted(manifest.files.items()):
        path = folder / name
        try:
            if path.is_symlink() or not path.is_file():
                said.append(f"{name} is missing")
            elif _sha256(path) != sha256:
                said.append(f"{name} was changed")
        except OSError as error:
            said.append(f"{name} cannot be read: {error.strerror or error}")
    said += [f"{name} was added" for name in sorted(_names(folder) - manifest.files.keys() - {NAME})]
    return said


def _names(folder: Path) -> set[str]:
    try:
        return {path.name for path in folder.iterdir()}
    except OSError as error:
        raise ManifestError(f"{folder} cannot be read: {error.strerror or error}") from None


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _plain(name: object) -> bool:
    return isinstance(name, str) and name not in ("", ".", "..", NAME) and not set(name) & set("/\\\0")


def _finite(number: float) -> float | None:
    return float(number) if math.isfinite(number) else None


def _versions() -> Mapping[str, str]:
    found = {}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:  # another build of it
            continue
    return found
