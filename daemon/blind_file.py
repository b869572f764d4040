"""Where blind time is kept over restarts: blind.json in the state folder."""

import asyncio
import logging
import time
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

from alerts.blind_time import BlindTime
from alerts.utc import utc_now
from config.whole_file import write_whole

NAME = "blind.json"
SAVED_EVERY = 30.0  # seconds
log = logging.getLogger(__name__)


def recall(folder: Path) -> BlindTime:
    """Goes on where the last daemon ended; what cannot be used is moved aside, and counted anew. Slow."""
    path = folder / NAME
    try:
        return BlindTime(time.monotonic, utc_now, path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        pass
    except (OSError, ValueError) as error:
        aside = path.with_name(f"{NAME}.old")
        log.warning(
            "%s cannot be used, %s: blind time is counted anew, it was moved to %s", path, error, aside.name
        )
        with suppress(OSError):
            path.replace(aside)
    return BlindTime(time.monotonic, utc_now)


class BlindFile:
    """Writes it down from time to time."""

    def __init__(self, blind: BlindTime, folder: Path) -> None:
        self._blind = blind
        self._path = folder / NAME
        self._failing = False

    async def run(self) -> NoReturn:
        """Until cancelled."""
        while True:
            await asyncio.sleep(SAVED_EVERY)
            await self.save()

    async def save(self) -> None:
        """Once more at the end: what is not written down counts as time in which the daemon was down."""
        await asyncio.to_thread(self._write, self._blind.to_json())

    def _write(self, text: str) -> None:
        try:
            write_whole(self._path, text.encode())
        except OSError as error:
            if not self._failing:
                log.error(  # noqa: TRY400 - words for the user
                    "%s cannot be written (%s): blind time since the last restart may be lost. "
                    "Free some space on that disk", self._path, error.strerror or error,
                )  # fmt: skip
            self._failing = True
        else:
            self._failing = False
