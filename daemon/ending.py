"""How a command of the command line ends: with an exit code, and, where it failed, with why in words."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Final, NoReturn

import typer
from rich.console import Console

from config.problem import ConfigError
from config.secrets import hide

DONE: Final = 0
FAILED: Final = 1
BAD_USAGE: Final = 2
INTERRUPTED: Final = 130

say: Final = Console(stderr=True, highlight=False, soft_wrap=True)


def finish(work: Callable[[], Coroutine[Any, Any, int]]) -> NoReturn:
    """Runs it and ends the process with its exit code; what a user can mend is said without a traceback."""
    from daemon.trouble import TROUBLE

    code, said = DONE, ""
    try:
        code = asyncio.run(work())
    except* ConfigError as group:
        code, said = BAD_USAGE, _sentences(group)
    except* TROUBLE as group:
        code, said = FAILED, _sentences(group)
    except* KeyboardInterrupt:
        code = INTERRUPTED
    if said:
        fail(said, code)
    raise typer.Exit(code)


def _sentences(group: BaseExceptionGroup[Any]) -> str:
    """What went wrong, each thing once, a line each."""
    lines: list[str] = []
    for error in group.exceptions:
        text = _sentences(error) if isinstance(error, BaseExceptionGroup) else str(error)
        lines += [text] if text not in lines else []
    return "\n".join(lines)


def fail(text: str, code: int) -> NoReturn:
    """Says why, without credentials, and ends the process."""
    say.print(hide(text), markup=False)
    raise typer.Exit(code)
