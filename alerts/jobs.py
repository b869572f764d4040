"""Jobs from the Redis Stream framewarden:jobs, shared among daemons by a consumer group."""

import asyncio
import logging
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from random import uniform
from typing import Any, Final

from redis.exceptions import RedisError, ResponseError

from alerts.redis_link import RedisLink
from alerts.redis_words import in_words

JOBS: Final = "framewarden:jobs"
LISTEN_SECONDS: Final = 5.0  # one question to Redis waits so long for an answer
LONGEST_WAIT: Final = 30.0  # seconds between two attempts to connect

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Job:
    """One entry of the Stream, as whoever wrote it wanted it."""

    id: str
    fields: Mapping[str, str]


class Jobs:
    """What is handed out is ours until `done`; after our death it comes again, to us or to another one.

    A user with an access list needs: ~framewarden:jobs +xgroup +xreadgroup +xautoclaim +xclaim +xack.
    """

    def __init__(self, url: str, group: str, consumer: str, claim_after: float) -> None:
        """`claim_after`: seconds after which a job is taken over of which its consumer says nothing."""
        self._link = RedisLink(
            url,
            protocol=2,  # one shape of answer, whatever the version
            decode_responses=True,
            encoding_errors="replace",
            client_name="framewarden-jobs",
        )
        self._group = group
        self._consumer = consumer
        self._idle = int(claim_after * 1000)
        self._mine: set[str] = set()  # handed out, and not done
        self._begun = False
        self._after = "0"  # of what we had when we ended the last time
        self._claim_at = 0.0
        self._wait = 0.0

    async def next(self) -> Job:
        """The next one, whenever it comes. Waits for a Redis that is away."""
        while True:
            try:
                async with asyncio.timeout(3 * LISTEN_SECONDS):
                    found = await self._look()
            except (RedisError, OSError) as error:
                await self._pause(error)
                continue
            if self._wait:
                log.info("jobs are read again")
            self._wait = 0.0
            for entry, fields in found:
                if entry not in self._mine:
                    self._mine.add(entry)
                    return Job(entry, fields or {})

    async def keep(self, job: Job) -> None:
        """Says that we still work at it, so that nobody takes it over."""
        with suppress(RedisError, OSError):
            async with asyncio.timeout(LISTEN_SECONDS):
                await self._link.redis.xclaim(JOBS, self._group, self._consumer, 0, [job.id], justid=True)

    async def done(self, job: Job) -> None:
        """Nobody has to do it any more. Where Redis is away, it comes again."""
        try:
            async with asyncio.timeout(LISTEN_SECONDS):
                await self._link.redis.xack(JOBS, self._group, job.id)
        except (RedisError, OSError) as error:
            words = in_words(error, self._link, LISTEN_SECONDS)
            log.warning("job %s is done, but Redis at %s %s: it comes again", job.id, self._link.where, words)
            self._after = "0"
        self._mine.discard(job.id)

    async def close(self) -> None:
        """Lets go of the connection."""
        await self._link.close()

    async def _look(self) -> list[tuple[str, dict[str, str] | None]]:
        redis = self._link.redis
        if not self._begun:
            try:
                await redis.xgroup_create(JOBS, self._group, "0", mkstream=True)
            except ResponseError as error:
                if "BUSYGROUP" not in str(error):
                    raise
            self._begun = True
        if self._after:  # what we had comes first
            found = await self._read(self._after, None)
            self._after = found[-1][0] if found else ""
            return found
        clock = asyncio.get_running_loop().time
        if clock() >= self._claim_at:
            self._claim_at = clock() + min(LISTEN_SECONDS, max(self._idle / 1000, 0.1))
            _, claimed, *_ = await redis.xautoclaim(JOBS, self._group, self._consumer, self._idle, "0-0", 1)
            if claimed := [each for each in claimed if each[0]]:  # Redis 6 has nil for what was trimmed
                return claimed
        return await self._read(">", int(LISTEN_SECONDS * 1000))

    async def _read(self, place: str, block: int | None) -> list[tuple[str, Any]]:
        answer = await self._link.redis.xreadgroup(self._group, self._consumer, {JOBS: place}, 1, block)
        return list(answer[0][1]) if answer else []

    async def _pause(self, error: RedisError | OSError) -> None:
        """The server may also have lost the group: it is made again."""
        if not self._wait:
            words = in_words(error, self._link, LISTEN_SECONDS)
            log.warning("no jobs: Redis at %s %s; it is tried again", self._link.where, words)
        self._begun, self._after = False, "0"
        with suppress(RedisError, OSError):
            await self._link.look_again()
        self._wait = min(max(2 * self._wait, 0.25), LONGEST_WAIT)
        await asyncio.sleep(uniform(self._wait / 2, self._wait))
