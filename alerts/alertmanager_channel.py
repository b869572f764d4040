"""Alerts in Prometheus' Alertmanager, through its API v2: its routes, groups, silences and receivers."""

import asyncio
import json
import logging
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from alerts.aside import Aside
from alerts.channel import Message, PublishError
from alerts.client import Alert, MessageError, read
from alerts.http_post import HttpPost
from alerts.plain_words import in_plain_words, linked, what_to_do
from alerts.told import Told
from alerts.utc import utc_now

_ROUNDS: Final = 4  # how many rounds of sending open alerts may fail until Alertmanager takes them for over
_AT_ONCE: Final = 200  # open alerts in one request
_HOPELESS: Final = 5  # single alerts that are refused before one is taken

log = logging.getLogger(__name__)


class AlertmanagerChannel:
    """Open alerts are sent again and again, for Alertmanager takes for over what it no longer hears of.

    One alert there is one set of labels: alertname, stream, kind, label, subject, severity. When the severity
    rises, the alert with the old set is closed.
    """

    batch = 1

    def __init__(
        self,
        url: str,
        memory: Path,
        *,
        name: str = "alertmanager",
        authorization: str | None = None,
        ca_file: Path | None = None,
        timeout: float = 10.0,
        resend: float = 60.0,
        link: str = "",
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        """`memory` is a file for what is open. `resend` is in seconds."""
        self.name = name
        self._post = HttpPost(
            url.rstrip("/") + "/api/v2/alerts", timeout=timeout, authorization=authorization, ca_file=ca_file
        )
        self._told = Told(memory)
        self._left_out: dict[str, int] = {}  # by alert: the sequence number that was refused
        self._loaded = False
        self._resend = resend
        self._link = link
        self._clock = clock
        self._sent_at = float("-inf")
        self._aside = Aside(f"channel {name}")

    async def publish(self, messages: Sequence[Message]) -> None:
        await self._load()
        for message in messages:
            try:
                alert = read(message.body)
            except MessageError as error:
                raise PublishError(str(error), permanent=True) from None
            if alert.state == "judged" and alert.label == "fine":
                continue  # nothing to alarm anybody of, and no alert that would close
            if alert.data.get("late") and alert.open:
                continue  # what is the matter now was told already
            alerts = [self._alert(alert)]
            before = self._told.get(alert.alert_id)
            if before and labels(before) != labels(alert):
                alerts.insert(0, self._alert(before, over=True))
            await self._send(alerts)
            if not alert.data.get("test"):
                self._told.note(alert, message.body)
                await self._aside.run(self._told.save)

    async def tend(self) -> bool:
        """Sends what is open again, when it is time; with nothing open, sees whether anybody answers."""
        await self._load()
        if time.monotonic() < self._sent_at + self._resend:
            return False
        alerts = [alert for alert in self._told if alert.sequence != self._left_out.get(alert.alert_id)]
        for first in range(0, max(1, len(alerts)), _AT_ONCE):
            await self._send_again(alerts[first : first + _AT_ONCE])
            await asyncio.sleep(0)
        self._left_out = {each: number for each, number in self._left_out.items() if self._told.get(each)}
        self._sent_at = time.monotonic()
        return True

    async def close(self) -> None:
        await self._post.close()

    async def _load(self) -> None:
        if not self._loaded:
            await self._aside.run(self._told.load)
            self._loaded = True

    async def _send_again(self, alerts: Sequence[Alert]) -> None:
        """Smaller and smaller parts of what is refused, until it is found which alert is the matter.

        That one is left out until there is news of it. Where nothing at all is taken, it is no alert's fault:
        raises PublishError.
        """
        refused: list[tuple[Alert, PublishError]] = []
        taken = 0
        parts = [alerts]
        while parts:
            part = parts.pop()
            try:
                await self._send([self._alert(alert) for alert in part])
                taken += len(part)
            except PublishError as error:
                if not error.permanent or not part:
                    raise
                if len(part) > 1:
                    half = len(part) // 2
                    parts += [part[half:], part[:half]]
                    continue
                refused.append((part[0], error))
                if not taken and (len(refused) == _HOPELESS or not parts):
                    raise
        for alert, reason in refused:
            self._left_out[alert.alert_id] = alert.sequence
            log.error(
                "Channel '%s': alert %s of %s is not told again while it is open: %s",
                self.name, alert.alert_id, alert.stream, reason,
            )  # fmt: skip

    async def _send(self, alerts: list[dict[str, Any]]) -> None:
        await self._post.send(json.dumps(alerts).encode(), {"Content-Type": "application/json"})

    def _alert(self, alert: Alert, over: bool = False) -> dict[str, Any]:
        """`over`: whatever it says itself."""
        now = self._clock()
        if alert.state == "closed":
            ends = alert.decided_at
        elif over:
            ends = now
        elif alert.data.get("test") or not alert.open:
            ends = now + timedelta(seconds=self._resend)
        else:
            ends = now + timedelta(seconds=_ROUNDS * self._resend)
        words = in_plain_words(alert, zone=UTC)
        event: dict[str, Any] = {
            "labels": labels(alert),
            "annotations": {
                "summary": words.title,
                "description": words.text,
                "what_to_do": what_to_do(alert),
                "alert_id": alert.alert_id,
                "reason": alert.reason,
                "picture": alert.picture or "",
            },
            "startsAt": min(alert.first_frame_at, ends).isoformat(),
            "endsAt": ends.isoformat(),
        }
        if self._link:
            event["generatorURL"] = linked(alert, self._link)
        return event


def labels(alert: Alert) -> dict[str, str]:
    """By these Alertmanager knows an alert again; it wants none to be empty."""
    found = {
        "alertname": f"framewarden_{alert.kind}",
        "stream": alert.stream,
        "kind": alert.kind,
        "label": alert.label,
        "subject": alert.subject,
        "file": "" if alert.state == "judged" else alert.file or "",  # there, it is the subject
        "severity": alert.severity,
        "test": "true" if alert.data.get("test") else "",
    }
    return {name: value for name, value in found.items() if value}
