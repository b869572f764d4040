"""Reels: short H.264 files that a camera can play one after the other without its stream breaking."""

import os
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.video.frame import PictureType
from numpy.typing import NDArray

PLAYED = "camera.mp4"  # what the camera's address names

# Two reels of the same size and rate get the same SPS and PPS: a decoder goes from one to the next without a
# word. stitchable keeps x264 from tuning those headers to the pictures; B-frames would reorder timestamps;
# mbtree would code equal pictures unequally.
ENCODER = {
    "preset": "veryfast",
    "crf": "23",
    "forced-idr": "1",
    "x264-params": "stitchable=1:bframes=0:scenecut=0:mbtree=0:keyint=24:min-keyint=24:threads=1:log=-1",
}


def write_reel(path: Path, pictures: Iterator[NDArray[np.uint8]], rate: Fraction) -> Iterator[int]:
    """Encodes pictures (H, W, 3) BGR of even size; yields how many are in after each one, to show progress.

    A picture that comes twice in a row (the same array) is coded whole each time: then it decodes to the very
    same values, as a hung camera's does. The file appears under its name when it is whole. Raises OSError
    where it cannot be written.
    """
    previous: NDArray[np.uint8] | None = None
    unfinished = path.with_suffix(".part.mp4")
    try:
        with av.open(str(unfinished), "w") as container:
            stream = container.add_stream("libx264", rate=rate, options=ENCODER)
            stream.pix_fmt = "yuv420p"
            for number, picture in enumerate(pictures, start=1):
                if number == 1:
                    stream.height, stream.width = picture.shape[:2]
                frame = av.VideoFrame.from_ndarray(picture, format="bgr24")
                frame.pict_type = PictureType.I if picture is previous else PictureType.NONE
                previous = picture
                container.mux(stream.encode(frame))
                yield number
            container.mux(stream.encode(None))
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def half_reel(folder: Path, half: int) -> Path:
    """Where the camera looks for half 0 or half 1."""
    return folder / f"half-{half}.mp4"


def put_on_air(reel: Path, place: Path) -> None:
    """Puts a reel where a player looks for it, whole at any moment; what is playing plays to its end."""
    link = place.with_suffix(f".{os.getpid()}.link")
    link.unlink(missing_ok=True)
    os.link(reel, link)
    link.replace(place)
