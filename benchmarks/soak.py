"""Half an hour on two cameras with faults: does memory grow, is an alert lost, does it stop cleanly?

    python -m benchmarks.soak [--minutes 30] [--json]

The real daemon, two RTSP cameras, a real Redis. Every two minutes something breaks: a camera is killed, a
camera stands still, Redis is killed, everything at once. Every outage must have been told, opened and closed,
in order and without a gap; the memory of the daemon and its children is fitted over the second half of the
time.
"""

import argparse
import json
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from alerts.roll_up import HOUSE
from benchmarks.daemon import SIZES, body, daemon_processes, learned, write_street
from daemon.demo.scene import ROUND_SECONDS
from tests.daemon.daemon_process import Daemon, eventually
from tests.real import require
from tests.redis_server import RedisServer
from tests.rtsp import RtspServer

EVERY, LASTS = 120.0, 20.0  # seconds between two faults, and how long each lasts
NAMES = ("gate", "yard")


class Faults:
    """Breaks things in turn, and notes which cameras (or host) should have been told offline how often."""

    def __init__(self, cameras: dict[str, RtspServer], redis: RedisServer) -> None:
        self._cameras = cameras
        self._redis = redis
        self.expected: Counter[str] = Counter()
        self.done: list[str] = []

    def strike(self) -> None:
        """One fault, from its beginning to its end."""
        number = len(self.done)
        name = NAMES[number // 4 % 2]
        camera = self._cameras[name]
        match number % 4:
            case 0:
                self._note(f"{name} killed", name)
                camera.kill()
                time.sleep(LASTS)
                camera.start()
            case 1:
                self._note(f"{name} stands still", name)
                camera.freeze()
                time.sleep(LASTS)
                camera.thaw()
            case 2:
                self._note("redis killed")
                self._redis.kill()
                time.sleep(LASTS)
                self._redis.start()
            case _:
                self._note("everything killed", HOUSE)  # both are on one host: one alert
                self._redis.kill()
                for each in self._cameras.values():
                    each.kill()
                time.sleep(LASTS)
                for each in self._cameras.values():
                    each.start()
                self._redis.start()

    def _note(self, what: str, *offline: str) -> None:
        self.done.append(what)
        self.expected.update(offline)


def soak(minutes: float) -> dict[str, Any]:
    """Runs it and returns what was found."""
    memory: list[tuple[float, float]] = []
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        clip = folder / "street.h264"
        write_street(clip, *SIZES["480p25"], seconds=ROUND_SECONDS)
        options = ("--appendonly", "yes", "--appendfsync", "always")
        cameras = {name: RtspServer({"/clip": clip}) for name in NAMES}
        with (
            cameras[NAMES[0]],
            cameras[NAMES[1]],
            RedisServer(require("redis-server"), folder / "redis", *options) as redis,
            Daemon(
                folder, body({name: c.url("/clip") for name, c in cameras.items()}), redis_url=redis.url
            ) as daemon,
        ):
            began = time.monotonic()
            eventually("both cameras are learned", lambda: learned(daemon, list(NAMES)), 300)
            faults, due = Faults(cameras, redis), time.monotonic() + EVERY / 2
            while time.monotonic() < began + 60 * minutes:
                time.sleep(5)
                memory.append((time.monotonic() - began, own_megabytes(daemon)))
                print(
                    f"{memory[-1][0]:6.0f} s  {memory[-1][1]:7.1f} MB  {len(faults.done)} faults",
                    file=sys.stderr,
                )
                if time.monotonic() >= due and time.monotonic() < began + 60 * minutes - 60:
                    due += EVERY
                    faults.strike()
            frames = {name: int(daemon.stream(name)["frames"]) for name in NAMES}
            stop_seconds = daemon.stop()
            entries: Any = redis.client().xrange("framewarden:alerts")
            log = daemon.log
    told = [json.loads(fields["body"]) for _, fields in entries]
    return {
        "minutes": minutes,
        "faults": faults.done,
        "frames_judged": frames,
        "alerts": dict(
            Counter(f"{m['subject']} {m['data']['label']} {m['type'].split('.')[-1]}" for m in told)
        ),
        "expected_offline": dict(faults.expected),
        "lost_sequence_numbers": _gaps(told),
        "opened_but_not_closed": _left_open(told),
        "memory_mb_first_last": [round(memory[0][1], 1), round(memory[-1][1], 1)],
        "memory_growth_mb_an_hour": _growth(memory),
        "stop_seconds": round(stop_seconds, 2),
        "tracebacks": log.count("Traceback"),
    }


def own_megabytes(daemon: Daemon) -> float:
    """Anonymous memory of the daemon and its children.

    Not the pages of libraries: those are shared with whatever else on the machine runs torch, and private or
    proportional set sizes rise by hundreds of megabytes when a neighbour ends.
    """
    rollups = (Path(f"/proc/{each.pid}/smaps_rollup").read_text() for each in daemon_processes(daemon))
    lines = (line.split() for text in rollups for line in text.splitlines())
    return sum(int(words[1]) for words in lines if words[0] == "Pss_Anon:") / 1024


def _gaps(told: list[dict[str, Any]]) -> dict[str, int]:
    """How many sequence numbers never arrived, of each stream."""
    numbers: dict[str, set[int]] = {}
    for message in told:
        numbers.setdefault(message["subject"], set()).add(message["data"]["sequence"])
    return {stream: max(seen) - len(seen) for stream, seen in numbers.items()}


def _left_open(told: list[dict[str, Any]]) -> list[str]:
    last = {m["data"]["alert_id"]: f"{m['subject']} {m['data']['label']} {m['data']['state']}" for m in told}
    return [words for words in last.values() if not words.endswith("closed")]


def _growth(memory: list[tuple[float, float]]) -> float | None:
    """MB an hour of a straight line through what came after warming up."""
    warm = [(at, mb) for at, mb in memory if at > memory[-1][0] / 2]
    if len(warm) < 10:
        return None
    slope = np.polyfit([at for at, _ in warm], [mb for _, mb in warm], 1)[0]
    return round(float(slope) * 3600, 2)


def main() -> None:
    """Prints one JSON object; its lines are short enough to be read."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--json", action="store_true", help="the same, on one line")
    wanted = parser.parse_args()
    print(json.dumps(soak(wanted.minutes), indent=None if wanted.json else 1))


if __name__ == "__main__":
    main()
