"""Brings what waits in the outbox to one channel: in order, at least once, however long it is away."""

import asyncio
import logging
import random
import time
from collections import Counter
from collections.abc import Awaitable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Final, TypeVar

from alerts.channel import Channel, PublishError
from alerts.dead_letters import said_late
from alerts.outbox import Outbox
from alerts.outbox_put import Waiting

log = logging.getLogger(__name__)

T = TypeVar("T")

TEND_SECONDS = 15.0  # between two looks of a channel after itself, while there is nothing to hand over
_DOWN: Final = "is down, alerts wait in the outbox"
LONGEST_RETRY_AFTER = 600.0  # a receiver may ask for so long a pause, and no longer
_SURE: Final = 2  # times that a message is refused before one behind it is tried: once may be chance
_HOPELESS: Final = 5  # messages that are refused one after the other: then it is no message's fault


class Delivery:
    """One task for each channel, so that a slow or dead one delays no other."""

    def __init__(
        self,
        outbox: Outbox,
        channel: Channel,
        *,
        tend_every: float = TEND_SECONDS,
        patience: float = 30.0,
        first_retry: float = 0.25,
        longest_retry: float = 15.0,
        tries: int = 5,
    ) -> None:
        """A batch is to be taken within `patience` seconds.

        Retries wait between `first_retry` and `longest_retry` seconds, doubling, with jitter. A message that
        is refused for good twice becomes a dead letter as soon as one behind it is taken, else after `tries`
        times.
        """
        self.channel = channel
        self.connected: bool | None = None  # None: nothing was tried yet
        self.last_error = ""
        self.counts: Counter[str] = Counter()  # published, refused, failed, lost_connection
        self._outbox = outbox
        self._tend_every = tend_every
        self._patience = patience
        self._first_retry = first_retry
        self._longest_retry = longest_retry
        self._tries = tries
        self._refusals = (0, 0)  # the position of the message refused last, and how often it was
        self._nobody_behind = False  # what was refused last is the newest there is
        self._singly = 0  # so many messages go one by one, to find the one that is refused
        self._one_at_a_time = asyncio.Lock()
        self._down_since = 0.0
        self._untended = False  # whether the last look of the channel after itself failed

    @property
    def waiting(self) -> int:
        """How many messages this channel does not have yet."""
        return self._outbox.backlog(self.channel.name)

    async def run(self) -> None:
        """Until cancelled. Only a mistake of ours raises."""
        news = self._outbox.news(self.channel.name)
        wait = self._first_retry
        tend_at = float("-inf")
        while True:
            news.clear()
            try:
                if time.monotonic() >= tend_at:
                    trouble = await self._tend()
                    pause = self._pause(wait, trouble) if trouble else self._tend_every
                    tend_at = time.monotonic() + pause
                    if trouble:
                        wait = min(2 * wait, self._longest_retry)
                        if trouble.retry_after:
                            await asyncio.sleep(pause)
                            continue
                published = self.counts["published"]
                # Also after trouble: what was refused may be old alerts that are told again, not new ones.
                if await self._hand_over():
                    if self.counts["published"] > published and not self._untended:
                        wait = self._first_retry
                    continue
            except PublishError as error:
                self._went_down(error)
                pause = self._pause(wait, error)
                wait = min(2 * wait, self._longest_retry)
                if self._nobody_behind:  # the next one shows whose fault it is
                    await _either(news.wait(), pause)
                else:
                    await asyncio.sleep(pause)
                continue
            await _either(news.wait(), tend_at - time.monotonic())

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

    async def _tend(self) -> PublishError | None:
        """What was in the way, which is told; it was no message, so that nothing is refused for good."""
        async with self._one_at_a_time:
            try:
                saw = await self._in_time(self.channel.tend(), "did not answer")
            except PublishError as error:
                self._untended = True
                self._went_down(
                    PublishError(str(error)), "refuses what is open" if error.permanent else _DOWN
                )
                return error
            self._untended = False
            if saw:
                self._came_back()
            return None

    async def _hand_over(self) -> bool:
        """One batch; False where nothing waits. Raises PublishError."""
        async with self._one_at_a_time:
            for letter in await self._outbox.to_try_again(self.channel.name):
                await self._try_again(letter)
            batch = await self._outbox.waiting(self.channel.name, 1 if self._singly else self.channel.batch)
            self._nobody_behind = False
            if not batch:
                return False
            try:
                await self._publish(batch)
            except PublishError as error:
                if not error.permanent:
                    raise
                if len(batch) > 1:
                    self._singly = len(batch)
                    return True
                await self._refused(batch[0], error)
            else:
                await self._delivered(batch)
            self._singly = max(0, self._singly - 1)
            self._came_back()
            return True

    async def _delivered(self, batch: Sequence[Waiting]) -> None:
        await self._outbox.delivered(self.channel.name, batch[-1].position)
        self.counts["published"] += len(batch)

    async def _refused(self, waiting: Waiting, error: PublishError) -> None:
        """Finds out if it is the message's fault. Raises the error again where it may be the receiver's."""
        position, times = self._refusals
        times = times + 1 if position == waiting.position else 1
        self._refusals = waiting.position, times
        if times < min(_SURE, self._tries):
            raise error
        if await self._got_past(waiting, error):
            return
        if times < self._tries:
            raise error
        await self._bury(waiting, error)

    async def _got_past(self, first: Waiting, error: PublishError) -> bool:
        """Whether one of those behind it is taken: then all that were refused before it are dead letters."""
        refused = [(first, error)]
        behind = (await self._outbox.waiting(self.channel.name, _HOPELESS))[1:]
        self._nobody_behind = not behind
        for waiting in behind:
            try:
                await self._publish([waiting])
            except PublishError as worse:
                if not worse.permanent:
                    raise
                refused.append((waiting, worse))
            else:
                for each in refused:
                    await self._bury(*each)
                await self._delivered([waiting])
                return True
        return False

    async def _bury(self, waiting: Waiting, error: PublishError) -> None:
        await self._outbox.refused(self.channel.name, waiting.position, str(error))
        self.counts["refused"] += 1
        log.error(
            "Channel '%s' never gets message %s of %s, see `framewarden outbox`: %s",
            self.channel.name, waiting.message.id, waiting.message.stream, error,
        )  # fmt: skip

    async def _try_again(self, letter: Waiting) -> None:
        """A dead letter that an operator wants to be tried again. Raises PublishError where nothing goes.

        Where later messages of its stream were told already it comes too late for its place, and says so.
        """
        told = letter
        if await self._outbox.is_late(self.channel.name, letter):
            told = replace(letter, message=said_late(letter.message))
        try:
            await self._publish([told])
        except PublishError as error:
            if not error.permanent:
                raise
            log.error(  # noqa: TRY400 - words for the operator
                "Channel '%s' refuses message %s again: %s", self.channel.name, letter.message.id, error
            )
            await self._outbox.tried_again(self.channel.name, letter.position, str(error))
        else:
            await self._outbox.tried_again(self.channel.name, letter.position, None)
            self.counts["published"] += 1

    async def _publish(self, batch: list[Waiting]) -> None:
        messages = [waiting.message for waiting in batch]
        await self._in_time(self.channel.publish(messages), f"did not take {len(batch)} messages")

    async def _in_time(self, work: Awaitable[T], otherwise: str) -> T:
        limit = asyncio.timeout(self._patience)
        try:
            async with limit:
                return await work
        except TimeoutError:
            if not limit.expired():
                raise
            raise PublishError(f"{otherwise} within {self._patience:g} s") from None

    @staticmethod
    def _pause(wait: float, error: PublishError) -> float:
        return max(wait * random.uniform(0.5, 1), min(error.retry_after or 0, LONGEST_RETRY_AFTER))

    def _went_down(self, error: PublishError, what: str = _DOWN) -> None:
        self.counts["failed"] += 1
        self.last_error = str(error)
        if error.permanent or self.connected is False:
            return  # one message alone says nothing about the channel
        self.counts["lost_connection"] += self.connected is True
        self.connected = False
        self._down_since = time.monotonic()
        log.warning("Channel '%s' %s: %s", self.channel.name, what, error)

    def _came_back(self) -> None:
        if self._untended:
            return  # it takes messages, and not what it is told besides them
        if self.connected is False:
            log.warning(
                "Channel '%s' takes alerts again after %.0f s; %d more are waiting",
                self.channel.name, time.monotonic() - self._down_since, self.waiting,
            )  # fmt: skip
        self.connected = True
        self.last_error = ""


async def _either(something: Awaitable[object], seconds: float) -> None:
    """Waits for it, or for so long."""
    with suppress(TimeoutError):
        async with asyncio.timeout(max(0.0, seconds)):
            await something
