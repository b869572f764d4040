"""Which streams are watched now: each in a task of its own, that starts and ends with the configuration."""

import asyncio
import logging
from pathlib import Path

from config.load import load
from config.problem import ConfigError
from config.settings import Settings, StreamSettings
from daemon.enrolled import stamp
from daemon.house import House
from streams.frame import StreamError

log = logging.getLogger(__name__)

# What takes effect at the next start only.
SECTIONS = ("redis", "detectors", "models", "alerts", "uploads", "service")


class Roster:
    """Starts a watch for every stream; is finished with the last recording, never while there is a camera."""

    def __init__(self, house: House, group: asyncio.TaskGroup) -> None:
        self._house = house
        self._group = group
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._standing: dict[str, tuple[object, ...]] = {}
        self._changing = asyncio.Lock()  # one reload at a time, and nobody takes a change for the end
        self.failed: set[str] = set()  # recordings that could not be read to the end

    async def apply(self, settings: Settings) -> None:
        """Ends what is gone or changed, starts what is new or changed; untouched streams lose no frame."""
        async with self._changing:
            before, after = self._standing, await asyncio.to_thread(_effective, settings, self._house.folder)
            for name in before.keys() - after.keys():
                log.info("%s: no longer watched", name)
                await self._end(name)
                await self._house.move_out(name)
            for stream in settings.streams:
                if before.get(stream.name) != after[stream.name]:
                    await self._end(stream.name)
                    alike = before.get(stream.name, ())[:-1] == after[stream.name][:-1]
                    what = "who is enrolled" if alike else "its settings"
                    again = f"watched anew, {what} changed" if stream.name in before else "watched"
                    log.info("%s: %s, %s", stream.name, again, ", ".join(settings.detectors_of(stream)))
                    self._tasks[stream.name] = self._group.create_task(
                        self._watch(settings, stream), name=f"watch {stream.name}"
                    )
            self._standing = after

    async def reload(self, config: Path) -> None:
        """Reads the file again. A bad file is said, and the last good one stays."""
        try:
            settings = await asyncio.to_thread(load, config)
        except ConfigError as error:
            log.error("not reloaded, the last good configuration stays")  # noqa: TRY400 - no traceback
            for problem in error.problems:
                log.error("%s", problem)  # noqa: TRY400
            return
        for section in SECTIONS:
            if getattr(settings, section) != getattr(self._house.settings, section):
                log.warning("%s: changed; this takes effect at the next restart", section)
        await self.apply(settings)
        log.info("reloaded %s", config)

    async def finished(self) -> None:
        """Returns when only recordings were to be watched, and all are done."""
        while True:
            async with self._changing:
                running = [task for task in self._tasks.values() if not task.done()]
            if not running:
                return
            await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)

    async def _watch(self, settings: Settings, stream: StreamSettings) -> None:
        self.failed.discard(stream.name)
        if stream.folder:
            await self._house.move_in_folder(settings, stream, stream.folder).run()
            return
        watch = await self._house.move_in(settings, stream)
        try:
            await watch.run()
        except StreamError as error:
            self.failed.add(stream.name)
            log.error("%s: %s", stream.name, error)  # noqa: TRY400 - the sentence says it all
        else:
            log.info("%s: ended; %s", stream.name, watch.summary())
        await self._house.forget(stream.name)

    async def _end(self, name: str) -> None:
        if task := self._tasks.pop(name, None):
            task.cancel()
            await asyncio.wait([task])
            await self._house.forget(name)


def _effective(settings: Settings, state: Path) -> dict[str, tuple[object, ...]]:
    """What makes a stream start anew when it changes: its settings, and who was enrolled on it."""
    return {
        stream.name: (
            stream,
            settings.sample_fps(stream),
            settings.detectors_of(stream),
            stamp(state, stream.name) if "deepfake" in settings.detectors_of(stream) else None,
        )
        for stream in settings.streams
    }
