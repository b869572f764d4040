"""The whole story against a whole fake daemon: real camera, real redis-server, real children."""

import asyncio
import io
import os
import signal
from pathlib import Path

import psutil
import pytest
from rich.console import Console

from daemon.demo import play
from daemon.demo.show import Patience, Show
from tests.daemon.demo.small_stage import SmallStage
from tests.real import require

pytestmark = pytest.mark.real("redis-server")
FAKE = "tests.daemon.demo.fake_daemon"


@pytest.fixture(autouse=True)
def _real_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    require("redis-server")
    monkeypatch.chdir(Path(__file__).parents[3])  # the fake daemon is found from here
    monkeypatch.setenv("FAKE_DAEMON", "")
    BEFORE.clear()
    BEFORE.update(children())


def a_show(folder: Path, console: Console, *, forever: bool = False, learn: float = 20) -> Show:
    patience = Patience(start=15, learn=learn, close=1.5)
    return Show(SmallStage(), "small", folder, console, forever=forever, patience=patience, daemon=FAKE)


def a_console() -> tuple[Console, io.StringIO]:
    paper = io.StringIO()
    return Console(file=paper, width=120, highlight=False), paper


async def until_said(paper: io.StringIO, words: str) -> None:
    for _ in range(600):
        if words in paper.getvalue():
            return
        await asyncio.sleep(0.1)
    pytest.fail(f"'{words}' was not said in a minute, but:\n{paper.getvalue()}")


BEFORE: set[psutil.Process] = set()  # children of other tests' making, such as the streams' fork server


def children() -> set[psutil.Process]:
    return set(psutil.Process().children(recursive=True)) - BEFORE


async def test_all_events_open_and_close_their_alerts_and_the_camera_goes_on(tmp_path: Path) -> None:
    console, paper = a_console()
    running = asyncio.create_task(play(a_show(tmp_path, console, forever=True), console))
    await until_said(paper, "The camera goes on")
    await asyncio.sleep(0.3)
    assert not running.done() and children()
    os.kill(os.getpid(), signal.SIGTERM)
    assert await running == 0
    assert not children()
    said = paper.getvalue()
    assert "All 4 planted events opened and closed their alerts." in said
    for words in ("Planted: intruder", "the wall turns blue", "quality/frozen", "quality/covered"):
        assert words in said
    assert "Learning what is normal in front of this camera: 100%" in said
    assert "/evidence/alert-1.jpg" in said
    assert f"redis-cli -s {tmp_path}/redis/s psubscribe 'framewarden:alerts:*'" in said
    assert "/metrics" in said and "config/example.yaml" in said


async def test_what_does_not_open_or_close_is_said_and_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_DAEMON", "no-wrong-way no-thaw")
    console, paper = a_console()
    assert await play(a_show(tmp_path, console), console) == 1
    said = paper.getvalue()
    assert "wrong way: opened no alert." in said
    assert "freeze: opened an alert that did not close." in said
    assert "2 of 4 planted events failed." in said
    assert not children()


async def test_a_daemon_that_dies_is_told_with_its_last_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_DAEMON", "dies")
    console, paper = a_console()
    assert await play(a_show(tmp_path, console), console) == 1
    said = paper.getvalue()
    assert "the daemon ended by itself (exit code 1" in said
    assert "the fake daemon cannot go on" in said
    assert "Traceback" not in said
    assert not children()


async def test_a_camera_that_is_never_learned_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_DAEMON", "never-learns")
    console, paper = a_console()
    assert await play(a_show(tmp_path, console, learn=2), console) == 1
    assert "not learned within 2 s (the daemon says: cannot_tell:learning 50%)" in paper.getvalue()
    assert not children()


async def test_ctrl_c_ends_everything_and_the_next_run_works_in_the_same_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_DAEMON", "never-learns")
    for _ in range(2):
        console, paper = a_console()
        running = asyncio.create_task(play(a_show(tmp_path, console), console))
        await until_said(paper, "normal in front of this camera: 50%")
        assert len(children()) == 3  # the camera, the daemon, its Redis
        os.kill(os.getpid(), signal.SIGINT)
        async with asyncio.timeout(10):
            assert await running == 130
        assert not children()
