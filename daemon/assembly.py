"""Assembly: makes the parts of the daemon and hands each what it needs."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from alerts.announcer import Announcer
from alerts.channel import Channel
from alerts.curve import Curves
from alerts.delivery import Delivery
from alerts.embedded_redis import EmbeddedRedis
from alerts.evidence import EvidenceStore
from alerts.gate import Gate
from alerts.gatekeeper import Gatekeeper
from alerts.outbox import Outbox
from alerts.outbox_limits import Limits
from alerts.redis_channel import RedisChannel
from config.settings import Settings
from config.state import state_folder
from daemon.blind_file import BlindFile, recall
from daemon.channels import filtered, open_channel
from daemon.house import House, introduce
from daemon.load import Load
from daemon.stopping import DETECTORS_SECONDS, put_down
from daemon.watch import Watch
from detectors.detection import Detector
from detectors.examiner import Examiner
from streams.camera import Camera
from streams.frame import Frame

log = logging.getLogger(__name__)


class StateError(Exception):
    """The state folder cannot be used; says why and what to do."""


@asynccontextmanager
async def assembled(settings: Settings, judged: Callable[[Frame], None]) -> AsyncIterator[House]:
    """A house, ready to take streams; on leaving, everything is put down in the opposite order.

    Raises StateError, InUseError where another daemon has the state folder, EmbeddedRedisError, OutboxError.
    """
    folder = state_folder(settings)
    try:
        folder.mkdir(mode=0o750, parents=True, exist_ok=True)
    except OSError as error:
        raise StateError(
            f"cannot make the state folder {folder} ({error.strerror or error}): "
            "set service.state_dir to a folder that this user may write"
        ) from error
    async with AsyncExitStack() as stack:
        redis: RedisChannel | None = None
        channels: list[Channel] = []
        url = _RedisUrl(settings, folder, stack)
        for wanted in settings.alerts.channels:
            channel = await open_channel(wanted, settings, folder / "channels", url)
            stack.push_async_callback(put_down, f"Channel '{channel.name}'", channel.close)
            channels.append(filtered(channel, wanted.only))
            if redis is None and isinstance(channel, RedisChannel):
                redis = channel  # the first of several shows how the streams are doing
        outbox = Outbox(folder / "outbox.sqlite", [each.name for each in channels], limits=_limits(settings))
        await outbox.__aenter__()
        stack.push_async_callback(put_down, "The outbox", lambda: outbox.__aexit__(None, None, None))
        keep = settings.alerts.evidence
        curves = Curves()
        evidence = EvidenceStore(
            folder / "evidence", keep.keep_days, keep.keep_gigabytes, keep.keep_free_gigabytes, curves
        )
        detectors: dict[str, Detector] = {}
        plan: dict[str, Sequence[str]] = {}
        weights: dict[str, float] = {}
        blind = await asyncio.to_thread(recall, folder)
        blind_file = BlindFile(blind, folder)
        stack.push_async_callback(put_down, "The file of blind time", blind_file.save)
        examiner = Examiner(detectors, plan, settings.service.stale_after, weights=weights)
        stack.push_async_callback(put_down, "The detectors", examiner.close, DETECTORS_SECONDS)
        watches: dict[str, Watch] = {}

        def film(stream: str, take: Callable[[bytes], None]) -> bool:
            source = watches[stream].source if stream in watches else None
            return isinstance(source, Camera) and source.film(take)

        announcer = Announcer(outbox, evidence, film=film)
        stack.callback(announcer.close)
        storm = settings.alerts.storm
        gate = Gate(storm.more_than, storm.within, update_every=settings.alerts.update_every)
        for stream in settings.streams:  # all, before the first alert asks which others share its host
            introduce(stream, settings, gate)
        gatekeeper = Gatekeeper(gate, announcer, folder)
        await gatekeeper.begin(await outbox.open_verdicts())
        stack.push_async_callback(put_down, "The gate", gatekeeper.close)
        house = House(
            settings=settings,
            folder=folder,
            examiner=examiner,
            outbox=outbox,
            evidence=evidence,
            curves=curves,
            gatekeeper=gatekeeper,
            deliveries=[Delivery(outbox, each) for each in channels],
            redis=redis,
            redis_url=url,
            announcer=announcer,
            judged=judged,
            detectors=detectors,
            plan=plan,
            weights=weights,
            load=Load(settings.service.stale_after),
            blind=blind,
            blind_file=blind_file,
            sources={},
            views={},
            watches=watches,
        )
        stack.push_async_callback(put_down, "The ledger of uploads", house.uploads.close)
        yield house


def _limits(settings: Settings) -> Limits:
    """How much may wait for channels that are away."""
    outbox = settings.alerts.outbox
    return Limits(size=int(outbox.megabytes * 1e6), age=outbox.keep_days * 86_400)


class _RedisUrl:
    """Where Redis is: redis.url, or a redis-server of our own, which is started when it is first wanted."""

    def __init__(self, settings: Settings, folder: Path, stack: AsyncExitStack) -> None:
        self._url = settings.redis.url
        self._settings, self._folder, self._stack = settings, folder, stack

    async def __call__(self) -> str:
        if self._url is None:
            redis = self._settings.redis
            server = await self._stack.enter_async_context(
                EmbeddedRedis(self._folder / "redis", redis.port, stream_length=redis.stream_length)
            )
            self._url = server.url
            path = server.url.removeprefix("unix://")
            log.info(
                "no redis.url is set: alerts are on an embedded server; look with: redis-cli -s %s", path
            )
        return self._url
