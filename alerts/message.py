"""A verdict as the CloudEvents 1.0 message that subscribers read."""

import json
import math
from dataclasses import asdict
from datetime import datetime
from importlib.resources import files
from typing import Any, Final

from alerts.channel import Message
from alerts.evidence import Evidence
from alerts.utc import stamp
from alerts.verdict import Gathered, Verdict
from detectors.detection import Region

_TYPE: Final = "framewarden.alert."
SCHEMA: Final = "urn:framewarden:alert-message:1"
_JSON: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def schema() -> dict[str, Any]:
    """The JSON Schema of the message."""
    text = files("alerts").joinpath("alert.schema.json").read_text(encoding="utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema


def render(
    verdict: Verdict,
    sequence: int,
    decided_at: datetime,
    evidence: Evidence | None,
    source: str,
    position: float | None = None,
    live: bool = True,
) -> Message:
    """The message of one verdict. The same arguments always give the same text.

    `sequence` is the stream's own, without gaps; `source` is a URI reference that names this daemon;
    `position` is where in its recording the frame stands, in seconds, None for a camera. What is not `live`
    has no age: it was filmed long ago, or nothing was filmed at that moment.
    A score that is no finite number becomes null, for JSON has no other word for it.
    """
    doubt = verdict.detection.doubt if verdict.detection else None
    made_by = verdict.made_by
    age = (decided_at - verdict.captured_at).total_seconds() * 1000
    name, told_of = f"{verdict.alert_id}.{sequence}", verdict.told_of
    captured_at = stamp(verdict.captured_at)
    event = {
        "specversion": "1.0",
        "id": name,
        "source": source,
        "type": _TYPE + verdict.change,
        "subject": told_of,
        "time": captured_at,
        "datacontenttype": "application/json",
        "dataschema": f"{SCHEMA}#/$defs/data",
        "data": {
            "alert_id": verdict.alert_id,
            "fingerprint": verdict.fingerprint,
            "stream": told_of,
            "kind": verdict.kind,
            "state": verdict.change,
            "severity": verdict.severity,
            "score": _finite(verdict.score),
            "threshold": _finite(verdict.threshold),
            "label": verdict.label,
            "subject": verdict.subject,
            "doubt": doubt,
            "reason": verdict.reason,
            "first_frame_at": stamp(verdict.first_frame_at),
            "captured_at": captured_at,
            "decided_at": stamp(decided_at),
            # Never below 0: a clock can be set back.
            "age_ms": max(0, round(age)) if live else None,
            "position": None if position is None else round(position, 3),
            "sequence": sequence,
            "acknowledged_by": verdict.acknowledged_by or None,
            "gathered": _gathered(verdict.gathered),
            "file": asdict(verdict.file) if verdict.file else None,
            "region": [box for region in verdict.regions if (box := _box(region))],
            "evidence": _evidence(evidence),
            "detector": {
                "name": made_by.name,
                "model": made_by.model,
                "model_sha256": made_by.model_sha256,
                "config_sha256": made_by.config_sha256,
                "provisional": bool(verdict.provisional),
            },
        },
    }
    body = _JSON.encode(event)
    # A file name may hold bytes that are no text, and those cannot be sent.
    body = body.encode("utf-8", "replace").decode("utf-8")
    return Message(name, told_of, verdict.kind, sequence, body)


def _finite(number: float) -> float | None:
    return float(number) if math.isfinite(number) else None


def _box(region: Region) -> dict[str, float] | None:
    sides = {
        "left": float(region.left),
        "top": float(region.top),
        "width": float(region.width),
        "height": float(region.height),
    }
    return sides if all(map(math.isfinite, sides.values())) else None


def _gathered(gathered: Gathered | None) -> dict[str, Any] | None:
    if gathered is None:
        return None
    members = [
        {
            "alert_id": member.alert_id,
            "stream": member.stream,
            "kind": member.kind,
            "label": member.label,
            "severity": member.severity,
            "first_frame_at": stamp(member.first_frame_at),
        }
        for member in gathered.members
    ]
    return {"count": gathered.count, "still_open": gathered.still_open, "members": members}


def _evidence(evidence: Evidence | None) -> dict[str, str | None]:
    found = evidence or Evidence()
    return {
        "picture": str(found.picture) if found.picture else None,
        "annotated": str(found.annotated) if found.annotated else None,
        "heatmap": str(found.heatmap) if found.heatmap else None,
        "expected": str(found.expected) if found.expected else None,
        "clip": str(found.clip) if found.clip else None,
        "report": str(found.report) if found.report else None,
        "problem": found.problem or None,
    }
