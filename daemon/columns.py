"""A table for a terminal: where it is too wide, its long columns go beneath it, line by line."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from rich.console import Console
from rich.measure import Measurement
from rich.table import Table

NOTHING: Final = ("", "none")  # cells that are not worth a line of their own


@dataclass(frozen=True, slots=True)
class Heading:
    """Of a column."""

    name: str
    right: bool = False
    beneath: bool = False  # where all columns do not fit side by side


def print_rows(
    headings: Sequence[Heading],
    rows: Sequence[Sequence[str]],
    title: str = "",
    console: Console | None = None,
) -> None:
    """The first column names the row. A pipe gets all side by side, however wide, for what reads it."""
    out = console or Console(highlight=False, markup=False)
    whole = _table(headings, rows, title)
    needed = Measurement.get(out, out.options.update(max_width=10_000), whole).maximum
    if not out.is_terminal:
        out.width = max(out.width, needed)
    if needed <= out.width:
        out.print(whole)
        return
    short = [index for index, each in enumerate(headings) if not each.beneath]
    out.print(
        _table([headings[index] for index in short], [[row[index] for index in short] for row in rows], title)
    )
    below = Table.grid(padding=(0, 2))
    for row in rows:
        name = row[0]
        for heading, cell in zip(headings, row, strict=True):
            if heading.beneath and cell not in NOTHING:
                below.add_row(name, heading.name, cell)
                name = ""
    if below.row_count:
        out.print()
        out.print(below)


def _table(headings: Sequence[Heading], rows: Sequence[Sequence[str]], title: str) -> Table:
    table = Table(box=None, pad_edge=False, title=title or None, title_justify="left")
    for each in headings:
        table.add_column(each.name, justify="right" if each.right else "left", no_wrap=each is headings[0])
    for row in rows:
        table.add_row(*row)
    return table
