"""What went wrong with a source, in words a person can act on, and never with a password in them."""

from config.secrets import hide
from streams.frame import StreamError, StreamFault
from streams.message import Trouble

# {where} is the source without credentials, {seconds} the timeout that ran out, {reason} the system's words.
_WORDS: dict[Trouble, tuple[StreamFault, str]] = {
    Trouble.REFUSED: (
        StreamFault.REFUSED,
        "{where} refuses connections: is the port right, and is the camera's stream switched on?",
    ),
    Trouble.UNREACHABLE: (
        StreamFault.UNREACHABLE,
        "{where} cannot be reached: check the host name, the network and the camera's power",
    ),
    Trouble.UNAUTHORIZED: (
        StreamFault.UNAUTHORIZED,
        "{where} rejects user or password: check both; write @ : / % in a password as %40 %3A %2F %25",
    ),
    Trouble.NOT_FOUND: (
        StreamFault.NOT_FOUND,
        "{where} has no such stream: check the part of the address after the host",
    ),
    Trouble.SERVER_ERROR: (
        StreamFault.REFUSED,
        "{where} answers with an error of its own: look at the camera, or restart it",
    ),
    Trouble.TRANSPORT_REFUSED: (
        StreamFault.REFUSED,
        "{where} does not offer this transport: set the stream's transport to auto, tcp or udp",
    ),
    Trouble.UNKNOWN_SCHEME: (
        StreamFault.UNREADABLE,
        "{where} begins with a scheme that is not known here: use rtsp://, http:// or the path of a file",
    ),
    Trouble.SILENT: (
        StreamFault.SILENT,
        "{where} takes connections but says nothing for {seconds:g} s: is it a camera, and not busy?",
    ),
    Trouble.STALLED: (
        StreamFault.SILENT,
        "{where} has sent nothing for {seconds:g} s: is the camera hanging, or the network too slow?",
    ),
    Trouble.ENDED: (
        StreamFault.ENDED,
        "{where} ended the stream: it was restarted, or has too many viewers; it is tried again",
    ),
    Trouble.NOT_VIDEO: (
        StreamFault.NOT_VIDEO,
        "{where} is not a video that can be read: is it the right address or file?",
    ),
    Trouble.NO_PICTURE_TRACK: (
        StreamFault.NOT_VIDEO,
        "{where} has no picture track, only sound or data: is it the right address or file?",
    ),
    Trouble.MISSING: (StreamFault.UNREADABLE, "{where} does not exist: check the path"),
    Trouble.FORBIDDEN: (
        StreamFault.UNREADABLE,
        "{where} may not be read by this user: change the file's permissions, or the service's user",
    ),
    Trouble.FOLDER: (StreamFault.UNREADABLE, "{where} is a folder: name one recording in it"),
    Trouble.EMPTY: (StreamFault.UNREADABLE, "{where} is empty: was it still being copied?"),
    Trouble.TRUNCATED: (
        StreamFault.UNREADABLE,
        "{where} lacks its index (moov): it was cut off, or is still being written; copy it again",
    ),
    Trouble.NO_PICTURES: (
        StreamFault.UNREADABLE,
        "{where} holds no picture that can be decoded: the file is damaged; copy it again",
    ),
    Trouble.TOO_LARGE: (
        StreamFault.UNREADABLE,
        "{where} needs more memory to decode than a stream is allowed: is its picture size sane?",
    ),
    Trouble.UNREADABLE: (
        StreamFault.UNREADABLE,
        "{where} cannot be read: check the disk or the address, then try `framewarden probe`",
    ),
    Trouble.NOT_PUSHED: (
        StreamFault.SILENT,
        "{where}: no camera has pushed its picture here for {seconds:g} s: was it told this address?",
    ),
    Trouble.HUNG: (
        StreamFault.SILENT,
        "reading {where} hung for more than {seconds:g} s and was ended: check disk or network",
    ),
    Trouble.CONNECTING: (
        StreamFault.SILENT,
        "{where}: still connecting, for {seconds:.0f} s",
    ),
    Trouble.NO_PICTURE: (
        StreamFault.SILENT,
        "{where} is connected, but shows no picture for {seconds:.0f} s: is camera or network too slow?",
    ),
    Trouble.CRASHED: (
        StreamFault.CRASHED,
        (
            "the process that decodes {where} died; what it was reading may be damaged, or memory or "
            "computing time ran out"
        ),
    ),
    Trouble.NOT_STARTED: (
        StreamFault.CRASHED,
        "no process could be started to decode {where}: {reason}; raise that limit, or see the log for why",
    ),
}


def stream_error(trouble: Trouble, where: str, seconds: float = 0, reason: str = "") -> StreamError:
    """The error to raise or to tell of. `where` may hold credentials: they are taken out here."""
    fault, words = _WORDS[trouble]
    return StreamError(fault, words.format(where=hide(where), seconds=seconds, reason=reason), trouble)
