"""Which kind of source an address means."""

import itertools

from config.settings import StreamSettings
from streams.camera import Camera
from streams.recording import Recording

LISTEN_AGAIN = 0.2  # seconds


def is_live(url: str) -> bool:
    """True for rtsp://, http:// and the like; False for a path or a file:// address."""
    return "://" in url and not url.startswith("file://")


def source_for(settings: StreamSettings, sample_fps: float, width: int) -> Camera | Recording:
    """The source that these settings name. Nothing is opened before its `sights` are asked for.

    `sample_fps` is how many pictures a second are handed over, `width` the most pixels a picture is wide;
    pictures keep their shape and are never enlarged.
    """
    if not is_live(settings.url):
        return Recording(settings, sample_fps, width)
    if settings.listen:  # nobody is asked too often, and a camera must not find the door closed
        return Camera(settings, sample_fps, width, waits=lambda: itertools.repeat(LISTEN_AGAIN))
    return Camera(settings, sample_fps, width)
