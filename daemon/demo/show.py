"""The story of the demo: make reels, start camera and daemon, wait until normal is learned, plant events."""

import asyncio
import re
import shutil
import time
from collections.abc import Coroutine, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError
from rich.console import Console

from alerts.embedded_redis import running_url
from alerts.redis_channel import STREAMS
from daemon.alert_line import render
from daemon.demo.children import Camera, Child, DemoError, camera, free_port, running
from daemon.demo.events import EVENTS, Event, Pictures, Stage
from daemon.demo.inbox import Inbox
from daemon.demo.progress import Bar
from daemon.demo.reels import half_reel, put_on_air, write_reel
from daemon.demo.report import Outcome, tell_outcomes, tell_where_next
from daemon.demo.settings import write_settings

POLL_SECONDS = 0.5
ROUNDS = 2  # an event is shown so often, at most


@dataclass(frozen=True, slots=True)
class Patience:
    """How long the demo waits, in seconds."""

    start: float = 90.0  # for the daemon's Redis
    learn: float = 300.0  # until the camera's normal is learned; the daemon is told to take a minute
    close: float = 45.0  # from the end of an event until its alert must be closed


class Show:
    """One run of the demo. `code` is its exit code, None until that is known."""

    def __init__(
        self,
        stage: Stage,
        stream: str,
        folder: Path,
        console: Console,
        *,
        forever: bool = False,
        patience: Patience | None = None,
        daemon: str = "daemon.cli",
    ) -> None:
        self.code: int | None = None
        self._stage = stage
        self._stream = stream
        self._folder = folder
        self._reels = folder / "reels"
        self._console = console
        self._forever = forever
        self._patience = patience or Patience()
        self._daemon = daemon
        self._inbox = Inbox(self._show_alert)
        self._config = folder / "demo.yaml"

    async def run(self) -> None:
        """Runs it to its end: `code` is set. Ends its children when it is cancelled. Raises DemoError."""
        self._reels.mkdir(exist_ok=True)
        try:
            await self._run()
        finally:
            shutil.rmtree(self._reels, ignore_errors=True)

    async def _run(self) -> None:
        for half in (0, 1):
            title = f"Filming {self._stage.words}, part {half + 1} of 2"
            with Bar(self._console, title) as bar:
                await self._film(self._stage.normal(half), self._normal(half), bar)
            put_on_air(self._normal(half), half_reel(self._reels, half))
        async with AsyncExitStack() as stack:
            eye = await stack.enter_async_context(
                camera(self._reels, self._stage.half_seconds, self._folder / "camera.log")
            )
            listen = f"127.0.0.1:{free_port()}"
            write_settings(self._config, self._stream, eye.url, listen, self._folder)
            self._say(f"A camera plays it in a loop at {eye.url}")
            log = self._folder / "daemon.log"
            daemon = await stack.enter_async_context(
                running("the daemon", self._daemon, ("run", str(self._config)), log, talks=False)
            )
            self._say(f"The daemon runs: framewarden run {self._config} (its log: {log})")
            await _while_alive(self._story(eye, listen), eye.child, daemon)

    async def _story(self, eye: Camera, listen: str) -> None:
        async with asyncio.TaskGroup() as group:
            filming = group.create_task(self._film_events())
            url = await self._redis_url()
            inbox = group.create_task(self._inbox.receive(url, self._stream))
            with Bar(self._console, "Learning what is normal in front of this camera") as bar:
                await self._learn(url, bar)
            await filming
            outcomes = [await self._plant(event, eye) for event in EVENTS]
            await self._inbox.quiet(self._patience.close)  # what else these events opened closes as well
            tell_outcomes(self._console, outcomes)
            tell_where_next(self._console, outcomes, self._folder, self._config, url, listen, self._forever)
            self.code = 0 if all(each.went_well for each in outcomes) else 1
            if self._forever:
                self._console.print(
                    "\nThe camera goes on, and so does the daemon; Ctrl-C ends them.", style="bold"
                )
                await asyncio.Event().wait()
            inbox.cancel()

    async def _film(self, pictures: Pictures, reel: Path, bar: Bar | None) -> None:
        """Draws and encodes one reel, bit by bit, so that everything else goes on meanwhile."""
        total = round(self._stage.half_seconds * self._stage.rate)
        for done in write_reel(reel, pictures, self._stage.rate):
            if bar is not None:
                bar.at(done / total)
            await asyncio.sleep(0)

    async def _film_events(self) -> None:
        for event in EVENTS:
            await self._film(event.pictures(self._stage), self._event(event), None)

    async def _redis_url(self) -> str:
        """Where the daemon's embedded Redis listens, as soon as it answers."""
        deadline = time.monotonic() + self._patience.start
        while time.monotonic() < deadline:
            url = running_url(self._folder / "redis")
            if url is not None and await _answers(url):
                return url
            await asyncio.sleep(POLL_SECONDS)
        raise DemoError(
            f"the daemon has not started its Redis within {self._patience.start:.0f} s; "
            f"{self._folder / 'daemon.log'} says why"
        )

    async def _learn(self, url: str, bar: Bar) -> None:
        """Waits until the daemon says that it knows this camera's normal."""
        deadline = time.monotonic() + self._patience.learn
        seen: set[str] = set()
        words = "nothing yet"
        async with Redis.from_url(url, decode_responses=True, socket_timeout=None) as redis:
            while time.monotonic() < deadline:
                try:
                    fields = await redis.hgetall(STREAMS + self._stream)
                except RedisError:  # it is started again when it dies
                    fields = {}
                seen.add(str(fields.get("frames", "")))
                words = str(fields.get("anomaly", words))
                # What an earlier run left there does not count: frames must be arriving.
                if len(seen - {"", "0"}) > 1 and "anomaly" in fields:
                    if not words.startswith("cannot_tell"):
                        bar.at(1.0)
                        return
                    if percent := re.search(r"(\d+)\s*%", words):
                        bar.at(int(percent[1]) / 100)
                await asyncio.sleep(POLL_SECONDS)
        raise DemoError(
            f"the camera's normal was not learned within {self._patience.learn:.0f} s "
            f"(the daemon says: {words}); see {self._folder / 'daemon.log'}"
        )

    async def _plant(self, event: Event, eye: Camera) -> Outcome:
        """Shows one event to the camera until its alert opens, then the normal picture until it closes."""
        if not await self._inbox.quiet(self._patience.close):
            self._say("An alert is still open; going on all the same.", "yellow")
        put_on_air(self._event(event), half_reel(self._reels, 0))
        began = await eye.begins(0)
        self._say(f"\nPlanted: {event.name}: {event.words(self._stage)}", "bold")
        opened = await self._inbox.first(
            lambda each: (
                each.alert.state == "opened"
                and each.at >= began
                and event.raises(each.alert.kind, each.alert.label)
            ),
            ROUNDS * 2 * self._stage.half_seconds,
        )
        put_on_air(self._normal(0), half_reel(self._reels, 0))
        over = await eye.begins(1) if eye.half == 0 else time.monotonic()
        if opened is None:
            self._say(f"No {event.alert} alert came", "red")
            return Outcome(event)
        self._say("The picture is normal again", "dim")
        closed = await self._inbox.first(
            lambda each: each.alert.state == "closed" and each.alert.alert_id == opened.alert.alert_id,
            self._patience.close,
        )
        if closed is None:
            self._say(f"The {event.alert} alert did not close", "red")
        return Outcome(
            event,
            opened_after=opened.at - began,
            closed_after=None if closed is None else max(0.0, closed.at - over),
            picture=opened.alert.picture or "",
        )

    def _show_alert(self, body: str) -> None:
        self._console.print(render(body), soft_wrap=not self._console.is_terminal)

    def _say(self, text: str, style: str = "") -> None:
        self._console.print(text, style=style, markup=False, soft_wrap=not self._console.is_terminal)

    def _normal(self, half: int) -> Path:
        return self._reels / f"normal-{half}.mp4"

    def _event(self, event: Event) -> Path:
        return self._reels / f"{event.name.replace(' ', '-')}.mp4"


async def _answers(url: str) -> bool:
    async with Redis.from_url(url, socket_timeout=None) as redis:
        try:
            await redis.ping()
        except RedisError:
            return False
    return True


async def _while_alive(work: Coroutine[Any, Any, None], *children: Child) -> None:
    """Does the work; raises DemoError when a child ends before it."""
    task = asyncio.create_task(work)
    losses = [asyncio.create_task(child.lost()) for child in children]
    everything: Sequence[asyncio.Task[Any]] = (task, *losses)
    try:
        await asyncio.wait(everything, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise next(loss.result() for loss in losses if loss.done())
    finally:
        for each in everything:
            each.cancel()
        await asyncio.gather(*everything, return_exceptions=True)
    task.result()
