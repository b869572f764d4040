"""What people order a running daemon to do, as commands: to be silent, to know that an alert is seen to."""

from pathlib import Path
from typing import Annotated

import typer

from daemon.ending import BAD_USAGE, fail, finish


def silence(
    pattern: Annotated[str, typer.Argument(help="stream:kind, either may be *.", show_default=False)],
    label: Annotated[str, typer.Option(help="Which labels; may hold * and ?.")] = "*",
    duration: Annotated[str | None, typer.Option("--for", help="30m, 2h, 1h30m, 7d.")] = None,
    until: Annotated[str | None, typer.Option(help="18:00, or 2026-12-24T18:00.")] = None,
    comment: Annotated[str, typer.Option(help="Why.")] = "",
    by: Annotated[str | None, typer.Option(help="Who wants it. Default: you.")] = None,
    config: Annotated[Path | None, typer.Option(help="The daemon's configuration.")] = None,
) -> None:
    """Let no alert that fits be told for a while. What goes on when it ends is told then."""
    from daemon.orders import silence as order

    finish(lambda: order(pattern, label, duration, until, by, comment, config))


def silences(
    remove: Annotated[str | None, typer.Option(help="End the silence with this id.")] = None,
    change: Annotated[str | None, typer.Option(help="Change the silence with this id:")] = None,
    duration: Annotated[str | None, typer.Option("--for", help="to end so long from now: 30m, 2h.")] = None,
    until: Annotated[str | None, typer.Option(help="to end at 18:00, or 2026-12-24T18:00.")] = None,
    comment: Annotated[str | None, typer.Option(help="to have this comment.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object instead of tables.")] = False,
    config: Annotated[Path | None, typer.Option(help="The daemon's configuration.")] = None,
) -> None:
    """List the silences that hold, and the alerts that are open; end or change a silence."""
    from daemon import orders

    changes = not (duration is until is comment is None)
    if sum((remove is not None, change is not None, as_json)) > 1:
        fail("give one of --remove, --change and --json", BAD_USAGE)
    if changes and change is None:
        fail("name the silence that is to be changed: --change ID", BAD_USAGE)
    if change is not None:
        finish(lambda: orders.change(change, duration, until, comment, config))
    finish(lambda: orders.show(config, as_json) if remove is None else orders.remove(remove, config))


def ack(
    alert: Annotated[str, typer.Argument(help="Its id, or how it begins.", show_default=False)],
    comment: Annotated[str, typer.Option(help="What is being done.")] = "",
    by: Annotated[str | None, typer.Option(help="Who has seen to it. Default: you.")] = None,
    config: Annotated[Path | None, typer.Option(help="The daemon's configuration.")] = None,
) -> None:
    """Say that somebody has seen to an alert: it is told again when it gets worse, and when it closes."""
    from daemon.orders import acknowledge

    finish(lambda: acknowledge(alert, by, comment, config))
