"""Real redis-servers for tests: on a unix socket, or a free loopback port; killed, paused, started again."""

import signal
import socket
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Any

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError, NoPermissionError, RedisError
from redis.retry import Retry


class RedisServer:
    """A context manager. What it kept (`--appendonly yes`) is there again after `kill` and `start`."""

    def __init__(
        self,
        program: str,
        folder: Path,
        *options: str,
        port: bool = False,
        config: Path | None = None,
        at: int | None = None,
    ) -> None:
        """`options` are redis-server's own, such as "--maxmemory", "2mb"; `port`: on a free one too.

        With a `config` it is a Sentinel, which listens at the port `at` as that file says.
        """
        folder.mkdir(parents=True, exist_ok=True)
        self.socket = folder / "redis.sock"
        self.port = at or (free_port() if port else 0)
        self.url = f"redis://127.0.0.1:{self.port}" if self.port else f"unix://{self.socket}"
        self._command = [program, "--dir", str(folder), "--unixsocket", str(self.socket), "--save", "",
                         "--bind", "127.0.0.1", "--port", str(self.port), *options]  # fmt: skip
        if config:
            self._command = [program, str(config), "--sentinel", "--dir", str(folder),
                             "--unixsocket", str(self.socket), *options]  # fmt: skip
        self._log = folder / "redis.log"
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "RedisServer":
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.resume()
        self.kill()

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Returns when the server answers, if only to ask for a password."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(self._command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            try:
                self.client().ping()
            except (AuthenticationError, NoPermissionError):
                return
            except RedisError as error:
                if any(word in str(error) for word in ("Authentication required", "NOAUTH", "NOPERM")):
                    return
                if self._process.poll() is not None:
                    break
                time.sleep(0.01)
            else:
                return
        raise AssertionError(f"redis-server did not start: {self._log.read_text()}")

    def stop(self) -> None:
        """As an operator would: SIGTERM."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        self._end(signal.SIGKILL)

    def restart(self) -> None:
        self.stop()
        self.start()

    def pause(self) -> None:
        """SIGSTOP: it keeps its connections and answers nobody."""
        if self._process:
            self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        if self._process:
            self._process.send_signal(signal.SIGCONT)

    def client(self, **options: Any) -> Any:
        """A plain, synchronous client, to look from outside. Untyped, as half of redis-py is."""
        return Redis(
            unix_socket_path=str(self.socket), decode_responses=True, socket_timeout=5,
            retry=Retry(NoBackoff(), 0), **options,
        )  # fmt: skip

    def _end(self, how: signal.Signals) -> None:
        if self._process:
            self._process.send_signal(how)
            self._process.wait(timeout=10)


def free_port() -> int:
    """A loopback port that nobody had a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
