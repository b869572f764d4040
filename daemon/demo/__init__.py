"""`framewarden demo`: the real job with nothing configured, on a camera that the demo brings along."""

import asyncio
import hashlib
import signal
import tempfile
from pathlib import Path

import cv2
from rich.console import Console

from daemon.demo.children import DemoError
from daemon.demo.events import Stage
from daemon.demo.footage import Footage, FootageError
from daemon.demo.scene import Scene
from daemon.demo.show import Show

FAILED, BAD_USAGE, INTERRUPTED = 1, 2, 130


async def demo(video: Path | None, state: Path | None, console: Console, forever: bool) -> int:
    """Runs it and returns the exit code: 0 only when every planted event opened and closed its alert.

    video: a clip of the user's own instead of the drawn street. state: the folder where everything is kept,
    instead of a new one among the system's temporary files. forever: the camera goes on afterwards, until
    SIGINT, SIGTERM or SIGHUP; each of them ends the demo and its children at any time.
    """
    cv2.setNumThreads(1)  # the daemon needs the other cores
    try:
        stage: Stage = Scene() if video is None else await asyncio.to_thread(Footage, video)
        folder = _folder(state)
    except (FootageError, OSError) as error:
        console.print(str(error), style="red", markup=False, soft_wrap=True)
        return BAD_USAGE
    return await play(Show(stage, _stream(video), folder, console, forever=forever), console)


async def play(show: Show, console: Console) -> int:
    """Runs a show until it ends or a signal ends it; returns the exit code."""
    loop, stopped = asyncio.get_running_loop(), asyncio.Event()
    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    for number in signals:
        loop.add_signal_handler(number, stopped.set)
    running, halt = asyncio.create_task(show.run()), asyncio.create_task(stopped.wait())
    try:
        await asyncio.wait({running, halt}, return_when=asyncio.FIRST_COMPLETED)
        if not running.done():
            console.print("\nStopping the daemon and the camera", style="dim")
            running.cancel()
        await asyncio.wait({running})
        if running.cancelled():
            return INTERRUPTED if show.code is None else show.code
        running.result()
    except* DemoError as group:
        for error in group.exceptions:
            console.print(str(error), style="red", markup=False, soft_wrap=True)
    finally:
        running.cancel()
        halt.cancel()
        for number in signals:
            loop.remove_signal_handler(number)
    return FAILED if show.code is None else show.code


def _folder(state: Path | None) -> Path:
    """Where everything is kept. Raises OSError, in words, where that cannot be."""
    if state is None:
        return Path(tempfile.mkdtemp(prefix="framewarden-demo-"))
    try:
        state.mkdir(parents=True, exist_ok=True)
        (state / "demo.yaml").touch()
    except OSError as error:
        raise OSError(
            f"{state}: cannot keep anything there ({error.strerror}); name another --state"
        ) from None
    return state.absolute()


def _stream(video: Path | None) -> str:
    """The stream's name. Another clip is another camera: what was learned of one says nothing of the next."""
    if video is None:
        return "street"
    with video.open("rb") as file:
        return f"clip-{hashlib.file_digest(file, 'sha256').hexdigest()[:6]}"
