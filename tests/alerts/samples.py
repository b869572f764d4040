"""Verdicts and messages to put into an outbox, and quick ways to do so."""

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime

from alerts.channel import Message
from alerts.outbox import Outbox
from alerts.verdict import Change, Severity, Verdict
from detectors.detection import DetectorCard, Kind, Region


def verdict(stream: str = "gate", alert_id: str = "a1", change: Change = Change.OPENED) -> Verdict:
    return Verdict(
        change=change,
        alert_id=alert_id,
        stream=stream,
        kind=Kind.QUALITY,
        label="frozen",
        subject="",
        severity=Severity.WARNING,
        score=7.5,
        threshold=5.0,
        reason="the picture stands still, für 5 s",
        regions=(Region(0.0, 0.25, 0.5, 0.75),),
        first_frame_at=datetime(2026, 11, 1, 12, 0, 0, 123456, UTC),
        captured_at=datetime(2026, 11, 1, 12, 0, 5, tzinfo=UTC),
        made_by=DetectorCard("quality", "rules", "", "abc"),
    )


def renderer(stream: str = "gate", mark: str = "", padding: int = 300) -> Callable[[int], Message]:
    """Messages of about the size of real ones; `mark` tells two lives of the same number apart."""

    def render(sequence: int) -> Message:
        data = {"stream": stream, "sequence": sequence, "mark": mark, "padding": "x" * padding}
        body = json.dumps({"specversion": "1.0", "id": f"{stream}-{sequence}{mark}", "data": data})
        return Message(f"{stream}-{sequence}{mark}", stream, "quality", sequence, body)

    return render


async def put_many(outbox: Outbox, number: int, streams: tuple[str, ...] = ("gate",)) -> list[Message]:
    """`number` alerts, in turns from each of the streams, all at once."""
    names = [streams[n % len(streams)] for n in range(number)]
    return await asyncio.gather(
        *(outbox.put(verdict(name, f"{name}-{n}"), renderer(name)) for n, name in enumerate(names))
    )


async def sequences(outbox: Outbox, channel: str = "redis") -> list[int]:
    """The sequence numbers that wait for a channel."""
    return [waiting.message.sequence for waiting in await outbox.waiting(channel, 1_000_000)]
