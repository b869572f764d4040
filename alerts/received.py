"""An alert message read back: what subscribers written in Python work with."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from alerts.verdict import Change, Severity
from detectors.detection import Doubt, Kind


class MessageError(ValueError):
    """A text that is no alert message of ours; says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Received:
    """An alert message as a subscriber sees it."""

    id: str
    alert_id: str
    stream: str
    kind: Kind
    state: Change
    severity: Severity
    label: str
    subject: str
    score: float | None  # None: not a finite number
    threshold: float | None
    doubt: Doubt | None  # set: nobody could tell at that moment; when closed, this is no all-clear
    reason: str
    first_frame_at: datetime
    captured_at: datetime
    decided_at: datetime
    age_ms: int
    sequence: int
    data: dict[str, Any]  # all of it: region, evidence, detector, and what newer versions add


def read(body: str | bytes) -> Received:
    """Reads a message back. Keys that it does not know are welcome. Raises MessageError."""
    try:
        event = json.loads(body)
        data = event["data"]
        return Received(
            id=str(event["id"]),
            alert_id=str(data["alert_id"]),
            stream=str(data["stream"]),
            kind=Kind(data["kind"]),
            state=Change(data["state"]),
            severity=Severity(data["severity"]),
            label=str(data["label"]),
            subject=str(data["subject"]),
            score=_number(data["score"]),
            threshold=_number(data["threshold"]),
            doubt=None if data["doubt"] is None else Doubt(data["doubt"]),
            reason=str(data["reason"]),
            first_frame_at=datetime.fromisoformat(data["first_frame_at"]),
            captured_at=datetime.fromisoformat(data["captured_at"]),
            decided_at=datetime.fromisoformat(data["decided_at"]),
            age_ms=int(data["age_ms"]),
            sequence=int(data["sequence"]),
            data=data,
        )
    except KeyError as error:
        raise MessageError(f"not an alert message: it has no {error}") from None
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        raise MessageError(f"not an alert message: {error}") from None


def _number(value: Any) -> float | None:
    return None if value is None else float(value)
