"""A redis-server of our own, as a child: what makes alerts arrive with nothing configured."""

import asyncio
import logging
import os
import re
import subprocess
import sys
import time
from collections import Counter, deque
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from alerts.lock import Lock
from alerts.redis_data import data_folder, says_unreadable, set_aside
from alerts.redis_program import EmbeddedRedisError, end_leftover, find_server, server_version, socket_path

log = logging.getLogger(__name__)

PATIENCE = (
    10.0  # seconds until a server that does not start or stop is given up; loading its data takes longer
)
LOADING_PATIENCE = 120.0
LONGEST_RETRY = 10.0
MEGABYTE = 1_000_000
ROOM = 4_000  # bytes for one message on the Stream; most take less than half of it
URL_FILE = "redis.url"

# Asks the kernel to kill the server when we die, however we die; then becomes the server. In a process of its
# own, because Python code between fork and exec is not safe where there are threads.
DIES_WITH_US = (
    "import ctypes, os, signal, sys\n"
    "ctypes.CDLL(None).prctl(1, signal.SIGKILL)\n"  # PR_SET_PDEATHSIG
    "if os.getppid() != int(sys.argv[1]): sys.exit('the service died first')\n"
    "os.execv(sys.argv[2], sys.argv[2:])\n"
)


class EmbeddedRedis:
    """An asynchronous context manager around a redis-server that keeps its data in `folder`.

    It listens on a unix socket for this user alone, and on 127.0.0.1 where `port` is set. It is started
    again when it dies, at the same `url`. It dies with us.
    """

    def __init__(
        self,
        folder: Path,
        port: int | None = None,
        *,
        program: str | None = None,
        stream_length: int = 100_000,
    ) -> None:
        """`stream_length`: how many messages the Redis Stream keeps, from which its memory follows."""
        self.folder = folder.absolute()
        self.url = ""
        self.version = (0, 0)
        self.counts: Counter[str] = Counter()  # started, died, set_aside
        self._port = port
        self._program = program
        self._maxmemory = max(256 * MEGABYTE, 64 * MEGABYTE + stream_length * ROOM)
        self._lock = Lock(self.folder / "redis.lock")
        self._socket: Path | None = None
        self._child: asyncio.subprocess.Process | None = None
        self._told: deque[str] = deque(maxlen=20)  # the server's last words
        self._keeper: asyncio.Task[None] | None = None

    async def __aenter__(self) -> "EmbeddedRedis":
        """Returns when the server answers. Raises EmbeddedRedisError, or InUseError where another has it."""
        try:
            self._lock.__enter__()
        except OSError as error:
            raise self._unusable(error) from error
        try:
            self._program = self._program or find_server()
            self.version = await asyncio.to_thread(server_version, self._program)
            self.folder.chmod(0o700)
            self._socket = socket_path(self.folder)
            self.url = f"unix://{self._socket}"
            await asyncio.to_thread(end_leftover, self.folder)
            self._data = data_folder(self.folder, self.version)
            await self._start()
            (self.folder / URL_FILE).write_text(self.url + "\n")
        except OSError as error:
            await self._leave()
            raise self._unusable(error) from error
        except BaseException:
            await self._leave()
            raise
        self._keeper = asyncio.create_task(self._keep_alive(), name="embedded redis")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if self._keeper:
                self._keeper.cancel()
                with suppress(asyncio.CancelledError):
                    await self._keeper
        finally:
            await self._leave()

    async def _leave(self) -> None:
        try:
            await self._stop()
            with suppress(OSError):
                (self.folder / URL_FILE).unlink()
            if self._socket and self._socket.parent != self.folder:
                with suppress(OSError):
                    self._socket.parent.rmdir()
        finally:
            self._lock.__exit__(None, None, None)

    def _unusable(self, error: OSError) -> EmbeddedRedisError:
        return EmbeddedRedisError(
            f"{self.folder} cannot be used for Redis ({error}): check owner and permissions"
        )

    @property
    def pid(self) -> int | None:
        """Of the server, while it runs."""
        return self._child.pid if self._child and self._child.returncode is None else None

    async def _keep_alive(self) -> None:
        wait = 0.2
        while True:
            assert self._child is not None  # noqa: S101 - _start has been here before
            began = time.monotonic()
            await self._child.wait()
            self.counts["died"] += 1
            code = self._child.returncode or 0
            how = f"killed by signal {-code}" if code < 0 else f"exit code {code}: {self._last_words()}"
            log.warning("The embedded redis-server died (%s); starting it again", how)
            if time.monotonic() - began > 30:
                wait = 0.2
            await asyncio.sleep(wait)
            wait = min(2 * wait, LONGEST_RETRY)
            try:
                await self._start()
            except (EmbeddedRedisError, OSError) as error:
                log.warning("The embedded redis-server does not start: %s; trying again", error)

    async def _start(self) -> None:
        try:
            await self._start_once()
        except UnreadableDataError as error:
            aside = set_aside(self._data)
            self.counts["set_aside"] += 1
            log.error(  # noqa: TRY400 - words for the operator
                "%s. The data was moved to %s, and the Redis Stream begins anew; alerts that were not "
                "delivered yet are in the outbox, and will be", error, aside,
            )  # fmt: skip
            await self._start_once()

    async def _start_once(self) -> None:
        assert self._program is not None  # noqa: S101 - found on entering
        self._data.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._told.clear()
        self._child = await asyncio.create_subprocess_exec(
            sys.executable, "-I", "-S", "-c", DIES_WITH_US, str(os.getpid()),
            self._program, *self._arguments(),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C is for us: the server goes when the last alert is delivered
        )  # fmt: skip
        listener = asyncio.create_task(self._listen(self._child))
        await self._until_it_answers(self._child, listener)
        self.counts["started"] += 1

    def _arguments(self) -> list[str]:
        options = {
            "dir": self._data,
            "unixsocket": self._socket,
            "unixsocketperm": "700",
            "port": self._port or 0,
            "bind": "127.0.0.1",
            "pidfile": self.folder / "redis.pid",
            "appendonly": "yes",
            "appendfsync": "everysec",
            "save": "",  # the append-only file is enough
            "maxmemory": self._maxmemory,
            "maxmemory-policy": "noeviction",  # evicting would lose the Stream; what is refused waits
            "daemonize": "no",
            "databases": 1,
        }
        return [word for key, value in options.items() for word in (f"--{key}", str(value))]

    async def _listen(self, child: asyncio.subprocess.Process) -> None:
        assert child.stdout is not None  # noqa: S101 - it is a pipe
        async for line in child.stdout:
            text = line.decode(errors="replace").strip()
            if text:
                self._told.append(text)
                log.debug("redis-server: %s", text)

    async def _until_it_answers(
        self, child: asyncio.subprocess.Process, listener: asyncio.Task[None]
    ) -> None:
        began = time.monotonic()
        loading = False
        # The time limit is ours: with one of its own, redis-py sends under asyncio.wait_for.
        redis = Redis.from_url(
            self.url, socket_timeout=None, socket_connect_timeout=None, retry=Retry(NoBackoff(), 0)
        )
        try:
            while child.returncode is None:
                try:
                    async with asyncio.timeout(1):
                        await redis.ping()
                except (RedisError, OSError) as error:  # and TimeoutError, which is an OSError
                    loading = "LOADING" in str(error).upper()
                else:
                    return
                if time.monotonic() - began > (LOADING_PATIENCE if loading else PATIENCE):
                    await self._stop()
                    raise EmbeddedRedisError(f"redis-server did not answer in time ({self._last_words()})")
                await asyncio.sleep(0.02)
        finally:
            await redis.aclose()
        await listener  # to its last words
        words = " ".join(self._told)
        if "Address already in use" in words:
            raise EmbeddedRedisError(
                f"Port {self._port} on 127.0.0.1 is taken: choose another redis.port, or stop what has it"
            )
        if says_unreadable(words):
            raise UnreadableDataError(f"redis-server cannot read its data ({self._last_words()})")
        raise EmbeddedRedisError(f"redis-server ended as soon as it was started ({self._last_words()})")

    def _last_words(self) -> str:
        # Redis writes "PID:ROLE DAY MONTH YEAR TIME LEVEL words"; only the words are for people.
        said = [
            re.sub(r"^\d+:\w [^*#]*[*#] ", "", line) for line in self._told if not line.endswith("bye bye...")
        ]
        return said[-1] if said else "it said nothing"

    async def _stop(self) -> None:
        """SIGTERM is a clean SHUTDOWN for Redis: it writes out its append-only file. Then SIGKILL."""
        if self._child is None or self._child.returncode is not None:
            return
        for ending in (self._child.terminate, self._child.kill):
            with suppress(ProcessLookupError):
                ending()
            try:
                async with asyncio.timeout(PATIENCE):
                    await self._child.wait()
            except TimeoutError:
                log.warning("The embedded redis-server does not stop; killing it")
            else:
                return


class UnreadableDataError(EmbeddedRedisError):
    """The data on disk is damaged, or of a newer version."""


def running_url(folder: Path) -> str | None:
    """Where this folder's server listens, for other programs of the same user; None if it does not run."""
    try:
        return (folder / URL_FILE).read_text().strip() or None
    except FileNotFoundError:
        return None
