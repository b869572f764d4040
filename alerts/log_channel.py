"""Alerts as lines in the service's own log."""

import json
import logging
from collections.abc import Sequence

from alerts.channel import Message

log = logging.getLogger("alerts")

LEVELS = {"info": logging.INFO, "warning": logging.WARNING, "critical": logging.CRITICAL}


class LogChannel:
    """One line for each message; always takes everything."""

    name = "log"

    async def publish(self, messages: Sequence[Message]) -> None:
        for message in messages:
            data = json.loads(message.body).get("data", {})
            state, severity = data.get("state", "told"), data.get("severity", "info")
            level = logging.INFO if state == "closed" else LEVELS.get(severity, logging.INFO)
            log.log(level, "%s", _line(message, state, data))

    async def close(self) -> None:
        """Nothing to let go of."""


def _line(message: Message, state: str, data: dict[str, object]) -> str:
    what = f"{message.kind} {data['label']}" if data.get("label") else message.kind
    words = [f"{message.stream}: {what} {state}"]
    if data.get("reason"):
        words.append(str(data["reason"]))
    if data.get("score") is not None and data.get("threshold") is not None:
        words.append(f"score {data['score']:.3g}, threshold {data['threshold']:.3g}")
    words.append(f"alert {data.get('alert_id', message.id)} #{message.sequence}")
    # A name that was learned from a camera may hold anything; a log line stays one line.
    return "".join(c if c.isprintable() else " " for c in ", ".join(words))
