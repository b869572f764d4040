"""What the judge hands down: an alert opens, changes or closes."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from hashlib import blake2b
from typing import Final

from config.printable import printable
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

    @property
    def rank(self) -> int:
        """From 0, the least severe."""
        return _RANK[self]

    def above(self, other: "Severity") -> bool:
        """Whether it matters more."""
        return self.rank > other.rank

    def or_higher(self, other: "Severity") -> "Severity":
        """The one of both that matters more."""
        return self if self.above(other) else other


_RANK: Final = {severity: rank for rank, severity in enumerate(Severity)}


@dataclass(frozen=True, slots=True)
class Member:
    """One of the alerts for which another one speaks."""

    alert_id: str
    stream: str
    kind: Kind
    label: str
    severity: Severity
    first_frame_at: datetime  # UTC


@dataclass(frozen=True, slots=True)
class Gathered:
    """What one alert speaks for, where it speaks for many."""

    count: int  # alerts since it opened
    still_open: int  # of them
    members: tuple[Member, ...] = ()  # those that came since its last message, the newest at most


@dataclass(frozen=True, slots=True)
class UploadedFile:
    """Which file of a folder, an upload or a job it is about."""

    name: str  # as it came: a stranger chose it
    sha256: str
    job: str = ""  # the entry of framewarden:jobs that asked for it; empty where nobody did

    @property
    def shown(self) -> str:
        """Its name in one line, whatever it holds."""
        return printable(self.name)


@dataclass(frozen=True, slots=True)
class Verdict:
    """One change in one alert's life. One alert has one id, opens once and closes once."""

    change: Change
    alert_id: str  # the same for the alert's whole life, the same again if the same footage is judged again
    stream: str  # of a file in a folder: the folder's stream, '/', and some digits of the file's own
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
    acknowledged_by: str = ""  # who has seen to it; empty while nobody has
    gathered: Gathered | None = None  # of an alert that speaks for many
    file: UploadedFile | None = None  # of what was seen in a file of a folder

    @property
    def told_of(self) -> str:
        """The stream as subscribers know it, and the configuration: a folder's, whatever the file."""
        return self.stream.partition("/")[0]

    @property
    def fingerprint(self) -> str:
        """16 hex digits, the same for every alert on the same stream, kind, label and subject."""
        parts = (self.stream, self.kind, self.label, self.subject)
        return blake2b("\0".join(parts).encode("utf-8", "replace"), digest_size=8).hexdigest()
