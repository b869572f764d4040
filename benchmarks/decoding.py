"""What each way of decoding costs beside bare PyAV, by CPU time alone: it may run on a busy machine.

    python -m benchmarks.decoding [--sizes 1080p25,480p25] [--scenes quiet,moving] [--json]

The clips of benchmarks.streams, a minute of each, are read as recordings at 5 pictures a second, 640
pixels wide: nothing is lost then, however slow the machine is. Counted are the child and this process, from
the twentieth second on; a network's share, which is the same for all, is not in it. Needs ffmpeg.
"""

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
import time
from contextlib import aclosing
from pathlib import Path
from typing import Any

import psutil

from benchmarks.stream_readers import SAMPLE_FPS, WIDTH
from benchmarks.streams import SCENES, SIZES, write
from config.settings import StreamSettings
from detectors.device import limit_threads
from streams.frame import Frame
from streams.recording import Recording

ROUNDS = 14  # of the clip
FROM, TO = 20.0, 54.0  # seconds: by then the gate knows what is quiet; the end is shown whole
BARE = """
import sys, time, av
with av.open(sys.argv[1]) as container:
    stream = container.streams.video[0]
    stream.thread_count = 1
    began = None
    for picture in container.decode(stream):
        if began is None and picture.time >= float(sys.argv[2]):
            began = time.process_time(), picture.time
    print((time.process_time() - began[0]) / (picture.time - began[1]))
"""


def film(folder: Path, size: str, scene: str, every: int) -> Path:
    """The clip, so many times, in an MP4."""
    clip = write(folder / f"{size}-{scene}.h264", *SIZES[size], scene == "moving", every)
    long = clip.with_suffix(".long.h264")
    long.write_bytes(clip.read_bytes() * ROUNDS)
    whole = clip.with_suffix(".mp4")
    arguments = ["-loglevel", "error", "-y", "-r", "25", "-i", str(long), "-c", "copy", str(whole)]
    subprocess.run(["ffmpeg", *arguments], check=True)
    return whole


async def ours(path: Path, decode: Any) -> tuple[float, dict[str, int]]:
    """CPU seconds for a second of footage, and what was counted."""
    source = Recording(StreamSettings(name="clip", url=str(path), decode=decode), SAMPLE_FPS, WIDTH)
    me, child = psutil.Process(), None
    began, spent, position = 0.0, 0.0, FROM
    async with aclosing(source.sights()) as sights:
        async for sight in sights:
            assert isinstance(sight, Frame)
            if not FROM <= sight.position <= TO:
                continue
            if child is None:
                child = next(each for each in me.children(recursive=True) if _decodes(each))
            now = sum(child.cpu_times()[:2]) + time.process_time()
            if not began:
                began, position = now, sight.position
            spent, seconds = now - began, sight.position - position
    return spent / seconds, dict(source.counts)


def _decodes(process: psutil.Process) -> bool:
    """A child of the fork server."""
    parent = process.parent()
    return parent is not None and "streams.forkserver" in parent.cmdline()


def main() -> None:
    """Prints a table, or with --json one JSON list."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sizes", default=",".join(SIZES))
    parser.add_argument("--scenes", default=",".join(SCENES))
    parser.add_argument("--keyframe-every", type=int, default=50, help="pictures")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    limit_threads()
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for size in asked.sizes.split(","):
            for scene in asked.scenes.split(","):
                path = film(Path(folder), size, scene, asked.keyframe_every)
                bare = float(subprocess.check_output([sys.executable, "-c", BARE, str(path), str(FROM)]))
                row: dict[str, Any] = {"stream": f"{size} {scene}", "bare_ms": 1000 * bare}
                for decode in ("all", "keyframes", "gated"):
                    spent, counts = asyncio.run(ours(path, decode))
                    row |= {f"{decode}_ms": 1000 * spent, f"{decode}_ratio": spent / bare}
                    row[f"{decode}_decoded"] = counts["decoded"]
                rows.append(row)
                if not asked.json:
                    shown = (
                        f"{key} {value:.2f}" if isinstance(value, float) else f"{key} {value}"
                        for key, value in row.items()
                    )
                    print(", ".join(shown), flush=True)
    if asked.json:
        print(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
