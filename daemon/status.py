"""What the daemon says of itself: the health page, and the state hash of each stream on Redis."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, NoReturn

from alerts.utc import stamp
from daemon.house import House
from daemon.object_counts import in_words, objects_there

SHOW_SECONDS = 1.0
RENEW_SECONDS = 10.0  # well within the life of a state on Redis: what is not renewed is gone
LAST_WORD_SECONDS = 0.5  # to say that all ended: a Redis that hangs must not hold up a stop
BLIND_SECONDS = 15.0  # pictures come, and not one was judged for so long
STUCK_SECONDS = 60.0  # a batch that takes longer: the device hangs, and only a restart helps


def states(house: House) -> dict[str, dict[str, str]]:
    """Each stream in words: is there a picture, how many were judged, what each kind of detector says."""
    shown: dict[str, dict[str, str]] = {}
    for name, watch in house.watches.items():
        until = watch.judged_until
        shown[name] = {
            "state": watch.state,
            "frames": str(watch.frames),
            "judged_until": stamp(until) if until else "",
            **watch.judge.standing,
        }
        if there := objects_there(house.detectors, name):
            shown[name]["there"] = in_words(there)
        held = [each for each in house.gatekeeper.gate.open_alerts(name) if each.why and each.told is None]
        if held:
            shown[name]["held"] = ", ".join(
                sorted(f"{each.verdict.kind}/{each.verdict.label} ({each.why})" for each in held)
            )
    return shown | {name: folder.fields() for name, folder in house.folders.items()}


def health(house: House) -> tuple[bool, dict[str, Any]]:
    """Whether the daemon itself works, and the details.

    A camera or a channel that is away makes it 'degraded', not unwell: a restart would bring neither back.
    """
    streams = states(house)
    channels = {
        each.channel.name: {
            "connected": each.connected,
            "waiting": each.waiting,
            "dropped": house.outbox.standing(each.channel.name).dropped,
            "dead_letters": house.outbox.standing(each.channel.name).dead,
            "problem": each.last_error,
        }
        for each in house.deliveries
    }
    problems = [
        f"stream {name}: {f'no picture: {watch.trouble}' if watch.trouble else 'no picture'}"
        for name, watch in house.watches.items()
        if watch.state == "offline"
    ]
    problems += [
        f"stream {name}: {watch.trouble}"
        for name, watch in house.watches.items()
        if watch.state == "ended" and watch.trouble
    ]
    problems += [
        f"stream {name}: it hardly delivers" for name, each in streams.items() if each["state"] == "degraded"
    ]
    problems += [f"stream {name}: {each.problem}" for name, each in house.folders.items() if each.problem]
    problems += [f"stream {name}: pictures come, and none is judged" for name in _blind(house)]
    problems += [f"stream {name}: {each}" for name, each in _lowered(house).items()]
    problems += [f"detector {name}: {words}" for name, words in house.examiner.troubles.items()]
    problems += [f"channel {name}: {each['problem']}" for name, each in channels.items() if each["problem"]]
    for name, each in channels.items():
        if each["dropped"]:
            problems.append(f"channel {name}: {each['dropped']} messages were dropped, too many wait for it")
        if each["dead_letters"]:
            problems.append(f"channel {name}: {each['dead_letters']} were refused: see framewarden outbox")
    if not house.outbox.durable:
        problems.append("outbox: the disk does not take alerts; they are kept in memory alone")
    stuck = house.examiner.busy_seconds > STUCK_SECONDS
    if stuck:
        problems.append(f"detectors: one batch takes {house.examiner.busy_seconds:.0f} s and more")
    status = "stuck" if stuck else "degraded" if problems else "ok"
    return not stuck, {"status": status, "problems": problems, "streams": streams, "channels": channels}


def _lowered(house: House) -> dict[str, str]:
    words = "of its pictures are looked at: there is more to do than this machine can"
    return {name: f"{share:.0%} {words}" for name, share in house.load.lowered.items()}


def _blind(house: House) -> list[str]:
    now = datetime.now(UTC)
    return [
        name
        for name, watch in house.watches.items()
        if watch.source.state == "online"
        and watch.live
        and (now - (watch.judged_until or watch.began_at)).total_seconds() > BLIND_SECONDS
    ]


async def show_states(house: House) -> NoReturn:
    """Keeps framewarden:streams:<name> true: where something changed, and from time to time anyway."""
    shown: dict[str, tuple[float, Mapping[str, str]]] = {}
    loop = asyncio.get_running_loop()
    try:
        while True:
            for name, fields in states(house).items():
                at, last = shown.get(name, (float("-inf"), {}))
                due = last != fields or loop.time() > at + RENEW_SECONDS
                if due:
                    if not await house.show(name, fields):
                        shown.clear()  # a Redis that comes back knows nothing of what it was told before
                        break
                    shown[name] = loop.time(), fields
            await asyncio.sleep(SHOW_SECONDS)
    finally:
        with suppress(TimeoutError):
            async with asyncio.timeout(LAST_WORD_SECONDS):
                for name in [*house.watches, *house.folders]:
                    await house.show(name, {"state": "ended"})
