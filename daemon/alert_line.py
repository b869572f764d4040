"""One alert message as one line for people."""

import json
from datetime import datetime
from typing import Any

from rich.text import Text

_STYLE = {"opened": "bold red", "updated": "yellow", "closed": "green"}


def render(body: str) -> Text:
    """One message as one line: time, stream, what, opened or closed, score against threshold, why."""
    event = read_event(body)
    if event is None:
        return Text(f"not an alert: {_plain(body[:200])}", style="dim")
    data = event["data"]
    change = str(event.get("type", "")).rpartition(".")[2]
    style = _STYLE.get(change, "")
    if change == "opened" and data.get("severity") != "critical":
        style = "bold yellow" if data.get("severity") == "warning" else "bold"
    detector = data.get("detector")
    provisional = isinstance(detector, dict) and detector.get("provisional") is True
    score = " ".join(
        (_number(data.get("score")), "<" if change == "closed" else "of", _number(data.get("threshold")))
    )
    return Text.assemble(
        (_clock(str(event.get("time", ""))), "dim"),
        "  ",
        (f"{_plain(event.get('subject', '')):<12}", "cyan"),
        f"  {_plain(data.get('kind', '')) + '/' + _plain(data.get('label', '')):<18}  ",
        (f"{_plain(change):<7}", style),
        f"  {score:<12}  ",
        _plain(data.get("reason", "")),
        (" (provisional)" if provisional else "", "dim"),
    )


def read_event(body: str) -> dict[str, Any] | None:
    """The message, or None where somebody else wrote something else there."""
    try:
        event = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return (
        event if isinstance(event, dict) and isinstance(event.get("data"), dict) and "id" in event else None
    )


def _clock(time: str) -> str:
    try:
        return f"{datetime.fromisoformat(time).astimezone():%Y-%m-%d %H:%M:%S}"
    except (ValueError, OverflowError):
        return _plain(time)


def _number(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, int | float) else "-"


def _plain(value: object) -> str:
    """Without what a terminal would obey."""
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in str(value))
