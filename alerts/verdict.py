"""What the judge hands down: an alert opens, changes or closes."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from detectors.detection import Detection, DetectorCard, Kind, Region


class Change(StrEnum):
    """What happens to the alert: the last word of the message's type."""

    OPENED = "opened"
    UPDATED = "updated"
    CLOSED = "closed"


class Severity(StrEnum):
    """How much it matters."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


@dataclass(frozen=True, slots=True)
class Verdict:
    """One change in one alert's life. One alert has one id, opens once and closes once."""

    change: Change
    alert_id: str  # the same for the alert's whole life, the same again if the same footage is judged again
    stream: str
    kind: Kind
    label: str
    subject: str
    severity: Severity
    score: float
    threshold: float
    reason: str
    regions: tuple[Region, ...]
    first_frame_at: datetime  # UTC: the first frame that showed it
    captured_at: datetime  # UTC: the frame that led to this verdict
    made_by: DetectorCard
    provisional: bool = False
    detection: Detection | None = None  # what was seen on this frame, with its heat map; None for an outage
