"""What the whole daemon costs a stream, beside bare decoding of the same stream in the same minute.

    python -m benchmarks.daemon [--json] [--streams 3] [--seconds 30] [--sizes 1080p25 480p25]

The real daemon with quality and anomaly at 5 pictures a second, on cameras that GStreamer plays, learned
before anything is counted. Beside it two plain processes only decode the same stream with PyAV. Then one
camera goes black again and again: how long from capturing a frame to the message at a Redis subscriber.
"""

import argparse
import json
import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import psutil
from av.video.stream import VideoStream
from numpy.typing import NDArray

from benchmarks.processes import cpu_seconds, pss_megabytes, start_bare
from daemon.demo.scene import FPS, ROUND_SECONDS, Scene
from tests.daemon.daemon_process import Daemon, eventually
from tests.real import require
from tests.redis_server import RedisServer
from tests.rtsp import RtspServer

BARE = 2
LEARN_MINUTES = 0.75
SETTLE = 5.0  # seconds
SIZES = {"1080p25": (1920, 1080, 6_000_000), "480p25": (854, 480, 1_500_000)}


def street(seconds: float) -> Iterator[NDArray[np.uint8]]:
    """The demo's street, round after round, at 25 pictures a second."""
    scene = Scene()
    pictures = [picture for half in (0, 1) for picture in scene.normal(half)]
    for number in range(round(25 * seconds)):
        yield pictures[number * FPS // 25 % len(pictures)]


def write_street(
    path: Path, width: int, height: int, bit_rate: int, seconds: float, blinks: bool = False
) -> None:
    """Encodes it as a camera would: a keyframe every two seconds, its own sensor noise, its bit rate.

    `blinks`: four seconds of every eight are black.
    """
    noise = np.random.default_rng(3).normal(0, 4, (8, height, width, 1)).astype(np.int8)
    with av.open(str(path), "w", format="h264") as container:
        options = {"preset": "veryfast", "x264-params": "aud=1:keyint=50:bframes=0:scenecut=0"}
        stream = container.add_stream("libx264", rate=Fraction(25), options=options)
        assert isinstance(stream, VideoStream)
        stream.width, stream.height, stream.pix_fmt, stream.thread_count = width, height, "yuv420p", 1
        stream.bit_rate = bit_rate
        for number, small in enumerate(street(seconds)):
            picture = cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)
            picture = cv2.add(picture, noise[number % 8].repeat(3, 2), dtype=cv2.CV_8U)
            if blinks and number // 100 % 2:
                picture = np.zeros_like(picture)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.asarray(picture, np.uint8), "bgr24")))
        container.mux(stream.encode())


def daemon_processes(daemon: Daemon) -> list[psutil.Process]:
    """The daemon and its decoding children."""
    me = psutil.Process(daemon.pid)
    return [me, *(p for p in me.children(recursive=True) if "redis-server" not in p.name())]


def body(urls: dict[str, str], detectors: str = "quality, anomaly") -> str:
    """A configuration of these cameras."""
    streams = "".join(f"  - {{name: {name}, url: '{url}'}}\n" for name, url in urls.items())
    return (
        f"defaults: {{detectors: [{detectors}]}}\n"
        f"detectors: {{anomaly: {{learn_minutes: {LEARN_MINUTES}}}}}\n"
        f"alerts: {{cooldown: 0}}\nstreams:\n{streams}"
    )


def learned(daemon: Daemon, names: list[str]) -> bool:
    """Whether all of them are past learning."""
    told = [daemon.stream(name).get("anomaly", "") for name in names]
    return all(text and "learning" not in text for text in told)


def cost(name: str, clip: Path, streams: int, seconds: float) -> dict[str, float | str]:
    """CPU and memory of one size."""
    with tempfile.TemporaryDirectory() as folder, RtspServer({"/clip": clip}) as server:
        url = server.url("/clip")
        names = [f"c{number}" for number in range(streams)]
        with RedisServer(require("redis-server"), Path(folder) / "redis") as redis:
            daemon = Daemon(Path(folder), body({names[0]: url}), redis_url=redis.url)
            with daemon:
                eventually("the first camera is learned", lambda: learned(daemon, names[:1]), 300)
                time.sleep(SETTLE)
                one = pss_megabytes(daemon_processes(daemon))
                daemon.configure(body(dict.fromkeys(names, url)))
                subprocess.run(["kill", "-HUP", str(daemon.pid)], check=True)
                eventually("all cameras are learned", lambda: learned(daemon, names), 600)
                bare = [start_bare(url) for _ in range(BARE)]
                time.sleep(SETTLE)
                ours = daemon_processes(daemon)
                began, cpu, bare_cpu = time.monotonic(), cpu_seconds(ours), cpu_seconds(bare)
                children, frames = cpu_seconds(ours[1:]), sum(int(daemon.stream(n)["frames"]) for n in names)
                time.sleep(seconds)
                took = time.monotonic() - began
                cpu, bare_cpu = cpu_seconds(ours) - cpu, cpu_seconds(bare) - bare_cpu
                children = cpu_seconds(ours[1:]) - children
                frames = sum(int(daemon.stream(n)["frames"]) for n in names) - frames
                all_of_them = pss_megabytes(daemon_processes(daemon))
                for each in bare:
                    each.kill()
                    each.wait()
                daemon.stop()
    share, bare_share = cpu / streams / took, bare_cpu / BARE / took
    return {
        "stream": name,
        "streams": float(streams),
        "judged_fps": frames / streams / took,
        "cpu_percent_a_stream": 100 * share,
        "of_it_decoding": 100 * children / streams / took,
        "bare_cpu_percent_a_stream": 100 * bare_share,
        "cpu_ratio": share / bare_share,
        "detecting_ms_a_frame": 1000 * (cpu - children) / frames,
        "pss_mb_one_stream": one,
        "pss_mb_a_further_stream": (all_of_them - one) / max(1, streams - 1),
    }


def latency(clip: Path, seconds: float) -> dict[str, float]:
    """From capturing the frame of an alert to its message at a subscriber, in milliseconds."""
    took: list[float] = []
    with (
        tempfile.TemporaryDirectory() as folder,
        RtspServer({"/clip": clip}) as server,
        RedisServer(require("redis-server"), Path(folder) / "redis") as redis,
        Daemon(Path(folder), body({"gate": server.url("/clip")}, "quality"), redis_url=redis.url) as daemon,
    ):
        listener: Any = redis.client().pubsub(ignore_subscribe_messages=True)
        listener.psubscribe("framewarden:alerts:*")
        over = threading.Event()
        threading.Timer(seconds, over.set).start()
        while not over.is_set():
            if message := listener.get_message(timeout=0.5):
                data = json.loads(message["data"])["data"]
                captured = datetime.fromisoformat(data["captured_at"])
                took.append(1000 * (datetime.now(UTC) - captured).total_seconds())
        daemon.stop()
    took.sort()
    return {
        "messages": float(len(took)),
        "p50_ms": statistics.median(took),
        "p95_ms": took[int(0.95 * len(took))],
    }


def main() -> None:
    """Prints tables, or with --json one JSON object."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--streams", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--sizes", nargs="+", choices=list(SIZES), default=list(SIZES))
    wanted = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for name in wanted.sizes:
            clip = Path(folder) / f"{name}.h264"
            write_street(clip, *SIZES[name], seconds=ROUND_SECONDS)
            rows.append(cost(name, clip, wanted.streams, wanted.seconds))
        blinking = Path(folder) / "blinking.h264"
        write_street(blinking, *SIZES["480p25"], seconds=ROUND_SECONDS, blinks=True)
        message = latency(blinking, 2 * wanted.seconds)
    if wanted.json:
        print(json.dumps({"cost": rows, "frame_to_message": message}, indent=1))
        return
    for key in rows[0]:
        cells = [row[key] for row in rows]
        print(f"{key:28}" + "".join(f"{c:>12.2f}" if isinstance(c, float) else f"{c:>12}" for c in cells))
    print(
        "\nframe to message at a subscriber: "
        + ", ".join(f"{key} {value:.1f}" for key, value in message.items())
    )


if __name__ == "__main__":
    main()
