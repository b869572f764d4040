"""Brings what waits in the outbox to one channel: in order, at least once, however long it is away."""

import asyncio
import logging
import random
import time
from collections import Counter

from alerts.channel import Channel, PublishError
from alerts.outbox import Outbox, Waiting

log = logging.getLogger(__name__)


class Delivery:
    """One task for each channel, so that a slow or dead one delays no other."""

    def __init__(
        self,
        outbox: Outbox,
        channel: Channel,
        *,
        batch: int = 250,
        patience: float = 30.0,
        first_retry: float = 0.25,
        longest_retry: float = 15.0,
    ) -> None:
        """`batch` messages are handed over at a time, within `patience` seconds.

        Retries wait between `first_retry` and `longest_retry` seconds, doubling, with jitter.
        """
        self.channel = channel
        self.connected: bool | None = None  # None: nothing was tried yet
        self.last_error = ""
        self.counts: Counter[str] = Counter()  # published, failed, lost_connection
        self._outbox = outbox
        self._batch = batch
        self._patience = patience
        self._first_retry = first_retry
        self._longest_retry = longest_retry
        self._one_at_a_time = asyncio.Lock()
        self._down_since = 0.0

    @property
    def waiting(self) -> int:
        """How many messages this channel does not have yet."""
        return self._outbox.backlog(self.channel.name)

    async def run(self) -> None:
        """Until cancelled. Only a mistake of ours raises."""
        news = self._outbox.news(self.channel.name)
        wait = self._first_retry
        while True:
            news.clear()
            try:
                if await self._hand_over():
                    wait = self._first_retry
                    continue
            except PublishError as error:
                self._went_down(error)
                await asyncio.sleep(wait * random.uniform(0.5, 1))
                wait = min(2 * wait, self._longest_retry)
                continue
            await news.wait()

    async def drain(self, timeout: float) -> int:  # noqa: ASYNC109 - a stop has a deadline, and goes on after it
        """Hands over what is there within `timeout` seconds; returns how many messages stay for next time."""
        try:
            async with asyncio.timeout(timeout):
                while await self._hand_over():
                    pass
        except PublishError as error:
            self._went_down(error)
        except TimeoutError:
            self.last_error = f"did not take everything within {timeout:g} s"
        if self.waiting:
            log.warning(
                "%d messages stay in the outbox for '%s' until the next start: %s",
                self.waiting, self.channel.name, self.last_error,
            )  # fmt: skip
        return self.waiting

    def learned(self, trouble: PublishError | None) -> None:
        """What somebody else found who speaks to the same server: trouble, or None where it answers.

        A quiet camera would otherwise hide for days that its alerts have nowhere to go.
        """
        if trouble is None:
            self._came_back()
        else:
            self._went_down(trouble)

    async def _hand_over(self) -> bool:
        """One batch; False where nothing waits. Raises PublishError."""
        async with self._one_at_a_time:
            batch = await self._outbox.waiting(self.channel.name, self._batch)
            if not batch:
                return False
            await self._publish(batch)
            await self._outbox.delivered(self.channel.name, batch[-1].position)
            self.counts["published"] += len(batch)
            self._came_back()
            return True

    async def _publish(self, batch: list[Waiting]) -> None:
        limit = asyncio.timeout(self._patience)
        try:
            async with limit:
                await self.channel.publish([waiting.message for waiting in batch])
        except TimeoutError:
            if not limit.expired():
                raise
            raise PublishError(f"did not take {len(batch)} messages within {self._patience:g} s") from None

    def _went_down(self, error: PublishError) -> None:
        self.counts["failed"] += 1
        self.last_error = str(error)
        if self.connected is False:
            return
        self.counts["lost_connection"] += self.connected is True
        self.connected = False
        self._down_since = time.monotonic()
        log.warning("Channel '%s' is down, alerts wait in the outbox: %s", self.channel.name, error)

    def _came_back(self) -> None:
        if self.connected is False:
            log.warning(
                "Channel '%s' takes alerts again after %.0f s; %d more are waiting",
                self.channel.name, time.monotonic() - self._down_since, self.waiting,
            )  # fmt: skip
        self.connected = True
        self.last_error = ""
