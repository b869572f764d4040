"""A camera over UDP in a network of its own that loses packets: run by test_lossy_network.py in a namespace.

Usage: unshare -rn python -m tests.streams.lossy_network LOST SECONDS CLIP
Prints one JSON object: the camera's counts, how many frames came, and how many of them were damaged.
"""

import asyncio
import json
import subprocess
import sys
import time
from contextlib import aclosing
from pathlib import Path

from config.settings import StreamSettings
from streams.camera import Camera
from streams.frame import Frame
from tests.rtsp import RtspServer


def lose(share: float) -> None:
    """From now on a share of all datagrams is lost."""
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    statistic = ["-m", "statistic", "--mode", "random", "--probability", str(share)]
    subprocess.run(["iptables", "-A", "INPUT", "-p", "udp", *statistic, "-j", "DROP"], check=True)


async def watch(url: str, seconds: float) -> dict[str, object]:
    """What comes through."""
    camera = Camera(StreamSettings(name="gate", url=url, transport="udp"), 5, 320)
    frames = damaged = outages = 0
    until = time.monotonic() + seconds
    async with aclosing(camera.sights()) as sights:
        async for sight in sights:
            if isinstance(sight, Frame):
                frames, damaged = frames + 1, damaged + sight.damaged
            else:
                outages += 1
            if time.monotonic() > until:
                break
    return {"frames": frames, "damaged": damaged, "outages": outages, "counts": dict(camera.counts)}


def main() -> None:
    """Loses, watches, tells."""
    share, seconds, clip = float(sys.argv[1]), float(sys.argv[2]), Path(sys.argv[3])
    lose(share)
    with RtspServer({"/gate": clip}) as server:
        print(json.dumps(asyncio.run(watch(server.url("/gate"), seconds))))


if __name__ == "__main__":
    main()
