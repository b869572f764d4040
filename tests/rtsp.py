"""A real camera for tests: GStreamer's RTSP server as a child, to be frozen, killed and restarted."""

import json
import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Literal, Self
from urllib.parse import quote

from tests.real import absent

PYTHON = "/usr/bin/python3"  # the system's own has `gi`
SCRIPT = Path(__file__).parent / "streams" / "rtsp_server.py"


@cache
def _why_not() -> str:
    needs = "import gi; gi.require_version('GstRtspServer', '1.0'); from gi.repository import GstRtspServer"
    if not shutil.which(PYTHON):
        return f"no {PYTHON}"
    if subprocess.run([PYTHON, "-c", needs], capture_output=True, check=False).returncode:
        return f"{PYTHON} has no GStreamer RTSP server (gir1.2-gst-rtsp-server-1.0, python3-gi)"
    return ""


class RtspServer:
    """Serves elementary streams (see tests/clips.py) in endless loops on loopback.

    `clips` maps a path such as "/gate" to a .h264 or .h265 file. The port stays the same over restarts.
    With a certificate and its key (PEM files) it speaks RTSPS.
    """

    def __init__(
        self,
        clips: Mapping[str, Path],
        *,
        user: str = "",
        password: str | None = None,
        auth: Literal["basic", "digest"] = "digest",
        protocol: Literal["tcp", "udp"] | None = None,
        certificate: tuple[Path, Path] | None = None,
    ) -> None:
        if why_not := _why_not():
            absent(why_not)
        self._wanted = {
            "clips": {path: str(clip) for path, clip in clips.items()},
            "user": user,
            "password": password,
            "auth": auth,
            "protocol": protocol,
            "certificate": certificate and [str(path) for path in certificate],
        }
        self.port = _free_port()
        self.process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def start(self) -> None:
        """Returns once it listens."""
        wanted = json.dumps({**self._wanted, "port": self.port})
        self.process = subprocess.Popen(
            [PYTHON, str(SCRIPT), wanted],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )
        assert self.process.stdout is not None
        assert self.process.stdout.readline().strip() == str(self.port), "the RTSP server did not start"

    def kill(self) -> None:
        """Ends it without a goodbye to anybody."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            assert self.process.stdout is not None
            self.process.stdout.close()
            self.process = None

    def restart(self) -> None:
        """Kills it and starts it again on the same port."""
        self.kill()
        self.start()

    def freeze(self) -> None:
        """Connections stay open, and nothing moves any more."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Ends a freeze."""
        assert self.process is not None
        self.process.send_signal(signal.SIGCONT)

    def url(self, path: str, user: str = "", password: str = "") -> str:
        """The address of a clip, with credentials written as an address wants them."""
        who = f"{quote(user, safe='')}:{quote(password, safe='')}@" if user else ""
        scheme = "rtsps" if self._wanted["certificate"] else "rtsp"
        return f"{scheme}://{who}127.0.0.1:{self.port}{path}"


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port
