"""Alerts as lines in the service's own log."""

import logging
from collections.abc import Sequence
from datetime import timedelta

from alerts.channel import Message
from alerts.client import Alert, MessageError, read
from config.printable import printable

log = logging.getLogger("alerts")

LEVELS = {"info": logging.INFO, "warning": logging.WARNING, "critical": logging.CRITICAL}


class LogChannel:
    """One line for each message; always takes everything."""

    batch = 250

    def __init__(self, name: str = "log") -> None:
        self.name = name

    async def publish(self, messages: Sequence[Message]) -> None:
        for message in messages:
            try:
                alert = read(message.body)
            except MessageError as error:  # damaged in the outbox, in a way that SQLite does not see
                log.warning("%s: %s #%d: %s", message.stream, message.kind, message.sequence, error)
                continue
            level = logging.INFO if alert.state == "closed" else LEVELS.get(alert.severity, logging.INFO)
            log.log(level, "%s", _line(alert))

    async def tend(self) -> bool:
        """Nothing to look after."""
        return False

    async def close(self) -> None:
        """Nothing to let go of."""


def _line(alert: Alert) -> str:
    what = " ".join(filter(None, [alert.kind, alert.label, alert.subject]))
    at = "" if alert.position is None else f" at {timedelta(seconds=round(alert.position))}"
    line = f"{alert.stream}: {what} {alert.state}{at}"
    if alert.state == "judged":
        line = f"{alert.stream}: {alert.file}: {alert.label.replace('_', ' ')}"
    elif alert.file is not None:
        line += f" of {alert.file}"
    if alert.reason:
        line += f": {alert.reason.rstrip('.')}"
    if alert.score is not None and alert.threshold is not None and alert.state != "judged":
        line += f" (score {alert.score:.3g}, threshold {alert.threshold:.3g})"
    line += f"; {'file' if alert.state == 'judged' else 'alert'} {alert.alert_id} #{alert.sequence}"
    # A name that was learned from a camera may hold anything; a log line stays one line.
    return printable(line, " ")
