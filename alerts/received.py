"""An alert message read back: what the log, the subscriber and other programs in Python work with."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any


class MessageError(ValueError):
    """A text that is no alert message of ours; says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Received:
    """An alert message as its reader sees it. Words are plain text: newer daemons may know more of them."""

    id: str
    alert_id: str
    stream: str
    kind: str  # a detectors.detection.Kind
    state: str  # an alerts.verdict.Change: opened, updated, closed
    severity: str  # an alerts.verdict.Severity: info, warning, critical
    label: str
    subject: str
    score: float | None  # None: not a finite number
    threshold: float | None
    doubt: str | None  # set: nobody could tell at that moment; when closed, this is no all-clear
    reason: str
    first_frame_at: datetime
    captured_at: datetime
    decided_at: datetime
    age_ms: int | None  # None for a recording
    position: float | None  # seconds into the recording; None for a camera
    sequence: int
    picture: str | None  # path of the evidence picture, on the daemon's host
    provisional: bool  # the threshold stands on little footage yet
    data: dict[str, Any]  # all of it: region, evidence, detector, and what newer versions add


def read(body: str | bytes) -> Received:
    """Reads a message back. Keys and words that it does not know are welcome. Raises MessageError."""
    try:
        event = json.loads(body)
        data = event["data"]
        return Received(
            id=str(event["id"]),
            alert_id=str(data["alert_id"]),
            stream=str(data["stream"]),
            kind=str(data["kind"]),
            state=str(data["state"]),
            severity=str(data["severity"]),
            label=str(data["label"]),
            subject=str(data["subject"]),
            score=_number(data["score"]),
            threshold=_number(data["threshold"]),
            doubt=_text(data["doubt"]),
            reason=str(data["reason"]),
            first_frame_at=datetime.fromisoformat(data["first_frame_at"]),
            captured_at=datetime.fromisoformat(data["captured_at"]),
            decided_at=datetime.fromisoformat(data["decided_at"]),
            age_ms=None if data["age_ms"] is None else int(data["age_ms"]),
            position=_number(data["position"]),
            sequence=int(data["sequence"]),
            picture=_text(data["evidence"]["picture"]),
            provisional=data["detector"]["provisional"] is True,
            data=data,
        )
    except KeyError as error:
        raise MessageError(f"not an alert message: it has no {error}") from None
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        raise MessageError(f"not an alert message: {error}") from None


def _number(value: Any) -> float | None:
    return None if value is None else float(value)


def _text(value: Any) -> str | None:
    return None if value is None else str(value)
