"""A stop that nothing holds up: each part has its moment to put itself down, and the process a last one."""

import asyncio
import logging
import os
import threading
import time
from collections.abc import Awaitable, Callable

log = logging.getLogger(__name__)

PART_SECONDS = 0.7  # for what only closes a file or a connection
DETECTORS_SECONDS = 2.5  # they end the batch at hand, and write down what they learned
LAST_SECONDS = 4.5  # of the 5 that a stop may take


async def put_down(what: str, close: Callable[[], Awaitable[object]], seconds: float = PART_SECONDS) -> None:
    """Waits so long for `close`; what hangs then, on a disk say, is told and left as it is."""
    limit = asyncio.timeout(seconds)
    try:
        async with limit:
            await close()
    except TimeoutError:
        if not limit.expired():
            raise
        log.warning("%s did not end within %g s and is left as it is: does a disk hang?", what, seconds)


def end_within(seconds: float = LAST_SECONDS) -> None:
    """Ends this process after so many seconds, whatever still hangs: Python would wait for its threads."""
    threading.Thread(target=_last_moment, args=(seconds,), name="last moment", daemon=True).start()


def _last_moment(seconds: float) -> None:
    time.sleep(seconds)
    others = {threading.main_thread(), threading.current_thread()}
    busy = ", ".join(sorted(each.name for each in threading.enumerate() if each not in others))
    log.error(
        "not ended after %g s, so we leave as we are; still there: %s", seconds, busy or "the event loop"
    )
    os._exit(1)
