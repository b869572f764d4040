"""An alert as a person reads it at 3 a.m.: what, where, since when, how bad, what to do."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final

from alerts.client import Alert
from config.printable import printable
from detectors.quality.finding import ADVICE, NAMED, Fault

# By label first, then by kind. Each says what a person on watch can do who knows nothing of detectors.
_WHAT: Final = {
    "offline": "no picture",
    "degraded": "hardly delivers",
    "host_offline": "no picture from several cameras of one host",
    "storm": "many alerts at once",
    "anomaly": "something unusual",
    "deepfake": "a face that may be fake",
    "object": "something was seen",
    "quality": "something is wrong with the picture",
    "stream": "something is wrong with the camera",
}
_WHAT_TO_DO: Final = {
    "offline": "Check the camera's power and network. While it is away, nothing that happens there is seen.",
    "degraded": "Check the camera's network and power, and that this machine is not overloaded.",
    "host_offline": "Check the host or switch that these cameras share. Nothing that happens there is seen.",
    "storm": "Look at the streams one by one: something has changed for many of them at the same time.",
    "anomaly": "Look at the picture and the boxes in it, and decide whether somebody has to go there.",
    "deepfake": "Do not trust what this stream shows of the person until somebody has checked otherwise.",
    "object": "Look at the picture, and decide whether somebody has to go there.",
}
_OTHERWISE: Final = "Look at the picture."


@dataclass(frozen=True, slots=True)
class PlainWords:
    """A title of one line, and a text of several."""

    title: str
    text: str


def in_plain_words(alert: Alert, link: str = "", zone: tzinfo | None = None) -> PlainWords:
    """`zone`: where its readers live; None: this machine's. `link`: {alert_id} and {stream} are filled in."""
    lines = [alert.reason.strip() if alert.reason.strip() else _what(alert).capitalize() + "."]
    if alert.data.get("test"):
        return PlainWords(f"TEST: {alert.stream}: this channel works", _one_line(lines[0]))
    if alert.state == "judged":
        return _of_file(alert, lines[0], link)
    what = f"{alert.kind}, {alert.label}" if alert.label else alert.kind
    since = alert.first_frame_at
    how_long = max(timedelta(), alert.captured_at - since)
    lines.append(f"What: {what}{_measured(alert)}")
    lines.append(f"Where: {alert.stream}{_position(alert)}")
    if alert.file is not None:
        lines.append(f"File: {alert.file}")
    lines.append(f"Since: {_clock(since, zone)}")
    if alert.state == "closed":
        lines.append(f"Until: {_clock(alert.captured_at, zone)}, after {_duration(how_long)}")
    elif how_long >= timedelta(seconds=10):
        lines.append(f"For: {_duration(how_long)} now")
    lines.append(f"How bad: {alert.severity}{', not sure yet' if alert.provisional else ''}")
    if alert.data.get("late"):
        lines.append("Late: this channel refused it at first, and has been told newer things since.")
    if who := alert.data.get("acknowledged_by"):
        lines.append(f"Seen to by: {who}")
    if alert.doubt:
        lines.append(f"Nobody could tell at that moment ({alert.doubt}): this is no all-clear.")
    if alert.state != "closed" or alert.doubt:
        lines.append(f"What to do: {what_to_do(alert)}")
    if link:
        lines.append(f"Look: {linked(alert, link)}")
    lines.append(f"Alert {alert.alert_id}, message {alert.sequence} of {alert.stream}")
    return PlainWords(_title(alert), "\n".join(map(_one_line, lines)))


def what_to_do(alert: Alert) -> str:
    """One sentence or two."""
    return advice(alert.kind, alert.label)


def advice(kind: str, label: str) -> str:
    """What can be done about such alerts: one sentence or two."""
    if fault := _fault(kind, label):
        return f"{ADVICE[fault][:1].upper()}{ADVICE[fault][1:]}."
    return _WHAT_TO_DO.get(label) or _WHAT_TO_DO.get(kind) or _OTHERWISE


def what_happened(kind: str, label: str) -> str:
    """What such alerts are about, in a few words."""
    if fault := _fault(kind, label):
        return f"the picture is {NAMED.get(fault, fault)}"
    if words := _WHAT.get(label):
        return words
    words = _WHAT.get(kind, kind)
    return f"{words} ({label})" if label else words


def linked(alert: Alert, link: str) -> str:
    """The operator's link to this alert."""
    return link.replace("{alert_id}", alert.alert_id).replace("{stream}", alert.stream)


def _of_file(alert: Alert, reason: str, link: str) -> PlainWords:
    """The one message on a file: there is no since, and nothing goes on."""
    answer = alert.label.replace("_", " ")
    lines = [reason, f"File: {alert.file}", f"Where: {alert.stream}", f"How bad: {alert.severity}"]
    if alert.label == "cannot_tell":
        lines.append(f"Nobody could tell ({alert.doubt}): this is no all-clear.")
    elif alert.label == "alarming":
        lines.append("What to do: Look at the report before anybody relies on this file.")
    if link:
        lines.append(f"Look: {linked(alert, link)}")
    lines.append(f"File {alert.alert_id}, message {alert.sequence} of {alert.stream}")
    title = f"{answer.upper()}: {alert.stream}: {alert.file}"
    return PlainWords(_one_line(title), "\n".join(map(_one_line, lines)))


def _title(alert: Alert) -> str:
    if alert.state == "closed":
        end = "unknown how it ended" if alert.doubt else "over"
        return _one_line(f"{end.upper()}: {alert.stream}: {_what(alert)}")
    again = " (still)" if alert.state == "updated" else ""
    return _one_line(f"{alert.severity.upper()}: {alert.stream}: {_what(alert)}{again}")


def _fault(kind: str, label: str) -> Fault | None:
    return Fault(label) if kind == "quality" and label in set(Fault) else None


def _what(alert: Alert) -> str:
    what = what_happened(alert.kind, alert.label)
    return f"{what}, {alert.subject}" if alert.subject else what


def _measured(alert: Alert) -> str:
    if alert.score is None or not alert.threshold:
        return ""
    return f" (score {alert.score:.3g}, alarming from {alert.threshold:.3g})"


def _position(alert: Alert) -> str:
    return (
        "" if alert.position is None else f", {timedelta(seconds=round(alert.position))} into the recording"
    )


def _clock(at: datetime, zone: tzinfo | None) -> str:
    """The reader's own time first, and UTC, by which the messages go."""
    there = at.astimezone(zone)
    zulu = at.astimezone(UTC)
    if there.utcoffset() == timedelta():
        return f"{zulu:%a %d %b %Y %H:%M:%S} UTC"
    return f"{there:%a %d %b %Y %H:%M:%S %Z} ({zulu:%H:%M:%S} UTC)"


def _duration(length: timedelta) -> str:
    seconds = round(length.total_seconds())
    days, rest = divmod(seconds, 86_400)
    hours, rest = divmod(rest, 3_600)
    minutes, seconds = divmod(rest, 60)
    parts = [(days, "d"), (hours, "h"), (minutes, "min"), (seconds, "s")]
    told = [f"{number} {unit}" for number, unit in parts if number][:2]
    return " ".join(told) or "0 s"


def _one_line(text: str) -> str:
    """A name that was learned from a camera may hold anything."""
    return printable(text, " ")
