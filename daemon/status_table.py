"""What `framewarden status` prints: it asks the running daemon, and says so where none answers."""

import json
import os
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import aiohttp
from rich.console import Console

from config.address import LISTEN
from config.load import load
from config.printable import printable
from config.settings import ServiceSettings
from daemon.clock import so_long
from daemon.columns import Heading, print_rows
from daemon.object_counts import There, in_words

PATIENCE: Final = 5.0  # seconds
HEADINGS: Final = (
    Heading("stream"),
    Heading("state"),
    Heading("since"),
    Heading("last frame", right=True),
    Heading("pictures/s"),
    Heading("watched", right=True),
    Heading("blind today", beneath=True),
    Heading("alerts", beneath=True),
    Heading("detectors", beneath=True),
)
MOST_CAUSES: Final = 3  # of blind time that a cell of the table names
_LARGEST: Final = 16_000_000  # bytes: no daemon has so much to say


class StatusError(Exception):
    """No daemon that could be asked; says where it was looked for and what to do."""


async def print_status(config: Path | None, at: str | None, as_json: bool) -> int:
    """The command; returns the exit code. `at` (host:port) makes the file needless, with all its secrets.

    Raises StatusError, and ConfigError for the file.
    """
    service = load(config).service if config and not at else ServiceSettings()
    listen = at or service.listen
    if listen is None:
        raise StatusError(f"{config} says 'listen: null' under service, so its daemon cannot be asked")
    if not re.match(LISTEN, listen):
        raise StatusError(f"'{listen}' is no address: write host:port, such as 127.0.0.1:8686")
    page = await _ask(listen, "" if config or at else "; name its configuration, or --at HOST:PORT")
    if as_json:
        print(json.dumps(page, indent=1))
    else:
        _print(page, datetime.now(UTC))
    return 0


async def _ask(listen: str, hint: str) -> dict[str, Any]:
    host, _, port = listen.rpartition(":")
    local = {"0.0.0.0": "127.0.0.1", "[::]": "[::1]", "*": "127.0.0.1"}.get(host, host)  # noqa: S104 - read, not bound
    url = f"http://{local}:{port}/status"
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(PATIENCE)) as session,
            session.get(url) as answer,
        ):
            body = await answer.content.read(_LARGEST)
            status = answer.status
    except TimeoutError:
        raise StatusError(
            f"a daemon at {listen} takes connections and does not answer within {PATIENCE:.0f} s: see its log"
        ) from None
    except aiohttp.ClientError as error:
        raise StatusError(
            f"no daemon answers at {listen} ({_words(error)}): is it running? "
            f"`framewarden run CONFIG` starts it, systemd says more{hint}"
        ) from None
    try:
        page = json.loads(body)
    except (ValueError, RecursionError):
        page = None
    if status != 200 or not isinstance(page, dict) or page.get("version") != 1:
        raise StatusError(
            f"what answers at {listen} is no framewarden of this version: set service.listen to its own port"
        )
    return page


def _words(error: aiohttp.ClientError) -> str:
    cause = getattr(error, "os_error", None)
    number = cause.errno if isinstance(cause, OSError) else None
    return os.strerror(number) if number else type(error).__name__


def _print(page: Mapping[str, Any], now: datetime) -> None:
    print_rows(
        HEADINGS,
        [
            (name, *(_row(stream, now) if stream["kind"] != "folder" else _folder(stream)))
            for name, stream in page["streams"].items()
        ],
    )
    out = Console(highlight=False, markup=False)
    for problem in page["problems"]:
        out.print(f"! {_plain(problem)}", soft_wrap=not out.is_terminal)


def _row(stream: Mapping[str, Any], now: datetime) -> list[str]:
    age = stream["last_frame_age"]
    return [
        stream["state"],
        _since(stream["since"], now),
        "" if age is None else so_long(age),
        _rate(stream),
        "" if stream["watched"] is None else f"{stream['watched']:.0%}",
        _blind(stream["blind_today"]),
        _plain(", ".join(f"{each['kind']} {each['label']}{_held(each)}" for each in stream["alerts"]))
        or "none",
        _plain("; ".join(f"{name} {_doubt(said)}" for name, said in stream["detectors"].items()))
        + _plain(_there(stream.get("there", {}))),
    ]


def _folder(stream: Mapping[str, Any]) -> list[str]:
    waits = f"{stream.get('waiting', 0)} wait, {stream.get('judging', 0)} are being judged"
    return [stream["state"], "", "", "", "", "", "", f"files: {waits}"]


def _rate(stream: Mapping[str, Any]) -> str:
    wanted, sampled, judged = stream["wanted_fps"], stream["sample_fps"], stream["judged_fps"]
    if stream["kind"] == "recording":
        return f"{judged:.1f}"
    lowered = f", lowered to {sampled:.1f}" if sampled < 0.99 * wanted else ""
    return f"{judged:.1f} of {wanted:g}{lowered}"


def _blind(causes: Mapping[str, float]) -> str:
    if not causes:
        return "none"
    worst = sorted(causes.items(), key=lambda each: -each[1])
    named = [f"{cause.replace('_', ' ')} {so_long(seconds)}" for cause, seconds in worst[:MOST_CAUSES]]
    return ", ".join(named + (["..."] if len(worst) > MOST_CAUSES else []))


def _there(there: There) -> str:
    return f"; there now: {in_words(there)}" if there else ""


def _held(alert: Mapping[str, Any]) -> str:
    return f" (not told: {alert['held']})" if alert["held"] else ""


def _doubt(said: str) -> str:
    what, _, why = said.partition(":")
    return f"cannot tell ({why.replace('_', ' ')})" if what == "cannot_tell" else said.replace(":", ": ")


def _since(at: str | None, now: datetime) -> str:
    return "" if at is None else f"{so_long((now - datetime.fromisoformat(at)).total_seconds())} ago"


def _plain(text: str) -> str:
    """No terminal is commanded by what somebody else wrote."""
    return printable(text, " ")
