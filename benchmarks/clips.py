"""What a ring of packets costs a camera: memory by bitrate, and the time to cut a clip.

Run: python -m benchmarks.clips
"""

import tempfile
import time
from multiprocessing import get_context
from pathlib import Path

import av
import psutil

from streams.ring import Ring
from tests.clips import write_clip

SECONDS = 4.0  # before and after, as by default
LIMIT = 12_000_000  # bytes
FILMED = 20  # seconds of each file
FILMED_AT = 10.0  # seconds


def measure(path: Path) -> str:
    """One line: the bitrate, the most that is held before and while a clip is made, the process, the clip."""
    ring, most, idle = Ring(SECONDS, LIMIT), 0, 0
    process = psutil.Process()
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        before = process.memory_info().rss
        for packet in container.demux(stream):
            if packet.pts is None or packet.time_base is None:
                continue
            now = float(packet.pts * packet.time_base)
            ring.add(packet, now)
            most = max(most, ring.size)
            if now > FILMED_AT:
                ring.want(now)
            else:
                idle = most
            if ring.due(now):
                break
        grew = process.memory_info().rss - before
        began = time.perf_counter()
        clip = ring.cut(stream)
        took = time.perf_counter() - began
    rate = path.stat().st_size * 8 / FILMED / 1e6
    return (
        f"{rate:5.1f} Mbit/s: ring {idle / 1e6:4.1f} MB, for a clip {most / 1e6:4.1f} MB, "
        f"process +{grew / 1e6:4.1f} MB, clip {len(clip) / 1e6:4.1f} MB cut in {1000 * took:.0f} ms"
    )


if __name__ == "__main__":
    alone = get_context("spawn")  # each in a process that did nothing else
    with tempfile.TemporaryDirectory() as folder:
        for bits in (1, 2, 4, 8, 16):
            path = Path(folder) / f"{bits}.mp4"
            rate = bits * 1_000_000
            write_clip(
                path, seconds=FILMED, width=1920, height=1080, keyframe_every=50, bit_rate=rate, noise=20
            )
            with alone.Pool(1) as pool:
                print(pool.apply(measure, (path,)), flush=True)
