"""1,000 alerts through a process that is killed again and again, to a Redis that has troubles of its own."""

import json
import random
import signal
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from redis.exceptions import RedisError

from alerts.redis_channel import ALERTS
from tests.alerts.crash_victim import STREAMS
from tests.redis_server import RedisServer

TROUBLES = ("up", "down", "slow", "full")  # what Redis goes through meanwhile
PATIENCE = 90.0  # seconds until everything has to have arrived


@dataclass(frozen=True)
class Outcome:
    """What was seen; none of it is a fault."""

    kills: int
    troubles: int
    doubles: int  # on the Redis Stream, recognised by their id
    heard: int  # by a subscriber of pub/sub
    gaps: int  # that it saw by the sequence numbers, and healed from the Stream


class Listener(threading.Thread):
    """Hears pub/sub, as well as Redis lets it."""

    def __init__(self, server: RedisServer) -> None:
        super().__init__(daemon=True)
        self.heard: list[tuple[str, int]] = []
        self.stopping = False
        self._server = server

    def run(self) -> None:
        while not self.stopping:
            try:
                ears = self._server.client().pubsub(ignore_subscribe_messages=True)
                ears.psubscribe(f"{ALERTS}:*")
                while not self.stopping:
                    if said := ears.get_message(timeout=0.1):
                        data = json.loads(said["data"])["data"]
                        self.heard.append((data["stream"], data["sequence"]))
            except (RedisError, OSError):
                time.sleep(0.02)


class Victim:
    """Is born again after each death, until all is delivered; notes what it says was announced."""

    def __init__(self, folder: Path, url: str, alerts: int) -> None:
        self.announced: list[tuple[str, int]] = []
        self.kills = 0
        self._command = [
            sys.executable, "-m", "tests.alerts.crash_victim", str(folder), url, str(alerts // len(STREAMS)),
        ]  # fmt: skip
        self._born()

    def _born(self) -> None:
        self._process = subprocess.Popen(
            self._command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "began\n", "it did not start"
        self._reader = threading.Thread(target=self._read, args=(self._process.stdout,))
        self._reader.start()

    def _read(self, lines: Sequence[str]) -> None:
        for line in lines:
            words = line.split()
            if line.endswith("\n") and len(words) == 2:
                self.announced.append((words[0], int(words[1])))

    def kill(self) -> None:
        """Nothing, where it has done its work and ended."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGKILL)
            self.kills += self.wait() == -signal.SIGKILL
            self._born()

    def wait(self, timeout: float = PATIENCE) -> int:
        code = self._process.wait(timeout)
        self._reader.join()
        return code

    def end(self) -> None:
        self._process.kill()
        self.wait()


def crash(
    program: str,
    folder: Path,
    seed: int,
    troubles: Sequence[str] = TROUBLES,
    *,
    kills: int,
    alerts: int = 1000,
) -> Outcome:
    """Kills at random moments. Raises AssertionError with the seed where anything was lost or reordered."""
    chance = random.Random(seed)
    with RedisServer(program, folder / "redis", "--appendonly", "yes") as server:
        listener = Listener(server)
        listener.start()
        victim = Victim(folder, server.url, alerts)
        troubled = 0
        try:
            for _ in range(kills):
                mend = _trouble(chance.choice(troubles), server)
                troubled += mend is not None
                time.sleep(chance.uniform(0.02, 0.5))
                if chance.random() < 0.5:  # killed while Redis is in trouble, or just after
                    victim.kill()
                    time.sleep(chance.uniform(0, 0.2))
                    if mend:
                        mend()
                else:
                    if mend:
                        mend()
                    time.sleep(chance.uniform(0, 0.2))
                    victim.kill()
            assert victim.wait() == 0, "the last life did not end well"
            time.sleep(0.2)
            listener.stopping = True
            listener.join()
            entries = [fields for _, fields in server.client().xrange(ALERTS)]
            doubles, gaps = _judge(entries, listener.heard, victim.announced, alerts // len(STREAMS))
        except BaseException as error:
            error.add_note(f"seed {seed}, {kills} kills, {alerts} alerts, Redis {'/'.join(troubles)}")
            raise
        finally:
            listener.stopping = True
            victim.end()
    return Outcome(victim.kills, troubled, doubles, len(listener.heard), gaps)


def _trouble(kind: str, server: RedisServer) -> Callable[[], object] | None:
    """Makes it, and returns what ends it."""
    match kind:
        case "down":
            server.kill()
            return server.start
        case "slow":
            server.pause()
            return server.resume
        case "full":
            server.client().config_set("maxmemory", 1)
            return lambda: server.client().config_set("maxmemory", 0)
    return None


def _judge(
    entries: Sequence[dict[str, str]],
    heard: Sequence[tuple[str, int]],
    announced: Sequence[tuple[str, int]],
    each: int,
) -> tuple[int, int]:
    """Doubles and gaps; raises AssertionError for what is lost, reordered, or cannot be healed."""
    arrived: defaultdict[str, list[int]] = defaultdict(list)
    ids: set[str] = set()
    for entry in entries:
        event = json.loads(entry["body"])
        if entry["id"] in ids:
            continue
        ids.add(entry["id"])
        number = int(entry["sequence"])
        arrived[entry["stream"]].append(number)
        assert event["id"] == f"{entry['stream']}-{(number + 1) // 2}.{number}"
        assert event["data"]["state"] == ("opened" if number % 2 else "closed")
        assert event["data"]["evidence"]["problem"] is None
    for stream in STREAMS:
        assert arrived[stream] == list(range(1, 2 * each + 1)), f"{stream}: lost or out of order"
    for stream, number in announced:
        assert number in arrived[stream]
    gaps = 0
    last = dict.fromkeys(STREAMS, 0)
    for stream, number in heard:
        assert number > last[stream] - 250, f"{stream}: {number} was heard long after {last[stream]}"
        if number <= last[stream]:
            continue  # heard before: the same id
        if number > last[stream] + 1:
            gaps += 1
            assert set(range(last[stream] + 1, number)) <= set(arrived[stream])
        last[stream] = number
    return len(entries) - len(ids), gaps
