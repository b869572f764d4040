"""What the gate remembers of an alert that is open, and the reasons for which it may hold it back."""

from dataclasses import dataclass
from enum import StrEnum

from alerts.verdict import Severity, Verdict


class Why(StrEnum):
    """Why an alert is held back. The first that applies is named."""

    SHADOW = "shadow"  # its stream or detector is on trial
    SCHEDULE = "schedule"  # it is not to be told at this time
    SILENCE = "silence"  # somebody silenced it
    HOST = "host"  # all cameras of its host are offline, or may be so in a moment
    STORM = "storm"  # too many opened at once


@dataclass(slots=True)
class OpenAlert:
    """From when a judge opens it until a judge closes it."""

    verdict: Verdict  # the judge's last word on it
    since: float  # by the gate's seconds
    told: Severity | None = None  # how much it mattered when it was last told; None: never told
    why: Why | None = None  # it is held back now
    acknowledged_by: str = ""  # as last told
    gathered: Why | None = None  # the sort of alert that speaks for it
    admitted: bool = False  # opened outside a storm, or outlived one
