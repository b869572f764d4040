"""A process to be killed: announces alerts and delivers them to Redis with the daemon's own parts.

Each alert opens, with a picture, and closes. What was told before the last death is read back from the
outbox, as a judge does, and told no second time.
"""

import asyncio
import sqlite3
import sys
from dataclasses import replace
from pathlib import Path

from alerts.announcer import Announcer
from alerts.delivery import Delivery
from alerts.evidence import EvidenceStore
from alerts.outbox import Outbox
from alerts.redis_channel import RedisChannel
from alerts.verdict import Change
from tests.alerts.samples import verdict
from tests.fakes import frame

STREAMS = ("gate", "yard", "door", "dock", "roof")


async def main(folder: Path, url: str, alerts: int) -> None:
    """`alerts` on each stream, counted over all lives."""
    channel = RedisChannel(url, timeout=0.5)
    async with Outbox(folder / "outbox.sqlite", [channel.name]) as outbox:
        announcer = Announcer(outbox, EvidenceStore(folder / "evidence", 1, 1), source="//victim")
        delivery = Delivery(outbox, channel, first_retry=0.02, longest_retry=0.2)
        print("began", flush=True)
        delivering = asyncio.create_task(delivery.run())
        async with asyncio.TaskGroup() as group:
            for stream in STREAMS:
                group.create_task(watch(stream, alerts, outbox, announcer, told(folder, stream)))
        while delivery.waiting:  # noqa: ASYNC110 - seen from outside
            await asyncio.sleep(0.01)
        delivering.cancel()
        announcer.close()
    await channel.close()


def told(folder: Path, stream: str) -> int:
    """How many messages of this stream were stored before."""
    with sqlite3.connect(folder / "outbox.sqlite") as file:
        row = file.execute("SELECT last FROM sequences WHERE stream = ?", (stream,)).fetchone()
    return int(row[0]) if row else 0


async def watch(stream: str, alerts: int, outbox: Outbox, announcer: Announcer, before: int) -> None:
    opened = [each.alert_id for each in await outbox.open_verdicts(stream)]
    assert opened == ([f"{stream}-{before // 2 + 1}"] if before % 2 else []), (opened, before)
    for number in range(before, 2 * alerts):
        one = verdict(stream, f"{stream}-{number // 2 + 1}", Change.CLOSED if number % 2 else Change.OPENED)
        shown = frame(stream, number)
        await announcer.announce_all([replace(one, captured_at=shown.captured_at)], shown)
        print(stream, number + 1, flush=True)
        await asyncio.sleep(0.005)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])))
