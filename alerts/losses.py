"""An alert about alerts: a channel is away for so long that messages for it were dropped."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from hashlib import blake2b
from typing import Final

from alerts.outbox_file import Standing
from alerts.verdict import Change, Severity, Verdict
from detectors.detection import DetectorCard, Kind

OUTBOX: Final = "_outbox"  # whose alerts they are; a stream's name begins with a letter or a digit
DROPPED: Final = "messages_dropped"
_CARD: Final = DetectorCard(name="outbox", model="limits")


class Losses:
    """Pure. One alert for each channel: from the first message dropped until it has all that was left."""

    def __init__(self, open_alerts: Iterable[Verdict]) -> None:
        """`open_alerts`: those of OUTBOX that were open when the daemon ended."""
        self._open = {verdict.subject: verdict for verdict in open_alerts if verdict.label == DROPPED}

    def weigh(self, standings: Mapping[str, Standing], at: datetime) -> list[Verdict]:
        """What is worth telling now. An alert is updated whenever the number dropped has doubled."""
        told = []
        for channel in {**self._open, **standings}:
            dropped = standings.get(channel, Standing()).dropped
            last = self._open.get(channel)
            if last is None and dropped:
                told.append(self._tell(_opened(channel, at), Change.OPENED, dropped, at))
            elif last is not None and not dropped:
                told.append(self._tell(last, Change.CLOSED, int(last.score), at))
                del self._open[channel]
            elif last is not None and dropped >= 2 * last.score:
                told.append(self._tell(last, Change.UPDATED, dropped, at))
        return told

    def _tell(self, verdict: Verdict, change: Change, dropped: int, at: datetime) -> Verdict:
        state = "has what was left" if change is Change.CLOSED else "is away for too long"
        reason = f"Channel '{verdict.subject}' {state}: {dropped} or more messages for it were dropped"
        told = replace(verdict, change=change, score=float(dropped), reason=reason, captured_at=at)
        self._open[verdict.subject] = told
        return told


def _opened(channel: str, at: datetime) -> Verdict:
    parts = (OUTBOX, DROPPED, channel, at.isoformat())
    return Verdict(
        change=Change.OPENED,
        alert_id=blake2b("\0".join(parts).encode(), digest_size=16).hexdigest(),
        stream=OUTBOX,
        kind=Kind.STREAM,
        label=DROPPED,
        subject=channel,
        severity=Severity.CRITICAL,
        score=0.0,
        threshold=1.0,
        reason="",
        regions=(),
        first_frame_at=at,
        captured_at=at,
        made_by=_CARD,
    )
