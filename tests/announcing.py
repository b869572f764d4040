"""A daemon's alert path, from the announcer to a Redis server, for tests of those who read alerts."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import md5
from pathlib import Path

from alerts.announcer import Announcer
from alerts.delivery import Delivery
from alerts.evidence import EvidenceStore
from alerts.outbox import Outbox
from alerts.redis_channel import RedisChannel
from alerts.verdict import Change, Severity, Verdict
from detectors.detection import DetectorCard, Kind, Region

VERDICT = Verdict(
    change=Change.OPENED,
    alert_id="0123456789abcdef" * 2,
    stream="gate",
    kind=Kind.ANOMALY,
    label="motion",
    subject="",
    severity=Severity.WARNING,
    score=7.25,
    threshold=5.0,
    reason="faster than anything seen there, für 5 s",
    regions=(Region(0.25, 0.5, 0.125, 0.25),),
    first_frame_at=datetime(2026, 11, 23, 12, 0, 0, 123_000, UTC),
    captured_at=datetime(2026, 11, 23, 12, 0, 5, tzinfo=UTC),
    made_by=DetectorCard("anomaly", "cells", "a" * 64, "b" * 64),
    provisional=True,
)


class Telling:
    """Announces one alert after the other."""

    def __init__(self, announcer: Announcer) -> None:
        self._announcer = announcer

    async def tell(self, change: Change = Change.OPENED, stream: str = "gate", reason: str = "") -> Verdict:
        alert_id = md5(stream.encode(), usedforsecurity=False).hexdigest()
        verdict = replace(
            VERDICT, change=change, stream=stream, alert_id=alert_id, reason=reason or VERDICT.reason
        )
        await self._announcer.announce_all([verdict], None)
        return verdict


@asynccontextmanager
async def announcing(url: str, folder: Path) -> AsyncIterator[Telling]:
    """Announcer, outbox and delivery, all real, to the Redis server at `url`."""
    channel = RedisChannel(url)
    async with Outbox(folder / "outbox.sqlite", ["redis"]) as outbox:
        announcer = Announcer(outbox, EvidenceStore(folder / "evidence", 30, 5))
        delivering = asyncio.create_task(Delivery(outbox, channel, longest_retry=0.5).run())
        try:
            yield Telling(announcer)
        finally:
            delivering.cancel()
            with suppress(asyncio.CancelledError):
                await delivering
            announcer.close()
            await channel.close()
