"""Tells what the judge decided: keeps the evidence, and puts the messages into the outbox."""

import asyncio
import socket
from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import Any, Final, TypeVarTuple

from alerts import file_message
from alerts.channel import Message
from alerts.evidence import Evidence, EvidenceStore
from alerts.file_facts import Facts
from alerts.message import render
from alerts.outbox import Outbox
from alerts.utc import utc_now
from alerts.verdict import Change, Severity, Verdict
from detectors.detection import Kind
from streams.frame import Frame

_Arguments = TypeVarTuple("_Arguments")
_WAITING: Final = 32  # alerts at most whose evidence is not all written


# Told a stream and who takes the clip of this moment; whether one may come.
Film = Callable[[str, Callable[[bytes], None]], bool]


class Announcer:
    """One for all streams. The verdicts of one stream go out in the order they come in."""

    def __init__(
        self,
        outbox: Outbox,
        evidence: EvidenceStore,
        clock: Callable[[], datetime] = utc_now,
        source: str = f"//{socket.gethostname()}/framewarden",
        patience: float = 5.0,
        last_patience: float = 1.0,
        film: Film | None = None,
    ) -> None:
        """`source` names this daemon in every message, a URI reference. `patience`: seconds that a picture
        may take to be written before the alert goes out without it; `last_patience`: seconds that all
        pictures may still take when whoever announces is cancelled. `film`: asks a camera for a clip."""
        self._outbox = outbox
        self._evidence = evidence
        self._clock = clock
        self._source = source
        self._patience = patience
        self._last_patience = last_patience
        self._film = film
        # Not the loop's own threads: a disk that hangs would take those from everybody.
        self._threads = ThreadPoolExecutor(2, "evidence")
        # One thread, so that the opening is written before the closing; pictures have the others.
        self._later = ThreadPoolExecutor(1, "evidence-later")
        self._writing: set[Future[None]] = set()
        self._turn: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def announce_all(self, verdicts: Sequence[Verdict], frame: Frame | None) -> None:
        """Returns once the messages of all verdicts, which are of one stream, are in the outbox.

        The judge does not decide twice: what it decided is told also when the caller is cancelled. The
        cancellation is raised when the outbox has the last message.
        """
        if not verdicts:
            return
        too_late = asyncio.get_running_loop().create_future()
        telling = asyncio.create_task(
            self._tell_all(verdicts, frame, too_late), name=f"tell of {verdicts[0].stream}"
        )
        try:
            await asyncio.shield(telling)
        except asyncio.CancelledError:
            asyncio.get_running_loop().call_later(self._last_patience, too_late.set_result, None)
            while not telling.done():
                with suppress(asyncio.CancelledError):  # a second one: the first is raised below
                    await asyncio.wait([telling])
            if not telling.cancelled() and (error := telling.exception()):
                raise error from None  # louder than the cancellation: a mistake of ours, or no outbox
            raise

    async def tell_of_file(self, facts: Facts) -> None:
        """Returns once the message on a file that was judged is in the outbox."""
        await self._outbox.tell(
            facts["stream"],
            facts["id"],
            Severity(facts["severity"]),
            lambda sequence: file_message.render(facts, sequence, self._source),
        )

    def close(self) -> None:
        """Lets go of the threads; what is being written beside alerts has a last moment."""
        wait(self._writing, timeout=self._last_patience)
        self._later.shutdown(wait=False, cancel_futures=True)
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _tell_all(
        self, verdicts: Sequence[Verdict], frame: Frame | None, too_late: asyncio.Future[None]
    ) -> None:
        decided_at = self._clock()
        async with self._turn[verdicts[0].told_of]:
            for verdict in verdicts:
                evidence = self._filmed(verdict, await self._keep(verdict, frame, too_late))
                await self._outbox.put(verdict, self._renderer(verdict, frame, decided_at, evidence))
                if evidence.picture:
                    self._complete(verdict, frame)

    def _filmed(self, verdict: Verdict, evidence: Evidence) -> Evidence:
        """With the place where the clip will be, if one is on its way. The alert does not wait for it."""
        if verdict.change is not Change.OPENED or not evidence.picture or self._film is None:
            return evidence

        def take(clip: bytes) -> None:
            self._write(self._evidence.add_clip, verdict, clip)

        if not self._film(verdict.stream, take):
            return evidence
        return replace(evidence, clip=self._evidence.clip_of(verdict))

    def _complete(self, verdict: Verdict, frame: Frame | None) -> None:
        """Has the rest of the evidence written, after the alert is out. Nobody waits for it."""
        self._write(self._evidence.complete, verdict, frame)

    def _write(self, work: Callable[[*_Arguments], None], *arguments: *_Arguments) -> None:
        if len(self._writing) >= _WAITING:  # a storm, or a disk that hangs: what is kept for it is large
            self._evidence.counts["evidence_incomplete"] += 1
            return
        writing = self._later.submit(work, *arguments)
        self._writing.add(writing)
        writing.add_done_callback(self._writing.discard)

    def _renderer(
        self, verdict: Verdict, frame: Frame | None, decided_at: datetime, evidence: Evidence
    ) -> Callable[[int], Message]:
        live = frame.live if frame else verdict.kind is Kind.STREAM
        position = frame.position if frame and not frame.live else None
        return lambda sequence: render(
            verdict, sequence, decided_at, evidence, self._source, position, live=live
        )

    async def _keep(self, verdict: Verdict, frame: Frame | None, too_late: asyncio.Future[None]) -> Evidence:
        if verdict.kind is Kind.STREAM or (verdict.change is not Change.CLOSED and frame is None):
            return Evidence()  # an outage has no picture
        loop = asyncio.get_running_loop()
        if verdict.change is Change.CLOSED or frame is None:
            kept = loop.run_in_executor(self._threads, self._evidence.find, verdict)
        else:
            kept = loop.run_in_executor(self._threads, self._evidence.save, verdict, frame)
        either: list[asyncio.Future[Any]] = [kept, too_late]
        await asyncio.wait(either, timeout=self._patience, return_when=asyncio.FIRST_COMPLETED)
        if kept.done():
            return kept.result()
        kept.cancel()
        self._evidence.counts["evidence_late"] += 1
        if too_late.done():
            return Evidence(problem="The watch ended before the disk had taken the pictures.")
        return Evidence(problem=f"The disk took longer than {self._patience:g} s to keep the pictures.")
