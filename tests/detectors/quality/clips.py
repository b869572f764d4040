"""Clips, encoded so that the codec is part of the test, and judged as a camera's."""

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import av
import numpy as np
from av.video.stream import VideoStream
from numpy.typing import NDArray

from config.detectors import QualitySettings
from detectors.detection import Detection
from detectors.quality.detector import QualityDetector
from streams.frame import Frame
from tests.fakes import EPOCH

Picture = NDArray[np.uint8]

RATE = 10  # pictures a second in planted clips
LOOKS = 5  # pictures a second that are judged


def footage(path: Path, seconds: float, width: int = 640) -> list[Picture]:
    """The first seconds of a recording, ten pictures a second."""
    pictures: list[Picture] = []
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        stream.thread_count = 1
        for frame in container.decode(stream):
            if frame.time is None or frame.time + 1e-6 < len(pictures) / RATE:
                continue
            if frame.time >= seconds:
                break
            wide = min(width, frame.width)
            high = frame.height * wide // frame.width // 2 * 2
            pictures.append(np.asarray(frame.to_ndarray(format="bgr24", width=wide, height=high), np.uint8))
    return pictures


def encoded(
    pictures: Sequence[Picture], *, crf: int = 23, keyframe_every: float = 2.0, bitrate: int | None = None
) -> bytes:
    """An H.264 file of the pictures, of constant quality, or of so many bits a second, and no more."""
    file = io.BytesIO()
    height, width = pictures[0].shape[:2]
    with av.open(file, "w", format="mp4") as container:
        options = {"crf": str(crf), "preset": "veryfast", "g": str(round(keyframe_every * RATE))}
        if bitrate is not None:
            del options["crf"]
            options |= {"b": str(bitrate), "maxrate": str(bitrate), "bufsize": str(bitrate)}
        stream = container.add_stream("libx264", rate=RATE, options=options)
        assert isinstance(stream, VideoStream)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.thread_count = 1
        if bitrate is not None:
            stream.bit_rate = bitrate
        for picture in pictures:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, "bgr24")))
        container.mux(stream.encode())
    return file.getvalue()


def frames(file: bytes | Path, stream: str = "gate", looks: float = LOOKS) -> Iterator[Frame]:
    """The frames that a source would hand over."""
    number = 0
    with av.open(io.BytesIO(file) if isinstance(file, bytes) else str(file), "r") as container:
        video = container.streams.video[0]
        video.thread_count = 1
        for decoded in container.decode(video):
            if decoded.time is None or decoded.time + 1e-6 < number / looks:
                continue
            wide = min(640, decoded.width)
            high = round(decoded.height * wide / decoded.width)
            yield Frame(
                stream=stream,
                number=number,
                picture=np.asarray(decoded.to_ndarray(format="bgr24", width=wide, height=high), np.uint8),
                captured_at=EPOCH + timedelta(seconds=decoded.time),
                captured=decoded.time,
                position=decoded.time,
                live=False,
                keyframe=bool(decoded.key_frame),
                damaged=bool(decoded.is_corrupt),
                fresh=number == 0,
            )
            number += 1


@dataclass(frozen=True, slots=True)
class Judged:
    """What was said of one frame, by label."""

    position: float
    said: dict[str, Detection]

    @property
    def alarms(self) -> set[str]:
        """The labels that alarm."""
        return {label for label, each in self.said.items() if each.alarming}


def judged(source: Iterator[Frame], settings: QualitySettings | None = None) -> list[Judged]:
    """Every frame's detections, by a fresh detector."""
    detector = QualityDetector(settings or QualitySettings())
    return [
        Judged(frame.position, {each.label: each for each in said})
        for frame in source
        for said in detector.examine([frame])
    ]
