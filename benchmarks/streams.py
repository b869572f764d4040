"""What reading and sampling a camera costs, beside bare decoding of the same camera in the same minute.

    python -m benchmarks.streams [--json] [--seconds 12]

GStreamer's RTSP server plays a drawn clip in a loop. Four cameras are read at 5 pictures a second, each as
wide as 640 pixels; at the same time plain processes do nothing but decode the same stream with PyAV, and
others decode it, and convert 5 pictures a second as we do, but keep them to themselves. Counted are all
processes: this one, the fork server, the children.
"""

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import aclosing
from pathlib import Path

import psutil

from config.settings import StreamSettings
from streams.camera import Camera
from streams.frame import Frame
from tests.clips import write_clip
from tests.rtsp import RtspServer

SIZES = {"1080p25": (1920, 1080, 6_000_000), "480p25": (854, 480, 1_500_000)}
STREAMS, BARE = 4, 2
SAMPLE_FPS, WIDTH = 5, 640
SETTLE = 4.0  # seconds
BARE_PROGRAM = """
import sys, av
container = av.open(sys.argv[1], options={"rtsp_transport": "tcp"}, timeout=(5, 5))
stream = container.streams.video[0]
stream.thread_count = 1
for number, picture in enumerate(container.decode(stream)):
    if sys.argv[2] == "sampling" and number % 5 == 0:
        picture.reformat(640, 360, "bgr24", interpolation="FAST_BILINEAR")
"""


def ours(server: RtspServer) -> list[psutil.Process]:
    """This process and all under it, but not the camera."""
    me = psutil.Process()
    assert server.process is not None
    others = [child for child in me.children() if "streams.forkserver" in child.cmdline()]
    return [me, *others, *(child for other in others for child in other.children())]


def cpu_seconds(processes: Sequence[psutil.Process]) -> float:
    """User and system time of all of them."""
    return sum(sum(process.cpu_times()[:2]) for process in processes)


def pss_megabytes(processes: list[psutil.Process]) -> float:
    """Memory, what is shared counted in shares. Only root may look into a decoding child."""
    return sum(process.memory_full_info().pss for process in processes) / 2**20


def start_plain(url: str, kind: str) -> psutil.Popen:
    """A process that decodes, or that decodes and converts."""
    return psutil.Popen([sys.executable, "-c", BARE_PROGRAM, url, kind])


async def drain(camera: Camera, ages: list[float]) -> None:
    """Takes each picture at once and notes how old it is."""
    async with aclosing(camera.sights()) as sights:
        async for sight in sights:
            if isinstance(sight, Frame):
                ages.append(time.monotonic() - sight.captured)  # noqa: PERF401 - read while it grows


async def measure(name: str, clip: Path, seconds: float) -> dict[str, float | str]:
    """One size."""
    ages: list[float] = []
    with RtspServer({"/clip": clip}) as server:
        url = server.url("/clip")
        cameras = [
            Camera(StreamSettings(name=f"c{number}", url=url), SAMPLE_FPS, WIDTH) for number in range(STREAMS)
        ]
        tasks = [asyncio.create_task(drain(cameras[0], ages))]
        await asyncio.sleep(SETTLE)
        one = pss_megabytes(ours(server))
        tasks += [asyncio.create_task(drain(camera, ages)) for camera in cameras[1:]]
        plain = {kind: [start_plain(url, kind) for _ in range(BARE)] for kind in ("bare", "sampling")}
        await asyncio.sleep(SETTLE)
        our_processes = ours(server)
        began = time.monotonic()
        groups: dict[str, Sequence[psutil.Process]] = {"ours": our_processes, **plain}
        cpu = {kind: cpu_seconds(processes) for kind, processes in groups.items()}
        decoded = sum(camera.counts["decoded"] for camera in cameras)
        sampled = sum(camera.counts["delivered"] for camera in cameras)
        await asyncio.sleep(seconds)
        cpu = {kind: cpu_seconds(processes) - cpu[kind] for kind, processes in groups.items()}
        took = time.monotonic() - began
        decoded = sum(camera.counts["decoded"] for camera in cameras) - decoded
        sampled = sum(camera.counts["delivered"] for camera in cameras) - sampled
        all_of_them = pss_megabytes(ours(server))
        lost = sum(count for camera in cameras for what, count in camera.counts.items() if "dropped" in what)
        await asyncio.gather(*(camera.close() for camera in cameras))
        await asyncio.gather(*tasks)
        for process in plain["bare"] + plain["sampling"]:
            process.kill()
            process.wait()
    share = {"ours": cpu["ours"] / STREAMS / took}
    share |= {kind: cpu[kind] / BARE / took for kind in plain}
    return {
        "stream": name,
        "decoded_fps": decoded / STREAMS / took,
        "sampled_fps": sampled / STREAMS / took,
        "dropped": float(lost),
        "cpu_percent_a_stream": 100 * share["ours"],
        "bare_cpu_percent_a_stream": 100 * share["bare"],
        "sampling_cpu_percent_a_stream": 100 * share["sampling"],
        "cpu_ratio_to_bare": share["ours"] / share["bare"],
        "cpu_ratio_to_sampling": share["ours"] / share["sampling"],
        "pss_mb_a_further_stream": (all_of_them - one) / (STREAMS - 1),
        "age_ms_p95": 1000 * sorted(ages)[int(0.95 * len(ages))],
    }


def main() -> None:
    """Prints a table, or with --json one JSON object."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--seconds", type=float, default=12)
    wanted = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for name, (width, height, bit_rate) in SIZES.items():
            clip = Path(folder) / f"{name}.h264"
            write_clip(clip, seconds=4, width=width, height=height, bit_rate=bit_rate, noise=12)
            rows.append(asyncio.run(measure(name, clip, wanted.seconds)))
            rows[-1]["mbit_a_second"] = 8 * clip.stat().st_size / 4 / 1e6
    if wanted.json:
        print(json.dumps(rows, indent=1))
        return
    for key in rows[0]:
        cells = [row[key] for row in rows]
        shown = [f"{cell:.2f}" if isinstance(cell, float) else cell for cell in cells]
        print(f"{key:32}" + "".join(f"{cell:>12}" for cell in shown))


if __name__ == "__main__":
    main()
