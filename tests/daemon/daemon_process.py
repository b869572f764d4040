"""The real daemon as a child process: what it says, its health page, and its end."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self, TypeVar

from tests.redis_server import free_port

T = TypeVar("T")


def framewarden(
    *arguments: str, env: dict[str, str] | None = None, timeout: float = 60
) -> subprocess.CompletedProcess[str]:
    """Runs one command to its end."""
    return subprocess.run(
        [sys.executable, "-m", "daemon.cli", *arguments],
        capture_output=True, text=True, timeout=timeout, env={**os.environ, **(env or {})}, check=False,
    )  # fmt: skip


def eventually(what: str, look: Callable[[], T | None], seconds: float = 45) -> T:
    """Looks until there is something, and fails with `what` was waited for."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := look():
            return found
        time.sleep(0.05)
    raise AssertionError(f"not within {seconds} s: {what}")


class Daemon:
    """`framewarden run` with a configuration of these streams, in a folder of its own."""

    def __init__(
        self, folder: Path, body: str, *, redis_url: str | None = None, env: dict[str, str] | None = None
    ) -> None:
        self.folder = folder
        self.state = folder / "state"
        self.config = folder / "framewarden.yaml"
        self.port = free_port()
        self._redis_url = redis_url
        self._env = env or {}
        self._log = folder / "daemon.log"
        self._process: subprocess.Popen[bytes] | None = None
        self.configure(body)

    def configure(self, body: str) -> None:
        redis = f"redis: {{url: '{self._redis_url}'}}\n" if self._redis_url else ""
        self.config.write_text(
            f"{redis}service: {{listen: '127.0.0.1:{self.port}', state_dir: '{self.state}'}}\n{body}"
        )

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._process and self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    def start(self) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "daemon.cli", "run", str(self.config)],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env={**os.environ, **self._env},
            )  # fmt: skip

    @property
    def pid(self) -> int:
        assert self._process
        return self._process.pid

    @property
    def log(self) -> str:
        return self._log.read_text()

    def signal(self, number: signal.Signals) -> None:
        assert self._process
        self._process.send_signal(number)

    def wait(self, timeout: float = 60) -> int:
        assert self._process
        return self._process.wait(timeout)

    def stop(self) -> float:
        """SIGTERM; returns the seconds it took. Fails unless the exit code is 0."""
        began = time.monotonic()
        self.signal(signal.SIGTERM)
        code = self.wait(20)
        assert code == 0, self.log
        return time.monotonic() - began

    def get(self, page: str) -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/{page}", timeout=5) as answer:
            return str(answer.read().decode())

    def health(self) -> dict[str, Any] | None:
        """The health page, or nothing while there is none."""
        try:
            page: dict[str, Any] = json.loads(self.get("healthz"))
        except (urllib.error.URLError, ConnectionError):
            return None
        return page

    def stream(self, name: str) -> dict[str, str]:
        page = self.health()
        return page["streams"].get(name, {}) if page else {}
