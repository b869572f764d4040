"""The house: everything that runs; streams, folders and detectors move in and out of it."""

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol, runtime_checkable
from urllib.parse import urlsplit

from alerts.announcer import Announcer
from alerts.blind_time import BlindTime
from alerts.channel import PublishError
from alerts.curve import Curves
from alerts.delivery import Delivery
from alerts.evidence import EvidenceStore
from alerts.file_facts import Facts
from alerts.gate import Gate
from alerts.gatekeeper import Gatekeeper
from alerts.judge import Judge
from alerts.losses import OUTBOX
from alerts.outbox import Outbox
from alerts.redis_channel import RedisChannel
from alerts.roll_up import HOUSE
from alerts.rulebook import rules_of
from alerts.rules import Rules
from config.detectors import DetectorName
from config.secrets import source_identity
from config.settings import Settings, StreamSettings
from daemon.blind_file import BlindFile
from daemon.detector_for import detector_for
from daemon.ledger import LedgerError
from daemon.load import Load
from daemon.upload_folder import UploadFolder
from daemon.uploads import Uploads
from daemon.watch import Watch
from detectors.anomaly.life import Life
from detectors.detection import Detector
from detectors.examiner import Examiner
from detectors.objects.view import View
from streams.frame import Frame
from streams.source import is_live, source_for

log = logging.getLogger(__name__)


@runtime_checkable
class Learns(Protocol):
    """What else a detector says that learns what is normal."""

    counts: Counter[str]

    @property
    def lives(self) -> Mapping[str, Life]: ...

    def hold(self, stream: str, held: bool) -> None: ...


@dataclass
class House:
    """Everything that runs, and what of it changes while it runs: the watches and the plan."""

    settings: Settings
    folder: Path
    examiner: Examiner
    outbox: Outbox
    evidence: EvidenceStore
    curves: Curves
    gatekeeper: Gatekeeper
    deliveries: Sequence[Delivery]
    redis: RedisChannel | None
    redis_url: Callable[[], Awaitable[str]]  # where it is, once somebody needs it
    announcer: Announcer
    judged: Callable[[Frame], None]  # told of every frame that was judged
    detectors: dict[str, Detector]
    plan: dict[str, Sequence[str]]
    weights: dict[str, float]  # of each stream where there is more to look at than can be
    load: Load
    blind: BlindTime
    blind_file: BlindFile
    sources: dict[str, str]  # a hash of each stream's address, read by detectors that learn
    views: dict[str, View]  # where in each stream's picture objects matter
    watches: dict[str, Watch] = field(default_factory=dict)
    folders: dict[str, UploadFolder] = field(default_factory=dict, init=False)
    uploads: Uploads = field(init=False)

    learner: Learns | None = field(default=None, init=False)  # that detector, once a stream has needed it

    def __post_init__(self) -> None:
        self._building: dict[str, asyncio.Future[Detector]] = {}
        self.uploads = Uploads(self, self.settings)

    async def move_in(self, settings: Settings, stream: StreamSettings) -> Watch:
        """Makes the watch of one stream; alerts that were open when the daemon ended go on."""
        names = settings.detectors_of(stream)
        width = await self.prepare(names)
        self.sources[stream.name] = source_identity(stream.url)
        self.views[stream.name] = View(stream.zones, stream.lines, stream.alert_on)
        self.plan[stream.name] = names
        self.weights[stream.name] = stream.priority
        gate = self.gatekeeper.gate
        judge = Judge(stream.name, introduce(stream, self.settings, gate))
        judge.resume([alert.verdict for alert in gate.open_alerts(stream.name)], gate.closed(stream.name))

        def judged(frame: Frame) -> None:
            self.judged(frame)
            if self.learner:  # nothing becomes normal while anything is wrong, whoever found it
                self.learner.hold(
                    stream.name, any(each.startswith("alarming") for each in judge.standing.values())
                )

        if is_live(stream.url):
            self.blind.begin(stream.name, settings.sample_fps(stream))
        self.watches[stream.name] = Watch(
            source=source_for(stream, settings.sample_fps(stream), width),
            examiner=self.examiner,
            judge=judge,
            gatekeeper=self.gatekeeper,
            judged=judged,
            live=is_live(stream.url),
            sample_fps=settings.sample_fps(stream),
            blinded=lambda cause: self.blind.see(stream.name, cause),
            noted=self.curves.note,
        )
        return self.watches[stream.name]

    def move_in_folder(self, settings: Settings, stream: StreamSettings, folder: Path) -> UploadFolder:
        """Makes the watch of one folder, which judges files until it is cancelled."""
        self.views[stream.name] = View(stream.zones, stream.lines, stream.alert_on)
        self.folders[stream.name] = UploadFolder(self.uploads, settings, stream, folder)
        return self.folders[stream.name]

    async def prepare(self, names: Sequence[DetectorName]) -> int:
        """Makes these detectors, where they are not made yet; the width of the pictures that they want."""
        for name in names:
            await self._build(name)
        return max(self.detectors[name].width for name in names)

    async def tell_of_file(self, facts: Facts) -> None:
        """Puts the one message on a file that was judged into the outbox."""
        await self.announcer.tell_of_file(facts)

    async def _build(self, name: DetectorName) -> None:
        """Each detector once, though many ask at a time, and though one that asked is cancelled meanwhile."""
        if name not in self._building:  # in a thread: importing torch takes seconds
            self._building[name] = asyncio.get_running_loop().run_in_executor(
                None, detector_for, name, self.settings, self.folder, self.sources, self.views
            )
        built = self.detectors[name] = await asyncio.shield(self._building[name])
        if isinstance(built, Learns):
            self.learner = built

    async def move_out(self, stream: str) -> None:
        """Closes what a stream left open that is no longer watched, and says on Redis that it ended."""
        self.watches.pop(stream, None)
        self.folders.pop(stream, None)
        await self.forget(stream)
        for each in {stream, *self._left_open(stream)}:
            await self._close_left_open(each)
        self.gatekeeper.gate.remove(stream)
        self.blind.remove(stream)
        await self.show(stream, {"state": "ended"})

    async def forget(self, stream: str) -> None:
        """Frees what detectors remember of a stream; what was learned of it stays on disk."""
        self.plan.pop(stream, None)
        self.weights.pop(stream, None)
        self.curves.forget(stream)
        await self.examiner.forget(stream)

    async def show(self, stream: str, fields: Mapping[str, str]) -> bool:
        """Writes framewarden:streams:<name>, and tells the delivery to Redis whether Redis answers."""
        if self.redis is None:
            return False
        delivery = next(each for each in self.deliveries if each.channel.name == self.redis.name)
        try:
            await self.redis.show(stream, fields)
        except PublishError as trouble:
            delivery.learned(trouble)
            return False
        delivery.learned(None)
        return True

    async def close_orphans(self, settings: Settings) -> None:
        """Closes what is left of streams that were taken out of the configuration while we were away."""
        wanted = {stream.name for stream in settings.streams} | {HOUSE, OUTBOX}
        opened = [alert.verdict for alert in self.gatekeeper.gate.open_alerts()]
        for stream in {verdict.stream for verdict in opened if verdict.told_of not in wanted}:
            await self._close_left_open(stream)

    async def sweep(self) -> None:
        """Deletes old evidence and reports, and closes what is left of files that were taken away."""
        await asyncio.to_thread(self.evidence.sweep, datetime.now(UTC))
        for name, folder in list(self.folders.items()):
            for each in self._left_open(name) - self.uploads.judging.get(name, {}).keys():
                if not folder.waiting:
                    await self._close_left_open(each)
        try:
            await self.uploads.sweep()
        except LedgerError as error:
            log.error("old reports are not deleted: %s", error)  # noqa: TRY400 - words for the user

    def _left_open(self, folder: str) -> set[str]:
        """Files of a folder of which alerts are open."""
        opened = (alert.verdict.stream for alert in self.gatekeeper.gate.open_alerts())
        return {stream for stream in opened if stream.startswith(f"{folder}/")}

    async def _close_left_open(self, stream: str) -> None:
        judge, now = Judge(stream, Rules()), datetime.now(UTC)
        judge.resume([alert.verdict for alert in self.gatekeeper.gate.open_alerts(stream)])
        await self.gatekeeper.announce_all(stream, judge.finish(now), now, None)


def introduce(stream: StreamSettings, settings: Settings, gate: Gate) -> Rules:
    """Tells the gate of a stream; returns what its alerts go by."""
    rules, live = rules_of(settings, stream), is_live(stream.url)
    gate.add(stream.name, rules, host=(urlsplit(stream.url).hostname or "") if live else "", live=live)
    return rules
