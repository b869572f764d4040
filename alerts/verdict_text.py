"""A verdict as JSON text and back: how the outbox keeps what must survive the daemon."""

import json
from dataclasses import fields
from datetime import datetime
from typing import Any, Final

from alerts.verdict import Change, Gathered, Member, Severity, UploadedFile, Verdict
from detectors.detection import DetectorCard, Kind, Region

KEPT: Final = tuple(field.name for field in fields(Verdict) if field.name != "detection")


def verdict_to_json(verdict: Verdict) -> str:
    """Everything but the detection, whose heat map is evidence and is kept there."""
    return _JSON.encode({name: getattr(verdict, name) for name in KEPT})


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Region | DetectorCard | Gathered | Member | UploadedFile):
        return {name: getattr(value, name) for name in value.__slots__}
    raise TypeError(f"{value!r} in a verdict cannot be kept")


_JSON: Final = json.JSONEncoder(default=_plain)


def verdict_from_json(text: str) -> Verdict:
    """The opposite of verdict_to_json. What a newer framewarden said beyond it is left away."""
    kept = json.loads(text)
    return Verdict(
        **known(Verdict, kept)
        | {
            "change": Change(kept["change"]),
            "kind": Kind(kept["kind"]),
            "severity": Severity(kept["severity"]),
            "regions": tuple(Region(**known(Region, region)) for region in kept["regions"]),
            "first_frame_at": datetime.fromisoformat(kept["first_frame_at"]),
            "captured_at": datetime.fromisoformat(kept["captured_at"]),
            "made_by": DetectorCard(**known(DetectorCard, kept["made_by"])),
            "gathered": _gathered(kept.get("gathered")),
            "file": UploadedFile(**known(UploadedFile, file)) if (file := kept.get("file")) else None,
        }
    )


def _gathered(kept: dict[str, Any] | None) -> Gathered | None:
    if kept is None:
        return None
    members = (
        Member(
            **known(Member, each)
            | {
                "kind": Kind(each["kind"]),
                "severity": Severity(each["severity"]),
                "first_frame_at": datetime.fromisoformat(each["first_frame_at"]),
            }
        )
        for each in kept["members"]
    )
    return Gathered(**known(Gathered, kept) | {"members": tuple(members)})


def known(cls: type, kept: dict[str, Any]) -> dict[str, Any]:
    """What of it are fields of this dataclass."""
    return {field.name: kept[field.name] for field in fields(cls) if field.name in kept}
