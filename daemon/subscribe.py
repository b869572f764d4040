"""Alerts as they come, for people or machines: reads the Redis Stream, live, without gaps or doubles."""

import asyncio
import difflib
import logging
import re
import sys
from collections import OrderedDict
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from random import uniform
from typing import Any

from redis.exceptions import (
    AuthenticationError,
    AuthorizationError,
    BusyLoadingError,
    ConnectionError,
    RedisError,
    TimeoutError,
)
from rich.console import Console

from alerts.embedded_redis import EmbeddedRedis, running_url
from alerts.received import MessageError, Received, read
from alerts.redis_channel import ALERTS
from alerts.redis_link import RedisLink
from config.load import load
from config.secrets import hide, understand_url
from config.state import state_folder
from daemon.alert_line import render
from daemon.journal import start_logging
from detectors.detection import Kind

log = logging.getLogger(__name__)

LISTEN_SECONDS = 5.0  # one question to Redis waits so long for an answer
LONGEST_WAIT = 10.0  # seconds between two attempts to connect
REMEMBERED = 10_000  # ids of messages already shown
PAGE = 500  # messages looked through at a time

_STREAM_ID = re.compile(r"\d+(-\d+)?")


class SubscribeError(Exception):
    """Nothing can be shown, and waiting would not help; says what to do."""


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

    def fits(self, alert: Received) -> bool:
        return fnmatchcase(alert.stream, self.stream) and fnmatchcase(alert.kind, self.kind)


def read_pattern(text: str) -> Pattern:
    """'gate:*', '*:anomaly' or just 'gate'; a whole channel name will do too. Raises SubscribeError."""
    stream, _, kind = text.removeprefix(f"{ALERTS}:").partition(":")
    stream, kind = stream or "*", kind or "*"
    kinds = [each.value for each in Kind]
    if not any(fnmatchcase(each, kind) for each in kinds):
        near = difflib.get_close_matches(kind, kinds, n=1)
        meant = f", did you mean {near[0]}?" if near else ""
        raise SubscribeError(f"no alert is of the kind '{kind}': {', '.join(kinds)}{meant}")
    return Pattern(stream, kind)


async def subscribe(
    url: str, pattern: str = "*:*", since: str | None = None, *, live: bool = True
) -> AsyncGenerator[str, None]:
    """Yields the body of each message that fits, as CloudEvents JSON, until cancelled.

    Without `live`, until there is none left.

    `since` is the id of a message or of an entry of the Redis Stream: what came after it is replayed first;
    "0" replays all there is. While Redis is away it waits. Raises SubscribeError for a pattern, an id, an
    address or a refusal that waiting does not mend.

    It reads the Stream, not pub/sub: each message is in both, put there in one step, and only the Stream has
    places to go on from. So replay, live messages and those missed while away are one and the same question.
    """
    wanted = read_pattern(pattern)
    block = int(LISTEN_SECONDS * 1000) if live else None
    shown: OrderedDict[str, None] = OrderedDict()
    sequences: dict[str, int] = {}
    place: str | None = None
    wait = 0.0
    link = _link(url)
    redis = link.redis
    try:
        while True:
            try:
                async with asyncio.timeout(3 * LISTEN_SECONDS):
                    place = await (_first_place(redis, since) if place is None else _sound(redis, place))
                if wait:
                    log.info("Redis is back")
                wait = 0.0
                while True:
                    async with asyncio.timeout(3 * LISTEN_SECONDS):
                        answer = await redis.xread({ALERTS: place}, PAGE, block)
                    if not (answer or live):
                        return
                    for entry, fields in answer[0][1] if answer else ():
                        place = str(entry)
                        alert = _alert(fields)
                        if alert is None or alert.id in shown:
                            continue
                        shown[alert.id] = None
                        if len(shown) > REMEMBERED:
                            shown.popitem(last=False)
                        _tell_gap(alert, sequences)
                        if wanted.fits(alert):
                            yield fields["body"]
            except (AuthenticationError, AuthorizationError) as error:
                raise SubscribeError(f"Redis refuses the user or password: {hide(str(error))}") from None
            except (BusyLoadingError, ConnectionError, TimeoutError, OSError) as error:
                if not wait:
                    log.warning("cannot reach Redis, trying again: %s", error)
                await link.look_again()
                wait = min(max(2 * wait, 0.25), LONGEST_WAIT)
                await asyncio.sleep(uniform(wait / 2, wait))
            except RedisError as error:
                raise SubscribeError(f"Redis does not let us read {ALERTS}: {hide(str(error))}") from None
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
    """The command: prints until interrupted. Returns the exit code; ConfigError is for the caller."""
    start_logging()
    console = Console(highlight=False, soft_wrap=True)
    try:
        async with (
            _server(url, config, since) as (address, live),
            aclosing(subscribe(address, pattern, since, live=live)) as bodies,
        ):
            async for body in bodies:
                if as_json:
                    print(body, flush=True)
                else:
                    console.print(render(body))
    except BrokenPipeError:  # whoever read this has enough
        sys.stdout = None  # or Python complains once more while ending
        return 0
    except SubscribeError as error:
        log.error("%s", error)  # noqa: TRY400 - words for the user
        return 1
    return 0


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


async def _first_place(redis: Any, since: str | None) -> str:
    """The entry of the Stream after which to begin."""
    if since is not None and _STREAM_ID.fullmatch(since):
        return since
    entries = await redis.xrevrange(ALERTS, count=1 if since is None else PAGE)
    if since is None:
        return str(entries[0][0]) if entries else "0-0"
    while entries:
        for place, fields in entries:
            alert = _alert(fields)
            if alert is not None and alert.id == since:
                return str(place)
        entries = await redis.xrevrange(ALERTS, max=f"({entries[-1][0]}", count=PAGE)
    raise SubscribeError(f"no message kept on Redis has the id {since}: use --since 0 for all that are kept")


async def _sound(redis: Any, place: str) -> str:
    """The place to go on from after a break: on a server that lost its data, the end of what it has."""
    entries = await redis.xrevrange(ALERTS, count=1)
    newest = str(entries[0][0]) if entries else "0-0"
    return min(place, newest, key=lambda each: tuple(map(int, each.split("-"))))


def _alert(fields: dict[str, str]) -> Received | None:
    """The message of one entry, or None where somebody else wrote something else there."""
    try:
        return read(fields.get("body", ""))
    except MessageError:
        return None


def _tell_gap(alert: Received, sequences: dict[str, int]) -> None:
    stream, number = alert.stream, alert.sequence
    expected = sequences.get(stream, number - 1) + 1
    if number > expected:
        log.warning(
            "stream '%s': messages %d to %d are no longer on Redis: redis.stream_length is too short",
            stream, expected, number - 1,
        )  # fmt: skip
    sequences[stream] = number
