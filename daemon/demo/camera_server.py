"""A camera for the demo: an RTSP server on loopback that plays two half reels in turn, for ever.

Run as a child: python -m daemon.demo.camera_server FOLDER PORT HALF_SECONDS. It plays FOLDER's half-0.mp4 and
half-1.mp4 at rtsp://127.0.0.1:PORT/camera.mp4?play_count=0; whoever replaces one of these files changes what
is seen from the next time it is played. Says `on air N` on stdout when it begins to play half N, and ends
when its stdin is closed, so it never outlives its parent.
"""

import asyncio
import sys
import time
from pathlib import Path

from aio_rtsp_toolkit.server import RtspServer

from daemon.demo.reels import PLAYED, half_reel, put_on_air

LONG = 24 * 3600  # seconds: a silent client keeps its session


class Projectionist:
    """Stands where the server expects its logger: the server tells it of every loop before it opens the file.

    The half follows from the clock, so a second viewer sees the same street as the first.
    """

    def __init__(self, folder: Path, half_seconds: float) -> None:
        self._folder = folder
        self._half_seconds = half_seconds
        self._began: float | None = None
        put_on_air(half_reel(folder, 0), folder / PLAYED)

    def info(self, text: str) -> None:
        """Of all that the server says, the start of a loop counts."""
        if "stream loop start" not in text:
            return
        now = time.monotonic()
        self._began = now if self._began is None else self._began
        half = round((now - self._began) / self._half_seconds) % 2
        put_on_air(half_reel(self._folder, half), self._folder / PLAYED)
        print(f"on air {half}", flush=True)

    def debug(self, text: str) -> None:
        """Nothing that anybody needs."""

    def warning(self, text: str) -> None:
        """To stderr, which the demo keeps in a file."""
        print(text, file=sys.stderr, flush=True)

    error = critical = warning


async def serve(folder: Path, port: int, half_seconds: float) -> None:
    """Serves until stdin is closed. Raises OSError when the port is taken."""
    server = RtspServer(str(folder), "127.0.0.1", port, session_name="framewarden demo", session_timeout=LONG)
    server.logger = Projectionist(folder, half_seconds)
    await server.start()
    print("ready", flush=True)
    stdin = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(stdin), sys.stdin)
    await stdin.read()


if __name__ == "__main__":
    try:
        asyncio.run(serve(Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])))
    except OSError as error:
        sys.exit(f"the demo's camera cannot listen on 127.0.0.1:{sys.argv[2]}: {error.strerror}")
