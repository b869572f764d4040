"""A real mosquitto for tests, and its own subscriber to look from outside."""

import json
import socket
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Any

from tests.redis_server import free_port


class Mosquitto:
    """A context manager. `options` are lines of its configuration, behind the listener."""

    def __init__(self, program: str, folder: Path, *options: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self.url = f"mqtt://127.0.0.1:{self.port}"
        config = folder / "mosquitto.conf"
        lines = [f"listener {self.port} 127.0.0.1", *(options or ("allow_anonymous true",))]
        config.write_text("\n".join(lines) + "\n")
        self._command = [program, "-c", str(config)]
        self._log = folder / "mosquitto.log"
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "Mosquitto":
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    def start(self) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(self._command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            except OSError:
                time.sleep(0.02)
            else:
                return
        raise AssertionError(f"mosquitto did not start: {self._log.read_text()}")

    def kill(self) -> None:
        """What it retained is forgotten."""
        if self._process:
            self._process.kill()
            self._process.wait(timeout=10)
            self._process = None


class Listener:
    """mosquitto_sub, running: every message that it printed, as (topic, retained, payload)."""

    def __init__(self, program: str, server: Mosquitto, topic: str, *options: str) -> None:
        self._process = subprocess.Popen(
            [program, "-h", "127.0.0.1", "-p", str(server.port), "-t", topic, "-q", "1", *options,
             "-F", '{"topic": "%t", "retained": %r, "hex": "%x"}'],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    def next(self) -> tuple[str, bool, str]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, self._process.stderr and self._process.stderr.read()
        said = json.loads(line)
        payload = bytes.fromhex(said["hex"]).decode("utf-8", "replace")
        return said["topic"], bool(said["retained"]), payload

    def end(self) -> None:
        self._process.kill()
        self._process.wait(timeout=10)
        for pipe in (self._process.stdout, self._process.stderr):
            if pipe:
                pipe.close()


def retained(program: str, server: Mosquitto, *options: str) -> dict[str, Any]:
    """All that the broker retains now, JSON where it is."""
    done = subprocess.run(
        [program, "-h", "127.0.0.1", "-p", str(server.port), "-t", "#", "-W", "1", "--retained-only",
         *options, "-F", '{"topic": "%t", "hex": "%x"}'],
        capture_output=True, text=True, timeout=20,
    )  # fmt: skip
    found: dict[str, Any] = {}
    for line in done.stdout.splitlines():
        said = json.loads(line)
        payload = bytes.fromhex(said["hex"])
        found[said["topic"]] = json.loads(payload) if payload.startswith(b"{") else payload
    return found
