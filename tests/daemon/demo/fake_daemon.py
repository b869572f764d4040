"""A whole fake daemon: looks at the camera, starts a real redis-server, writes states and alerts there.

Run as: python -m tests.daemon.demo.fake_daemon run CONFIG. FAKE_DAEMON in the environment may hold what it
does wrong: `no-wrong-way` never tells of the wrong way, `no-thaw` never closes a frozen picture, `dies` ends
at once, `never-learns` learns for ever.
"""

import asyncio
import os
import shutil
import signal
import sys
import threading
from pathlib import Path
from typing import Any

import av
import numpy as np
import yaml
from numpy.typing import NDArray
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisAway

from alerts.redis_channel import ALERTS, STREAMS
from tests.alert_body import alert_body

FAULTS = os.environ.get("FAKE_DAEMON", "").split()
LEARN_FRAMES = 12


def seen_on(picture: NDArray[np.uint8], still: int) -> str:
    """What the small stage shows, as kind/label; empty when it is normal."""
    blue, green, red = (float(each) for each in np.median(picture.reshape(-1, 3), axis=0))
    if still >= 3:
        return "quality/frozen"
    if max(blue, green, red) < 110 and red > green:
        return "quality/covered"
    if red > 1.6 * green:
        return "anomaly/appearance"
    if blue > 1.6 * green and "no-wrong-way" not in FAULTS:
        return "anomaly/motion"
    return ""


class Eye(threading.Thread):
    """Reads the camera, and keeps what was seen last."""

    def __init__(self, url: str) -> None:
        super().__init__(daemon=True)
        self.url = url
        self.frames = 0
        self.seen = ""

    def run(self) -> None:
        before: NDArray[np.uint8] | None = None
        still = 0
        with av.open(self.url, options={"rtsp_transport": "tcp"}, timeout=(5, 5)) as container:
            for frame in container.decode(video=0):
                picture = frame.to_ndarray(format="bgr24").astype(np.uint8)
                if before is not None:
                    still = still + 1 if np.array_equal(picture, before) else 0
                    self.seen = seen_on(picture, still)
                before = picture
                self.frames += 1


async def run(settings: dict[str, Any]) -> None:
    stream = settings["streams"][0]
    folder = Path(settings["service"]["state_dir"]) / "redis"
    folder.mkdir(parents=True, exist_ok=True)
    program = shutil.which("redis-server") or "redis-server"
    socket = folder / "s"
    server = await asyncio.create_subprocess_exec(
        *(program, "--port", "0", "--unixsocket", str(socket), "--save", "", "--dir", str(folder)),
        stdout=asyncio.subprocess.DEVNULL,
    )
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    try:
        redis = Redis(unix_socket_path=str(socket))
        await until_it_answers(redis)
        (folder / "redis.url").write_text(f"unix://{socket}\n")
        watching = asyncio.create_task(watch(redis, stream["name"], stream["url"]))
        await stop.wait()
        watching.cancel()
    finally:
        server.terminate()
        await server.wait()


async def until_it_answers(redis: Redis) -> None:
    for _ in range(200):
        try:
            await redis.ping()
        except RedisAway:
            await asyncio.sleep(0.05)
        else:
            return


async def watch(redis: Redis, stream: str, url: str) -> None:
    eye = Eye(url)
    eye.start()
    opened = ""
    alerts = 0
    while True:
        await asyncio.sleep(0.05)
        share = 0.5 if "never-learns" in FAULTS else min(1.0, eye.frames / LEARN_FRAMES)
        learning = f"cannot_tell:learning {share:.0%}" if share < 1 else "fine"
        fields: dict[Any, Any] = {
            "state": "online",
            "frames": str(eye.frames),
            "anomaly": learning,
            "quality": "fine",
        }
        await redis.hset(STREAMS + stream, mapping=fields)
        if share < 1 or eye.seen == opened:
            continue
        if opened and not (opened == "quality/frozen" and "no-thaw" in FAULTS):
            await publish(redis, stream, "closed", f"alert-{alerts}", opened)
        opened = eye.seen
        if opened:
            alerts += 1
            await publish(redis, stream, "opened", f"alert-{alerts}", opened)


async def publish(redis: Redis, stream: str, change: str, alert: str, what: str) -> None:
    kind, label = what.split("/")
    evidence = {"picture": f"/evidence/{alert}.jpg"}
    body = alert_body(change, stream, alert_id=alert, kind=kind, label=label, evidence=evidence)
    await redis.publish(f"{ALERTS}:{stream}:{kind}", body)


if __name__ == "__main__":
    if "dies" in FAULTS:
        sys.exit("the fake daemon cannot go on")
    assert sys.argv[1] == "run"
    asyncio.run(run(yaml.safe_load(Path(sys.argv[2]).read_text())))
