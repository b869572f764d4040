"""Sixteen dead cameras for as many attempts as two hours hold: what they cost, and whether memory stays flat.

    python -m benchmarks.dead_cameras [--json] [--cameras 16] [--hours 2] [--faster 60]

Half of them refuse, half take connections and say nothing. Everything is real, decoding children included;
only the waits between attempts, and the timeouts, are so many times shorter. Memory is what this process and
the fork server hold for themselves, measured ten times on the way.
"""

import argparse
import asyncio
import json
import socket
import time
from contextlib import aclosing
from functools import partial

import numpy as np
import psutil

from config.settings import StreamSettings
from streams.backoff import delays
from streams.camera import Camera

TIMES = 10  # that memory is looked at
OPEN_TIMEOUT = 10.0  # seconds, as by default


async def watch(camera: Camera) -> None:
    """Takes what it yields, which are outages."""
    async with aclosing(camera.sights()) as sights:
        async for _ in sights:
            pass


def private_megabytes() -> float:
    """Of this process and of the fork server, without the children, which come and go."""
    me = psutil.Process()
    ours = [me, *(each for each in me.children() if "streams.forkserver" in each.cmdline())]
    return sum(each.memory_full_info().uss for each in ours) / 2**20


async def measure(cameras: int, hours: float, faster: float) -> dict[str, object]:
    """One run."""
    with socket.create_server(("127.0.0.1", 0), backlog=256) as silent:
        ports = 9, silent.getsockname()[1]
        waits = partial(delays, first=0.5 / faster, longest=30 / faster)
        dead = [
            Camera(
                StreamSettings(
                    name=f"c{number}",
                    url=f"rtsp://127.0.0.1:{ports[number % 2]}/{number}",
                    open_timeout=max(0.2, OPEN_TIMEOUT / faster),
                    clip_seconds=0,
                ),
                5,
                640,
                waits=waits,
            )
            for number in range(cameras)
        ]
        began, cpu = time.monotonic(), sum(psutil.Process().cpu_times()[:4])
        tasks = [asyncio.create_task(watch(each)) for each in dead]
        held = []
        for _ in range(TIMES):
            await asyncio.sleep(3600 * hours / faster / TIMES)
            held.append(private_megabytes())
        took = time.monotonic() - began
        cpu = sum(psutil.Process().cpu_times()[:4]) - cpu
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    attempts = [sum(n for what, n in each.counts.items() if "connect_failed" in what) for each in dead]
    slope = float(np.polyfit(range(TIMES - TIMES // 2), held[TIMES // 2 :], 1)[0]) * TIMES
    return {
        "seconds": took,
        "attempts": sum(attempts),
        "refused, a camera": float(np.mean(attempts[::2])),
        "silent, a camera": float(np.mean(attempts[1::2])),
        "most that backoff allows": hours * 3600 / 15 + 20,
        "cpu ms an attempt": 1000 * cpu / max(1, sum(attempts)),
        "MB after a tenth": held[0],
        "MB at the end": held[-1],
        "MB a run, second half": slope,
    }


def main() -> None:
    """Prints a table, or with --json one JSON object."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--cameras", type=int, default=16)
    parser.add_argument("--hours", type=float, default=2)
    parser.add_argument("--faster", type=float, default=60)
    wanted = parser.parse_args()
    row = asyncio.run(measure(wanted.cameras, wanted.hours, wanted.faster))
    if wanted.json:
        print(json.dumps(row, indent=1))
        return
    for key, value in row.items():
        print(f"{key:26}{value:12.2f}" if isinstance(value, float) else f"{key:26}{value:12}")


if __name__ == "__main__":
    main()
