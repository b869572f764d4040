"""What `framewarden outbox` prints and does: what waits for each channel, and what none will take."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from rich.console import Console
from rich.table import Table

from alerts.outbox_desk import DeadLetter, Queue, drop, look, retry
from alerts.outbox_opening import OutboxError
from config.load import load
from config.printable import printable
from config.state import state_folder
from daemon.clock import clock, so_long

Action = Literal["show", "retry", "drop"]


async def outbox(config: Path, action: Action, channel: str | None, ids: Sequence[str], as_json: bool) -> int:
    """The command; returns the exit code. Raises ConfigError, OutboxError."""
    path = state_folder(load(config)) / "outbox.sqlite"
    if action != "show":
        _known(path, channel, ids)
    match action:
        case "retry":
            print(f"{retry(path, channel, ids)} dead letter(s) are tried again as soon as the daemon runs")
        case "drop":
            print(f"{drop(path, channel, ids)} dead letter(s) dropped")
        case "show":
            queues, letters = look(path)
            queues = [each for each in queues if channel in (None, each.channel)]
            letters = [
                each for each in letters if channel in (None, each.channel) and (not ids or each.id in ids)
            ]
            if as_json:
                _print_json(queues, letters)
            else:
                _print(queues, letters, datetime.now(UTC))
    return 0


def _known(path: Path, channel: str | None, ids: Sequence[str]) -> None:
    dead = {each.id for each in look(path)[1] if channel in (None, each.channel)}
    if unknown := [each for each in ids if each not in dead]:
        raise OutboxError(
            f"no such dead letter: {', '.join(unknown)}; `framewarden outbox CONFIG` lists them"
        )


def _print_json(queues: Sequence[Queue], letters: Sequence[DeadLetter]) -> None:
    page = {"channels": [asdict(each) for each in queues], "dead_letters": [asdict(each) for each in letters]}
    print(json.dumps(page, default=lambda at: at.isoformat(timespec="seconds").replace("+00:00", "Z")))


def _print(queues: Sequence[Queue], letters: Sequence[DeadLetter], now: datetime) -> None:
    console = Console(highlight=False, soft_wrap=True, markup=False)
    table = Table(box=None, pad_edge=False)
    for heading in ("channel", "waiting", "size", "oldest", "dropped", "dead letters"):
        table.add_column(heading, justify="left" if heading == "channel" else "right")
    for each in queues:
        age = "" if each.oldest_at is None else so_long((now - each.oldest_at).total_seconds())
        size = f"{each.size / 1e6:.1f} MB"
        table.add_row(each.channel, str(each.waiting), size, age, str(each.dropped), str(each.dead))
    console.print(table)
    for letter in letters:
        again = ", to be tried again" if letter.again else ""
        reason = printable(letter.reason, " ")
        at = clock(letter.refused_at)
        console.print(
            f"{letter.channel}: {letter.id} ({letter.stream}, {letter.kind}) refused {at}{again}: {reason}"
        )
