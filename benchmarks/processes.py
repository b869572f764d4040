"""What other processes cost, and the process that everybody is compared with: bare decoding."""

import sys
from collections.abc import Sequence

import psutil

BARE_PROGRAM = """
import sys, av
container = av.open(sys.argv[1], options={"rtsp_transport": "tcp"}, timeout=(5, 5))
stream = container.streams.video[0]
stream.thread_count = 1
for picture in container.decode(stream):
    pass
"""


def cpu_seconds(processes: Sequence[psutil.Process]) -> float:
    """User and system time of all of them."""
    return sum(sum(process.cpu_times()[:2]) for process in processes)


def pss_megabytes(processes: Sequence[psutil.Process]) -> float:
    """Memory, what is shared counted in shares. Only root may look into a decoding child."""
    return sum(process.memory_full_info().pss for process in processes) / 2**20


def start_bare(url: str) -> psutil.Popen:
    """A process that decodes a camera, and nothing else."""
    return psutil.Popen([sys.executable, "-c", BARE_PROGRAM, url])
