"""A whole alert message, for tests of those who read messages."""

import json


def alert_body(change: str = "opened", stream: str = "gate", sequence: int = 1, **data: object) -> str:
    """As framewarden sends it; `data` takes the place of what is there, and `id` that of the message's id."""
    name = str(data.pop("id", f"{stream}-{sequence}"))
    plain: dict[str, object] = {
        "alert_id": "a1", "stream": stream, "kind": "anomaly", "state": change, "severity": "warning",
        "score": 3.14159, "threshold": 2.5, "label": "motion", "subject": "", "doubt": None,
        "reason": "a car", "first_frame_at": "2026-11-23T15:04:05.278Z",
        "captured_at": "2026-11-23T15:04:05.678Z", "decided_at": "2026-11-23T15:04:05.700Z", "age_ms": 22,
        "position": None,
        "sequence": sequence, "region": [],
        "evidence": dict.fromkeys(("picture", "annotated", "heatmap", "clip", "report", "problem")),
        "detector": dict.fromkeys(("model_sha256", "config_sha256"), "")
        | {"name": "anomaly", "model": "cells", "provisional": False},
    }  # fmt: skip
    return json.dumps({
        "specversion": "1.0", "id": name, "source": "//here/framewarden",
        "type": f"framewarden.alert.{change}", "subject": stream, "time": "2026-11-23T15:04:05.678Z",
        "datacontenttype": "application/json",
        "dataschema": "urn:framewarden:alert-message:1#/$defs/data", "data": plain | data,
    })  # fmt: skip
