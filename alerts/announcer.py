"""Tells what the judge decided: keeps the evidence, and puts the message into the outbox."""

import asyncio
import socket
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

from alerts.channel import Message
from alerts.evidence import Evidence, EvidenceStore
from alerts.message import render
from alerts.outbox import Outbox
from alerts.verdict import Change, Verdict
from streams.frame import Frame


def utc_now() -> datetime:
    """The clock on the wall."""
    return datetime.now(UTC)


class Announcer:
    """One for all streams. The verdicts of one stream go out in the order they come in."""

    def __init__(
        self,
        outbox: Outbox,
        evidence: EvidenceStore,
        clock: Callable[[], datetime] = utc_now,
        source: str = f"//{socket.gethostname()}/framewarden",
        patience: float = 5.0,
    ) -> None:
        """`source` names this daemon in every message, a URI reference. `patience`: seconds that a picture
        may take to be written before the alert goes out without it."""
        self._outbox = outbox
        self._evidence = evidence
        self._clock = clock
        self._source = source
        self._patience = patience
        # Not the loop's own threads: a disk that hangs would take those from everybody.
        self._threads = ThreadPoolExecutor(2, "evidence")
        self._turn: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def announce(self, verdict: Verdict, frame: Frame | None) -> Message:
        """Returns once the message is in the outbox."""
        decided_at = self._clock()
        async with self._turn[verdict.stream]:
            evidence = await self._keep(verdict, frame)
            return await self._outbox.put(
                verdict, lambda sequence: render(verdict, sequence, decided_at, evidence, self._source)
            )

    def close(self) -> None:
        """Lets go of the threads."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _keep(self, verdict: Verdict, frame: Frame | None) -> Evidence:
        if verdict.change is not Change.CLOSED and frame is None:
            return Evidence()  # an outage has no picture
        loop = asyncio.get_running_loop()
        if verdict.change is Change.CLOSED or frame is None:
            kept = loop.run_in_executor(self._threads, self._evidence.find, verdict)
        else:
            kept = loop.run_in_executor(self._threads, self._evidence.save, verdict, frame)
        try:
            return await asyncio.wait_for(kept, self._patience)
        except TimeoutError:
            self._evidence.counts["evidence_late"] += 1
            return Evidence(problem=f"The disk took longer than {self._patience:g} s to keep the pictures.")
