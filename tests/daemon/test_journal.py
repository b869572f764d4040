"""What the log looks like: in a terminal, in systemd's journal, and never with a credential."""

import io
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.secrets import remember
from daemon.journal import FLOORS, start_logging


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    root, floors = logging.getLogger(), [logging.getLogger(floor) for floor in FLOORS]
    before = root.handlers[:], root.level, sys.excepthook
    levels = [floor.level for floor in floors]
    apprise = logging.getLogger("apprise")
    of_apprise = apprise.level, apprise.propagate
    yield
    apprise.level, apprise.propagate = of_apprise
    root.handlers[:], sys.excepthook = before[0], before[2]
    root.setLevel(before[1])
    for floor, level in zip(floors, levels, strict=True):
        floor.setLevel(level)
    logging.captureWarnings(False)


def test_a_line_in_a_terminal_has_a_short_time() -> None:
    out = io.StringIO()
    start_logging(stream=out, environ={"JOURNAL_STREAM": "8:1"})
    logging.getLogger("streams.rtsp").warning("lost %s", "rtsp://ann:pw@cam/1")
    time, rest = out.getvalue().split(" ", 1)
    assert len(time.split(":")) == 3
    assert rest == "WARNING streams.rtsp: lost rtsp://***@cam/1\n"


def test_lines_in_the_journal_have_priorities_and_no_time(tmp_path: Path) -> None:
    with (tmp_path / "journal").open("w+") as out:
        told = os.fstat(out.fileno())
        start_logging(stream=out, environ={"JOURNAL_STREAM": f"{told.st_dev}:{told.st_ino}"}, verbose=True)
        log = logging.getLogger("alerts")
        for level in (logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR, logging.CRITICAL):
            log.log(level, "word")
        try:
            raise ValueError("cannot open rtsp://ann:pw@cam/1\nand more")
        except ValueError:
            log.exception("failed")
        lines = (tmp_path / "journal").read_text().splitlines()
    assert lines[:5] == [f"<{number}>alerts: word" for number in (7, 6, 4, 3, 2)]
    assert lines[5] == "<3>alerts: failed"
    assert all(line.startswith("<3>    ") for line in lines[6:])
    assert "<3>    ValueError: cannot open rtsp://***@cam/1" in lines


def test_details_are_shown_only_when_asked_for_and_only_ours() -> None:
    out = io.StringIO()
    start_logging(stream=out)
    logging.getLogger("daemon.run").debug("hidden")
    start_logging(True, stream=out)
    logging.getLogger("daemon.run").debug("shown")
    logging.getLogger("asyncio").debug("hidden")
    assert out.getvalue().count("\n") == 1 and "shown" in out.getvalue()


def test_a_remembered_secret_is_hidden_in_messages_arguments_and_tracebacks() -> None:
    remember("corr3ct-horse")
    out = io.StringIO()
    start_logging(stream=out)
    log = logging.getLogger("daemon")
    try:
        try:
            raise KeyError("corr3ct-horse")
        except KeyError as inner:
            raise RuntimeError("for corr3ct-horse") from inner
    except RuntimeError:
        log.exception("at corr3ct-horse: %s", {"password": "corr3ct-horse"}, stack_info=True)
    log.info("%d of corr3ct-horse", "corr3ct-horse")  # arguments that do not fit
    assert "corr3ct-horse" not in out.getvalue()
    assert "KeyError: '***'" in out.getvalue() and "RuntimeError: for ***" in out.getvalue()
    assert "%d of *** ('***',)" in out.getvalue()


def test_a_log_that_cannot_be_written_shows_no_credential_of_what_was_being_handled(
    capsys: pytest.CaptureFixture[str],
) -> None:
    remember("corr3ct-horse")
    out = io.StringIO()
    start_logging(stream=out)
    out.close()
    try:
        raise ConnectionError("http://h/corr3ct-horse cannot be reached")
    except ConnectionError:
        logging.getLogger("daemon").warning("away")
    said = capsys.readouterr().err
    assert "I/O operation on closed file" in said
    assert "http://h/*** cannot be reached" in said
    assert "corr3ct-horse" not in said


def test_what_apprise_says_of_each_message_is_no_line_of_ours() -> None:
    out = io.StringIO()
    start_logging(stream=out)
    for level in (logging.INFO, logging.WARNING):
        logging.getLogger("apprise").log(level, "Sent JSON notification.")
    assert out.getvalue() == ""


def test_nothing_from_outside_forges_a_line_or_commands_a_terminal() -> None:
    out = io.StringIO()
    start_logging(stream=out)
    logging.getLogger("streams").warning("camera says %s", "x\n12:00:00 ERROR fake\x1b[2J")
    assert out.getvalue().count("\n") == 1
    assert r"x\n12:00:00 ERROR fake\x1b[2J" in out.getvalue()


@pytest.mark.parametrize("where", ["main", "thread"])
def test_what_nobody_caught_is_logged_without_credentials(where: str) -> None:
    raising = "def fail(): raise RuntimeError('rtsp://ann:pw@cam/1')\n"
    call = {"main": "fail()", "thread": "threading.Thread(target=fail, name='drain').start()"}[where]
    program = f"import threading\nfrom daemon.journal import start_logging\nstart_logging()\n{raising}{call}"
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert ended.returncode == (1 if where == "main" else 0)
    assert "CRITICAL daemon.journal: a mistake of ours ends the" in ended.stderr
    assert "RuntimeError: rtsp://***@cam/1" in ended.stderr
    assert "ann:pw" not in ended.stderr
