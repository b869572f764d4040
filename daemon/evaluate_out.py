"""How the figures of an evaluation come out: as tables or as JSON, and as a plot where one is asked for."""

import json
import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from daemon.evaluate_footage import FootageError
from daemon.evaluate_plot import Panel, draw

WIDE: Final = 160  # characters, where it is no terminal that says so


def show(result: dict[str, Any], tables: Iterable[Table | str], as_json: bool) -> None:
    """Prints one or the other."""
    if as_json:
        print(json.dumps(known(result), allow_nan=False))
        return
    out = Console(highlight=False)
    out.width = out.width if out.is_terminal else WIDE
    for each in tables:
        out.print(each, soft_wrap=isinstance(each, str), markup=False)


def plotted(plot: Path | None, panels: Sequence[Panel]) -> None:
    """Draws them, where a file is named. Raises FootageError."""
    if plot is None:
        return
    try:
        draw(plot, panels)
    except OSError as error:
        raise FootageError(f"the plot cannot be written to {plot}: {error.strerror}") from error


def known(value: Any) -> Any:
    """What is no number becomes null, at any depth: JSON has no word for it."""
    if isinstance(value, dict):
        return {name: known(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [known(one) for one in value]
    return None if isinstance(value, float) and math.isnan(value) else value
