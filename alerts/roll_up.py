"""One alert that speaks for many: it opens with them, is updated as they grow, and closes after them."""

from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from hashlib import blake2b
from typing import Final

from alerts.verdict import Change, Gathered, Member, Severity, Verdict
from detectors.detection import DetectorCard, Kind

HOUSE: Final = "_house"  # whose alerts they are; a stream's name begins with a letter or a digit
MOST_MEMBERS: Final = 100  # in one message
_LONGEST_UPDATE: Final = 3600.0
_GATE: Final = DetectorCard(name="gate", model="roll-up")


class RollUp:
    """Pure. `weigh` it from time to time, and it says what is worth telling."""

    def __init__(self, label: str, subject: str, threshold: float, update_every: float) -> None:
        """`threshold`: the number of alerts from which on it speaks."""
        self.alert: Verdict | None = None  # its last verdict, while it is open
        self._label = label
        self._subject = subject
        self._threshold = threshold
        self._update_every = update_every
        self._start_anew()

    def _start_anew(self) -> None:
        self.count = 0
        self._members: deque[Member] = deque(maxlen=MOST_MEMBERS)
        self._told = (0, 0)
        self._told_at = 0.0
        self._update_after = self._update_every

    def resume(self, verdict: Verdict, count: int) -> None:
        """Goes on with what was open when the daemon ended; `count` as last known."""
        self.alert = verdict
        if verdict.gathered:
            self.count = max(count, verdict.gathered.count)
            self._told = verdict.gathered.count, verdict.gathered.still_open

    def gather(self, verdict: Verdict) -> None:
        """One more alert to speak for."""
        self.count += 1
        self._members.append(
            Member(
                verdict.alert_id,
                verdict.stream,
                verdict.kind,
                verdict.label,
                verdict.severity,
                verdict.first_frame_at,
            )
        )

    def weigh(
        self, at: datetime, now: float, still_open: Sequence[Verdict], reason: str, on: bool
    ) -> list[Verdict]:
        """What is worth telling, nothing or one verdict.

        `now` is in seconds and never goes back. `still_open`: those that it speaks for now. It closes when it
        is no longer `on`.
        """
        if self.alert is None:
            if not on:
                self._start_anew()
            if not self.count:
                return []
            first = min([at, *(member.first_frame_at for member in self._members)])
            opened = Verdict(
                change=Change.OPENED,
                alert_id=_alert_id(self._label, self._subject, first, at),
                stream=HOUSE,
                kind=Kind.STREAM,
                label=self._label,
                subject=self._subject,
                severity=Severity.INFO,
                score=0.0,
                threshold=self._threshold,
                reason="",
                regions=(),
                first_frame_at=first,
                captured_at=at,
                made_by=_GATE,
            )
            return [self._tell(opened, Change.OPENED, at, now, still_open, reason)]
        if not on:
            closed = self._tell(self.alert, Change.CLOSED, at, now, still_open, reason)
            self.alert = None
            self._start_anew()
            return [closed]
        worse = any(each.severity.above(self.alert.severity) for each in still_open)
        doubled = self.count >= 2 * self._told[0] > 0
        changed = self._told != (self.count, len(still_open))
        if worse or doubled or (changed and now - self._told_at >= self._update_after):
            self._update_after = min(2 * self._update_after, max(_LONGEST_UPDATE, self._update_every))
            return [self._tell(self.alert, Change.UPDATED, at, now, still_open, reason)]
        return []

    def _tell(
        self,
        alert: Verdict,
        change: Change,
        at: datetime,
        now: float,
        still_open: Sequence[Verdict],
        reason: str,
    ) -> Verdict:
        severity = alert.severity
        for each in still_open:
            severity = each.severity.or_higher(severity)
        self.alert = replace(
            alert,
            change=change,
            captured_at=at,
            severity=severity,
            score=float(self.count),
            reason=reason,
            gathered=Gathered(self.count, len(still_open), tuple(self._members)),
        )
        self._members.clear()
        self._told, self._told_at = (self.count, len(still_open)), now
        return self.alert


def _alert_id(label: str, subject: str, first: datetime, at: datetime) -> str:
    parts = (HOUSE, label, subject, first.isoformat(), at.isoformat())
    return blake2b("\0".join(parts).encode(), digest_size=16).hexdigest()
