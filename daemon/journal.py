"""The service's log: one line for each record on stderr, without credentials, as journald likes it."""

import logging
import os
import sys
import threading
import traceback
from collections.abc import Mapping
from contextlib import suppress
from types import TracebackType
from typing import TextIO

from config.secrets import hide

FLOORS = ("config", "streams", "detectors", "alerts", "daemon")
_PRIORITY = {"DEBUG": 7, "INFO": 6, "WARNING": 4, "ERROR": 3, "CRITICAL": 2}  # syslog's numbers

log = logging.getLogger(__name__)


def start_logging(
    verbose: bool = False, stream: TextIO | None = None, environ: Mapping[str, str] = os.environ
) -> None:
    """From now on every record goes to `stream` (stderr), and so does what nobody caught.

    `verbose` shows our own floors' details too; libraries stay at INFO.
    """
    stream = stream or sys.stderr
    handler = _Stream(stream)
    handler.setFormatter(_Line(to_journal=_is_journal(stream, environ)))
    logging.basicConfig(handlers=[handler], level=logging.INFO, force=True)
    for floor in FLOORS:
        logging.getLogger(floor).setLevel(logging.DEBUG if verbose else logging.INFO)
    logging.getLogger("aiohttp.access").setLevel(logging.WARNING)  # one line for every scrape helps nobody
    logging.getLogger("watchfiles").setLevel(logging.WARNING)  # nor does one for every file that comes
    # What it has to say of a failure is in our own words already; beyond that it tells of each message.
    logging.getLogger("apprise").setLevel(logging.WARNING)
    logging.getLogger("apprise").propagate = False
    logging.captureWarnings(True)
    sys.excepthook = _uncaught
    threading.excepthook = _uncaught_in_thread


class _Stream(logging.StreamHandler[TextIO]):
    """Says on stderr that the log cannot be written, without the credentials that may be in the traceback.

    A record is often written while a library's exception is being handled, which names the address.
    """

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name for it
        with suppress(OSError, ValueError):  # there is no place left to say it
            sys.stderr.write(f"a line of {record.name} cannot be logged:\n{hide(traceback.format_exc())}")


class _Line(logging.Formatter):
    """One line a record; a traceback follows it, indented. Nobody outside can forge a line."""

    def __init__(self, *, to_journal: bool) -> None:
        super().__init__(datefmt="%H:%M:%S")
        self._to_journal = to_journal

    def format(self, record: logging.LogRecord) -> str:
        try:
            message = record.getMessage()
        except (TypeError, ValueError):  # the arguments do not fit: better said badly than not at all
            message = f"{record.msg} {record.args!r}"
        lines = [f"{record.name}: {_one_line(hide(message))}"]
        details = [self.formatException(record.exc_info)] if record.exc_info else []
        details += [self.formatStack(record.stack_info)] if record.stack_info else []
        lines += [f"    {_one_line(line)}" for detail in details for line in hide(detail).splitlines()]
        if self._to_journal:  # it reads a priority at the start of each line, and has its own clock
            return "\n".join(f"<{_PRIORITY.get(record.levelname, 6)}>{line}" for line in lines)
        lines[0] = f"{self.formatTime(record, self.datefmt)} {record.levelname:<7} {lines[0]}"
        return "\n".join(lines)


def _one_line(text: str) -> str:
    """With control characters made visible."""
    if text.isprintable():
        return text
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in text
    )


def _is_journal(stream: TextIO, environ: Mapping[str, str]) -> bool:
    """Whether the stream leads to the journal: JOURNAL_STREAM names its device and inode."""
    try:
        told = os.fstat(stream.fileno())
    except (OSError, ValueError):
        return False
    return environ.get("JOURNAL_STREAM") == f"{told.st_dev}:{told.st_ino}"


def _uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
    else:
        log.critical("a mistake of ours ends the program", exc_info=(kind, error, trace))


def _uncaught_in_thread(uncaught: threading.ExceptHookArgs) -> None:
    if uncaught.exc_value is not None and not isinstance(uncaught.exc_value, SystemExit):
        name = uncaught.thread.name if uncaught.thread else "unknown"
        known = (uncaught.exc_type, uncaught.exc_value, uncaught.exc_traceback)
        log.critical("a mistake of ours ends the thread %s", name, exc_info=known)
