"""What an address may be: a camera's, a recording's, a service's; and what is wrong with one, in words.

No sentence here repeats more of an address than its scheme, so none can repeat a password.
"""

import difflib
import ipaddress
import os
import re
from pathlib import Path
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from config.secrets import understand_url

LIVE_SCHEMES = ("rtsp", "rtsps", "rtmp", "rtmps", "http", "https", "udp", "v4l2")
ENCODING = (
    "a password may need encoding: write @ as %40, : as %3A, / as %2F, ? as %3F, # as %23, "
    "or take it from a ${VARIABLE} in the configuration"
)

PUSHED = ("rtsp", "rtmp")  # in which a camera may come to us
DEVICE_OPTIONS = ("video_size", "framerate", "input_format")
# Where we listen: host:port, a port up to 65535; an IPv6 address stands in brackets.
LISTEN = (
    r"^(\[[0-9a-fA-F:]+\]|[^:/\s]+):"
    r"(\d{1,4}|[1-5]\d{4}|6[0-4]\d{3}|65[0-4]\d{2}|655[0-2]\d|6553[0-5])$"
)

_LISTENING = ("udp",)  # may name a port of this machine and no host: udp://:5000
_NOT_HERE = {
    "srt": "SRT cannot be read here: let the camera send RTSP or RTMP, or hand it on with "
    "ffmpeg -i srt://... -c copy -f mpegts udp://127.0.0.1:5000 and read udp://127.0.0.1:5000",
}
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{0,19}")
_ALMOST = re.compile(r"(?P<scheme>[A-Za-z]{3,5})(:/?|//)(?!/)")  # rtsp:/h, rtsp:h, rtsp//h
_DEVICE_VALUE = re.compile(r"[A-Za-z0-9_.:/-]{1,40}")
_LOGIN = re.compile(r"[^/\s]*:\S*@|[^/\s@]+@[A-Za-z0-9.-]+(:\d+)?/")  # name:password@host, name@host/path
_HOST_AND_PORT = re.compile(r"\d{1,3}(\.\d{1,3}){3}(:\d+)?(/|$)|[A-Za-z0-9.-]+:\d+(/|$)")


def source_address(text: str, folder: Path | None = None) -> str:
    """The address as it is to be opened: a recording's is a path, from `folder` where it is relative.

    Raises ValueError, in words, for what can never be opened. Whether it exists or answers is not asked.
    """
    text = understand_url(text)
    scheme, mark, rest = text.partition("://")
    if not mark:
        return _recording(text, folder)
    if not _SCHEME.fullmatch(scheme):
        raise ValueError(f"begins with no scheme: known are {', '.join(LIVE_SCHEMES)} and file")
    if scheme == "file":
        if not rest.startswith("/"):
            raise ValueError("file:// takes a whole path, as in file:///srv/clip.mp4; or write just the path")
        return unquote(rest)
    if scheme in _NOT_HERE:
        raise ValueError(_NOT_HERE[scheme])
    if scheme == "v4l2":
        return _device(text)
    if scheme not in LIVE_SCHEMES:
        near = difflib.get_close_matches(scheme.lower(), LIVE_SCHEMES, n=1)
        meant = f"did you mean '{near[0]}'?" if near else f"known are {', '.join(LIVE_SCHEMES)} and file"
        raise ValueError(f"unknown scheme '{scheme}', {meant}")
    parts = _split(text)
    port = port_of(parts)
    if re.search(r"\s", parts.netloc):
        raise ValueError(
            "a space stands in the host, the name or the password: take it away, or write it as %20"
        )
    if not parts.hostname and not (scheme in _LISTENING and port):
        raise ValueError(f"names no host: write {scheme}://HOST/...")
    return text


def service_address(text: str, with_path: bool = True) -> str:
    """The address of a service, its password encoded. Raises ValueError for what can be none."""
    text = understand_url(text)
    parts = _split(text)
    port_of(parts)
    if not parts.hostname:
        raise ValueError(f"names no host: write {parts.scheme}://HOST")
    if not with_path and (parts.path.strip("/") or parts.query or parts.fragment):
        raise ValueError(
            f"nothing may stand after host and port, as in {parts.scheme}://HOST:1883; {ENCODING}"
        )
    return text


def may_hide_password(text: str) -> bool:
    """Whether an '@' stands where a path should be: it may end a password that was typed unencoded.

    True for rtsp://user:pa@ss#word@host/1, in which the host is then taken to be 'ss'. It may be right all
    the same, so it is for a hint only.
    """
    authority, *rest = re.split("[/?#]", text.partition("://")[2], maxsplit=1)
    return ":" in authority and not authority.startswith("[") and any("@" in part for part in rest)


def port_of(parts: SplitResult) -> int | None:
    """The port that an address names, 1..65535; None where it names none. Raises ValueError, in words."""
    try:
        port = parts.port
    except ValueError:
        port = 0
    if port == 0:
        raise ValueError(f"the port must be a number from 1 to 65535; {ENCODING}")
    return port


def is_loopback(authority: str) -> bool:
    """Whether only this machine reaches that host, or host:port; an IPv6 address stands in brackets."""
    try:
        host = urlsplit(f"//{authority}").hostname or ""
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def at_home(path: str) -> str:
    """The path with its ~ filled in, and as it is where nobody knows that user."""
    return os.path.expanduser(path)  # noqa: PTH111 - Path.expanduser raises for a user that nobody knows


def is_there(path: str) -> bool:
    """Whether this user can see a file or folder there."""
    return os.path.exists(path)  # noqa: PTH110 - Path.exists raises where a folder on the way is closed


def _device(text: str) -> str:
    parts = _split(text)
    if parts.netloc or not parts.path.startswith("/dev/"):
        raise ValueError("names no device: write v4l2:///dev/video0, with three slashes")
    for name, value in parse_qsl(parts.query, keep_blank_values=True):
        if name not in DEVICE_OPTIONS:
            near = difflib.get_close_matches(name, DEVICE_OPTIONS, n=1)
            meant = f"did you mean '{near[0]}'?" if near else f"known are {', '.join(DEVICE_OPTIONS)}"
            raise ValueError(f"a device has no option of that name, {meant}")
        if not _DEVICE_VALUE.fullmatch(value):
            raise ValueError(f"{name} is written as in video_size=1280x720&framerate=25&input_format=mjpeg")
    return text


def _recording(text: str, folder: Path | None) -> str:
    path = at_home(text)
    path = os.path.join(folder, path) if folder else path  # noqa: PTH118 - keeps a path as it was typed
    if is_there(path):
        return path
    almost = _ALMOST.match(text)
    if almost and almost["scheme"].lower() in LIVE_SCHEMES:
        scheme = almost["scheme"].lower()
        raise ValueError(f"'{almost[0]}' begins no address: write {scheme}://HOST/...")
    if _LOGIN.match(text):
        raise ValueError(
            "looks like a name and a host, and there is no file of that name: write rtsp:// before it"
        )
    if _HOST_AND_PORT.match(text):
        raise ValueError("looks like a host, and there is no file of that name: write rtsp:// before it")
    if "*" in text:
        raise ValueError("'*' stands for nothing here: name one recording, and one stream for each")
    return path


def _split(text: str) -> SplitResult:
    try:
        return urlsplit(text)
    except ValueError:  # its words repeat the address
        raise ValueError(f"host or port cannot be understood; {ENCODING}") from None
