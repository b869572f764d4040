"""Which alerts a receiver believes to be open: kept on disk, for it goes on believing while we are away."""

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from alerts.client import Alert, MessageError, read
from config.whole_file import write_whole

log = logging.getLogger(__name__)

VERSION: Final = 1  # of the file; another one where an older reader would take it wrongly


class Told:
    """The last message of every alert that a channel was told of and that did not close.

    `load` and `save` wait for a disk: they are for a thread. What a failing disk forgets, a receiver closes
    when its time is over, or with the next alert of its kind.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._bodies: dict[str, str] = {}
        self._alerts: dict[str, Alert] = {}
        self._failing = False

    def __iter__(self) -> Iterator[Alert]:
        return iter(list(self._alerts.values()))

    def __len__(self) -> int:
        return len(self._alerts)

    def get(self, alert_id: str) -> Alert | None:
        """What was last told of this alert; None where it is not open."""
        return self._alerts.get(alert_id)

    def note(self, alert: Alert, body: str) -> None:
        """Takes over what was told just now."""
        if not alert.open:
            self._bodies.pop(alert.alert_id, None)
            self._alerts.pop(alert.alert_id, None)
            return
        if alert.data.get("late"):  # what is the matter now was told already
            return
        for other in self:  # its last word may have been dropped, where a channel was away for very long
            if _same_thing(other, alert):
                del self._bodies[other.alert_id], self._alerts[other.alert_id]
        self._bodies[alert.alert_id] = body
        self._alerts[alert.alert_id] = alert

    def load(self) -> None:
        """What was open when the last process ended; nothing where the file is missing or damaged."""
        try:
            kept = json.loads(self._path.read_text(encoding="utf-8"))
            bodies = kept["open"] if (version := kept.get("version")) else kept  # the first ones had none
            if version and version > VERSION:
                aside = self._path.replace(self._path.with_name(f"{self._path.name}.newer"))
                log.warning(
                    "%s was written by a newer framewarden and moved to %s: alerts are told anew as they "
                    "change", self._path, aside.name,
                )  # fmt: skip
                return
            for alert_id, body in bodies.items():
                self._alerts[alert_id] = read(body)
                self._bodies[alert_id] = body
        except FileNotFoundError:
            return
        except (OSError, ValueError, KeyError, AttributeError, TypeError, MessageError) as error:
            log.warning("%s cannot be read, open alerts are told anew as they change: %s", self._path, error)

    def save(self) -> None:
        """Whole or not at all."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(self._path, json.dumps({"version": VERSION, "open": self._bodies}).encode())
        except OSError as error:
            if not self._failing:
                log.warning("%s cannot be written: %s", self._path, error.strerror or error)
            self._failing = True
        else:
            self._failing = False


def _same_thing(one: Alert, other: Alert) -> bool:
    return _thing(one) == _thing(other)


def _thing(alert: Alert) -> tuple[object, ...]:
    """In two files of one folder, the same is not one thing."""
    return alert.stream, alert.kind, alert.label, alert.subject, alert.data.get("file")
