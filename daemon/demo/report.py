"""What came of the planted events, and where to look next."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from alerts.redis_channel import ALERTS
from daemon.demo.events import Event


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one planted event. Seconds; None where it did not happen."""

    event: Event
    opened_after: float | None = None  # from the event's first picture
    closed_after: float | None = None  # from its last
    picture: str = ""

    @property
    def went_well(self) -> bool:
        """Its alert opened, and closed again."""
        return self.opened_after is not None and self.closed_after is not None


def tell_outcomes(console: Console, outcomes: Sequence[Outcome]) -> None:
    """The table, and one clear line."""
    table = Table(title="Planted events and their alerts", title_justify="left", title_style="bold")
    for heading in ("planted", "alert", "opened after", "closed after"):
        table.add_column(heading, justify="right" if "after" in heading else "left")
    for each in outcomes:
        table.add_row(
            each.event.name, each.event.alert, _seconds(each.opened_after), _seconds(each.closed_after)
        )
    console.print()
    console.print(table)
    failed = [each for each in outcomes if not each.went_well]
    if not failed:
        console.print(
            f"All {len(outcomes)} planted events opened and closed their alerts.", style="bold green"
        )
        return
    for each in failed:
        what = "opened no alert" if each.opened_after is None else "opened an alert that did not close"
        console.print(f"{each.event.name}: {what}.", style="bold red")
    console.print(f"{len(failed)} of {len(outcomes)} planted events failed.", style="bold red")


def tell_where_next(
    console: Console,
    outcomes: Sequence[Outcome],
    folder: Path,
    config: Path,
    redis_url: str,
    listen: str,
    goes_on: bool,
) -> None:
    """Where the evidence is, and what to try while the daemon runs."""
    evidence = folder / "evidence"
    pictures = [_located(each.picture, folder) for each in outcomes if each.picture]
    socket = redis_url.removeprefix("unix://").partition("?")[0]
    lines = (
        ("Evidence", str(evidence)),
        ("such as", str(_annotated(pictures[0])) if pictures else "no picture was kept"),
        (
            "In a second terminal" if goes_on else "While a demo runs",
            f"redis-cli -s {socket} psubscribe '{ALERTS}:*'",
        ),
        ("or", f"framewarden subscribe --config {config}"),
        ("Metrics", f"http://{listen}/metrics"),
        ("Your cameras", "config/example.yaml, then: framewarden run YOUR.yaml"),
        ("All of this is in", f"{folder} (delete it when you like)"),
    )
    console.print("\nWhere to look next", style="bold")
    for what, where in lines:
        console.print(f"  {what:<22}{where}", markup=False, soft_wrap=True)


def _annotated(picture: Path) -> Path:
    """The same picture with its boxes drawn, where there is one."""
    annotated = picture.with_name(picture.name.replace("picture", "annotated"))
    return annotated if annotated.exists() else picture


def _located(picture: str, folder: Path) -> Path:
    """Evidence is named by its whole path, or by its place in the evidence folder."""
    inside = folder / "evidence" / picture
    return inside if inside.exists() else Path(picture)


def _seconds(value: float | None) -> str:
    return "never" if value is None else f"{value:.1f} s"
