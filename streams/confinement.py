"""What a process may do that decodes a stranger's file: compute, and talk to its parent. Nothing else."""

import ctypes
import os
import re
import resource
from pathlib import Path
from typing import Final

NICENESS: Final = 10  # behind cameras, which cannot wait
CPU_SECONDS: Final = 300  # for a small file, and
CPU_SECONDS_A_MEGABYTE: Final = 20  # beyond that: a hundred times what most files need
_CAPABILITY_VERSION: Final = 0x20080522


class _Header(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


def shut_in(size: int) -> None:
    """From now on there is no new file, socket or pipe for this process, and no end of its computing time.

    What is open stays open, so the file of `size` bytes has to be. No privilege is needed for this, nor a
    kernel of a certain age, and it holds where a service may make no namespaces.
    """
    _drop_capabilities()  # or root could lift its limits again
    os.nice(NICENESS)
    seconds = CPU_SECONDS + CPU_SECONDS_A_MEGABYTE * (size // 1_000_000)
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
    # Below the number of the first descriptor: then also one that is closed makes no room for another.
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))


def _drop_capabilities() -> None:
    """Raises OSError where there are some that stay."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.capset(ctypes.byref(_Header(_CAPABILITY_VERSION, 0)), ctypes.byref((ctypes.c_uint32 * 6)())):
        number = ctypes.get_errno()  # a hardened service may not ask, and has none
        held = re.search(r"^CapPrm:\s*0*([0-9a-f]*)$", Path("/proc/self/status").read_text(), re.MULTILINE)
        if held is None or held[1]:
            raise OSError(number, "the process that decodes cannot give up its capabilities")
