"""One watched folder: each file that comes is judged, and what cannot be looked at goes to quarantine."""

import asyncio
import logging
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from alerts.file_facts import Facts
from config.settings import Settings, StreamSettings
from daemon.file_watch import NotNowError
from daemon.ledger import LedgerError
from daemon.uploads import TOO_LARGE, UNREADABLE, Uploads
from streams import incoming, quarantine
from streams.beside import beside
from streams.digest import ChangedError
from streams.inbox import Arrival, Inbox, Sign, sign_of

log = logging.getLogger(__name__)

RETRY: Final = 5.0  # seconds until what could not be looked at is tried again


@dataclass(slots=True)
class _NotNow:
    """A file that could not be looked at, and may be later."""

    sign: Sign
    since: float  # by the loop's clock
    retry_at: float


class UploadFolder:
    """The folder of one stream."""

    def __init__(
        self,
        uploads: Uploads,
        settings: Settings,
        stream: StreamSettings,
        folder: Path,
        retry: float = RETRY,
    ) -> None:
        self.stream = stream
        self.settings = settings
        self.folder = folder
        self.uploads = uploads
        self.counts = uploads.counts.setdefault(stream.name, Counter())
        self._inbox = Inbox(self.folder, uploads.settings.rest)
        self._retry = retry
        self._busy: dict[str, Sign] = {}
        self._not_now: dict[str, _NotNow] = {}
        self._trouble = ""

    @property
    def state(self) -> str:
        """online, or offline while the folder cannot be read."""
        return "offline" if self._inbox.problem else "online"

    @property
    def problem(self) -> str:
        """Why files are not taken now; empty where they are."""
        return self._inbox.problem or self._trouble

    @property
    def waiting(self) -> int:
        """Files that lie there and are not being judged yet."""
        return self._inbox.waiting + len(self._not_now)

    def fields(self) -> dict[str, str]:
        """As they stand in framewarden:streams:<name>."""
        judging = self.uploads.judging.get(self.stream.name, {})
        fields = {
            "state": self.state,
            "waiting": str(self.waiting),
            "judging": str(len(judging)),
            "frames": str(self.uploads.events.get(self.stream.name, Counter())["delivered"]),
        }
        return fields | {word: str(count) for word, count in sorted(self.counts.items())}

    def ring(self) -> None:
        """A file has come: the folder is looked at soon."""
        self._inbox.ring()

    async def take(self, path: Path, job: str, *, ours: bool) -> Facts:
        """Judges one file for a job. `ours`: it lies in this folder, and was fetched for that job.

        Raises NotNowError, ChangedError, LedgerError, OSError.
        """
        sign = sign_of(await beside(path.lstat))
        if ours:
            self._busy[path.name] = sign
        try:
            async with self.uploads.turns:
                facts = await self.uploads.judge(self.settings, self.stream, path, sign, job)
            if ours:
                await self._settle(Arrival(path, sign), facts)
            return facts
        finally:
            if ours:
                self._busy.pop(path.name, None)

    async def refuse(self, name: str, reason: str, job: str) -> None:
        """Answers a job that cannot be done. Raises LedgerError."""
        await self.uploads.refuse(self.stream, name, reason, job)

    async def run(self) -> None:
        """Until cancelled. What is being judged then is judged anew at the next start."""
        await beside(incoming.clear, self.folder)
        async with self._inbox, asyncio.TaskGroup() as group:
            while True:
                try:
                    arrivals = await self._inbox.whole(self._known)
                    if self._inbox.gone:
                        self._not_now = {n: e for n, e in self._not_now.items() if n not in self._inbox.gone}
                        await self.uploads.ledger.leave(self.stream.name, self._inbox.gone)
                except LedgerError as error:
                    self._tell(str(error))
                    await asyncio.sleep(self._retry)
                    continue
                for arrival in arrivals:
                    await self.uploads.turns.acquire()
                    self._busy[arrival.path.name] = arrival.sign
                    group.create_task(self._take(arrival), name=f"judge {arrival.path.name}")

    async def _known(self) -> Mapping[str, Sign]:
        now = asyncio.get_running_loop().time()
        resting = {name: each.sign for name, each in self._not_now.items() if each.retry_at > now}
        return await self.uploads.ledger.places(self.stream.name) | resting | self._busy

    async def _take(self, arrival: Arrival) -> None:
        name = arrival.path.name
        try:
            await self._judge(arrival)
            self._not_now.pop(name, None)
            self._tell("")
        except NotNowError as error:
            await self._wait(arrival, str(error), for_ever=not error.incomplete)
        except FileNotFoundError:  # taken away meanwhile
            self._not_now.pop(name, None)
        except ChangedError:  # it goes on growing: it is taken when it rests again
            self.counts["changed"] += 1
        except PermissionError as error:
            await self._wait(arrival, f"this user may not read it ({error.strerror})")
        except (LedgerError, OSError) as error:
            self._tell(str(error))
            self._put_off(arrival)
        finally:
            self._busy.pop(name, None)
            self.uploads.turns.release()
            self._inbox.ring()

    async def _judge(self, arrival: Arrival) -> None:
        facts = await self.uploads.judge(self.settings, self.stream, arrival.path, arrival.sign)
        await self._settle(arrival, facts)

    async def _settle(self, arrival: Arrival, facts: Facts) -> None:
        """Out of the way with what nobody can look at; the rest stays where it is, and is known."""
        if facts["doubt"] in (UNREADABLE, TOO_LARGE):
            try:
                where = await beside(quarantine.move, arrival.path, facts["reason"], facts["file"]["sha256"])
            except OSError as error:
                log.warning(
                    "%s: %s cannot be moved to quarantine (%s), so it stays: let this user write to %s",
                    self.stream.name, arrival.path.name, error.strerror or error, self.folder,
                )  # fmt: skip
            else:
                self.counts["quarantined"] += 1
                log.warning("%s: %s is in quarantine: %s", self.stream.name, where, facts["reason"])
                return
        name, digest = arrival.path.name, facts["file"]["sha256"]
        await self.uploads.ledger.place(self.stream.name, name, arrival.sign, digest)

    async def _wait(self, arrival: Arrival, why: str, *, for_ever: bool = False) -> None:
        """Tries again later, and at last gives the file up."""
        waited = self._put_off(arrival)
        if not for_ever and waited >= self.uploads.settings.wait:
            reason = f"{why}; it was waited for {waited:.0f} s in vain (uploads.wait)"
            try:
                facts = await self.uploads.give_up(self.stream, arrival.path, arrival.sign, reason)
                await self._settle(arrival, facts)
            except (LedgerError, ChangedError, OSError) as error:
                self._tell(str(error))
            else:
                self._not_now.pop(arrival.path.name, None)
        elif not waited:
            log.info("%s: %s is waited for: %s", self.stream.name, arrival.path.name, why)

    def _put_off(self, arrival: Arrival) -> float:
        """For how long it has been put off already, in seconds."""
        loop, name = asyncio.get_running_loop(), arrival.path.name
        before, now = self._not_now.get(name), loop.time()
        since = before.since if before and before.sign == arrival.sign else now
        self._not_now[name] = _NotNow(arrival.sign, since, now + self._retry)
        loop.call_later(self._retry + 0.01, self._inbox.ring)
        return now - since

    def _tell(self, trouble: str) -> None:
        if trouble and trouble != self._trouble:
            log.error("%s: files wait: %s", self.stream.name, trouble)
        self._trouble = trouble
