"""Files as an attacker makes them: good ones with bits turned over, cut, doubled, or with lies in the head.

The same number always gives the same file.
"""

import io
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import av
import cv2
import numpy as np
from av.video.stream import VideoStream
from numpy.typing import NDArray

from tests.clips import scene

FPS: Final = 10
HUGE: Final = 100_000  # pixels
SEEDS: Final = {
    "h264.mp4": ("mp4", "libx264"),
    "h264.mkv": ("matroska", "libx264"),
    "h264.ts": ("mpegts", "libx264"),
    "h264.avi": ("avi", "libx264"),
    "h264.h264": ("h264", "libx264"),
    "h265.mp4": ("mp4", "libx265"),
    "h265.mkv": ("matroska", "libx265"),
    "h265.h265": ("hevc", "libx265"),
    "mjpeg.avi": ("avi", "mjpeg"),
    "mjpeg.mkv": ("matroska", "mjpeg"),
    "mpeg4.avi": ("avi", "mpeg4"),
    "anim.gif": ("gif", "gif"),
    "still.webp": ("webp", "libwebp"),
    "still.jpg": ("", ".jpg"),
    "still.png": ("", ".png"),
}
_PIXELS: Final = {"mjpeg": "yuvj420p", "gif": "rgb8", "libwebp": "yuv420p"}


@dataclass(frozen=True, slots=True)
class Hostile:
    """One file of a campaign."""

    name: str
    family: str  # what it was made from
    harm: str  # what was done to it
    content: bytes


def campaign(first: int, count: int, seed: int = 1) -> Iterator[Hostile]:
    """Files `first` to `first + count` of an endless row: three of four damaged, the fourth with a lie."""
    whole = {name: good(name) for name in SEEDS}
    lies = [(family, harm) for family, harms in LIES.items() for harm in harms]
    for number in range(first, first + count):
        chance = np.random.default_rng((seed, number))
        if number % 4 == 3:
            family, harm = lies[number // 4 % len(lies)]
            content = LIES[family][harm](whole[family])
            if number // 4 >= len(lies):  # each lie once as it is, then beside other damage
                content = _flip(content, chance)
                harm += " and bits"
        else:
            family = list(SEEDS)[number // 4 % len(SEEDS)]
            harm, spoil = list(DAMAGE.items())[int(chance.integers(len(DAMAGE)))]
            content = spoil(whole[family], chance)
        yield Hostile(f"{number:05d}-{family}", family, harm, content)


def good(name: str) -> bytes:
    """Two seconds of a small scene, or one picture of it, as it should be."""
    container, codec = SEEDS[name]
    pictures = [scene(number * 2, 160, 96) for number in range(2 * FPS)]
    if not container:
        _, encoded = cv2.imencode(codec, pictures[0])
        return encoded.tobytes()
    if codec == "libwebp":
        pictures = pictures[:1]
    return encode(container, codec, pictures)


def encode(container: str, codec: str, pictures: list[NDArray[np.uint8]]) -> bytes:
    """A file of these pictures, at ten a second."""
    options = {"preset": "ultrafast", "g": "10"} if codec.startswith("libx26") else {}
    if codec == "libx265":
        options["x265-params"] = "log-level=none:pools=1:frame-threads=1:keyint=10"
    file = io.BytesIO()
    file.name = f"file.{container}"
    with av.open(file, "w", format=container) as out:
        track = out.add_stream(codec, rate=FPS, options=options)
        assert isinstance(track, VideoStream)
        track.height, track.width = pictures[0].shape[:2]
        track.pix_fmt, track.thread_count = _PIXELS.get(codec, "yuv420p"), 1
        for picture in pictures:
            out.mux(track.encode(av.VideoFrame.from_ndarray(picture, "bgr24")))
        out.mux(track.encode())
    return file.getvalue()


# ---- damage

_Chance = np.random.Generator


def _flip(content: bytes, chance: _Chance) -> bytes:
    """Bits turned over, from one in a hundred thousand to one in fifty, as zzuf does."""
    spoilt = np.frombuffer(content, np.uint8).copy()
    count = int(chance.binomial(8 * len(content), 10 ** chance.uniform(-5, -1.7)))
    for bit in range(8):
        spoilt[chance.integers(0, len(content), count // 8 + 1)] ^= 1 << bit
    return spoilt.tobytes()


def _flip_head(content: bytes, chance: _Chance) -> bytes:
    head = min(len(content), int(chance.integers(16, 1024)))
    return _flip(content[:head], chance) + content[head:]


def _cut(content: bytes, chance: _Chance) -> bytes:
    return content[: int(chance.integers(0, len(content)))]


def _cut_front(content: bytes, chance: _Chance) -> bytes:
    return content[int(chance.integers(1, len(content))) :]


def _hole(content: bytes, chance: _Chance) -> bytes:
    begin = int(chance.integers(0, len(content)))
    length = int(chance.integers(1, 4096))
    return content[:begin] + bytes(min(length, len(content) - begin)) + content[begin + length :]


def _double(content: bytes, chance: _Chance) -> bytes:
    begin, end = sorted(int(each) for each in chance.integers(0, len(content), 2))
    return content[:end] + content[begin:end] * int(chance.integers(1, 8)) + content[end:]


def _numbers(content: bytes, chance: _Chance) -> bytes:
    """Sizes, counts and offsets become the numbers that programs go wrong at."""
    spoilt = bytearray(content)
    for _ in range(int(chance.integers(1, 12))):
        at = int(chance.integers(0, max(1, min(len(spoilt) - 4, 2048 if chance.random() < 0.7 else 1 << 30))))
        value = int(chance.choice([0, 1, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, 0x80000000]))
        spoilt[at : at + 4] = struct.pack(str(chance.choice([">I", "<I"])), value)
    return bytes(spoilt)


DAMAGE: Final[dict[str, Callable[[bytes, _Chance], bytes]]] = {
    "bits": _flip,
    "bits in the head": _flip_head,
    "cut": _cut,
    "front cut off": _cut_front,
    "hole": _hole,
    "doubled": _double,
    "numbers": _numbers,
}


# ---- lies


def _put(content: bytes, at: int, value: bytes) -> bytes:
    return content[:at] + value + content[at + len(value) :]


def _box(content: bytes, name: bytes) -> int:
    """Where an MP4 box's own content begins."""
    return content.index(name) + 4


def _mp4_size(content: bytes) -> bytes:
    entry = _box(content, b"avc1")
    content = _put(content, entry + 24, struct.pack(">HH", 65535, 65535))
    header = _box(content, b"tkhd")
    return _put(content, header + 76, struct.pack(">II", HUGE << 16 & 0xFFFFFFFF, HUGE << 16 & 0xFFFFFFFF))


def _mp4_endless(content: bytes) -> bytes:
    for name, place in ((b"mvhd", 16), (b"mdhd", 16), (b"tkhd", 20)):
        content = _put(content, _box(content, name) + place, struct.pack(">I", 0xFFFFFFFF))
    return _put(content, _box(content, b"stts") + 12, struct.pack(">I", 0x7FFFFFFF))


def _mp4_samples(content: bytes) -> bytes:
    content = _put(content, _box(content, b"stsz") + 8, struct.pack(">I", 0x7FFFFFFF))
    return _put(content, _box(content, b"stsc") + 4, struct.pack(">I", 0x7FFFFFFF))


def _mp4_offsets(content: bytes) -> bytes:
    return _put(content, _box(content, b"stco") + 8, struct.pack(">I", 0xFFFFFFF0))


def _mp4_streams(content: bytes) -> bytes:
    """A track, many thousand times."""
    at = content.index(b"moov") - 4
    (size,) = struct.unpack(">I", content[at : at + 4])
    track = content.index(b"trak") - 4
    (length,) = struct.unpack(">I", content[track : track + 4])
    many = content[track : track + length] * 20_000
    grown = struct.pack(">I", size + len(many)) + content[at + 4 : track + length] + many
    return content[:at] + grown + content[track + length :]


def _mp4_nested(content: bytes) -> bytes:
    """Boxes in boxes in boxes."""
    inner = b"".join(struct.pack(">I4s", 8 * left, b"moov") for left in range(20_000, 0, -1))
    return content[: content.index(b"moov") - 4] + inner


def _avi_size(content: bytes) -> bytes:
    content = _put(content, content.index(b"avih") + 8 + 32, struct.pack("<II", HUGE, HUGE))
    return _put(content, content.index(b"strf") + 8 + 4, struct.pack("<II", HUGE, HUGE))


def _avi_endless(content: bytes) -> bytes:
    content = _put(content, content.index(b"avih") + 8 + 16, struct.pack("<I", 0xFFFFFFFF))
    return _put(content, content.index(b"strh") + 8 + 32, struct.pack("<I", 0xFFFFFFFF))


def _avi_streams(content: bytes) -> bytes:
    """Millions by its header, and a hundred thousand that are there."""
    content = _put(content, content.index(b"avih") + 8 + 24, struct.pack("<I", 5_000_000))
    begin = content.index(b"strl") - 8
    (length,) = struct.unpack("<I", content[begin + 4 : begin + 8])
    one = content[begin : begin + 8 + length]
    many = one * (8_000_000 // len(one))
    header = content.index(b"hdrl") - 8
    (size,) = struct.unpack("<I", content[header + 4 : header + 8])
    content = _put(content, header + 4, struct.pack("<I", size + len(many)))
    return content[:begin] + many + content[begin:]


def _mkv_number(content: bytes, identity: bytes, value: int) -> bytes:
    """An unsigned number of the first element of this kind, as wide as it was."""
    at = content.index(identity) + len(identity)
    width = content[at] & 0x7F
    return _put(content, at + 1, value.to_bytes(8, "big")[-width:])


def _mkv_size(content: bytes) -> bytes:
    for identity in (b"\xb0\x81", b"\xba\x81"):  # PixelWidth, PixelHeight of one byte: made four
        at = content.index(identity)
        content = content[:at] + identity[:1] + b"\x84" + struct.pack(">I", HUGE) + content[at + 3 :]
    return content  # the sizes around them are wrong now, too


def _mkv_endless(content: bytes) -> bytes:
    at = content.index(b"\x44\x89\x88") + 3
    return _put(content, at, struct.pack(">d", 1e300))


def _mkv_scale(content: bytes) -> bytes:
    return _mkv_number(content, b"\x2a\xd7\xb1", 0xFFFFFFFFFFFFFFFF)


def _mkv_streams(content: bytes) -> bytes:
    """The same entry of a track, again and again; the sizes around it are unknown, as in a live stream."""
    at = content.index(b"\x16\x54\xae\x6b", content.index(b"\x16\x54\xae\x6b") + 4)  # not where it is listed
    size = _vint(content, at + 4)
    body = content[at + 4 + size[1] : at + 4 + size[1] + size[0]]
    tracks = b"\x16\x54\xae\x6b\x01\xff\xff\xff\xff\xff\xff\xff" + body * 20_000
    return content[:at] + tracks + content[at + 4 + size[1] + size[0] :]


def _vint(content: bytes, at: int) -> tuple[int, int]:
    """A Matroska size, and how many bytes it takes."""
    length = 8 - content[at].bit_length() + 1
    value = int.from_bytes(content[at : at + length], "big") & ((1 << (7 * length)) - 1)
    return value, length


def _gif_size(content: bytes) -> bytes:
    return _put(content, 6, struct.pack("<HH", 65535, 65535))


def _gif_bomb(content: bytes) -> bytes:
    """Hundreds of small pictures on a canvas that takes a gigabyte and more."""
    return _put(content, 6, struct.pack("<HH", 20_000, 20_000))[:-1] + content[13 + 768 : -1] * 10 + b";"


def _webp_size(content: bytes) -> bytes:
    at = content.index(b"\x9d\x01\x2a") + 3
    return _put(content, at, struct.pack("<HH", 16383, 16383))


def _png_size(content: bytes) -> bytes:
    header = b"IHDR" + struct.pack(">II", HUGE, HUGE) + content[24:29]
    return content[:12] + header + struct.pack(">I", zlib.crc32(header)) + content[33:]


def _png_bomb(content: bytes) -> bytes:
    """Thirty thousand pixels on each side, of which a few hundred kilobytes are told."""
    header = b"IHDR" + struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0)
    packer = zlib.compressobj(9)
    data = b"".join(packer.compress(bytes(90_001)) for _ in range(3_000)) + packer.flush()
    chunks = b"".join(
        struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
        for body in (header, b"IDAT" + data, b"IEND")
    )
    return content[:8] + chunks


def _jpeg_size(content: bytes) -> bytes:
    return _put(content, content.index(b"\xff\xc0") + 5, struct.pack(">HH", 65500, 65500))


def _h264_size(content: bytes) -> bytes:
    """A sequence header that wants 100,000 x 100,000 pixels, before the slices of a small picture."""
    bits = "".join(
        [f"{66:08b}", f"{0:08b}", f"{52:08b}", _ue(0), _ue(0), _ue(0), _ue(0), _ue(1), "0",
         _ue(HUGE // 16 - 1), _ue(HUGE // 16 - 1), "1", "0", "0", "0", "1"]
    )  # fmt: skip
    bits += "0" * (-len(bits) % 8)
    header = int(bits, 2).to_bytes(len(bits) // 8, "big")
    return b"\x00\x00\x00\x01\x67" + header + content[content.index(b"\x00\x00\x00\x01\x68") :]


def _ue(value: int) -> str:
    """Exp-Golomb."""
    code = f"{value + 1:b}"
    return "0" * (len(code) - 1) + code


def _ts_streams(content: bytes) -> bytes:
    """Tables of programs that name every stream there can be."""
    packets = [content[at : at + 188] for at in range(0, len(content), 188)]
    spoilt = []
    for number, packet in enumerate(packets * 8):
        pid = number * 37 % 8191
        spoilt.append(packet[:1] + struct.pack(">H", (packet[1] & 0xE0) << 8 | pid) + packet[3:])
    return b"".join(spoilt)


def _text(content: bytes) -> bytes:
    """A playlist, by which a daemon could be made to read other files, or to ask other machines."""
    return b"#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:0\n#EXTINF:10.0,\nfile:///etc/passwd\n" + content[:100]


def _concat(_: bytes) -> bytes:
    return b"ffconcat version 1.0\nfile /etc/passwd\nfile http://127.0.0.1:1/\n"


Lie = Callable[[bytes], bytes]
LIES: Final[dict[str, dict[str, Lie]]] = {
    "h264.mp4": {
        "100,000 pixels": _mp4_size,
        "endless": _mp4_endless,
        "millions of pictures": _mp4_samples,
        "offsets to nowhere": _mp4_offsets,
        "20,000 streams": _mp4_streams,
        "20,000 boxes in boxes": _mp4_nested,
        "a playlist": _text,
    },
    "h265.mp4": {"endless": _mp4_endless, "millions of pictures": _mp4_samples},
    "mjpeg.avi": {"100,000 pixels": _avi_size, "endless": _avi_endless, "millions of streams": _avi_streams},
    "mpeg4.avi": {"100,000 pixels": _avi_size, "endless": _avi_endless},
    "h264.mkv": {"100,000 pixels": _mkv_size, "endless": _mkv_endless, "thousands of streams": _mkv_streams},
    "h265.mkv": {"endless": _mkv_endless, "a second that never ends": _mkv_scale},
    "h264.h264": {"100,000 pixels": _h264_size, "a list of files": _concat},
    "h264.ts": {"all streams there can be": _ts_streams},
    "anim.gif": {"65,535 pixels": _gif_size, "a bomb": _gif_bomb},
    "still.webp": {"16,383 pixels": _webp_size},
    "still.png": {"100,000 pixels": _png_size, "a bomb": _png_bomb},
    "still.jpg": {"65,500 pixels": _jpeg_size},
}


def write(folder: Path, files: Iterator[Hostile]) -> dict[str, Hostile]:
    """Puts them into a folder; by name, without what they hold."""
    made = {}
    for file in files:
        (folder / file.name).write_bytes(file.content)
        made[file.name] = Hostile(file.name, file.family, file.harm, b"")
    return made
