"""The daemon: one TaskGroup, from the first frame to a clean stop."""

import asyncio
import logging
import os
import signal
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import NoReturn

from prometheus_client import CollectorRegistry
from prometheus_client.process_collector import ProcessCollector

from alerts.jobs import Jobs
from alerts.losses import OUTBOX, Losses
from config.load import load
from daemon.assembly import assembled
from daemon.house import House
from daemon.metrics import Ages, HouseCollector
from daemon.notify import Notifier
from daemon.overview import overview
from daemon.roster import Roster
from daemon.status import health, show_states
from daemon.upload_jobs import UploadJobs, consumer_name
from daemon.upload_web import upload_routes
from daemon.web import Web

log = logging.getLogger(__name__)

DRAIN_SECONDS = 2.0  # of the 5 that a stop may take
DELIVER_SECONDS = 60.0  # for the last messages, where nobody asked to stop but every recording is judged
LOSSES_SECONDS = 2.0  # between two looks if messages were dropped
SHARES_SECONDS = 1.0  # between two looks at what there is to look at
SWEEP_SECONDS = 600.0  # between two rounds of deleting old evidence


class Stop(Exception):  # noqa: N818 - not an error: it unwinds the TaskGroup when there is nothing left to do
    """Somebody asked to end, or every recording is judged."""


async def run(
    config: Path, deliver_seconds: float = DELIVER_SECONDS, stopping: Callable[[], None] = lambda: None
) -> int:
    """Watches until SIGTERM or SIGINT, or until every recording is judged and told. Returns the exit code.

    Where recordings are all there is, channels have `deliver_seconds` to take the last messages.
    `stopping` is called when a signal ends it: nobody waits for the end of what ends by itself.
    Raises ConfigError for the file, and what start-up can meet: see `assembled` and `Web`.
    """
    settings = load(config)
    os.umask(0o077)  # pictures of people and what is known of them: for this user alone
    notifier = Notifier()
    async with AsyncExitStack() as stack:
        registry = CollectorRegistry()  # of our own: nothing global, so that a test can have several daemons
        ProcessCollector(registry=registry)
        house = await stack.enter_async_context(assembled(settings, judged=Ages(registry).note))
        registry.register(HouseCollector(house))
        if settings.service.listen:
            await stack.enter_async_context(
                Web(
                    settings.service.listen,
                    registry,
                    lambda: health(house),
                    lambda: overview(house),
                    upload_routes(settings.uploads, house.folders),
                )
            )
        failed: set[str] = set()
        code = 0
        try:
            async with asyncio.TaskGroup() as group:
                roster = Roster(house, group)
                failed = roster.failed
                for delivery in house.deliveries:
                    group.create_task(delivery.run(), name=f"delivery to {delivery.channel.name}")
                group.create_task(_obey_signals(roster, config, group, stopping), name="signals")
                group.create_task(show_states(house), name="states")
                group.create_task(house.gatekeeper.run(), name="gate")
                group.create_task(_tell_losses(house), name="losses")
                group.create_task(_sweep(house), name="sweep")
                if settings.uploads.jobs.enabled:
                    group.create_task(_do_jobs(house), name="jobs")
                group.create_task(_share_out(house), name="shares")
                group.create_task(house.blind_file.run(), name="blind time")
                group.create_task(notifier.beat(lambda: health(house)[0]), name="watchdog")
                await house.close_orphans(settings)
                await roster.apply(settings)
                notifier.ready(f"watching {len(settings.streams)} stream(s)")
                log.info(
                    "framewarden %s is ready: %d stream(s), state in %s, metrics at %s",
                    version("framewarden"), len(settings.streams), house.folder,
                    f"http://{settings.service.listen}/metrics" if settings.service.listen else "no address",
                )  # fmt: skip
                await roster.finished()
                log.info("every recording is watched to its end, and no camera is left: stopping")
                await house.gatekeeper.finish()
                code = int(bool(failed) or not await _delivered(house, deliver_seconds))
                raise Stop  # noqa: TRY301 - this is how a TaskGroup is left
        except* Stop:
            notifier.stopping("handing over what is left")
        await asyncio.gather(*(delivery.drain(DRAIN_SECONDS) for delivery in house.deliveries))
    log.info("stopped; what no channel has taken stays in the outbox")
    return code


async def _delivered(house: House, seconds: float) -> bool:
    """Waits until every channel has every message; says and returns False where one does not take them."""
    try:
        async with asyncio.timeout(seconds):
            for delivery in house.deliveries:
                while delivery.waiting:  # noqa: ASYNC110 - it is taken rarely, and once
                    await asyncio.sleep(0.05)
    except TimeoutError:
        for delivery in house.deliveries:
            if delivery.waiting:
                log.error(  # noqa: TRY400 - words for the user
                    "%s: %d messages were not delivered: %s",
                    delivery.channel.name, delivery.waiting, delivery.last_error,
                )  # fmt: skip
        return False
    return True


async def _obey_signals(
    roster: Roster, config: Path, group: asyncio.TaskGroup, stopping: Callable[[], None]
) -> NoReturn:
    """SIGTERM and SIGINT end the daemon, SIGHUP reads the configuration again."""
    wanted: asyncio.Queue[signal.Signals] = asyncio.Queue()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, wanted.put_nowait, number)
    while (number := await wanted.get()) is signal.SIGHUP:
        group.create_task(roster.reload(config), name="reload")  # a slow one must not make us deaf
    stopping()
    log.info("%s: stopping", number.name)
    raise Stop


async def _tell_losses(house: House) -> NoReturn:
    """Raises an alert where messages are dropped: the channels that work tell it at once."""
    gate = house.gatekeeper.gate
    losses = Losses([alert.verdict for alert in gate.open_alerts(OUTBOX)])
    while True:
        standings = {name: house.outbox.standing(name) for name in (d.channel.name for d in house.deliveries)}
        now = datetime.now(UTC)
        if verdicts := losses.weigh(standings, now):
            await house.gatekeeper.announce_all(OUTBOX, verdicts, now, None)
        await asyncio.sleep(LOSSES_SECONDS)


async def _share_out(house: House) -> NoReturn:
    """Lets cameras keep as many of their pictures as can be looked at."""
    while True:
        house.load.look(house.watches, house.examiner.efforts, house.weights, time.monotonic())
        await asyncio.sleep(SHARES_SECONDS)


async def _do_jobs(house: House) -> None:
    """Does what other programs order on Redis."""
    wanted = house.settings.uploads
    jobs = Jobs(await house.redis_url(), wanted.jobs.group, consumer_name(wanted), wanted.jobs.claim_after)
    await UploadJobs(wanted, jobs, house.folders).run()


async def _sweep(house: House) -> NoReturn:
    """Deletes old evidence from time to time."""
    while True:
        await house.sweep()
        await asyncio.sleep(SWEEP_SECONDS)
