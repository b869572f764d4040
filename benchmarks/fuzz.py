"""Thousands of hostile files through the daemon: does it live, is each accounted for, does a camera notice?

    python -m benchmarks.fuzz [--files 2000] [--first 0] [--seed 1] [--results FILE] [--json]

Good files of fifteen sorts (H.264, H.265, MJPEG and MPEG-4 in MP4, Matroska, AVI, transport and bare streams,
GIF, WebP, JPEG, PNG) are damaged in seven ways; every fourth lies in its headers (100,000 x 100,000 pixels,
endless, millions of streams, bombs). They come into a watched folder while an RTSP camera is watched beside
it: once alone for a while, as the baseline, then with them. With --results, rounds of a campaign (--first)
are gathered in a file, and the table is of all of them.
"""

import argparse
import hashlib
import json
import os
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil
from prometheus_client.parser import text_string_to_metric_families
from redis import Redis

from alerts.embedded_redis import running_url
from tests.clips import write_clip
from tests.daemon.daemon_process import Daemon, eventually
from tests.hostile import Hostile, campaign, write
from tests.rtsp import RtspServer

ALONE = 20.0  # seconds of the baseline
BODY = """
streams:
  - {{name: gate, url: '{camera}', detectors: [quality], sample_fps: 5, clip_seconds: 0}}
  - {{name: uploads, folder: '{folder}', detectors: [quality]}}
uploads: {{at_once: 2, rest: 0.3, wait: 0}}
alerts: {{channels: [{{kind: redis}}]}}
"""
OUTCOMES = ("fine", "alarming", "cannot_tell", "quarantined", "lost")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=int, default=2000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--results", type=Path)
    parser.add_argument("--json", action="store_true")
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = campaign_round(Path(folder), wanted.first, wanted.files, wanted.seed)
    rounds = [found]
    if wanted.results:
        with wanted.results.open("a") as file:
            file.write(json.dumps(found) + "\n")
        rounds = [json.loads(line) for line in wanted.results.read_text().splitlines()]
    print(json.dumps(rounds, indent=1) if wanted.json else table(rounds))
    return int(any(each["rows"].get("lost") or not each["daemon_alive"] for each in rounds))


def campaign_round(
    folder: Path, first: int, count: int, seed: int, most_seconds: float = 3000
) -> dict[str, Any]:
    """One daemon, one camera, `count` files."""
    inbox, made = folder / "inbox", folder / "made"
    inbox.mkdir()
    made.mkdir()
    files = write(made, campaign(first, count, seed))
    clip = write_clip(folder / "gate.h264", seconds=4, width=640, height=360, noise=6)
    with RtspServer({"/gate": clip}) as camera:
        body = BODY.format(camera=camera.url("/gate"), folder=inbox)
        with Daemon(folder, body) as daemon:
            eventually("the camera is judged", lambda: int(daemon.stream("gate").get("frames", 0)) > 10, 120)
            before = camera_figures(daemon)
            time.sleep(ALONE)
            alone = difference(before, camera_figures(daemon))
            pid, memory = daemon.pid, megabytes(daemon.pid)
            began, before = time.monotonic(), camera_figures(daemon)
            for name in files:
                (made / name).rename(inbox / name)
            # Two files may hold the same, an empty one say: then there is one message for both.
            eventually(
                "every file is dealt with",
                lambda: not undealt(daemon, inbox, files),
                most_seconds,
            )
            seconds = time.monotonic() - began
            during = difference(before, camera_figures(daemon))
            alive = daemon.pid == pid and psutil.pid_exists(pid) and daemon.health() is not None
            grown = megabytes(daemon.pid) - memory
            time.sleep(1.5)
            left = len(decoders(daemon.pid)) - 1  # the camera's own
            outcomes = answers(folder, inbox, files)
            stopped_after = daemon.stop()
    rows: dict[str, Counter[str]] = defaultdict(Counter)
    harms: dict[str, Counter[str]] = defaultdict(Counter)
    for name, outcome in outcomes.items():
        rows[files[name].family][outcome] += 1
        harms[files[name].harm.removesuffix(" and bits")][outcome] += 1
    return {
        "first": first, "files": count, "seed": seed, "seconds": seconds, "daemon_alive": alive,
        "rows": rows, "harms": harms, "camera_alone": alone, "camera_during": during,
        "memory_grown_mb": grown, "decoders_left": left, "stopped_after": stopped_after,
    }  # fmt: skip


def undealt(daemon: Daemon, inbox: Path, files: Mapping[str, Hostile]) -> bool:
    """Whether anything is still to be done."""
    fields = daemon.stream("uploads")
    if not fields:
        return True
    done = sum(
        int(fields.get(word, 0)) for word in ("fine", "alarming", "cannot_tell", "unreadable", "known")
    )
    return done < len(files) or fields["waiting"] != "0" or fields["judging"] != "0"


def answers(folder: Path, inbox: Path, files: Mapping[str, Hostile]) -> dict[str, str]:
    """By name of the file: its verdict, quarantined, or lost."""
    url = running_url(folder / "state" / "redis")
    assert url is not None
    told: dict[str, str] = {}
    entries: Any = Redis.from_url(url, decode_responses=True).xrange("framewarden:alerts")
    for _, fields in entries:
        if fields["kind"] == "verdict":
            data = json.loads(fields["body"])["data"]
            told[data["file"]["name"]] = data["verdict"]
            told[data["file"]["sha256"]] = data["verdict"]
    found = {}
    for name in files:
        aside = inbox / "quarantine" / name
        if aside.exists():
            reason = aside.with_name(f"{name}.reason.txt")
            found[name] = "quarantined" if reason.exists() else "lost"
        else:
            found[name] = told.get(name) or told.get(sha256(inbox / name), "lost")
    return found


def sha256(path: Path) -> str:
    """Of what it holds; nothing where it is not there."""
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else ""


def camera_figures(daemon: Daemon) -> dict[str, float]:
    """Of the camera, so far."""
    figures: dict[str, float] = {"at": time.monotonic()}
    for family in text_string_to_metric_families(daemon.get("metrics")):
        for sample in family.samples:
            if sample.labels.get("stream") != "gate":
                continue
            if sample.name == "framewarden_stream_events_total":
                figures[sample.labels["event"]] = sample.value
            if sample.name == "framewarden_judged_frame_age_seconds_bucket":
                figures[f"age<={sample.labels['le']}"] = sample.value
            if sample.name == "framewarden_judged_frame_age_seconds_count":
                figures["judged"] = sample.value
    return figures


def difference(before: Mapping[str, float], after: Mapping[str, float]) -> dict[str, float]:
    """What happened in between: frames judged a second, the age that 95 of 100 kept under, outages."""
    seconds = after["at"] - before["at"]
    judged = after.get("judged", 0) - before.get("judged", 0)
    ages = [
        (float(name.removeprefix("age<=")), after[name] - before.get(name, 0))
        for name in after
        if name.startswith("age<=")
    ]
    p95 = next((age for age, count in sorted(ages) if count >= 0.95 * judged), float("inf"))
    lost = sum(
        after[name] - before.get(name, 0)
        for name in after
        if name.startswith(("dropped", "children_died", "children_killed", "connect_"))
    )
    return {
        "seconds": seconds,
        "judged_a_second": judged / seconds,
        "p95_age": p95,
        "lost_or_reconnected": lost,
    }


def megabytes(pid: int) -> float:
    """Of the daemon's own process."""
    return psutil.Process(pid).memory_info().rss / 2**20


def decoders(pid: int) -> list[psutil.Process]:
    """Children of the fork server."""
    return [
        each
        for server in psutil.Process(pid).children()
        if "streams.forkserver" in server.cmdline()
        for each in server.children()
    ]


def table(rounds: list[dict[str, Any]]) -> str:
    """Of all rounds."""
    lines = []
    for title, key in (("made from", "rows"), ("what was done to it", "harms")):
        total: dict[str, Counter[str]] = defaultdict(Counter)
        for one in rounds:
            for family, outcomes in one[key].items():
                total[family].update(outcomes)
        lines += [
            f"| {title} | files | fine | alarming | cannot tell | quarantined | lost |",
            "|---|" + "--:|" * 6,
        ]
        for family, outcomes in sorted(total.items()):
            counts = " | ".join(str(outcomes[word]) for word in OUTCOMES)
            lines.append(f"| {family} | {sum(outcomes.values())} | {counts} |")
        everything = sum(total.values(), Counter())
        counts = " | ".join(str(everything[word]) for word in OUTCOMES)
        lines += [f"| **all** | {sum(everything.values())} | {counts} |", ""]
    columns = (
        "round", "files", "seconds", "daemon alive", "camera, pictures a second: alone, during",
        "p95 age s: alone, during", "pictures lost, reconnections: alone, during", "memory grown MB",
        "decoders left", "stopped after s",
    )  # fmt: skip
    lines += [f"| {' | '.join(columns)} |", "|---|" + "--:|" * 9]
    for one in rounds:
        alone, during = one["camera_alone"], one["camera_during"]
        lines.append(
            f"| {one['first']} | {one['files']} | {one['seconds']:.0f} "
            f"| {'yes' if one['daemon_alive'] else 'NO'} "
            f"| {alone['judged_a_second']:.2f}, {during['judged_a_second']:.2f} "
            f"| {alone['p95_age']:g}, {during['p95_age']:g} "
            f"| {alone['lost_or_reconnected']:g}, {during['lost_or_reconnected']:g} "
            f"| {one['memory_grown_mb']:.0f} | {one['decoders_left']} | {one['stopped_after']:.1f} |"
        )
    load = ", ".join(f"{each:.1f}" for each in os.getloadavg())
    return "\n".join(
        [*lines, "", f"load average of the machine at the end: {load}, on {os.cpu_count()} cores"]
    )


if __name__ == "__main__":
    sys.exit(main())
