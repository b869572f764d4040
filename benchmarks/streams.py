"""What reading and sampling cameras costs: this daemon, its peers and bare decoding, in one run.

    python -m benchmarks.streams [--streams 2] [--seconds 16] [--sizes 1080p25] [--scenes quiet] [--json]

GStreamer's RTSP server plays drawn clips in a loop: a still scene with a sensor's noise, and the same with
boxes that move. Each reader in its turn is a process of its own with so many cameras at 5 pictures a second,
and nothing else runs beside it:

  all, keyframes, gated   this daemon, 640 pixels wide; the fork server and all children count
  cv2                     one cv2.VideoCapture in a thread for each camera: grabs all, retrieves five a second
  loadstreams             ultralytics' LoadStreams, every fifth picture; only where ultralytics is installed
  bare                    PyAV decodes in a thread for each camera, and does nothing with it: the floor
  sampling                the same, and turns five pictures a second into BGR, 640 pixels wide

Then the server is killed, started again three seconds later, and it is timed until there is a new picture of
every camera.
"""

import argparse
import contextlib
import importlib.util
import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import av
import numpy as np
import psutil

from benchmarks.stream_readers import READERS, SAMPLE_FPS
from tests.clips import FPS, scene
from tests.rtsp import RtspServer

SIZES = {"1080p25": (1920, 1080, 6_000_000), "480p25": (854, 480, 1_500_000)}
SCENES = ("quiet", "moving")
CLIP_SECONDS = 4
NOISE = 12  # grey levels
SETTLE = 12.0  # seconds: the gate has seen what is quiet by then
AWAY = 3.0  # seconds that the server is away
LONGEST_START = 40.0  # seconds
LONGEST_RECOVERY = 20.0  # seconds that are waited for


class Reader:
    """One of them as a process, and what it has taken."""

    def __init__(self, name: str, urls: Sequence[str]) -> None:
        self.name, self.streams = name, len(urls)
        self.took: list[tuple[float, int, float | None]] = []  # when, camera, age
        self.process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.stream_readers", name, *urls],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with contextlib.suppress(ValueError):  # others print, too
                number, age = json.loads(line)
                self.took.append((time.monotonic(), number, age))

    @property
    def _processes(self) -> list[psutil.Process]:
        me = psutil.Process(self.process.pid)
        return [me, *me.children(recursive=True)]

    def cpu(self) -> float:
        """Seconds, of all its processes."""
        return sum(sum(each.cpu_times()[:2]) for each in self._processes)

    def memory(self) -> float:
        """Megabytes of all its processes, what is shared in shares. Only root may look into a child."""
        return sum(each.memory_full_info().pss for each in self._processes) / 2**20

    def wait(self) -> None:
        """Until it has taken a few pictures of each camera: on a busy machine that may take a while."""
        deadline = time.monotonic() + LONGEST_START
        while time.monotonic() < deadline and len(self.took) < 12 * self.streams:
            time.sleep(0.1)

    def close(self) -> None:
        for each in reversed(self._processes):
            each.kill()
        self.process.wait()


def write(path: Path, width: int, height: int, bit_rate: int, moving: bool, every: int) -> Path:
    """A clip as a camera of that rate makes it."""
    grains = np.random.default_rng(1).integers(0, NOISE + 1, (7, height, width, 3), dtype=np.uint8)
    with av.open(str(path), "w", format="h264") as container:
        rates = {"b": str(bit_rate), "maxrate": str(bit_rate), "bufsize": str(bit_rate)}
        x264 = f"aud=1:keyint={every}:bframes=0:scenecut=0"
        options = {"preset": "ultrafast", "x264-params": x264, **rates}
        stream: Any = container.add_stream("libx264", rate=FPS, options=options)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.thread_count = 1  # one slice a picture
        still = scene(0, width, height)
        for number in range(CLIP_SECONDS * FPS):
            picture = (scene(number, width, height) if moving else still) + grains[number % len(grains)]
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, "bgr24")))
        container.mux(stream.encode())
    return path


def measure(clip: Path, names: Sequence[str], streams: int, seconds: float) -> list[dict[str, Any]]:
    """One reader after another, each alone with as many cameras of its own."""
    rows = [_measured(clip, name, streams, seconds) for name in names]
    floor = next((row["cpu_percent_a_stream"] for row in rows if row["reader"] == "bare"), None)
    return [{**row, "ratio_to_bare": row["cpu_percent_a_stream"] / floor if floor else None} for row in rows]


def _measured(clip: Path, name: str, streams: int, seconds: float) -> dict[str, Any]:
    with RtspServer({f"/{number}": clip for number in range(streams)}) as server:
        urls = [server.url(f"/{number}") for number in range(streams)]
        with contextlib.closing(Reader(name, urls[:1])) as single:
            single.wait()
            alone = single.memory()
        with contextlib.closing(Reader(name, urls)) as reader:
            reader.wait()
            time.sleep(SETTLE)
            began, before = time.monotonic(), reader.cpu()
            time.sleep(seconds)
            spent, ended = reader.cpu() - before, time.monotonic()
            memory = reader.memory()
            back = _killed_and_started(server, reader)
    taken = [each for each in reader.took if began <= each[0] < ended]
    # On a machine with too much to do a reader falls behind: what it spends is counted for what it has read.
    read = streams * (ended - began) if name == "keyframes" else len(taken) / SAMPLE_FPS
    ages = sorted(age for _, number, age in taken if age is not None and number >= 0)
    return {
        "reader": name,
        "cpu_percent_a_stream": 100 * spent / read if read else float("nan"),
        "memory_mb_a_further_stream": (memory - alone) / max(1, streams - 1),
        "age_ms_p95": 1000 * ages[int(0.95 * len(ages))] if ages else None,
        "samples_lost_percent": max(0.0, 100 * (1 - len(taken) / (streams * SAMPLE_FPS * (ended - began)))),
        "of_them_unchanged_percent": 100 * sum(number < 0 for _, number, _ in taken) / max(1, len(taken)),
        "recovered_after_seconds": back,
    }


def _killed_and_started(server: RtspServer, reader: Reader) -> float | None:
    """Seconds from the server being back to a new picture of the last camera to show one; None: never."""
    server.kill()
    time.sleep(AWAY)
    server.start()
    back = time.monotonic()
    while time.monotonic() < back + LONGEST_RECOVERY:
        time.sleep(0.05)
        taken = list(reader.took)
        firsts = [
            min((at for at, number, _ in taken if number == camera and at > back), default=None)
            for camera in range(reader.streams)
        ]
        if None not in firsts:
            return max(first for first in firsts if first is not None) - back
    return None


def main() -> None:
    """Prints a table for each size and scene, or with --json one JSON list."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--streams", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=16, help="best whole groups: so a gate tells")
    parser.add_argument("--sizes", default=",".join(SIZES))
    parser.add_argument("--scenes", default=",".join(SCENES))
    parser.add_argument("--readers", default=",".join(READERS))
    parser.add_argument("--keyframe-every", type=int, default=50, help="pictures")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    names = asked.readers.split(",")
    for module, reader in (("cv2", "cv2"), ("ultralytics", "loadstreams")):
        if reader in names and importlib.util.find_spec(module) is None:
            names.remove(reader)
            print(f"{reader} is left out: {module} is not installed", file=sys.stderr)
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        for size in asked.sizes.split(","):
            for kind in asked.scenes.split(","):
                clip = write(
                    Path(folder) / f"{size}-{kind}.h264", *SIZES[size], kind == "moving", asked.keyframe_every
                )
                mbit = 8 * clip.stat().st_size / CLIP_SECONDS / 1e6
                found = measure(clip, names, asked.streams, asked.seconds)
                rows += [{"stream": f"{size} {kind}", "mbit_a_second": mbit, **row} for row in found]
                if not asked.json:
                    _show(f"{size}, {kind}, {mbit:.1f} Mbit/s", found)
    if asked.json:
        print(json.dumps(rows, indent=1))


def _show(title: str, rows: Sequence[dict[str, Any]]) -> None:
    print(title)
    for key in rows[0]:
        cells = [row[key] for row in rows]
        shown = [f"{cell:.2f}" if isinstance(cell, float) else str(cell or "-") for cell in cells]
        print(f"  {key:28}" + "".join(f"{cell:>12}" for cell in shown), flush=True)


if __name__ == "__main__":
    main()
