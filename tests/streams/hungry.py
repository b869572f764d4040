"""Children that have next to no memory: they are born as ever, and then their limit is lowered."""

import asyncio
import resource
import socket
from pathlib import Path

from streams import forkserver

TIGHT = 8 * 2**20  # bytes more than it has when it is born


async def hungry(channel: socket.socket, memory: int) -> int:
    """Bears one, as forkserver.fork does."""
    pidfd = await forkserver.fork(channel, memory)
    pid = int(_read(f"/proc/self/fdinfo/{pidfd}").split("Pid:")[1].split()[0])
    while str(forkserver.MEMORY_LIMIT) not in _read(f"/proc/{pid}/limits"):  # noqa: ASYNC110 - it confines itself
        await asyncio.sleep(0.005)
    has = int(_read(f"/proc/{pid}/statm").split()[0]) * resource.getpagesize()
    resource.prlimit(pid, resource.RLIMIT_AS, (has + TIGHT, has + TIGHT))
    return pidfd


def _read(path: str) -> str:
    return Path(path).read_text()
