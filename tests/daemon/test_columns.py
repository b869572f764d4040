"""Tables of commands: side by side where they fit, else long columns beneath; whole in a pipe."""

import io

from rich.console import Console

from daemon.columns import Heading, print_rows

HEADINGS = (
    Heading("stream"),
    Heading("state"),
    Heading("alerts", beneath=True),
    Heading("detectors", beneath=True),
)
LONG = "quality fine; anomaly cannot tell (learning); deepfake cannot tell (no face)"
ROWS = [("door", "online", "none", "quality fine"), ("yard", "online", "stream offline", LONG)]


def printed(width: int, terminal: bool) -> list[str]:
    out = io.StringIO()
    print_rows(HEADINGS, ROWS, console=Console(file=out, width=width, force_terminal=terminal, no_color=True))
    return [
        line.rstrip() for line in out.getvalue().replace("\x1b[1m", "").replace("\x1b[0m", "").splitlines()
    ]


def test_a_terminal_that_is_wide_enough_shows_all_side_by_side() -> None:
    header, door, yard = printed(140, terminal=True)
    assert header.split() == ["stream", "state", "alerts", "detectors"]
    assert yard.endswith(LONG) and door.endswith("quality fine")


def test_a_narrow_terminal_has_long_columns_beneath_and_nothing_in_pieces() -> None:
    lines = printed(60, terminal=True)
    assert max(map(len, lines)) <= 60
    assert lines[:3] == ["stream  state", "door    online", "yard    online"]
    assert lines[3] == ""
    assert lines[4] == "door  detectors  quality fine"  # no line says that there is no alert
    assert lines[5] == "yard  alerts     stream offline"
    assert " ".join(" ".join(lines[6:]).split()) == f"detectors {LONG}"


def test_a_pipe_gets_one_line_for_each_row() -> None:
    assert len(printed(40, terminal=False)) == 1 + len(ROWS)
    assert printed(40, terminal=False)[2].endswith(LONG)
