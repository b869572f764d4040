"""The alerts that arrive through Redis, as the demo waits for them."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn

from redis.asyncio import Redis
from redis.exceptions import RedisError

from alerts.client import Alert, MessageError, read
from alerts.redis_channel import ALERTS

RETRY_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Arrival:
    """One message, and when it arrived."""

    alert: Alert
    at: float  # time.monotonic()


class Inbox:
    """Keeps what arrived, and says when something new has."""

    def __init__(self, show: Callable[[str], None]) -> None:
        self.arrivals: list[Arrival] = []
        self._show = show
        self._news = asyncio.Condition()

    async def receive(self, url: str, stream: str) -> NoReturn:
        """Subscribes, and never ends by itself; a connection that is lost is made again."""
        while True:
            # With a time limit, redis-py sends under asyncio.wait_for, which can swallow a cancellation.
            redis = Redis.from_url(url, decode_responses=True, socket_timeout=None)
            try:
                async with redis.pubsub(ignore_subscribe_messages=True) as subscription:
                    await subscription.psubscribe(f"{ALERTS}:{stream}:*")
                    async for message in subscription.listen():
                        await self._take(str(message["data"]))
            except RedisError:
                await asyncio.sleep(RETRY_SECONDS)
            finally:
                await redis.aclose()

    async def _take(self, body: str) -> None:
        try:
            arrival = Arrival(read(body), time.monotonic())
        except MessageError:  # somebody else wrote something else there
            return
        async with self._news:
            self.arrivals.append(arrival)
            self._show(body)
            self._news.notify_all()

    async def first(self, wanted: Callable[[Arrival], bool], seconds: float) -> Arrival | None:
        """The first arrival that is wanted, also of those already there; None when the time is up."""

        def found() -> Arrival | None:
            return next((each for each in self.arrivals if wanted(each)), None)

        try:
            async with asyncio.timeout(seconds), self._news:
                return await self._news.wait_for(found)
        except TimeoutError:
            return None

    async def quiet(self, seconds: float) -> bool:
        """Waits until no alert is open; False when the time is up."""
        try:
            async with asyncio.timeout(seconds), self._news:
                await self._news.wait_for(lambda: not self.open())
        except TimeoutError:
            return False
        return True

    def open(self) -> set[str]:
        """The ids of the alerts that are open now."""
        alerts = [each.alert for each in self.arrivals]
        closed = {alert.alert_id for alert in alerts if alert.state == "closed"}
        return {alert.alert_id for alert in alerts if alert.state == "opened"} - closed
