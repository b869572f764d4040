"""Alerts on Redis: pub/sub framewarden:alerts:<stream>:<kind>, the Redis Stream framewarden:alerts."""

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from hashlib import blake2b
from typing import TypeVar

from redis.exceptions import ConnectionError, OutOfMemoryError, ReadOnlyError, RedisError

from alerts.channel import Message, PublishError
from alerts.redis_link import RedisLink
from alerts.redis_words import in_words

ALERTS = "framewarden:alerts"
STREAMS = "framewarden:streams:"
SENT = "framewarden:sent"  # digests of the last messages sent, by time: how one sent again is recognised
REMEMBER = 10_000
SHOWN_FOR = 60  # seconds that a stream's hash outlives the last word of it

# One script is one step for Redis: a subscriber never sees a message that the Stream does not have. After a
# lost reply nobody knows whether Redis took a batch: it is sent again, and what is the same to the byte is
# passed over. The Stream is written last, so that a refusal on the way does not fill it with doubles.
# Somebody else's key in the place of a stream's hash holds up no alert; `show` tells of it.
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
    if no and string.find(no.err, 'WRONGTYPE') then no = nil end
    no = no or refused('EXPIRE', KEYS[3] .. stream, SHOWN_FOR)
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


class _ReplicasError(RedisError):
    """Too few replicas have the messages. What the server itself has is recognised when it is sent again."""


class RedisChannel:
    """Takes alerts to a Redis server. Connects by itself, and again by itself.

    A user with an access list needs: ~framewarden:* &framewarden:alerts:* +eval +time +zadd +zrem
    +zremrangebyrank +hset +hkeys +hdel +expire +publish +xadd +xtrim; +wait where `replicas` is set.
    """

    batch = 250

    def __init__(
        self,
        url: str,
        *,
        name: str = "redis",
        stream_length: int = 100_000,
        replicas: int = 0,
        timeout: float = 5.0,
    ) -> None:
        """`url` is redis://, rediss:// or unix://, or redis+sentinel:// for whichever is the primary now.

        `timeout` seconds hold for connecting and for each answer: a server that hangs does not hang us. So
        many `replicas` must have a message too before it counts as taken.
        """
        self.name = name
        self._timeout = timeout
        self._stream_length = stream_length
        self._replicas = replicas
        self._link = RedisLink(url, decode_responses=True)

    async def publish(self, messages: Sequence[Message]) -> None:
        arguments: list[str | bytes] = [str(self._stream_length)]
        for message in messages:
            body = message.body.encode()
            digest = blake2b(body, digest_size=16).hexdigest()
            arguments += (digest, message.id, message.stream, message.kind)
            arguments += (str(message.sequence), body)
        try:
            await self._say(self._publish(arguments))
        except _OutOfMemoryError:
            # XADD trims only where it is let in: refused once, it would be refused for ever. XTRIM is always
            # let in; inside the script, all writes after it would be too, however full the server is.
            trim = self._link.redis.xtrim(ALERTS, self._stream_length, approximate=False)
            if not await self._say(trim):
                raise
            await self._say(self._publish(arguments))

    async def _publish(self, arguments: Sequence[str | bytes]) -> None:
        await self._link.follow()
        if not self._replicas:
            await self._link.redis.eval(PUBLISH, 3, SENT, ALERTS, STREAMS, *arguments)
            return
        pipeline = self._link.redis.pipeline(transaction=False)  # WAIT is about its own connection's writes
        pipeline.eval(PUBLISH, 3, SENT, ALERTS, STREAMS, *arguments)
        pipeline.wait(self._replicas, int(self._timeout * 500))
        _, have_it = await pipeline.execute()
        if have_it < self._replicas:
            raise _ReplicasError(
                f"has {have_it} replica(s) that follow, and redis.replicas asks for {self._replicas}"
            )

    async def show(self, stream: str, fields: Mapping[str, str]) -> None:
        """Replaces how a stream is doing in the hash framewarden:streams:<name>; `fields` is not empty.

        The fields `sequence` and `last_alert` are the last message's, and stay. The hash is deleted a minute
        after the last call or message, so that what a daemon said that is no more does not stand for ever.
        Raises PublishError.
        """
        words = [word for field in fields.items() for word in field]
        await self._say(self._link.redis.eval(SHOW, 1, STREAMS + stream, *words))

    async def tend(self) -> bool:
        """Nothing to do: the states of the streams are shown all the time, and tell if Redis is there."""
        return False

    async def close(self) -> None:
        await self._link.close()

    async def _say(self, command: Awaitable[T]) -> T:
        try:
            async with asyncio.timeout(self._timeout):
                return await command
        except (RedisError, OSError) as error:
            elsewhere = isinstance(error, ConnectionError | OSError | ReadOnlyError | _ReplicasError)
            if elsewhere or "-READONLY" in str(error):
                await self._link.look_again()  # after a fail-over, the primary is somewhere else
            text = f"Redis at {self._link.where} {in_words(error, self._link, self._timeout)}"
            if isinstance(error, OutOfMemoryError) or "-OOM" in str(error):
                raise _OutOfMemoryError(text) from None
            raise PublishError(text) from None
