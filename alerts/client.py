"""Reads framewarden's alerts from Redis, in any program: no gaps, no doubles, as frozen dataclasses.

    async for alert in subscribe("redis://127.0.0.1:6379/0", kinds="anomaly", since="10m"):
        print(alert.stream, alert.state, alert.reason)

This file stands alone: it needs Python 3.11 and redis-py, and nothing else of framewarden.
"""

import asyncio
import json
import logging
import re
from collections import OrderedDict
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from random import uniform
from typing import Any, Final, Protocol, TypeAlias

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import (
    AuthenticationError,
    AuthorizationError,
    BusyLoadingError,
    ConnectionError,
    MasterDownError,
    ReadOnlyError,
    RedisError,
    ResponseError,
    TimeoutError,
)

ALERTS: Final = "framewarden:alerts"  # the Redis Stream
LISTEN_SECONDS: Final = 5.0  # one question to Redis waits so long for an answer
LONGEST_WAIT: Final = 10.0  # seconds between two attempts to connect
REMEMBERED: Final = 10_000  # ids of messages already seen
PAGE: Final = 500  # messages looked through at a time

_ENTRY: Final = re.compile(r"\d+(-\d+)?")
_DURATION: Final = re.compile(r"(?:\d+(?:\.\d+)?[smhdw])+")
_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_PASSWORD: Final = re.compile(r"(?<=://)[^/\s]*@")

_AWAY: Final = (BusyLoadingError, ConnectionError, MasterDownError, ReadOnlyError, TimeoutError, OSError)
_Since: TypeAlias = str | datetime | timedelta | None

log = logging.getLogger(__name__)


class SubscribeError(Exception):
    """Nothing can be read, and waiting would not help; says what to do."""


class MessageError(ValueError):
    """A text that is no alert message; says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Box:
    """A part of the picture, as shares of its width and height."""

    left: float
    top: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Member:
    """One of the alerts for which another one speaks."""

    alert_id: str
    stream: str
    kind: str
    label: str
    severity: str
    first_frame_at: datetime


@dataclass(frozen=True, slots=True)
class Gathered:
    """What one alert speaks for, where it speaks for many (a storm, a host)."""

    count: int  # alerts since it opened
    still_open: int  # of them
    members: tuple[Member, ...]  # those that came since its last message, the newest 100 at most


@dataclass(frozen=True, slots=True)
class Alert:
    """One message about an alert. Words are plain text: newer daemons may know more of them."""

    id: str  # of this message; the same message sent again has the same
    alert_id: str  # of the alert: the same from opened to closed
    stream: str
    kind: str  # deepfake, anomaly, object, quality, stream; verdict: on a file as a whole
    state: str  # opened, updated, closed; judged: said once of a file, and opens nothing
    severity: str  # info, warning, critical: the highest so far
    label: str  # what precisely: frozen, motion, offline; of a verdict: fine, alarming, cannot_tell
    subject: str  # which of several, such as a face; empty where there is but one
    score: float | None  # None: not a finite number
    threshold: float | None
    doubt: str | None  # set: nobody could tell at that moment; when closed, this is no all-clear
    reason: str  # for people
    first_frame_at: datetime
    captured_at: datetime
    decided_at: datetime
    age_ms: int | None  # from captured_at to decided_at; None for a recording
    position: float | None  # seconds into the recording; None for a camera
    sequence: int  # counts the messages of this stream without gaps
    fingerprint: str  # the same for all alerts on this stream, kind, label and subject; may be empty
    acknowledged_by: str | None  # who has seen to it
    gathered: Gathered | None
    region: tuple[Box, ...]
    file: str | None  # its name, of what was seen in a file of a folder; a stranger chose it
    picture: str | None  # path of the evidence picture, on the daemon's host
    provisional: bool  # the threshold stands on little footage yet
    source: str  # which daemon sent it
    data: dict[str, Any] = field(repr=False)  # all of it, with what newer versions add
    body: str = field(repr=False)  # the whole message: one CloudEvents 1.0 JSON object
    entry: str = ""  # its place in the Redis Stream: to go on after it, give it as `since`
    missed: int = 0  # messages of this stream before it that Redis no longer has

    @property
    def open(self) -> bool:
        """Whether the alert goes on."""
        return self.state not in ("closed", "judged")


def read(body: str | bytes) -> Alert:
    """Reads a message. Keys and words that it does not know are welcome. Raises MessageError."""
    try:
        event = json.loads(body)
        data = event["data"]
        return Alert(
            id=str(event["id"]),
            alert_id=str(data["alert_id"]),
            stream=str(data["stream"]),
            kind=str(data["kind"]),
            state=str(data["state"]),
            severity=str(data["severity"]),
            label=str(data["label"]),
            subject=str(data["subject"]),
            score=_number(data["score"]),
            threshold=_number(data["threshold"]),
            doubt=_text(data["doubt"]),
            reason=str(data["reason"]),
            first_frame_at=datetime.fromisoformat(data["first_frame_at"]),
            captured_at=datetime.fromisoformat(data["captured_at"]),
            decided_at=datetime.fromisoformat(data["decided_at"]),
            age_ms=None if data["age_ms"] is None else int(data["age_ms"]),
            position=_number(data["position"]),
            sequence=int(data["sequence"]),
            fingerprint=str(data.get("fingerprint", "")),
            acknowledged_by=_text(data.get("acknowledged_by")),
            gathered=_gathered(data.get("gathered")),
            region=tuple(
                Box(*(float(box[side]) for side in ("left", "top", "width", "height")))
                for box in data.get("region", ())
            ),
            file=_file(data.get("file")),
            picture=_text(data["evidence"]["picture"]),
            provisional=data["detector"]["provisional"] is True,
            source=str(event.get("source", "")),
            data=data,
            body=body if isinstance(body, str) else body.decode(),
        )
    except KeyError as error:
        raise MessageError(f"not an alert message: it has no {error}") from None
    except (ValueError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise MessageError(f"not an alert message: {error}") from None


async def subscribe(
    redis: "str | Redis",
    *,
    streams: str | Collection[str] = "*",
    kinds: str | Collection[str] = "*",
    since: _Since = None,
    group: str | None = None,
    worker: str = "",
    claim_after: float = 60.0,
    live: bool = True,
    look_again: Callable[[], Awaitable[None]] | None = None,
) -> AsyncGenerator[Alert, None]:
    """Yields each alert message that fits, in order and once, until cancelled or left.

    `redis` is an address (redis://, rediss:// or unix://), or a client of your own made with
    `decode_responses=True, protocol=2`, such as Sentinel's; yours is not closed. `streams` and `kinds` are
    names, or patterns with * and ?.

    `since` tells where to begin: None with what comes from now on; "0" with the oldest that is kept;
    "10m", "1h30m" or a timedelta: what came to Redis since so long ago; an ISO time or a datetime: since then
    (without a zone, this machine's); the `id` or `entry` of an alert: right after it. Without `live` it ends
    when nothing is left.

    With a `group`, several workers share the alerts, each of which goes to one of them, under its name
    `worker`. An alert counts as done when you ask for the next one. What a worker had when it died goes to
    another one after `claim_after` seconds (more than your longest work takes), and so comes a second time.
    A group remembers its place: `since` is for its first start. Order holds within one worker only, and
    `missed` is always 0.

    While Redis is away it waits, and then goes on where it was; `look_again` is called before each new
    attempt. Raises SubscribeError for a `since`, an address or a refusal that waiting does not mend.

    It reads the Redis Stream, not pub/sub: each message is in both, put there in one step, and only the
    Stream has places to go on from. So replay, live messages and those missed while away are one question.
    """
    client, own = _client(redis)
    if group is not None and not worker:
        raise SubscribeError("a worker of a group needs a name of its own: worker=...")
    reader: _Reader = _Alone(client, since, live)
    if group is not None:
        reader = _Worker(client, since, live, group, worker, claim_after)
    wait = 0.0
    try:
        while True:
            try:
                async with asyncio.timeout(3 * LISTEN_SECONDS):
                    await reader.begin()
                if wait:
                    log.info("Redis is back")
                wait = 0.0
                while True:
                    async with asyncio.timeout(3 * LISTEN_SECONDS):
                        page = await reader.page()
                    if not page and reader.ended:
                        return
                    for entry, fields in page:
                        alert = reader.take(entry, fields)
                        if alert and _fits(alert.stream, streams) and _fits(alert.kind, kinds):
                            yield reader.with_missed(alert)
                        await reader.done(entry)
            except (AuthenticationError, AuthorizationError) as error:
                raise SubscribeError(f"Redis refuses the user or password: {_plain(error)}") from None
            except _AWAY as error:
                if not wait:
                    log.warning("cannot reach Redis, trying again: %s", _plain(error) or "no answer")
                await (look_again or _forget(client))()
                wait = min(max(2 * wait, 0.25), LONGEST_WAIT)
                await asyncio.sleep(uniform(wait / 2, wait))
            except RedisError as error:
                raise SubscribeError(f"Redis does not let us read {ALERTS}: {_plain(error)}") from None
    finally:
        if own:
            await client.aclose()


class _Reader(Protocol):
    """What gives one entry of the Stream after the other."""

    ended: bool  # whether an empty page is the end

    async def begin(self) -> None:
        """Finds the place to go on from, at the start and after each break."""

    async def page(self) -> list[tuple[str, dict[str, str]]]:
        """The entries that come next; none when there was none for a while."""

    def take(self, entry: str, fields: dict[str, str]) -> Alert | None:
        """The message of one entry; None where it was seen before, or is somebody else's."""

    def with_missed(self, alert: Alert) -> Alert:
        """The alert, which says how many of its stream were missed since the last one that was handed out."""

    async def done(self, entry: str) -> None:
        """Whoever asked for it has no more to do with it."""


class _Alone:
    """Keeps its place itself, and finds it again when the server has changed."""

    def __init__(self, redis: Any, since: _Since, live: bool) -> None:
        self.ended = not live
        self._redis = redis
        self._since = since
        self._block = int(LISTEN_SECONDS * 1000) if live else None
        self._place: str | None = None
        self._seen: OrderedDict[tuple[str, str], None] = OrderedDict()  # daemons and message ids
        self._sequences: dict[tuple[str, str], int] = {}  # by daemon and stream
        self._missed: dict[tuple[str, str], int] = {}

    async def begin(self) -> None:
        if self._place is not None:
            self._place = await self._sound(self._place)
            return
        self._place, before = await _first_place(self._redis, self._since)
        if before:
            self._seen[before.source, before.id] = None
            self._sequences[before.source, before.stream] = before.sequence

    async def page(self) -> list[tuple[str, dict[str, str]]]:
        answer = await self._redis.xread({ALERTS: self._place}, PAGE, self._block)
        return list(answer[0][1]) if answer else []

    def take(self, entry: str, fields: dict[str, str]) -> Alert | None:
        self._place = entry
        alert = _alert(entry, fields)
        if alert is None or (alert.source, alert.id) in self._seen:
            return None
        self._seen[alert.source, alert.id] = None
        if len(self._seen) > REMEMBERED:
            self._seen.popitem(last=False)
        stream = alert.source, alert.stream
        expected = self._sequences.get(stream, alert.sequence - 1) + 1
        if alert.sequence > expected:
            self._missed[stream] = self._missed.get(stream, 0) + alert.sequence - expected
            log.warning(
                "stream '%s': messages %d to %d are no longer on Redis: redis.stream_length is too short, "
                "or the server lost them",
                alert.stream, expected, alert.sequence - 1,
            )  # fmt: skip
        self._sequences[stream] = alert.sequence
        return alert

    def with_missed(self, alert: Alert) -> Alert:
        missed = self._missed.pop((alert.source, alert.stream), 0)
        return replace(alert, missed=missed) if missed else alert

    async def done(self, entry: str) -> None:
        """Nothing to do: `take` has moved the place."""

    async def _sound(self, place: str) -> str:
        """The place to go on from after a break.

        A server that took over, or lost data, may end before our place, and number what is new from there:
        then it is after the newest that we know, or all of it where we know none.
        """
        entries = await self._redis.xrevrange(ALERTS, count=PAGE)
        newest = str(entries[0][0]) if entries else "0-0"
        if _numbers(place) <= _numbers(newest):
            return place
        if not self._seen:
            return newest
        while entries:
            for entry, fields in entries:
                alert = _alert(entry, fields)
                if alert is not None and (alert.source, alert.id) in self._seen:
                    return str(entry)
            entries = await self._redis.xrevrange(ALERTS, max=f"({entries[-1][0]}", count=PAGE)
        return "0-0"


class _Worker:
    """One of a consumer group, whose place the server keeps."""

    def __init__(
        self, redis: Any, since: _Since, live: bool, group: str, worker: str, claim_after: float
    ) -> None:
        self.ended = not live
        self._redis = redis
        self._since = since
        self._block = int(LISTEN_SECONDS * 1000) if live else None
        self._place: str | None = None  # where the group begins, if we have to make it
        self._group = group
        self._worker = worker
        self._idle = int(claim_after * 1000)
        self._own = True  # what we had when we ended the last time comes first
        self._handled: set[str] = set()  # done, but Redis has not confirmed it
        self._claim_at = 0.0
        self._claim_from = "0-0"

    async def begin(self) -> None:
        if self._place is None:
            self._place, _ = await _first_place(self._redis, self._since)
        try:
            await self._redis.xgroup_create(ALERTS, self._group, self._place, mkstream=True)
        except ResponseError as error:
            if "BUSYGROUP" not in str(error):
                raise
        self._own = True

    async def page(self) -> list[tuple[str, dict[str, str]]]:
        """What we have not done yet, then what others left lying, then one that is new."""
        if self._own:
            if found := await self._read("0", None):
                return found
            self._own = False
        clock = asyncio.get_running_loop().time
        while clock() >= self._claim_at:  # one question looks at ten that somebody has
            self._claim_from, answer, *_ = await self._redis.xautoclaim(
                ALERTS, self._group, self._worker, self._idle, self._claim_from, 1
            )
            if found := [each for each in answer if each[0]]:  # Redis 6 has nil for what was trimmed
                return found
            if self._claim_from == "0-0":
                self._claim_at = clock() + min(LISTEN_SECONDS, max(self._idle / 1000, 0.1))
        return await self._read(">", self._block)

    def take(self, entry: str, fields: dict[str, str] | None) -> Alert | None:
        return None if entry in self._handled else _alert(entry, fields or {})  # None: trimmed away meanwhile

    def with_missed(self, alert: Alert) -> Alert:
        return alert  # what is missing here, another one has

    async def done(self, entry: str) -> None:
        self._handled.add(entry)
        async with asyncio.timeout(LISTEN_SECONDS):
            await self._redis.xack(ALERTS, self._group, entry)
        self._handled.discard(entry)

    async def _read(self, place: str, block: int | None) -> list[tuple[str, dict[str, str]]]:
        try:
            answer = await self._redis.xreadgroup(self._group, self._worker, {ALERTS: place}, 1, block)
        except ResponseError as error:
            if "NOGROUP" not in str(error) and "UNBLOCKED" not in str(error):
                raise
            self._place = "0-0"  # the server lost the group, and its place with it
            raise ConnectionError(f"the group {self._group} is gone from Redis") from None
        return list(answer[0][1]) if answer else []


async def _first_place(redis: Any, since: _Since) -> tuple[str, Alert | None]:
    """The entry of the Stream after which to begin, and its message where we know it."""
    if since is None:
        entries = await redis.xrevrange(ALERTS, count=1)
        return (str(entries[0][0]), _alert(*entries[0])) if entries else ("0-0", None)
    if isinstance(since, str) and _ENTRY.fullmatch(since):
        oldest = await redis.xrange(ALERTS, count=1)
        if since.strip("0-") and oldest and _numbers(since) < _numbers(oldest[0][0]):
            log.warning(
                "Redis keeps nothing before %s: what came right after %s may be lost", oldest[0][0], since
            )
        return since, None
    seconds, micros = await redis.time()  # entries are numbered by the server's clock
    if at := _moment(since, datetime.fromtimestamp(seconds + micros / 1e6, UTC)):
        return f"{max(0, int(at.timestamp() * 1000) - 1)}-{2**64 - 1}", None
    entries = await redis.xrevrange(ALERTS, count=PAGE)
    while entries:
        for place, fields in entries:
            alert = _alert(place, fields)
            if alert is not None and alert.id == since:
                return str(place), alert
        entries = await redis.xrevrange(ALERTS, max=f"({entries[-1][0]}", count=PAGE)
    raise SubscribeError(
        f"no message kept on Redis has the id {since}: since 0 gives all that are kept, 10m or "
        "2026-12-24T18:00 those from then on"
    )


def _client(redis: "str | Redis") -> tuple[Any, bool]:
    if not isinstance(redis, str):
        options = redis.connection_pool.connection_kwargs
        if not options.get("decode_responses") or options.get("protocol") not in (2, "2"):
            raise SubscribeError("make the client with decode_responses=True and protocol=2")
        return redis, False
    try:
        # No time limits: with one of its own, redis-py sends under asyncio.wait_for, which in Python 3.11 may
        # swallow a cancellation.
        return Redis.from_url(
            redis, decode_responses=True, protocol=2, client_name="framewarden-subscribe",
            socket_timeout=None, socket_connect_timeout=None, retry=Retry(NoBackoff(), 0),
        ), True  # fmt: skip
    except ValueError as error:
        raise SubscribeError(f"{_plain(redis)} is no address of a Redis server: {_plain(error)}") from None


def _forget(client: Any) -> Callable[[], Awaitable[None]]:
    return lambda: client.connection_pool.disconnect(inuse_connections=False)


def _fits(word: str, patterns: str | Collection[str]) -> bool:
    return any(fnmatchcase(word, each) for each in ([patterns] if isinstance(patterns, str) else patterns))


def _alert(entry: str, fields: dict[str, str]) -> Alert | None:
    try:
        return replace(read(fields.get("body", "")), entry=str(entry))
    except MessageError:
        return None


def _moment(since: str | datetime | timedelta, now: datetime) -> datetime | None:
    """The time that is meant; None where it is no time."""
    if isinstance(since, timedelta):
        return now - since
    if isinstance(since, datetime):
        return since.astimezone(UTC)
    if _DURATION.fullmatch(since):
        parts = re.findall(r"([\d.]+)([smhdw])", since)
        seconds = sum(float(number) * _UNITS[unit] for number, unit in parts)
        return now - timedelta(seconds=min(seconds, 1e9))
    try:
        return datetime.fromisoformat(since).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _numbers(entry: str) -> tuple[int, ...]:
    return tuple(map(int, str(entry).split("-")))


def _file(file: Any) -> str | None:
    return None if file is None else str(file["name"])


def _gathered(data: Any) -> Gathered | None:
    if data is None:
        return None
    members = tuple(
        Member(
            alert_id=str(each["alert_id"]),
            stream=str(each["stream"]),
            kind=str(each["kind"]),
            label=str(each["label"]),
            severity=str(each["severity"]),
            first_frame_at=datetime.fromisoformat(each["first_frame_at"]),
        )
        for each in data["members"]
    )
    return Gathered(int(data["count"]), int(data["still_open"]), members)


def _number(value: Any) -> float | None:
    return None if value is None else float(value)


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _plain(words: object) -> str:
    """Without the password of an address."""
    return _PASSWORD.sub("***@", str(words))
