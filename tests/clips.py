"""Clips that tests draw and encode on the spot: boxes that move over a still, textured ground."""

from pathlib import Path

import av
import numpy as np
from av.video.stream import VideoStream
from numpy.typing import NDArray

FPS = 25


def scene(number: int, width: int, height: int) -> NDArray[np.uint8]:
    """Picture `number` of the scene, (height, width, 3) BGR."""
    ground = np.random.default_rng(0).integers(30, 200, (height // 8 + 1, width // 8 + 1, 3), dtype=np.uint8)
    picture = ground.repeat(8, axis=0).repeat(8, axis=1)[:height, :width].copy()
    for box in range(3):
        left = (number * (3 + 2 * box) + 40 * box) % max(1, width - width // 8)
        top = height * (box + 1) // 5
        picture[top : top + height // 8, left : left + width // 8] = (60 * box + 40, 230 - 60 * box, 120)
    return picture


def write_clip(
    path: Path,
    *,
    codec: str = "libx264",
    seconds: float = 2,
    width: int = 320,
    height: int = 180,
    keyframe_every: int = FPS,
    bit_rate: int = 0,
    noise: int = 0,
) -> Path:
    """Encodes the scene; the name's ending says the container, .h264 and .h265 what an RtspServer plays.

    `noise` is the sensor's, in grey levels: it makes an encoder use the bits it is given.
    """
    grains = np.random.default_rng(1).integers(0, noise + 1, (4, height, width, 3), dtype=np.uint8)
    options = {"preset": "ultrafast"}
    if codec == "libx264":
        options["x264-params"] = f"aud=1:keyint={keyframe_every}:bframes=0:scenecut=0"
    elif codec == "libx265":
        options["x265-params"] = (
            f"aud=1:keyint={keyframe_every}:bframes=0:scenecut=0:log-level=none:pools=1:frame-threads=1"
        )
    else:
        options = {}
    elementary = {".h264": "h264", ".h265": "hevc"}.get(path.suffix)
    with av.open(str(path), "w", format=elementary) as container:
        stream = container.add_stream(codec, rate=FPS, options=options)
        assert isinstance(stream, VideoStream)
        stream.width, stream.height = width, height
        stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        stream.thread_count = 1
        if bit_rate:
            stream.bit_rate = bit_rate
        for number in range(round(seconds * FPS)):
            picture = scene(number, width, height) + grains[number % len(grains)]
            frame = av.VideoFrame.from_ndarray(picture, "bgr24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path
