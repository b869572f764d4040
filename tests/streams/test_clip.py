"""Clips around a moment: cut from the packets as they came, bounded, and played by others."""

import asyncio
import io
import json
import subprocess
import time
from collections import Counter
from contextlib import aclosing
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from av.packet import Packet
from hypothesis import given, settings
from hypothesis import strategies as st

from config.settings import StreamSettings
from streams.camera import Camera
from streams.child import Child
from streams.frame import Frame, StreamError, StreamFault
from streams.message import FILM, SLOTS, Clip, pack
from streams.ring import Ring
from tests.clips import write_clip
from tests.real import require
from tests.rtsp import RtspServer
from tests.streams.test_child import INFO, JOB, Liar, said

SECONDS = 1.5


def filled(path: Path, seconds: float, limit: int, film_at: float | None = None) -> tuple[bytes, Ring, int]:
    """A ring that was shown a file as if live; the clip if one was wanted; the most bytes it held."""
    ring, clip, most = Ring(seconds, limit), b"", 0
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        for packet in container.demux(stream):
            if packet.pts is None:
                continue
            now = 1000 + float(packet.pts * packet.time_base)
            ring.add(packet, now)
            most = max(most, ring.size)
            if film_at is not None and now - 1000 >= film_at and not clip:
                ring.want(now)
            if ring.due(now):
                clip, film_at = ring.cut(stream), None
    return clip, ring, most


def look_at(path: Path) -> tuple[str, list[bool], float]:
    """With ffprobe: the codec, which packets are keyframes, and the seconds."""
    asked = ["-of", "json", "-show_entries", "packet=flags:stream=codec_name:format=duration", str(path)]
    done = subprocess.run(
        [require("ffprobe"), "-v", "error", *asked], capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    found = json.loads(done.stdout)
    keys = ["K" in packet["flags"] for packet in found["packets"]]
    return found["streams"][0]["codec_name"], keys, float(found["format"]["duration"])


@pytest.mark.real("ffmpeg")
@pytest.mark.parametrize(
    ("codec", "name", "said"),
    [("libx264", "a.mp4", "h264"), ("libx265", "a.mp4", "hevc"), ("mjpeg", "a.avi", "mjpeg")],
)
def test_a_clip_plays_and_begins_with_a_keyframe(tmp_path: Path, codec: str, name: str, said: str) -> None:
    source = write_clip(tmp_path / name, codec=codec, seconds=6, keyframe_every=10)
    clip, _, _ = filled(source, SECONDS, 10_000_000, film_at=3)
    made = tmp_path / "clip.mp4"
    made.write_bytes(clip)
    found, keys, seconds = look_at(made)
    assert found == said and keys[0]
    assert 2 * SECONDS <= seconds <= 2 * SECONDS + 0.5
    played = subprocess.run(
        [require("ffmpeg"), "-v", "error", "-i", made, "-f", "null", "-"], capture_output=True, check=True
    )
    assert played.stderr == b""


def test_a_clip_shows_the_moment(tmp_path: Path) -> None:
    source = write_clip(tmp_path / "a.mp4", seconds=6, keyframe_every=10)
    (tmp_path / "clip.mp4").write_bytes(filled(source, SECONDS, 10_000_000, film_at=3)[0])
    with av.open(str(source)) as container:
        wanted = [picture.to_ndarray(format="gray") for picture in container.decode(video=0)][75]
    with av.open(str(tmp_path / "clip.mp4")) as container:
        shown = [picture.to_ndarray(format="gray") for picture in container.decode(video=0)]
    apart = [np.abs(picture.astype(int) - wanted).mean() for picture in shown]
    place = int(np.argmin(apart))
    assert apart[place] == 0
    assert SECONDS * 25 - 1 <= place <= SECONDS * 25 + 10


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return write_clip(tmp_path_factory.mktemp("clip") / "a.mp4", seconds=1).read_bytes()


def test_the_ring_keeps_to_its_bounds(tmp_path: Path) -> None:
    source = write_clip(tmp_path / "a.mp4", seconds=8, keyframe_every=25, noise=40)
    _, ring, most = filled(source, 2, 10_000_000)
    assert 0 < ring.size < 0.5 * source.stat().st_size
    limit = most // 3
    assert limit / 3 < filled(source, 2, limit)[2] <= limit
    endless = write_clip(tmp_path / "b.mp4", seconds=8, keyframe_every=10_000, noise=40)
    assert filled(endless, 2, limit)[2] <= limit
    assert filled(source, 0, limit)[2] == 0


def test_without_packets_there_is_no_clip(tmp_path: Path) -> None:
    with av.open(str(write_clip(tmp_path / "a.mp4"))) as container:
        ring = Ring(1, 1000)
        ring.want(0)
        assert not ring.due(0.9) and ring.due(1)
        assert ring.cut(container.streams.video[0]) == b""
        assert not ring.due(5)


STAMPS = st.none() | st.integers(-(2**63) + 1, 2**63 - 1) | st.integers(0, 500)
MadeUp = tuple[int, bool, int | None, int | None, float]  # bytes, keyframe, dts, pts, seconds since the last
PACKETS = st.tuples(st.integers(0, 3000), st.booleans(), STAMPS, STAMPS, st.floats(0, 3))


@settings(max_examples=60)
@given(st.lists(PACKETS, max_size=30))
def test_no_packets_do_harm(whole: bytes, made_up: list[MadeUp]) -> None:
    with av.open(io.BytesIO(whole)) as container:
        stream = container.streams.video[0]
        ring, now = Ring(1, 20_000), 0.0
        for size, key, dts, pts, later in made_up:
            packet: Any = Packet(bytes(size))
            packet.dts, packet.pts, packet.is_keyframe, packet.time_base = dts, pts, key, Fraction(1, 90_000)
            now += later
            ring.add(packet, now)
            assert 0 <= ring.size <= 20_000
        ring.want(now)
        assert isinstance(ring.cut(stream), bytes)


async def filmed(camera: Camera, clips: list[bytes]) -> None:
    """Watches until one clip is there."""
    asked = False
    async with asyncio.timeout(20), aclosing(camera.sights()) as sights:
        async for sight in sights:
            if isinstance(sight, Frame) and sight.position > 2 and not asked:
                asked = camera.film(clips.append)
                assert asked
                assert camera.film(clips.append)  # a second alert shares the clip
            if len(clips) == 2:
                return


@pytest.mark.real("gst-rtsp-server")
@pytest.mark.parametrize(("codec", "ending"), [("libx264", "h264"), ("libx265", "h265")])
async def test_a_real_camera_is_filmed(tmp_path: Path, codec: str, ending: str) -> None:
    source = write_clip(tmp_path / f"a.{ending}", codec=codec, seconds=4)
    with RtspServer({"/gate": source}) as server:
        gate = StreamSettings(name="gate", url=server.url("/gate"), clip_seconds=1, transport="tcp")
        camera = Camera(gate, 5, 64)
        clips: list[bytes] = []
        await filmed(camera, clips)
    assert clips[0] == clips[1]
    assert camera.counts["clips"] == 1
    (tmp_path / "clip.mp4").write_bytes(clips[0])
    codec_name, keys, seconds = look_at(tmp_path / "clip.mp4")
    assert codec_name == {"h264": "h264", "h265": "hevc"}[ending]
    assert keys[0] and 1.8 < seconds < 3.5


@pytest.mark.real("gst-rtsp-server")
async def test_no_clips_where_none_are_wanted(tmp_path: Path) -> None:
    with RtspServer({"/gate": write_clip(tmp_path / "a.h264")}) as server:
        gate = StreamSettings(name="gate", url=server.url("/gate"), clip_seconds=0, transport="tcp")
        camera = Camera(gate, 5, 64)
        assert not camera.film(lambda _: None)
        async with aclosing(camera.sights()) as sights:
            async for sight in sights:
                if isinstance(sight, Frame):
                    assert not camera.film(lambda _: None)
                    break


@pytest.mark.parametrize(
    "lie",
    [
        pack(Clip(5), {}) + b"clip!",  # nobody asked
        pack(Clip(10**9), {}),
        pack(Clip(1000), {}) + b"short",
    ],
)
async def test_a_child_that_lies_about_clips_is_killed(lie: bytes) -> None:
    asked = lie.endswith(b"short") or b"1000000000" in lie
    counts: Counter[str] = Counter()
    job = replace(JOB, clip_seconds=1.0, clip_bytes=10_000)

    async def listen() -> None:
        async with Child(job, counts, Liar(*said(INFO), lie)) as child:
            async for _ in child.messages():
                if asked:
                    child.film()

    with pytest.raises(StreamError) as error:
        await listen()
    assert error.value.fault is StreamFault.CRASHED
    assert counts["children_died"] == 1


async def test_a_large_clip_comes_whole_and_soon() -> None:
    clip = bytes(range(256)) * 50_000  # 12.8 MB
    job = replace(JOB, clip_seconds=1.0, clip_bytes=12_000_000)
    began = time.monotonic()
    async with Child(job, Counter(), Liar(*said(INFO), pack(Clip(len(clip)), {}) + clip)) as child:
        messages = child.messages()
        await anext(messages)
        child.film()
        assert await anext(messages) == clip
    assert time.monotonic() - began < 3


def test_the_byte_that_asks_is_no_slot() -> None:
    assert FILM >= SLOTS
