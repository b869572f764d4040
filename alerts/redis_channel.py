"""Alerts on Redis: pub/sub framewarden:alerts:<stream>:<kind>, the Redis Stream framewarden:alerts."""

import asyncio
import os
from collections.abc import Awaitable, Mapping, Sequence
from hashlib import blake2b
from typing import TypeVar, cast
from urllib.parse import urlsplit

from redis.asyncio import Redis
from redis.asyncio.connection import parse_url
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import (
    AuthenticationError,
    BusyLoadingError,
    ConnectionError,
    NoPermissionError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    ResponseError,
)

from alerts.channel import Message, PublishError

ALERTS = "framewarden:alerts"
STREAMS = "framewarden:streams:"
SENT = "framewarden:sent"  # digests of the last messages sent, by time: how one sent again is recognised
REMEMBER = 10_000
SHOWN_FOR = 60  # seconds that a stream's hash outlives the last word of it

# One script is one step for Redis: a subscriber never sees a message that the Stream does not have. After a
# lost reply nobody knows whether Redis took a batch: it is sent again, and what is the same to the byte is
# passed over. The Stream is written last, so that a refusal on the way does not fill it with doubles.
PUBLISH = """
local now = redis.call('TIME')
local score = now[1] .. string.format('%06d', now[2])
local function refused(...)
  local reply = redis.pcall(...)
  return type(reply) == 'table' and reply.err and reply
end
local new = 0
for i = 2, #ARGV, 6 do
  local digest, id, stream, kind, sequence, body = unpack(ARGV, i, i + 5)
  local added = redis.pcall('ZADD', KEYS[1], 'NX', score, digest)
  if type(added) == 'table' then return added end
  if added == 1 then
    local no = refused('HSET', KEYS[3] .. stream, 'sequence', sequence, 'last_alert', body)
      or refused('EXPIRE', KEYS[3] .. stream, SHOWN_FOR)
      or refused('PUBLISH', KEYS[2] .. ':' .. stream .. ':' .. kind, body)
      or refused('XADD', KEYS[2], 'MAXLEN', '~', ARGV[1], '*',
                 'id', id, 'stream', stream, 'kind', kind, 'sequence', sequence, 'body', body)
    if no then
      redis.call('ZREM', KEYS[1], digest)
      return no
    end
    new = new + 1
  end
end
redis.call('ZREMRANGEBYRANK', KEYS[1], 0, -REMEMBER - 1)
return new
""".replace("REMEMBER", str(REMEMBER)).replace("SHOWN_FOR", str(SHOWN_FOR))

# What is shown takes the place of what was shown, but for what PUBLISH wrote; in one step for a reader.
SHOW = """
local stays = {sequence = true, last_alert = true}
for i = 1, #ARGV, 2 do stays[ARGV[i]] = true end
for _, field in ipairs(redis.call('HKEYS', KEYS[1])) do
  if not stays[field] then redis.call('HDEL', KEYS[1], field) end
end
redis.call('HSET', KEYS[1], unpack(ARGV))
redis.call('EXPIRE', KEYS[1], SHOWN_FOR)
""".replace("SHOWN_FOR", str(SHOWN_FOR))


T = TypeVar("T")


class _OutOfMemoryError(PublishError):
    """Redis has no room: the one refusal that we may do something about."""


class RedisChannel:
    """Takes alerts to a Redis server. Connects by itself, and again by itself.

    A user with an access list needs: ~framewarden:* &framewarden:alerts:* +eval +time +zadd +zrem
    +zremrangebyrank +hset +hkeys +hdel +expire +publish +xadd +xtrim.
    """

    batch = 250

    def __init__(
        self, url: str, *, name: str = "redis", stream_length: int = 100_000, timeout: float = 5.0
    ) -> None:
        """`url` is redis://, rediss:// or unix://.

        `timeout` seconds hold for connecting and for each answer: a server that hangs does not hang us.
        """
        self.name = name
        self._where = without_credentials(url)
        self._has_password = "password" in parse_url(url)
        self._timeout = timeout
        self._stream_length = stream_length
        self._redis = Redis.from_url(
            url,
            # The time limit is ours, in _say: with one here, redis-py sends under asyncio.wait_for, which in
            # Python 3.11 may swallow the cancellation that ends the daemon.
            socket_timeout=None,
            socket_connect_timeout=None,
            # Delivery tries again, and says so; a second loop in here would be silent.
            retry=Retry(NoBackoff(), 0),
            decode_responses=True,
        )

    async def publish(self, messages: Sequence[Message]) -> None:
        arguments = [str(self._stream_length)]
        for message in messages:
            digest = blake2b(message.body.encode(), digest_size=16).hexdigest()
            arguments += (digest, message.id, message.stream, message.kind)
            arguments += (str(message.sequence), message.body)
        try:
            await self._say(self._redis.eval(PUBLISH, 3, SENT, ALERTS, STREAMS, *arguments))
        except _OutOfMemoryError:
            # XADD trims only where it is let in: refused once, it would be refused for ever. XTRIM is always
            # let in; inside the script, all writes after it would be too, however full the server is.
            trimmed = await self._say(self._redis.xtrim(ALERTS, self._stream_length, approximate=False))
            if not trimmed:
                raise
            await self._say(self._redis.eval(PUBLISH, 3, SENT, ALERTS, STREAMS, *arguments))

    async def show(self, stream: str, fields: Mapping[str, str]) -> None:
        """Replaces how a stream is doing in the hash framewarden:streams:<name>; `fields` is not empty.

        The fields `sequence` and `last_alert` are the last message's, and stay. The hash is deleted a minute
        after the last call or message, so that what a daemon said that is no more does not stand for ever.
        Raises PublishError.
        """
        words = [word for field in fields.items() for word in field]
        await self._say(self._redis.eval(SHOW, 1, STREAMS + stream, *words))

    async def tend(self) -> bool:
        """Nothing to do: the states of the streams are shown all the time, and tell if Redis is there."""
        return False

    async def close(self) -> None:
        await self._redis.aclose()

    async def _say(self, command: Awaitable[T]) -> T:
        try:
            async with asyncio.timeout(self._timeout):
                return await command
        except (RedisError, OSError) as error:
            full = isinstance(error, OutOfMemoryError) or "-OOM" in str(error)
            kind = _OutOfMemoryError if full else PublishError
            raise kind(f"Redis at {self._where} {self._in_words(error)}") from None

    def _in_words(self, error: RedisError | OSError) -> str:
        text = str(
            error
        )  # Redis 6 puts a script's error into words of its own, so the type alone does not tell
        match error:
            case AuthenticationError() if not self._has_password:
                return "asks for a password: put it into redis.url"
            case AuthenticationError():
                return "refuses the user name or the password in redis.url"
            case ResponseError() if isinstance(error, NoPermissionError) or "executing the script" in text:
                return f"does not let this user publish ({text}): change the user's access list"
            case BusyLoadingError():
                return "is still loading its data"
            case ResponseError() if isinstance(error, ReadOnlyError) or "-READONLY" in text:
                return "is a read-only replica: name its primary in redis.url"
            case ResponseError() if isinstance(error, OutOfMemoryError) or "-OOM" in text:
                return "is out of memory: lower redis.stream_length, or raise your own server's maxmemory"
            case TimeoutError():
                return f"does not answer within {self._timeout:g} s: is it overloaded or stopped?"
            case ConnectionError() | OSError():
                return f"cannot be reached ({_reason(error)}): is it running, and is redis.url right?"
        return f"refuses: {text}"


def without_credentials(url: str) -> str:
    """Where a server is, without user, password or query."""
    parts = urlsplit(url)
    if parts.scheme == "unix":
        return parts.path
    host = parts.hostname or "localhost"
    return f"{f'[{host}]' if ':' in host else host}:{parts.port or 6379}"


def _reason(error: BaseException) -> str:
    """The operating system's own word at the bottom of the chain: the texts above it repeat addresses."""
    while error.__cause__ or error.__context__:
        error = cast(BaseException, error.__cause__ or error.__context__)
    if isinstance(error, OSError) and error.errno:
        return (
            os.strerror(error.errno) if error.errno > 0 else str(error.strerror)
        )  # below 0: a name's look-up
    return str(error) or type(error).__name__
