"""What cameras that fail cost those that do not: pictures lost, and the longest wait, for each kind of fault.

    python -m benchmarks.faults [--json] [--healthy 4] [--seconds 6] [--faults refused killed ...]

Healthy cameras are read at 5 pictures a second, as the daemon reads them, while one camera (or sixteen)
beside them fails in one way after the other. A picture is lost where it was due by the stream's own time and
did not come. Packets are lost by iptables in a network namespace of the script's own; without the right to
make one, that fault is left out, and said.
"""

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from contextlib import aclosing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.failing import FAULTS, FPS, WIDTH, Clips, Failing, camera
from streams.camera import Camera
from streams.frame import Frame
from tests.clips import write_clip
from tests.rtsp import RtspServer

INSIDE = "--inside"  # the namespace already


@dataclass
class Seen:
    """What came of one camera."""

    frames: int = 0
    lost: int = 0
    outages: int = 0
    damaged: int = 0
    longest: float = 0.0  # seconds between two pictures
    last: Frame | None = None
    words: list[str] = field(default_factory=list)

    def note(self, frame: Frame) -> None:
        """One more picture; what is missing before it was lost."""
        if self.last is not None and not frame.fresh:
            self.lost += max(0, round((frame.position - self.last.position) * FPS) - 1)
            self.longest = max(self.longest, frame.captured - self.last.captured)
        self.last, self.frames = frame, self.frames + 1
        self.damaged += frame.damaged


async def watch(camera: Camera, seen: Seen) -> None:
    """Takes each picture at once."""
    async with aclosing(camera.sights()) as sights:
        async for sight in sights:
            if isinstance(sight, Frame):
                seen.note(sight)
            else:
                seen.outages += 1
                seen.words.append(f"{sight.fault}: {sight.text.split(': ')[0].split(' ', 1)[-1]}")


async def measure(
    faults: list[str], healthy: int, seconds: float, folder: Path, lossy: str = ""
) -> list[dict[str, Any]]:
    """A row for each fault; `lossy` says why no packets can be lost."""
    clips = Clips(folder)
    clip = write_clip(folder / "well.h264", seconds=4, width=WIDTH, height=180)
    with RtspServer({f"/{number}": clip for number in range(healthy)}) as server:
        seen = [Seen() for _ in range(healthy)]
        well = [camera(f"well{n}", server.url(f"/{n}"), transport="tcp") for n in range(healthy)]
        watches = [asyncio.create_task(watch(*each)) for each in zip(well, seen, strict=True)]
        while not all(each.frames > FPS for each in seen):  # noqa: ASYNC110 - once
            await asyncio.sleep(0.1)
        rows = [
            {"fault": fault, "left out": lossy}
            if fault == "lost_packets" and lossy
            else await _beside(fault, well, seen, seconds, clips)
            for fault in faults
        ]
        for each in watches:
            each.cancel()
        await asyncio.gather(*watches, return_exceptions=True)
    return rows


async def _beside(
    fault: str, well: list[Camera], seen: list[Seen], seconds: float, clips: Clips
) -> dict[str, Any]:
    for each in seen:
        each.frames = each.lost = each.outages = 0
        each.longest = 0.0
    late = sum(each.counts["dropped_replaced"] + each.counts["dropped_unfetched"] for each in well)
    failing, failed = Failing(clips), Seen()
    began = time.monotonic()
    async with failing.fault(fault, seconds):
        tasks = [asyncio.create_task(watch(each, failed)) for each in failing.cameras]
        await asyncio.sleep(seconds)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return {
        "fault": fault,
        "frames": [each.frames for each in seen],
        "lost": [each.lost for each in seen],
        "of them taken too late": -late
        + sum(each.counts["dropped_replaced"] + each.counts["dropped_unfetched"] for each in well),
        "outages": sum(each.outages for each in seen),
        "longest": max(each.longest for each in seen),
        "seconds": time.monotonic() - began,
        "failing frames": failed.frames,
        "failing damaged": failed.damaged,
        "failing said": max(failed.words, key=failed.words.count) if failed.words else "",
    }


def main() -> None:
    """Prints a table, or with --json a list of objects."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--healthy", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=6)
    parser.add_argument("--faults", nargs="+", choices=FAULTS, default=list(FAULTS))
    parser.add_argument(INSIDE, action="store_true", help=argparse.SUPPRESS)
    wanted = parser.parse_args()
    lossy = ""
    if "lost_packets" in wanted.faults:
        lossy = _lose() if wanted.inside else _go_inside()
    with tempfile.TemporaryDirectory() as folder:
        rows = asyncio.run(measure(wanted.faults, wanted.healthy, wanted.seconds, Path(folder), lossy))
    if wanted.json:
        print(json.dumps(rows, indent=1))
        return
    print(f"{'fault':18}{'pictures':>9}{'lost':>6}{'outages':>9}{'longest ms':>12}  the failing camera")
    for row in rows:
        if "left out" in row:
            print(f"{row['fault']:18}left out: {row['left out']}")
            continue
        counts = f"{sum(row['frames']):9}{sum(row['lost']):6}{row['outages']:9}{1000 * row['longest']:12.0f}"
        showed = f"{row['failing frames']} pictures, {row['failing damaged']} damaged"
        print(f"{row['fault']:18}{counts}  {showed}; {row['failing said'][:50] or 'no outage'}")


def _go_inside() -> str:
    """Starts this script again in a network of its own; why not, where that is not to be had."""
    inside = ["unshare", "--map-root-user", "--net"]
    try:
        subprocess.run([*inside, "iptables", "-L"], check=True, capture_output=True)
    except FileNotFoundError as error:
        return f"{error.filename} is not installed"
    except subprocess.CalledProcessError as error:
        return error.stderr.decode().strip() or "no network of its own may be made here"
    again = [*inside, sys.executable, "-m", "benchmarks.faults", *sys.argv[1:], INSIDE]
    return os.execvp(again[0], again)  # noqa: S606 - ourselves


def _lose() -> str:
    """From now on a tenth of all datagrams is lost; what is healthy goes over TCP."""
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    rule = ["-p", "udp", "-m", "statistic", "--mode", "random", "--probability", "0.1", "-j", "DROP"]
    subprocess.run(["iptables", "-A", "INPUT", *rule], check=True)
    return ""


if __name__ == "__main__":
    main()
