"""A camera of this machine: what its address says, and how FFmpeg is told."""

from urllib.parse import parse_qsl, urlsplit

SCHEME = "v4l2://"
OPTIONS = ("video_size", "framerate", "input_format")  # that may stand after '?'


def device(url: str) -> tuple[str, dict[str, str]]:
    """The path and the options of v4l2:///dev/video0?video_size=1280x720&framerate=25&input_format=mjpeg."""
    parts = urlsplit(url)
    return parts.path, {name: value for name, value in parse_qsl(parts.query) if name in OPTIONS}
