"""A child that decodes a file cannot reach anything else, whoever has taken it over."""

import os
import resource
import subprocess
import sys
from collections import Counter
from contextlib import aclosing
from pathlib import Path

import psutil
import pytest

from config.settings import StreamSettings
from streams.child import Child, job_for
from streams.confinement import CPU_SECONDS, NICENESS
from streams.message import Picture
from tests.clips import write_clip

SHUT_IN = """
import os, resource, socket, sys
from streams.confinement import shut_in
file = open(sys.argv[1], "r+b", buffering=0)
shut_in(5_000_000)
{attempt}
"""
ATTEMPTS = {
    "another file": "open('/etc/hostname')",
    "a new file": "open(sys.argv[1] + '.new', 'w')",
    "a socket": "socket.socket()",
    "a pipe": "os.pipe()",
    "a copy of a descriptor": "os.dup(0)",
    "a file in the place of one that it closed": "os.close(0); open('/etc/hostname')",
    "more of a file that is open": "file.seek(0, 2); file.write(b'more')",
    "another process": "os.fork()",
    "its limits": "resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))",
    "a file system's root": "os.chroot('/')",
}


@pytest.mark.parametrize("attempt", ATTEMPTS.values(), ids=ATTEMPTS)
def test_nothing_is_to_be_had(tmp_path: Path, attempt: str) -> None:
    """Root is bound by it, too, but for processes, of which root may always have more."""
    if "fork" in attempt and os.geteuid() == 0:
        pytest.skip("the kernel counts no processes of root")
    (tmp_path / "file").write_bytes(b"content")
    program = [sys.executable, "-c", SHUT_IN.format(attempt=attempt), str(tmp_path / "file")]
    done = subprocess.run(program, capture_output=True, text=True, check=False, timeout=20)
    words = ("Error: [Errno", "not allowed to raise maximum limit")
    assert done.returncode == 1 and any(each in done.stderr for each in words), done.stderr
    assert (tmp_path / "file").read_bytes() == b"content"
    assert not (tmp_path / "file.new").exists()


async def test_the_child_of_a_recording_is_shut_in(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "a.mp4", seconds=2)
    settings = StreamSettings(name="upload", url=str(clip))
    job = job_for(settings, live=False, sample_fps=5, width=64)
    before = {child.pid for child in psutil.Process().children(recursive=True)}
    pictures = 0
    async with Child(job, Counter()) as child, aclosing(child.messages()) as messages:  # type: ignore[type-var]
        async for message in messages:
            if not isinstance(message, Picture):
                continue
            child.take(message)
            pictures += 1
            if pictures > 1:
                continue
            born = [each for each in psutil.Process().children(recursive=True) if each.pid not in before]
            (one,) = (each for each in born if each.ppid() != os.getpid())  # not the fork server
            assert resource.prlimit(one.pid, resource.RLIMIT_NOFILE) == (0, 0)
            assert resource.prlimit(one.pid, resource.RLIMIT_FSIZE) == (0, 0)
            assert resource.prlimit(one.pid, resource.RLIMIT_CPU) == (CPU_SECONDS, CPU_SECONDS)
            assert one.nice() == min(os.nice(0) + NICENESS, 19)
            status = Path(f"/proc/{one.pid}/status").read_text()  # noqa: ASYNC240 - no disk
            assert "Threads:\t1\n" in status, "or another user than root could not decode"
            assert "NoNewPrivs:\t1" in status and "CapEff:\t0000000000000000" in status
    assert pictures == 10, "and it decodes all the same"
