"""Which of a stream's pictures are kept, where they stand in time, and how they are handed over."""

from __future__ import annotations  # Packet takes its type only where it is checked

import time
from collections.abc import Callable

from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Interpolation, VideoReformatter

from streams.message import Job, Picture, StreamInfo, Unchanged
from streams.outlet import Outlet
from streams.sampler import Sampler
from streams.steps import Alone, Seen, Unseen, decoded_alone, stamp_of
from streams.timeline import Timeline

BT_601 = (2, 5, 6)  # AVCOL_SPC_UNSPECIFIED, which is taken for it, BT470BG and SMPTE170M


class Screen:
    """Takes what a way of reading yields, in the order of time."""

    def __init__(
        self, job: Job, outlet: Outlet, describe: Callable[[int, int], StreamInfo], usual_step: float
    ) -> None:
        """`describe` tells of the stream at a size; `usual_step` are the seconds from picture to picture."""
        self.began = False  # with a keyframe: what comes before one cannot be trusted
        self._job, self._outlet, self._describe = job, outlet, describe
        self._timeline, self._sampler = Timeline(job.live), Sampler(job.sample_fps)
        self._usual_step = usual_step
        self._reformatter = VideoReformatter()
        self._size = (0, 0)
        self._fresh = self._suspect = False

    def show(self, step: Seen | Alone | Unseen | None) -> None:
        """One step further."""
        match step:
            case Seen(picture, arrived, wanted):
                if self._sound(picture):
                    stamp = None if picture.pts is None else picture.time
                    position = self._timeline.at(stamp, arrived, self._usual_step)
                    due = self._sampler.keep(position)
                    if wanted and not due:
                        self._sampler.take(position)
                    self._keep(picture, position, arrived, due=due or wanted)
            case Alone(packet, arrived):  # one that nobody wants is not decoded
                position = self._timeline.at(stamp_of(packet), arrived, self._usual_step)
                if not self._sampler.keep(position) and self.began:
                    return
                alone = decoded_alone(packet, self._outlet.counts)
                if alone is None:
                    self._suspect = True
                elif self._sound(alone):
                    self._keep(alone, position, arrived, due=True)
            case Unseen(stamp, arrived):
                position = self._timeline.at(stamp, arrived, self._usual_step)
                if self._sampler.keep(position) and self._outlet.wants():
                    self._outlet.counts["unchanged"] += 1
                    self._outlet.tell(Unchanged(position, arrived))
            case None:  # a packet that could not be decoded: what builds upon it is suspect, too
                self._suspect = True

    def _sound(self, picture: VideoFrame) -> bool:
        """Whether a decoded picture may be looked at."""
        self._outlet.counts["decoded"] += 1
        if picture.key_frame:
            self.began, self._suspect = True, False
        if not self.began:
            self._outlet.counts["dropped_before_keyframe"] += 1
            return False
        if picture.is_corrupt:
            self._suspect = True
            self._outlet.counts["damaged"] += 1
        return True

    def _keep(self, picture: VideoFrame, position: float, arrived: float, *, due: bool) -> None:
        """Hands a picture over, where it is due and there is room."""
        if (picture.width, picture.height) != self._size:
            self._size = (picture.width, picture.height)
            self._fresh = True
            self._outlet.tell(self._describe(*self._size))
        if not due or not self._outlet.wants():
            return
        now = time.monotonic()
        self._outlet.counts["sampled"] += 1
        slot = self._outlet.slot()
        if slot is None:
            self._outlet.counts["dropped_unfetched"] += 1
            return
        turns = round(picture.rotation / 90) % 4
        small = self._small(picture, *_fit(*self._size, self._job.width, turns))
        self._outlet.write(slot, map(memoryview, small.planes))
        self._outlet.tell(
            Picture(
                slot=slot,
                width=small.width,
                height=small.height,
                planar=len(small.planes) > 1,
                stride=small.planes[0].line_size,
                turns=turns,
                position=position,
                captured=now,
                late=max(0.0, now - arrived) if self._job.live else 0.0,
                keyframe=bool(picture.key_frame),
                damaged=self._suspect,
                fresh=self._fresh,
            )
        )
        self._fresh = False

    def _small(self, picture: VideoFrame, width: int, height: int) -> VideoFrame:
        """At that size; as it was decoded where that will do, for half as many bytes are moved then."""
        if _usual(picture) and width % 2 == height % 2 == 0:
            small = self._reformat(picture, width, height, "yuv420p")
            light, *colours = (plane.line_size for plane in small.planes)
            if all(2 * each == light for each in colours):
                return small
        return self._reformat(picture, width, height, "bgr24")

    def _reformat(self, picture: VideoFrame, width: int, height: int, layout: str) -> VideoFrame:
        return self._reformatter.reformat(
            picture,
            width,
            height,
            layout,
            interpolation=Interpolation.FAST_BILINEAR,
            threads=1,  # more than one stream needs a core, and who decodes a file may start none
        )


def _usual(picture: VideoFrame) -> bool:
    """Whether the parent can make colours of what was decoded: by BT.601, from 16 to 235."""
    return (
        picture.format.name == "yuv420p"
        and picture.color_range != ColorRange.JPEG
        and picture.colorspace in BT_601
    )


def _fit(width: int, height: int, widest: int, turns: int) -> tuple[int, int]:
    """The size to convert to: aspect kept, never enlarged, upright within widest × (2 · widest)."""
    across, down = (height, width) if turns % 2 else (width, height)
    scale = min(1.0, widest / across, 2 * widest / down)
    return max(1, round(width * scale)), max(1, round(height * scale))
