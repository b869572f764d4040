"""The commands `silence`, `silences` and `ack`: what people order, put where the daemon reads it."""

import difflib
import getpass
import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final

from alerts.client import SubscribeError
from alerts.gate_memory import Memory, memory_from_json
from alerts.open_alert import OpenAlert
from alerts.orders import Acknowledgement, Orders, OrdersError, OrdersFile, Silence, new_id
from alerts.roll_up import HOUSE
from alerts.utc import stamp
from config.load import load
from config.settings import Settings
from config.state import state_folder
from daemon.clock import clock
from daemon.columns import Heading, print_rows
from daemon.subscribe import read_pattern

SILENCES: Final = (
    Heading("id"),
    Heading("until"),
    Heading("alerts", beneath=True),
    Heading("by", beneath=True),
    Heading("comment", beneath=True),
)
ALERTS: Final = (
    Heading("id"),
    Heading("alert"),
    Heading("severity"),
    Heading("since", beneath=True),
    Heading("not told", beneath=True),
    Heading("acknowledged by", beneath=True),
)
_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_DURATION: Final = re.compile(r"(\d+(?:\.\d+)?)([smhd])")
_LONGEST: Final = timedelta(days=366)


async def silence(
    pattern: str,
    label: str,
    duration: str | None,
    until: str | None,
    by: str | None,
    comment: str,
    config: Path | None,
) -> int:
    """Orders a silence. Returns the exit code. Raises OrdersError, ConfigError, as all of them do."""
    try:
        wanted = read_pattern(pattern)
    except SubscribeError as error:
        raise OrdersError(str(error)) from None
    settings = load(config) if config else None
    if settings:
        _some_stream_fits(wanted.stream, settings)
    now = datetime.now(UTC)
    given = Silence(
        id=new_id(),
        stream=wanted.stream,
        kind=wanted.kind,
        label=label,
        until=_end(duration, until, now),
        by=by or _user(),
        comment=comment,
        made_at=now,
    )
    _file(settings).change(lambda orders: Orders((*orders.silences, given), orders.acknowledgements), now)
    print(f"{_about(given)}: silent until {clock(given.until)}")
    print(f"to end it earlier: framewarden silences --remove {given.id}")
    return 0


async def remove(which: str, config: Path | None) -> int:
    """Ends a silence at once."""
    file = _file(load(config) if config else None)
    if which not in {each.id for each in file.read().silences}:
        raise OrdersError(f"no silence has the id '{which}': `framewarden silences` lists them")
    file.change(
        lambda orders: Orders(
            tuple(each for each in orders.silences if each.id != which), orders.acknowledgements
        ),
        datetime.now(UTC),
    )
    print(f"silence {which} is over")
    return 0


async def change(
    which: str, duration: str | None, until: str | None, comment: str | None, config: Path | None
) -> int:
    """Lets a silence end at another time, or gives it another comment; what is not given stays."""
    file, now = _file(load(config) if config else None), datetime.now(UTC)
    if duration is until is comment is None:
        raise OrdersError("say what is to be changed: --for 2h, --until 18:00 or --comment")
    ends = None if duration is until is None else _end(duration, until, now)
    changed: list[Silence] = []

    def work(orders: Orders) -> Orders:
        changed.extend(
            replace(
                each,
                until=ends or each.until,
                comment=each.comment if comment is None else comment,
            )
            for each in orders.silences
            if each.id == which and now < each.until
        )
        kept = tuple(changed[0] if changed and each.id == which else each for each in orders.silences)
        return replace(orders, silences=kept)

    file.change(work, now)
    if not changed:
        raise OrdersError(f"no silence has the id '{which}': `framewarden silences` lists them")
    print(f"{_about(changed[0])}: silent until {clock(changed[0].until)}")
    return 0


async def acknowledge(alert: str, by: str | None, comment: str, config: Path | None) -> int:
    """Says that somebody has seen to an alert. The first letters of its id will do."""
    file = _file(load(config) if config else None)
    open_alerts = [each.verdict for each in _memory(file).opened]
    begins = alert.partition(".")[0]  # what follows the dot counts messages
    found = [verdict for verdict in open_alerts if begins and verdict.alert_id.startswith(begins)]
    if len(found) != 1:
        many = f"{len(found)} open alerts begin" if found else "no open alert begins"
        raise OrdersError(f"{many} with '{alert}': `framewarden silences` lists what is open")
    verdict, now = found[0], datetime.now(UTC)
    given = Acknowledgement(verdict.alert_id, by or _user(), comment, now)
    still_open = {each.alert_id for each in open_alerts}

    def change(orders: Orders) -> Orders:
        others = (each for each in orders.acknowledgements if each.alert_id != given.alert_id)
        return Orders(orders.silences, (*(each for each in others if each.alert_id in still_open), given))

    file.change(change, now)
    print(f"{verdict.stream}: {verdict.kind} {verdict.label}: acknowledged by {given.by}")
    return 0


async def show(config: Path | None, as_json: bool) -> int:
    """Prints the silences that hold, and every open alert."""
    file, now = _file(load(config) if config else None), datetime.now(UTC)
    orders = file.read()
    silences = [each for each in orders.silences if now < each.until]
    seen_to = {each.alert_id: each.by for each in orders.acknowledgements}
    alerts = _memory(file).opened
    if as_json:
        page = {
            "silences": [asdict(each) for each in silences],
            "open_alerts": [_facts(each, seen_to.get(each.verdict.alert_id)) for each in alerts],
        }
        print(json.dumps(page, default=stamp, ensure_ascii=False))
    else:
        _print(silences, alerts, seen_to)
    return 0


def _print(silences: Sequence[Silence], alerts: Sequence[OpenAlert], seen_to: Mapping[str, str]) -> None:
    if silences:
        rows = [(each.id, clock(each.until), _about(each), each.by, each.comment) for each in silences]
        print_rows(SILENCES, rows, "Silences")
    else:
        print("No silence holds.")
    if alerts:
        print_rows(ALERTS, [_row(alert, seen_to) for alert in alerts], "Open alerts")
    else:
        print("No alert is open.")


def _row(alert: OpenAlert, seen_to: Mapping[str, str]) -> Sequence[str]:
    verdict = alert.verdict
    about = " ".join(filter(None, [f"{verdict.stream}:", verdict.kind, verdict.label, verdict.subject]))
    began, by = clock(verdict.first_frame_at), seen_to.get(verdict.alert_id, "")
    return verdict.alert_id[:12], about, verdict.severity, began, _not_told(alert), by


def _facts(alert: OpenAlert, acknowledged_by: str | None) -> dict[str, object]:
    verdict = alert.verdict
    return {
        "alert_id": verdict.alert_id,
        "stream": verdict.stream,
        "kind": verdict.kind,
        "label": verdict.label,
        "subject": verdict.subject,
        "severity": verdict.severity,
        "reason": verdict.reason,
        "first_frame_at": verdict.first_frame_at,
        "not_told": _not_told(alert) or None,
        "acknowledged_by": acknowledged_by,
    }


def _not_told(alert: OpenAlert) -> str:
    """Why; empty where it was told."""
    return str(alert.why or "") if alert.told is None else ""


def _some_stream_fits(pattern: str, settings: Settings) -> None:
    streams = [stream.name for stream in settings.streams]
    if not any(fnmatchcase(name, pattern) for name in (*streams, HOUSE)):
        near = difflib.get_close_matches(pattern, streams, n=1)
        meant = f"did you mean '{near[0]}'?" if near else f"there are: {', '.join(streams)}"
        raise OrdersError(f"nothing is silenced: no stream fits '{pattern}', {meant}")


def _file(settings: Settings | None) -> OrdersFile:
    folder = state_folder(settings)
    if not folder.is_dir():
        raise OrdersError(
            f"no daemon has run with its state in {folder}: name its configuration with --config, "
            "and set STATE_DIRECTORY where its unit does"
        )
    return OrdersFile(folder)


def _memory(file: OrdersFile) -> Memory:
    path = file.path.with_name("gate.json")
    try:
        return memory_from_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Memory(False, {}, (), ())
    except (OSError, ValueError) as error:
        raise OrdersError(f"{path} cannot be read: {error}") from error


def _end(duration: str | None, until: str | None, now: datetime) -> datetime:
    if (duration is None) is (until is None):
        raise OrdersError("say for how long, or until when: --for 2h or --until 18:00")
    end = _after(duration, now) if duration is not None else _at(until or "", now)
    if end <= now:
        raise OrdersError(f"{clock(end)} is over already")
    if end - now > _LONGEST:
        raise OrdersError("a silence may last a year at most: use a rule in the configuration, alerts.rules")
    return end


def _after(duration: str, now: datetime) -> datetime:
    parts = _DURATION.findall(duration)
    if not parts or "".join(number + unit for number, unit in parts) != duration:
        raise OrdersError(f"'{duration}' is no duration: write 30m, 2h, 1h30m or 7d")
    seconds = sum(float(number) * _UNITS[unit] for number, unit in parts)
    return now + min(timedelta(seconds=min(seconds, 1e9)), 2 * _LONGEST)


def _at(text: str, now: datetime) -> datetime:
    """The next such time of the day, or that date and time: by this machine's clock where no zone is said."""
    local = now.astimezone()
    if re.fullmatch(r"([01]?\d|2[0-3]):[0-5]\d", text):
        hour, minute = map(int, text.split(":"))
        at = local.replace(hour=hour, minute=minute, second=0, microsecond=0, tzinfo=None)
        return next(end for day in (0, 1) if (end := (at + timedelta(day)).astimezone(UTC)) > now or day)
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        raise OrdersError(f"'{text}' is no time: write 18:00, or 2026-12-24T18:00") from None


def _about(given: Silence) -> str:
    label = "" if given.label == "*" else f" {given.label}"
    return f"{given.stream}: {'all kinds' if given.kind == '*' else given.kind}{label}"


def _user() -> str:
    try:
        return os.environ.get("SUDO_USER") or getpass.getuser()
    except (OSError, KeyError):  # a user without a name
        return str(os.getuid())
