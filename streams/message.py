"""What the daemon and a decoding child tell each other: JSON lines, checked before they are believed.

A child decodes whatever a stranger's camera or upload holds, so it may be taken over: it can name a
trouble from a list and give numbers in range, but no code, no free text beyond short names, no sizes that
do not fit.
"""

import dataclasses
import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from streams.filmed import LATEST

FILM = 255  # the byte that asks for a clip; the lowest ones give slots back
SHARE = 100  # this byte and the hundred above it say how many in a hundred pictures are kept
SLOTS = 3  # pictures a child may hand over before one is given back
LONGEST_LINE = 16_384  # bytes
LONGEST_GROUP = 5.0  # seconds from keyframe to keyframe, at most, that a quiet camera's packets are kept
LATEST_PICTURE = 3600.0  # seconds that a packet may have been kept before its picture was decoded
LONGEST_RECORDING = 10 * 366 * 86_400.0  # seconds: no camera's recording is longer
MOST = 1e12  # any number
# All that a child counts. Each name becomes a label of the daemon's metrics, so none may be made up.
COUNTED = {
    "packets",
    "bytes",
    "decoded",
    "sampled",
    "dropped_before_keyframe",
    "dropped_shed",
    "dropped_unfetched",
    "damaged",
    "clips",
    "clips_failed",
    "unchanged",
    "gate_groups",
    "gate_opened_sizes",
    "gate_opened_picture",
    "gate_opened_other",
    "gate_opened_vain",
    "gate_shadow_groups",
    "gate_shadow_missed",
}
_BOUNDS = {
    "position": LONGEST_RECORDING,
    "late": LATEST_PICTURE,
    "duration": LONGEST_RECORDING,
    "filmed_at": LATEST,
}


class Trouble(StrEnum):
    """Everything that keeps a child from showing a picture."""

    REFUSED = "refused"
    UNREACHABLE = "unreachable"
    UNAUTHORIZED = "unauthorized"
    NOT_FOUND = "not_found"
    SERVER_ERROR = "server_error"
    TRANSPORT_REFUSED = "transport_refused"
    UNKNOWN_SCHEME = "unknown_scheme"
    SILENT = "silent"
    STALLED = "stalled"
    ENDED = "ended"
    NOT_VIDEO = "not_video"
    NO_PICTURE_TRACK = "no_picture_track"
    MISSING = "missing"
    FORBIDDEN = "forbidden"
    FOLDER = "folder"
    EMPTY = "empty"
    TRUNCATED = "truncated"
    NO_PICTURES = "no_pictures"
    TOO_LARGE = "too_large"
    UNREADABLE = "unreadable"
    HUNG = "hung"
    CRASHED = "crashed"
    NOT_STARTED = "not_started"
    NOT_PUSHED = "not_pushed"
    CONNECTING = "connecting"
    NO_PICTURE = "no_picture"


@dataclass(frozen=True, slots=True)
class Job:
    """What a child is to read. The child trusts its parent; this is the one message that goes down."""

    url: str  # a path where it is a recording
    live: bool
    sample_fps: float
    width: int  # pixels; upright pictures are made to fit into width × (2 · width)
    transport: str  # auto, tcp or udp
    open_timeout: float  # seconds
    read_timeout: float  # seconds
    clip_seconds: float = 0.0  # before and after the moment that a clip is asked of; 0: there are none
    clip_bytes: int = 0  # that are kept for a clip
    decode: Literal["all", "keyframes", "gated"] = "all"
    hardware: str = "none"  # or auto, or the kind of a card to decode on
    listen: bool = False  # the camera comes to us

    @property
    def longest_clip(self) -> int:
        """Bytes, with what a file needs besides the packets."""
        return self.clip_bytes + self.clip_bytes // 8 + 65_536

    @property
    def slot_bytes(self) -> int:
        """The size of one slot: the largest picture, rows padded as FFmpeg likes them."""
        return (3 * self.width + 128) * 2 * self.width


@dataclass(frozen=True, slots=True)
class StreamInfo:
    """What a source turned out to be. Told once opened, and again where it changes."""

    container: str
    codec: str
    profile: str  # empty where unknown
    width: int  # pixels as encoded; 0 until the first picture where the source does not say
    height: int
    fps: float  # as the source says; 0 where it does not
    duration: float  # seconds; 0 for a live source, or where unknown
    transport: str  # tcp or udp for RTSP, else empty
    hardware: bool  # a card decodes it
    filmed_at: float  # seconds since 1970, for a recording's first picture; 0 for a live source


@dataclass(frozen=True, slots=True)
class Picture:
    """A kept picture lies in a slot, which is the parent's until it gives it back."""

    slot: int
    width: int
    height: int
    planar: bool  # light, then both colours at half its size (I420); else blue, green and red side by side
    stride: int  # bytes from one row to the next, of the light where it is planar
    turns: int  # quarter turns to the left that set it upright, 0 to 3: phones film sideways
    position: float
    captured: float  # time.monotonic()
    late: float  # seconds since its packet came: it was kept, and decoded when something moved
    keyframe: bool
    damaged: bool
    fresh: bool


@dataclass(frozen=True, slots=True)
class Unchanged:
    """A picture was due, but not decoded: it looks like the last one."""

    position: float
    captured: float  # time.monotonic(), when its packet came


@dataclass(frozen=True, slots=True)
class Clip:
    """The clip that was asked for: so many bytes follow this line. 0: there is none."""

    size: int


@dataclass(frozen=True, slots=True)
class Alive:
    """Reading goes on, but no picture was due."""


@dataclass(frozen=True, slots=True)
class Failed:
    """The last message of a child that cannot go on."""

    trouble: str


@dataclass(frozen=True, slots=True)
class Finished:
    """The last message of a recording read to its end."""


Message = StreamInfo | Picture | Unchanged | Clip | Alive | Failed | Finished
_KINDS: dict[str, type[Message]] = {
    kind.__name__: kind for kind in (StreamInfo, Picture, Unchanged, Clip, Alive, Failed, Finished)
}


def pack(message: Message, counts: dict[str, int]) -> bytes:
    """One line; `counts` is what was counted since the line before."""
    line = {"is": type(message).__name__, "counts": counts, **dataclasses.asdict(message)}
    return json.dumps(line).encode() + b"\n"


def unpack(line: bytes) -> tuple[Message, dict[str, int]]:
    """The message and the counts in a line. Raises ValueError where anything is not as it must be."""
    raw = json.loads(line)
    if not isinstance(raw, dict):
        raise ValueError("not an object")  # noqa: TRY004 - one error for everything a line can get wrong
    kind = _KINDS.get(str(raw.pop("is", None)))
    counts = raw.pop("counts", None)
    if kind is None or not isinstance(counts, dict) or not counts.keys() <= COUNTED:
        raise ValueError("unknown message or counts")
    for count in counts.values():
        _check(count, int)
    fields = {field.name: field.type for field in dataclasses.fields(kind)}
    if raw.keys() != fields.keys():
        raise ValueError("missing or unknown fields")
    for name, wanted in fields.items():
        _check(raw[name], wanted, _BOUNDS.get(name, MOST))
    return kind(**raw), counts


def _check(value: object, wanted: object, most: float = MOST) -> None:
    match value:
        case bool():
            fine = wanted is bool
        case int():
            fine = wanted in (int, float) and 0 <= value <= most
        case float():
            fine = wanted is float and 0 <= value <= most  # NaN is neither
        case str():
            fine = wanted is str and len(value) <= 80 and value.isprintable()
        case _:
            fine = False
    if not fine:
        raise ValueError("a value of the wrong type or out of range")


def pack_job(job: Job) -> bytes:
    """The line that a child waits for after its birth."""
    return json.dumps(dataclasses.asdict(job)).encode() + b"\n"


def unpack_job(line: bytes) -> Job:
    """What the parent wants."""
    return Job(**json.loads(line))
