"""How a source is opened in a decoding child, and what its failure means."""

import errno
import os
import stat
import time
from io import FileIO
from pathlib import Path

import av
import av.error
import av.subtitles.codeccontext  # PyAV would load these two when a file is opened, and no file can be
import av.subtitles.stream
from av.container import InputContainer
from av.video.stream import VideoStream

from streams.confinement import shut_in
from streams.device import SCHEME, device
from streams.hardware import acceleration
from streams.message import Job, Trouble

# PyAV passes over a misspelt option without a word: the tests ask FFmpeg for each of these names.
# Playlists (hls, concat, dash, sdp) are left out of what a recording may be: a hostile one would make the
# daemon read other files, or ask other machines.
RECORDING_OPTIONS = {
    "protocol_whitelist": "none",
    "format_whitelist": "mov,matroska,avi,mpegts,mpeg,mpegvideo,flv,ogg,asf,h264,hevc,ivf,mjpeg,mxf,gif,nut,"
    "wav,mp3,aac,flac,jpeg_pipe,png_pipe,webp_pipe,bmp_pipe",
}
LIVE_OPTIONS = {
    "protocol_whitelist": "rtsp,rtsps,rtp,srtp,udp,tcp,tls,http,https,httpproxy,crypto,hls,rtmp,rtmps"
}
RTSP_OPTIONS = {"allowed_media_types": "video"}
# Of others a second is looked at: FFmpeg would wait five for a sound track that never comes.
GLANCE_OPTIONS = {"analyzeduration": "1000000"}
# An RTSP camera has described its streams already; looking at a second of them first only delays.
QUICK_OPTIONS = {"probesize": "32", "fpsprobesize": "0"}


# What is told apart by the ending of its name, and hardly by its content.
BARE = {".h264", ".264", ".h265", ".265", ".hevc", ".mjpeg", ".mjpg"}


class _Nameless:
    """A file without its name: FFmpeg takes parts of one for protocols, and for patterns of other files."""

    def __init__(self, file: FileIO, path: Path) -> None:
        self.read, self.seek, self.tell = file.read, file.seek, file.tell
        self.name = path.suffix.lower() if path.suffix.lower() in BARE else ""


class Mishap(Exception):  # noqa: N818 - it may be a plain end
    """The end of this child's work, for the parent to put into words."""

    def __init__(self, trouble: Trouble) -> None:
        super().__init__(trouble.value)
        self.trouble = trouble


def open_source(job: Job) -> tuple[InputContainer, VideoStream, str]:
    """The source, its picture track, and for RTSP the transport. Raises Mishap, or MemoryError.

    All looks that a live source needs share one `open_timeout`. Only where both connecting and describing its
    streams are slow may it take longer, since FFmpeg's clock starts anew in between: then the parent ends it.
    """
    deadline = time.monotonic() + job.open_timeout
    if not job.live:
        return *_open_recording(job), ""
    if job.listen:
        return *_open_live(job, _listening(job), deadline), ""
    if job.url.startswith(SCHEME):
        return *_open_device(job), ""
    if not job.url.startswith(("rtsp://", "rtsps://")):
        return *_open_looking(job, {}, GLANCE_OPTIONS, deadline), ""
    first, *others = ("tcp", "udp") if job.transport == "auto" else (job.transport,)
    try:
        return *_open_rtsp(job, first, deadline), first
    except Mishap as mishap:
        if mishap.trouble is not Trouble.TRANSPORT_REFUSED or not others:
            raise
    return *_open_rtsp(job, others[0], deadline), others[0]


def _open_rtsp(job: Job, transport: str, deadline: float) -> tuple[InputContainer, VideoStream]:
    return _open_looking(job, {"rtsp_transport": transport, **RTSP_OPTIONS}, QUICK_OPTIONS, deadline)


def _open_looking(
    job: Job, options: dict[str, str], quick: dict[str, str], deadline: float
) -> tuple[InputContainer, VideoStream]:
    try:
        return _open_live(job, {**options, **quick}, deadline)
    except Mishap as mishap:
        if mishap.trouble is not Trouble.NO_PICTURE_TRACK:
            raise
    return _open_live(job, options, deadline)  # streams within a transport stream show only after a look


def _listening(job: Job) -> dict[str, str]:
    """FFmpeg's names for waiting until a camera comes, whole seconds."""
    seconds = str(max(1, round(job.open_timeout)))
    if job.url.startswith("rtsp://"):
        return {"rtsp_flags": "listen", "listen_timeout": seconds, **RTSP_OPTIONS}
    return {"listen": "1", "timeout": seconds, **GLANCE_OPTIONS}


def _open_device(job: Job) -> tuple[InputContainer, VideoStream]:
    path, options = device(job.url)
    if not Path(path).exists():
        raise Mishap(Trouble.MISSING)
    if not os.access(path, os.R_OK | os.W_OK):
        raise Mishap(Trouble.FORBIDDEN)
    try:
        container = av.open(
            path, format="v4l2", options=options, timeout=(job.open_timeout, job.read_timeout)
        )
    except av.error.FFmpegError as error:
        raise Mishap(trouble_of(error)) from None
    return container, _picture_track(container)


def _open_live(job: Job, options: dict[str, str], deadline: float) -> tuple[InputContainer, VideoStream]:
    left = deadline - time.monotonic()
    if left <= 0:  # which FFmpeg would take for no limit
        raise Mishap(Trouble.SILENT)
    try:
        container = av.open(
            job.url,
            options={**LIVE_OPTIONS, **options},
            timeout=(left, job.read_timeout),
            metadata_errors="replace",
            hwaccel=acceleration(job.hardware) if job.hardware != "none" else None,
        )
    except av.error.FFmpegError as error:
        late = time.monotonic() >= deadline - 0.1 * job.open_timeout
        if job.listen and (late or isinstance(error, av.error.TimeoutError)):
            raise Mishap(Trouble.NOT_PUSHED) from None
        raise Mishap(Trouble.SILENT if late else trouble_of(error)) from None
    return container, _picture_track(container)


def _open_recording(job: Job) -> tuple[InputContainer, VideoStream]:
    path = Path(job.url)
    try:
        if stat.S_ISDIR(path.stat().st_mode):
            raise Mishap(Trouble.FOLDER)
        file = path.open("rb", buffering=0)
        head = file.read(12)
        file.seek(0)
        size = os.fstat(file.fileno()).st_size
    except FileNotFoundError:
        raise Mishap(Trouble.MISSING) from None
    except PermissionError:
        raise Mishap(Trouble.FORBIDDEN) from None
    except OSError:
        raise Mishap(Trouble.UNREADABLE) from None
    if not head:
        raise Mishap(Trouble.EMPTY)
    shut_in(size)
    try:
        container = av.open(
            _Nameless(file, path),
            mode="r",
            options=RECORDING_OPTIONS,
            timeout=(job.open_timeout, job.read_timeout),
            metadata_errors="replace",  # a title may be in any encoding
        )
    except av.error.MemoryError:
        raise
    except av.error.FFmpegError:
        raise Mishap(Trouble.TRUNCATED if head[4:8] == b"ftyp" else Trouble.NOT_VIDEO) from None
    return container, _picture_track(container)


def _picture_track(container: InputContainer) -> VideoStream:
    for stream in container.streams.video:
        if getattr(stream, "codec_context", None) is None:  # no decoder for it here
            continue
        if not stream.disposition & stream.disposition.attached_pic:  # a song's cover is no video
            return stream
    raise Mishap(Trouble.NO_PICTURE_TRACK)


def trouble_of(error: av.error.FFmpegError, *, opened: bool = False) -> Trouble:
    """What a live source's failure means. Only kind and number are looked at: the text holds the password."""
    if opened and error.errno == errno.EIO:  # an HTTP stream that ends without having said how long it is
        return Trouble.ENDED
    match error:
        case av.error.ConnectionRefusedError():
            return Trouble.REFUSED
        case av.error.HTTPUnauthorizedError() | av.error.HTTPForbiddenError():
            return Trouble.UNAUTHORIZED
        case av.error.HTTPNotFoundError():
            return Trouble.NOT_FOUND
        case av.error.HTTPError() | av.error.HTTPClientError():
            return Trouble.SERVER_ERROR
        case av.error.ProtocolNotFoundError():
            return Trouble.UNKNOWN_SCHEME
        case av.error.ExitError() | av.error.TimeoutError():
            return Trouble.SILENT
        case av.error.ConnectionResetError() | av.error.BrokenPipeError() | av.error.EOFError():
            return Trouble.ENDED
        case av.error.MemoryError():
            return Trouble.TOO_LARGE
        case av.error.InvalidDataError():
            return Trouble.NOT_VIDEO
    match error.errno:
        case errno.EPROTONOSUPPORT:
            return Trouble.TRANSPORT_REFUSED
        case errno.EIO | errno.ENETUNREACH | errno.EHOSTUNREACH | errno.ENETDOWN:
            return Trouble.UNREACHABLE  # a name that is not known comes as EIO, too
    return Trouble.UNREADABLE
