"""A real Alertmanager for tests, with one receiver: a webhook of the test's own."""

import json
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Any

import yaml

from tests.redis_server import free_port


class Alertmanager:
    """A context manager. Notifies `receiver` at once, and again within a second of every change."""

    def __init__(self, program: str, folder: Path, receiver: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        (folder / "config.yml").write_text(
            yaml.safe_dump({
                "route": {
                    "receiver": "test", "group_by": ["alertname", "stream"], "group_wait": "0s",
                    "group_interval": "1s", "repeat_interval": "1h",
                },
                "receivers": [
                    {"name": "test", "webhook_configs": [{"url": receiver, "send_resolved": True}]}
                ],
            })
        )  # fmt: skip
        self._command = [
            program, f"--config.file={folder / 'config.yml'}", f"--storage.path={folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{self.port}", "--cluster.listen-address=",
        ]  # fmt: skip
        self._log = folder / "alertmanager.log"
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "Alertmanager":
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(self._command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            try:
                urllib.request.urlopen(f"{self.url}/-/ready", timeout=1).close()  # noqa: S310 - http
            except OSError:
                time.sleep(0.02)
            else:
                return
        raise AssertionError(f"Alertmanager did not start: {self._log.read_text()}")

    def stop(self) -> None:
        if self._process:
            self._process.terminate()
            self._process.wait(timeout=10)
            self._process = None

    def alerts(self) -> list[dict[str, Any]]:
        """Those that fire now, as its own API tells."""
        with urllib.request.urlopen(f"{self.url}/api/v2/alerts", timeout=5) as answer:  # noqa: S310
            found: list[dict[str, Any]] = json.load(answer)
        return sorted(found, key=lambda alert: sorted(alert["labels"].items()))
