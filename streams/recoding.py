"""Sends pictures through H.264 and back, as a camera would: what is drawn in is then filmed, too."""

import io
from collections.abc import Sequence
from fractions import Fraction

import av
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]


def encoded(pictures: Sequence[Picture], rate: float, quality: int = 24) -> bytes:
    """An MP4 of pictures (H, W, 3) BGR with even sides, so many a second; `quality` is x264's CRF, 0..51."""
    height, width = pictures[0].shape[:2]
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream("h264", rate=Fraction(rate).limit_denominator(1000))
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.thread_count = 1
        stream.options = {"crf": str(quality), "preset": "veryfast", "threads": "1"}
        stream.codec_context.gop_size = max(1, round(2 * rate))
        for picture in pictures:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="bgr24")))
        container.mux(stream.encode(None))
    return file.getvalue()


def decoded(movie: bytes) -> list[Picture]:
    """The pictures of a movie that `encoded` made."""
    with av.open(io.BytesIO(movie), "r") as container:
        stream = container.streams.video[0]
        stream.thread_count = 1
        return [picture.to_ndarray(format="bgr24") for picture in container.decode(stream)]  # type: ignore[misc]
