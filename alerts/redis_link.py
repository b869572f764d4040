"""A connection to Redis: to one server, or to whichever Sentinel says is the primary now."""

import time
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.connection import SSLConnection, parse_url
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel
from redis.backoff import NoBackoff

from config.redis_address import redis_address

FOLLOW_SECONDS = 1.0


class RedisLink:
    """Connects by itself, when first used and whenever it was lost. Tries once: trying again is the user's.

    It has no time limits: with one of its own, redis-py sends under asyncio.wait_for, which in Python 3.11
    may swallow the cancellation that ends the daemon. Use it inside `asyncio.timeout`.
    """

    def __init__(self, url: str, **options: Any) -> None:
        """`options` are redis-py's, for its connections. Raises ValueError for what is no address."""
        address = redis_address(url)
        self.where = address.where  # for people: without credentials
        self.tls = address.tls
        self.has_password = "password" in parse_url(address.url)
        self._sentinel: Sentinel | None = None
        self._followed_at = float("-inf")
        once = Retry(NoBackoff(), 0)
        if not address.sentinels:
            self.redis: Any = Redis.from_url(  # Any: redis-py types every shape of every protocol's answers
                address.url, socket_timeout=None, socket_connect_timeout=None, retry=once, **options
            )
            return
        server = parse_url(address.url)
        service = server.pop("host")
        tls: dict[str, Any] = {"ssl": True} if server.pop("connection_class", None) is SSLConnection else {}
        tls |= {name: value for name, value in server.items() if name.startswith("ssl_")}
        limits: dict[str, Any] = {"socket_timeout": None, "socket_connect_timeout": None, "retry": once}
        login = {
            name.removeprefix("sentinel_"): value
            for name, value in address.options.items()
            if name.startswith("sentinel_")
        }
        self._sentinel = Sentinel(  # type: ignore[no-untyped-call]
            list(address.sentinels),
            sentinel_kwargs={**tls, **login, **limits},
            **{**server, **tls, **limits, **options},
        )
        self.redis = self._sentinel.master_for(service)

    async def follow(self) -> None:
        """Asks Sentinel about once a second if the primary is still the same, and leaves the old one if not.

        One that was replaced takes messages for seconds, until it is told; they are lost then.
        """
        if self._sentinel and time.monotonic() > self._followed_at + FOLLOW_SECONDS:
            await self.redis.connection_pool.get_master_address()
            self._followed_at = time.monotonic()

    async def look_again(self) -> None:
        """After trouble: the next command connects anew, to where the name or Sentinel points by then."""
        if self._sentinel:  # one that hangs must not be the first to be asked every time
            self._sentinel.sentinels.append(self._sentinel.sentinels.pop(0))
        await self.redis.connection_pool.disconnect(inuse_connections=False)

    async def close(self) -> None:
        await self.redis.aclose()
        if self._sentinel:
            await self._sentinel.aclose()
