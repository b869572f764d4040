"""Alerts as they come, for people or machines: prints what the client module reads."""

import asyncio
import difflib
import logging
import os
import stat
import sys
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from rich.console import Console

from alerts import file_message
from alerts.client import ALERTS, Alert, SubscribeError
from alerts.client import subscribe as alerts_of
from alerts.embedded_redis import EmbeddedRedis, running_url
from alerts.redis_link import RedisLink
from config.load import load
from config.secrets import hide, understand_url
from config.state import state_folder
from daemon.alert_line import render
from daemon.journal import start_logging
from detectors.detection import Kind

log = logging.getLogger(__name__)


class EndedError(SubscribeError):
    """The embedded server does not run. What it kept is in its folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.kept = any(folder.glob("data-*"))
        ways = "read what it kept with --since 0, " if self.kept else "name its configuration with --config, "
        super().__init__(
            f"no embedded Redis runs in {folder}: start `framewarden run`, {ways}or name a server with --url"
        )


@dataclass(frozen=True, slots=True)
class Pattern:
    """Which alerts are wanted; both may hold * and ?."""

    stream: str
    kind: str


def read_pattern(text: str) -> Pattern:
    """'gate:*', '*:anomaly' or just 'gate'; a whole channel name will do too. Raises SubscribeError."""
    stream, _, kind = text.removeprefix(f"{ALERTS}:").partition(":")
    stream, kind = stream or "*", kind or "*"
    kinds = [*(each.value for each in Kind), file_message.KIND]
    if not any(fnmatchcase(each, kind) for each in kinds):
        near = difflib.get_close_matches(kind, kinds, n=1)
        meant = f", did you mean {near[0]}?" if near else ""
        raise SubscribeError(f"no alert is of the kind '{kind}': {', '.join(kinds)}{meant}")
    return Pattern(stream, kind)


async def subscribe(
    url: str, pattern: str = "*:*", since: str | None = None, *, live: bool = True
) -> AsyncGenerator[Alert, None]:
    """Yields each message that fits, as alerts.client does; `url` may name a Sentinel's service too.

    Raises SubscribeError, also for a pattern.
    """
    wanted = read_pattern(pattern)
    link = _link(url)
    found = alerts_of(
        link.redis,
        streams=wanted.stream,
        kinds=wanted.kind,
        since=since,
        live=live,
        look_again=link.look_again,
    )
    try:
        async with aclosing(found):
            async for alert in found:
                yield alert
    finally:
        await link.close()


def server_url(url: str | None, config: Path | None) -> str:
    """The server asked for, else the configuration's, else the embedded one.

    Raises SubscribeError, EndedError where the embedded one does not run, ConfigError.
    """
    if url:
        return understand_url(url)
    settings = load(config) if config else None
    if settings and settings.redis.url:
        return settings.redis.url
    folder = state_folder(settings) / "redis"
    if found := running_url(folder):
        return found
    raise EndedError(folder)


@asynccontextmanager
async def _server(url: str | None, config: Path | None, since: str | None) -> AsyncIterator[tuple[str, bool]]:
    """Where to read, and whether more may come there.

    A daemon that had only recordings to watch is gone, and its server with it: then, for a replay, the server
    is started again over what it kept.
    """
    async with AsyncExitStack() as stack:
        try:
            address, live = server_url(url, config), True
        except EndedError as ended:
            if since is None or not ended.kept:
                raise
            address = (await stack.enter_async_context(EmbeddedRedis(ended.folder))).url
            live = False
        yield address, live


async def print_alerts(
    pattern: str, url: str | None, config: Path | None, since: str | None, as_json: bool
) -> int:
    """The command: prints until interrupted, or until nobody reads it any more. Returns the exit code.

    ConfigError is for the caller.
    """
    start_logging()
    console = Console(highlight=False, soft_wrap=True)
    try:
        async with (
            _while_somebody_reads(),
            _server(url, config, since) as (address, live),
            aclosing(subscribe(address, pattern, since, live=live)) as alerts,
        ):
            async for alert in alerts:
                if as_json:
                    print(alert.body, flush=True)
                else:
                    console.print(render(alert.body))
    except BrokenPipeError:  # whoever read this has enough
        sys.stdout = None  # or Python complains once more while ending
        return 0
    except SubscribeError as error:
        log.error("%s", error)  # noqa: TRY400 - words for the user
        return 1
    return 0


@asynccontextmanager
async def _while_somebody_reads() -> AsyncIterator[None]:
    """Raises BrokenPipeError within as soon as the pipe that we print to is closed, also while nothing comes.

    Of the end that writes, epoll tells nothing but that.
    """
    try:
        number = sys.stdout.fileno()
        piped = stat.S_ISFIFO(os.fstat(number).st_mode)
    except (OSError, ValueError, AttributeError):
        piped = False
    if not piped:
        yield
        return
    loop, closed = asyncio.get_running_loop(), asyncio.timeout(None)

    def end() -> None:
        loop.remove_reader(number)
        closed.reschedule(loop.time())

    loop.add_reader(number, end)
    try:
        async with closed:
            yield
    except TimeoutError:
        if closed.expired():
            raise BrokenPipeError from None
        raise
    finally:
        loop.remove_reader(number)


def _link(url: str) -> RedisLink:
    try:
        return RedisLink(
            url,
            protocol=2,  # one shape of answer, whatever the version
            decode_responses=True,
            client_name="framewarden-subscribe",
        )
    except ValueError as error:
        raise SubscribeError(f"{hide(url)} is no address of a Redis server: {hide(str(error))}") from None
