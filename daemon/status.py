"""What the daemon says of itself: the health page, and the state hash of each stream on Redis."""

import asyncio
import logging
from typing import Any, NoReturn

from alerts.channel import PublishError
from daemon.house import House

log = logging.getLogger(__name__)

SHOW_SECONDS = 1.0
STUCK_SECONDS = 60.0  # a batch that takes longer: the device hangs, and only a restart helps


def states(house: House) -> dict[str, dict[str, str]]:
    """Each stream in words: is there a picture, how many were judged, what each kind of detector says."""
    shown: dict[str, dict[str, str]] = {}
    for name, watch in house.watches.items():
        shown[name] = {
            "state": watch.state,
            "frames": str(watch.frames),
            "last_frame_at": watch.last_frame.captured_at.isoformat(timespec="milliseconds")
            if watch.last_frame
            else "",
            **watch.judge.standing,
        }
    return shown


def health(house: House) -> tuple[bool, dict[str, Any]]:
    """Whether the daemon itself works, and the details. A camera or channel that is away makes it
    'degraded', not unwell: restarting the daemon would bring neither back."""
    streams = states(house)
    channels = {
        each.channel.name: {"connected": each.connected, "waiting": each.waiting, "problem": each.last_error}
        for each in house.deliveries
    }
    stuck = house.examiner.busy_seconds > STUCK_SECONDS
    away = [name for name, state in streams.items() if state["state"] == "offline"]
    degraded = bool(away) or not all(each["connected"] is not False for each in channels.values())
    status = "stuck" if stuck else "degraded" if degraded else "ok"
    return not stuck, {"status": status, "streams": streams, "channels": channels}


async def show_states(house: House) -> NoReturn:
    """Keeps framewarden:streams:<name> true. Best effort: the delivery task says when Redis is away."""
    shown: dict[str, dict[str, str]] = {}
    while True:
        await asyncio.sleep(SHOW_SECONDS)
        if house.redis is None:
            continue
        for name, fields in states(house).items():
            if shown.get(name) != fields:
                try:
                    await house.redis.show(name, fields)
                except PublishError:
                    house.outbox.counts["states_not_shown"] += 1
                    shown.clear()
                    break
                shown[name] = fields
