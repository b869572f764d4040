"""The verdict on a file as the CloudEvents 1.0 message that subscribers read."""

import json
from importlib.resources import files
from typing import Any, Final

from alerts.channel import Message
from alerts.file_facts import Facts

KIND: Final = "verdict"  # the last word of its channel's name
JUDGED: Final = "judged"  # its state: it is told once, and neither opens nor closes anything
TYPE: Final = "framewarden.file.judged"
SCHEMA: Final = "urn:framewarden:file-message:1"


def schema() -> dict[str, Any]:
    """The JSON Schema of the message."""
    text = files("alerts").joinpath("file.schema.json").read_text(encoding="utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema


def render(facts: Facts, sequence: int, source: str) -> Message:
    """All keys of an alert message are there, so that whoever reads alerts can read it; `facts` stand beside.

    `sequence` and `source` are as in an alert's message.
    """
    evidence = facts.get("evidence") or {}
    event = {
        "specversion": "1.0",
        "id": f"{facts['id']}.{sequence}",
        "source": source,
        "type": TYPE,
        "subject": facts["stream"],
        "time": facts["decided_at"],
        "datacontenttype": "application/json",
        "dataschema": f"{SCHEMA}#/$defs/data",
        "data": {
            "alert_id": facts["id"],
            "fingerprint": facts["id"][:16],
            "stream": facts["stream"],
            "kind": KIND,
            "state": JUDGED,
            "verdict": facts["verdict"],
            "severity": facts["severity"],
            "score": facts["score"],
            "threshold": None if facts["score"] is None else 1.0,
            "label": facts["verdict"],
            "subject": facts["file"]["name"],
            "doubt": facts["doubt"],
            "reason": facts["reason"],
            "first_frame_at": facts["began_at"],
            "captured_at": facts["ended_at"],
            "decided_at": facts["decided_at"],
            "age_ms": None,
            "position": facts["position"],
            "sequence": sequence,
            "acknowledged_by": None,
            "gathered": None,
            "file": facts["file"],
            "pictures": facts["pictures"],
            "seconds": facts["seconds"],
            "kinds": facts["kinds"],
            "alerts": facts["alerts"],
            "region": [],
            "evidence": {
                "picture": evidence.get("picture"),
                "annotated": None,
                "heatmap": evidence.get("heatmap"),
                "expected": None,
                "clip": None,
                "report": evidence.get("report"),
                "problem": evidence.get("problem"),
            },
            "detector": {
                "name": "framewarden",
                "model": "all detectors of the stream",
                "model_sha256": "",
                "config_sha256": "",
                "provisional": False,
            },
        },
    }
    body = json.dumps(event, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    # A file name may hold bytes that are no text, and those cannot be sent.
    body = body.encode("utf-8", "replace").decode("utf-8")
    return Message(str(event["id"]), facts["stream"], KIND, sequence, body)
