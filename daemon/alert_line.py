"""One alert message as one line for people."""

from datetime import datetime, timedelta

from rich.text import Text

from alerts.client import Alert, MessageError, read
from config.printable import printable

_STYLE = {"opened": "bold red", "updated": "yellow", "closed": "green"}
_VERDICTS = {"alarming": "bold red", "cannot_tell": "yellow", "fine": "green"}


def render(body: str) -> Text:
    """One message as one line: time, stream, what, opened or closed, score against threshold, why."""
    try:
        alert = read(body)
    except MessageError:
        return Text(f"not an alert: {printable(body[:200])}", style="dim")
    style = _STYLE.get(alert.state, _VERDICTS.get(alert.label, ""))
    if alert.state == "opened" and alert.severity != "critical":
        style = "bold yellow" if alert.severity == "warning" else "bold"
    score = " ".join(
        (_number(alert.score), "<" if alert.state == "closed" else "of", _number(alert.threshold))
    )
    return Text.assemble(
        (_clock(alert.captured_at), "dim"),
        "  ",
        (f"{printable(alert.stream):<12}", "cyan"),
        f"  {printable(_what(alert)):<18}  ",
        (f"{printable(alert.state):<7}", style),
        f"  {score:<12}  ",
        "" if alert.file is None else f"{printable(alert.file)}  ",
        "" if alert.position is None else f"at {_span(alert.position)}  ",
        printable(alert.reason),
        (" (provisional)" if alert.provisional else "", "dim"),
    )


def _what(alert: Alert) -> str:
    which = alert.subject if alert.state != "judged" else ""  # there it is the file
    return f"{alert.kind}/{alert.label} {which}".rstrip()


def _clock(time: datetime) -> str:
    try:
        return f"{time.astimezone():%Y-%m-%d %H:%M:%S}"
    except (ValueError, OverflowError):  # beyond the years that a local time may have
        return str(time)


def _span(seconds: float) -> str:
    try:
        return str(timedelta(seconds=round(seconds)))
    except OverflowError:  # longer than any recording
        return f"{seconds:.3g} s"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3g}"
