"""Files from strangers: taken when they are whole, known by what they hold, judged, told of once."""

import asyncio
import logging
import shutil
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Protocol

from alerts import file_report
from alerts.curve import Curves
from alerts.file_facts import Facts, facts_of
from alerts.file_verdict import FileVerdict, unreadable
from alerts.gatekeeper import Gatekeeper
from alerts.judge import Judge
from alerts.rulebook import rules_of
from alerts.verdict import UploadedFile
from config.detectors import DetectorName
from config.settings import Settings, StreamSettings
from daemon.file_watch import FileWatch, UnreadableError, settings_of
from daemon.ledger import Ledger
from detectors.examiner import Examiner
from streams.beside import beside
from streams.digest import check, sha256_of
from streams.inbox import Sign
from streams.recording import Recording

log = logging.getLogger(__name__)

TOO_LARGE: Final = "too_large"
UNREADABLE: Final = "unreadable"
REFUSED: Final = "refused"
_WEIGHT: Final = 0.1  # of a file, beside a camera's: a file can wait
_LAST_SECONDS: Final = 1.0  # to tell of what was judged, where we are told to end in that moment
_SWEPT_AT_ONCE: Final = 1000


class Household(Protocol):
    """What of the house it takes to judge a file."""

    folder: Path  # of the state
    examiner: Examiner
    gatekeeper: Gatekeeper
    curves: Curves
    plan: dict[str, Sequence[str]]
    weights: dict[str, float]  # by stream, where there is more to look at than can be

    async def prepare(self, names: Sequence[DetectorName]) -> int:
        """Makes these detectors, where they are not made yet; the width of the pictures that they want."""
        ...

    async def tell_of_file(self, facts: Facts) -> None:
        """Puts the one message on a file into the outbox."""
        ...


class Uploads:
    """One for all folders."""

    def __init__(self, house: Household, settings: Settings) -> None:
        self.counts: dict[str, Counter[str]] = {}  # by stream: see docs/uploads.md
        self.events: dict[str, Counter[str]] = {}  # by stream: what happened to frames of all its files
        self.judging: dict[str, dict[str, FileWatch]] = {}  # by stream, by the name of the file
        self.settings = settings.uploads
        self.turns = asyncio.Semaphore(settings.uploads.at_once)
        self.ledger = Ledger(house.folder / "uploads.sqlite")
        self.reports = house.folder / "uploads"
        self._house = house
        self._looking: set[tuple[str, str]] = set()  # streams, and what their files hold
        self._looked = asyncio.Condition()

    async def judge(
        self, settings: Settings, stream: StreamSettings, path: Path, sign: Sign, job: str = ""
    ) -> Facts:
        """What is to be said of a file, said once: judged now, or known from before.

        Its message is in the outbox when this returns. With a `job`, what is known is told once more, to
        whoever asked. Raises NotNowError, ChangedError, LedgerError, OSError.
        """
        counts = self.counts.setdefault(stream.name, Counter())
        if sign.size > self.settings.megabytes * 1e6:
            most = f"no more than {self.settings.megabytes:g} are looked at (uploads.megabytes)"
            verdict = unreadable(f"It has {sign.size / 1e6:,.0f} MB, and {most}.", TOO_LARGE)
            return await self._answer(stream, verdict, UploadedFile(path.name, "", job), sign.size)
        digest = await beside(sha256_of, path, sign)
        file = UploadedFile(path.name, digest, job)
        async with self._one_at_a_time(stream.name, digest):
            known = await self.ledger.find(stream.name, digest)
            if known:
                counts["known"] += 1
                log.info("%s: %s is known: %s", stream.name, file.shown, known.facts["reason"])
                if job:
                    facts = {**known.facts, "file": {**known.facts["file"], "name": file.name, "job": job}}
                    await self._house.tell_of_file(facts)
                    return facts
                return known.facts
            await self.ledger.ready()  # before the work, too
            try:
                verdict = await self._look(settings, stream, path, file)
            except UnreadableError as error:
                verdict = unreadable(str(error))
            await beside(check, path, sign)  # what was judged is what was hashed
            return await self._answer(stream, verdict, file, sign.size)

    async def give_up(
        self, stream: StreamSettings, path: Path, sign: Sign, reason: str, job: str = ""
    ) -> Facts:
        """What is to be said of a file that could not be looked at for too long. Raises LedgerError.

        What it holds is not known from then on: it is what another one holds that has only begun to grow.
        """
        file = UploadedFile(path.name, "", job)
        return await self._answer(stream, unreadable(reason), file, sign.size)

    async def refuse(self, stream: StreamSettings, name: str, reason: str, job: str) -> None:
        """Answers a job that cannot be done: there is nothing to report on."""
        file = UploadedFile(name, "", job)
        facts = facts_of(unreadable(reason, REFUSED), file, 0, stream.name, datetime.now(UTC))
        await self._told(stream, file, facts)

    async def sweep(self) -> None:
        """Deletes old reports, and then the oldest until the rest is small enough. Raises LedgerError."""
        for old in await self.ledger.sweep(self.settings.keep_days * 86_400):
            folder = self._report_folder(old.facts["stream"], old.facts["id"])
            await beside(_delete, folder)
        await beside(_shrink, self.reports, self.settings.keep_gigabytes * 1e9)

    async def close(self) -> None:
        """Lets go of the ledger."""
        await self.ledger.close()

    @asynccontextmanager
    async def _one_at_a_time(self, stream: str, digest: str) -> AsyncIterator[None]:
        """Of two files that hold the same, the second waits until the first is known."""
        key = stream, digest
        async with self._looked:
            await self._looked.wait_for(lambda: key not in self._looking)
            self._looking.add(key)
        try:
            yield
        finally:
            self._looking.discard(key)
            async with self._looked:
                self._looked.notify_all()

    async def _look(
        self, settings: Settings, stream: StreamSettings, path: Path, file: UploadedFile
    ) -> FileVerdict:
        house, name = self._house, f"{stream.name}/{file.sha256[:12]}"
        detectors = settings.detectors_of(stream)
        width = await house.prepare(detectors)
        rules = rules_of(settings, stream)
        gate = house.gatekeeper.gate
        judge = Judge(name, rules)  # what was open when we ended opens again, and is told as an update
        gate.add(name, rules, live=False)
        house.plan[name] = detectors
        house.weights[name] = stream.priority * _WEIGHT
        recording = Recording(settings_of(stream, name, str(path)), settings.sample_fps(stream), width)
        watch = FileWatch(
            recording=recording,
            examiner=house.examiner,
            judge=judge,
            gatekeeper=house.gatekeeper,
            rules=rules,
            file=file,
            longest=self.settings.hours * 3600,
            noted=house.curves.note,
        )
        judging = self.judging.setdefault(stream.name, {})
        judging[name] = watch
        log.info("%s: %s is looked at (%s), %s", stream.name, file.shown, name, ", ".join(detectors))
        try:
            return await watch.run()
        finally:
            del judging[name]
            self.events.setdefault(stream.name, Counter()).update(recording.counts)
            house.plan.pop(name, None)
            house.weights.pop(name, None)
            house.curves.forget(name)
            gate.remove(name)
            await house.examiner.forget(name)

    async def _answer(
        self, stream: StreamSettings, verdict: FileVerdict, file: UploadedFile, size: int
    ) -> Facts:
        await self.ledger.ready()
        facts = facts_of(verdict, file, size, stream.name, datetime.now(UTC))
        try:
            await beside(file_report.write, self._report_folder(stream.name, facts["id"]), facts, verdict)
        except OSError as error:
            problem = f"The report could not be written: {error.strerror or error}: {self.reports}"
            log.error("%s: %s: %s", stream.name, file.shown, problem)  # noqa: TRY400 - words for the user
            facts["evidence"] = {"problem": problem}
        await self._told(stream, file, facts)
        return facts

    async def _told(self, stream: StreamSettings, file: UploadedFile, facts: Facts) -> None:
        telling = asyncio.create_task(self._tell(stream, file, facts), name=f"tell of {file.name}")
        try:
            await asyncio.shield(telling)
        except asyncio.CancelledError:  # what is told and not noted would be told twice
            await asyncio.wait([telling], timeout=_LAST_SECONDS)
            raise

    async def _tell(self, stream: StreamSettings, file: UploadedFile, facts: Facts) -> None:
        if stream.shadow:
            log.info("%s: %s is not told, it is in shadow", stream.name, file.shown)
        else:
            await self._house.tell_of_file(facts)
        if file.sha256:
            await self.ledger.note(stream.name, file.sha256, facts)
        word = facts["doubt"] if facts["doubt"] in (UNREADABLE, TOO_LARGE, REFUSED) else facts["verdict"]
        self.counts.setdefault(stream.name, Counter())[word] += 1
        log.info(
            "%s: %s: %s: %s", stream.name, file.shown, facts["verdict"].replace("_", " "), facts["reason"]
        )

    def _report_folder(self, stream: str, name: str) -> Path:
        return self.reports / stream / name[:2] / name


def _delete(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)


def _shrink(folder: Path, most: float) -> None:
    """Deletes the oldest reports above `most` bytes. Slow: for a thread."""
    found: list[tuple[float, int, Path]] = []
    for report in folder.glob("*/*/*"):
        with suppress(OSError):
            size = sum(file.lstat().st_size for file in report.iterdir())
            found.append((report.stat().st_mtime, size, report))
    total = sum(size for _, size, _ in found)
    for _, size, report in sorted(found):
        if total <= most:
            return
        shutil.rmtree(report, ignore_errors=True)
        total -= size
