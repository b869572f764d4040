"""The ways of reading cameras that benchmarks.streams compares, which it runs as a process for each:

    python -m benchmarks.stream_readers READER URL...

Prints a line for each picture that is taken: the camera's number, and how old the picture is, in seconds.
"""

import asyncio
import contextlib
import json
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Literal

import av

from tests.clips import FPS

SAMPLE_FPS, WIDTH = 5, 640
READERS = ("all", "keyframes", "gated", "cv2", "loadstreams", "bare", "sampling")
Took = Callable[[int, float | None], None]  # a camera's number, and how old its picture is, in seconds


def read_ours(urls: Sequence[str], decode: Literal["all", "keyframes", "gated"], took: Took) -> None:
    """Cameras as the daemon has them, without detectors. The age is that since the packet came."""
    from config.settings import StreamSettings
    from detectors.device import limit_threads
    from streams.camera import Camera
    from streams.frame import Frame

    limit_threads()

    async def drain(number: int, url: str) -> None:
        settings = StreamSettings(name=f"c{number}", url=url, decode=decode)
        async with aclosing(Camera(settings, SAMPLE_FPS, WIDTH).sights()) as sights:
            async for sight in sights:
                if isinstance(sight, Frame):
                    age = (datetime.now(UTC) - sight.captured_at).total_seconds()
                    took(-1 - number if sight.unchanged else number, age)

    async def all_of_them() -> None:
        await asyncio.gather(*(drain(number, url) for number, url in enumerate(urls)))

    asyncio.run(all_of_them())


def read_cv2(urls: Sequence[str], took: Took) -> None:
    """The usual recipe: a thread grabs, a loop takes the newest; opened again a second after it failed."""
    import cv2

    def watch(number: int, url: str) -> None:
        capture = cv2.VideoCapture(url)
        due = 0.0
        while True:
            if not capture.isOpened() or not capture.grab():
                capture.release()
                time.sleep(1)
                capture = cv2.VideoCapture(url)
                continue
            now = time.monotonic()
            if now >= due - 0.02:
                due = max(due + 1 / SAMPLE_FPS, now)
                _, picture = capture.retrieve()
                cv2.resize(picture, (WIDTH, WIDTH * picture.shape[0] // picture.shape[1]))
                took(number, time.monotonic() - now)

    each_in_a_thread(watch, urls)


def read_loadstreams(urls: Sequence[str], took: Took) -> None:
    """Its loop hands over the newest picture of every camera; the age cannot be known."""
    from ultralytics.data.loaders import LoadStreams  # type: ignore[import-not-found, unused-ignore]

    with tempfile.NamedTemporaryFile("w", suffix=".streams") as file:
        file.write("\n".join(urls))
        file.flush()
        for _, pictures, _ in LoadStreams(file.name, vid_stride=FPS // SAMPLE_FPS):
            for number, picture in enumerate(pictures):
                if picture.any():  # it makes black ones up where it has none
                    took(number, None)


def read_bare(urls: Sequence[str], sampling: bool, took: Took) -> None:
    """Decodes, and opens again at once where it failed."""
    from av.video.reformatter import VideoReformatter

    def watch(number: int, url: str) -> None:
        while True:
            with contextlib.suppress(av.error.FFmpegError):
                options = {"rtsp_transport": "tcp", "probesize": "32"}
                with av.open(url, options=options, timeout=(5, 5)) as container:
                    stream = container.streams.video[0]
                    stream.thread_count = 1
                    shrinker = VideoReformatter()
                    for number_of_it, packet in enumerate(container.demux(stream)):
                        came, pictures = time.monotonic(), []
                        with contextlib.suppress(av.error.InvalidDataError):  # until the first keyframe
                            pictures = packet.decode()
                        if pictures and number_of_it % (FPS // SAMPLE_FPS) == 0:
                            if sampling:
                                picture, high = (
                                    pictures[-1],
                                    WIDTH * pictures[-1].height // pictures[-1].width,
                                )
                                shrinker.reformat(
                                    picture, WIDTH, high, "bgr24", interpolation="FAST_BILINEAR"
                                )
                            took(number, time.monotonic() - came)
            time.sleep(0.2)

    each_in_a_thread(watch, urls)


def each_in_a_thread(watch: Callable[[int, str], None], urls: Sequence[str]) -> None:
    threads = [threading.Thread(target=watch, args=each, daemon=True) for each in enumerate(urls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def read(reader: str, urls: Sequence[str], took: Took) -> None:
    """Never returns."""
    match reader:
        case "all" | "keyframes" | "gated":
            read_ours(urls, reader, took)
        case "cv2":
            read_cv2(urls, took)
        case "loadstreams":
            read_loadstreams(urls, took)
        case _:
            read_bare(urls, reader == "sampling", took)


def main() -> None:
    def took(number: int, age: float | None) -> None:
        print(json.dumps([number, age]), flush=True)

    read(sys.argv[1], sys.argv[2:], took)


if __name__ == "__main__":
    main()
