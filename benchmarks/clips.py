"""What a ring of packets costs a camera: memory by bitrate, and the time to cut a clip.

Run: python -m benchmarks.clips
"""

import tempfile
import time
from pathlib import Path

import av
import psutil

from streams.ring import Ring
from tests.clips import write_clip

SECONDS = 4.0  # before and after, as by default
LIMIT = 12_000_000  # bytes
FILMED = 20  # seconds of each file


def measure(path: Path) -> str:
    """One line: the file's bitrate, the most the ring held, what the process grew by, the clip, its time."""
    ring, most = Ring(SECONDS, LIMIT), 0
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
            if now > 10:
                ring.want(now)
            if ring.due(now):
                break
        grown = process.memory_info().rss - before
        began = time.perf_counter()
        clip = ring.cut(stream)
        took = time.perf_counter() - began
    rate = path.stat().st_size * 8 / FILMED / 1e6
    held, grew, size = most / 1e6, grown / 1e6, len(clip) / 1e6
    return (
        f"{rate:5.1f} Mbit/s: ring {held:4.1f} MB, process +{grew:4.1f} MB, "
        f"clip {size:4.1f} MB cut in {1000 * took:.0f} ms"
    )


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        for bits in (1, 2, 4, 8, 16):
            path = Path(folder) / f"{bits}.mp4"
            rate = bits * 1_000_000
            write_clip(
                path, seconds=FILMED, width=1920, height=1080, keyframe_every=50, bit_rate=rate, noise=20
            )
            print(measure(path), flush=True)
