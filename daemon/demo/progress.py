"""A progress bar on a terminal, a line now and then where there is none."""

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

LINES = 4  # where there is no terminal: a line each quarter


class Bar:
    """Shows how far one thing is. Alerts may be printed above it meanwhile."""

    def __init__(self, console: Console, title: str) -> None:
        self._console = console
        self._title = title
        self._told = 0
        self._progress: Progress | None = None
        if console.is_terminal:
            columns = (
                TextColumn("{task.description}"),
                BarColumn(),
                TaskProgressColumn(),
                TimeElapsedColumn(),
            )
            self._progress = Progress(*columns, console=console)
            self._task = self._progress.add_task(title, total=1.0)

    def __enter__(self) -> "Bar":
        if self._progress is not None:
            self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._progress is not None:
            self._progress.stop()

    def at(self, share: float) -> None:
        """It is this far: 0 to 1."""
        if self._progress is not None:
            self._progress.update(self._task, completed=share)
        elif int(share * LINES) > self._told:
            self._told = int(share * LINES)
            self._console.print(f"{self._title}: {share:.0%}", markup=False)
