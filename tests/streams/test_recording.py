"""Recordings: nothing is lost, nothing is invented, and what cannot be read is said in words."""

import asyncio
import os
import subprocess
import time
import wave
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import psutil
import pytest
from av.video.stream import VideoStream
from numpy.typing import NDArray

from config.settings import StreamSettings
from streams.frame import Frame, StreamError, StreamFault
from streams.probe import probe
from streams.recording import Recording
from streams.source import source_for
from tests.clips import scene, write_clip
from tests.real import require


def recording(path: Path | str, fps: float = 5, width: int = 640) -> Recording:
    source = source_for(StreamSettings(name="upload", url=str(path)), fps, width)
    assert isinstance(source, Recording)
    return source


async def read(source: Recording) -> list[Frame]:
    async with asyncio.timeout(20), aclosing(source.sights()) as sights:
        seen = [sight async for sight in sights]
    assert all(isinstance(sight, Frame) for sight in seen)
    return [sight for sight in seen if isinstance(sight, Frame)]


def coarse(picture: NDArray[np.uint8], block: int) -> NDArray[np.float64]:
    """Means over blocks of block × block pixels, (H / block, W / block, 3)."""
    height, width, _ = picture.shape
    means: NDArray[np.float64] = picture.reshape(height // block, block, width // block, block, 3).mean(
        axis=(1, 3)
    )
    return means


async def complaint(path: Path | str) -> StreamError:
    with pytest.raises(StreamError) as failed:
        await read(recording(path))
    with pytest.raises(StreamError) as probed:
        await probe(StreamSettings(name="upload", url=str(path)))
    assert str(failed.value) == str(probed.value)
    return failed.value


@pytest.mark.parametrize(
    ("name", "codec"),
    [
        ("a.mp4", "libx264"),
        ("a.mkv", "libx264"),
        ("a.mp4", "libx265"),
        ("a.mkv", "libx265"),
        ("a.avi", "mjpeg"),
        ("a.mkv", "mjpeg"),
        ("a.ts", "libx264"),
        ("odd : name%20#?.mp4", "libx264"),
    ],
)
async def test_every_sampled_picture_arrives(tmp_path: Path, name: str, codec: str) -> None:
    path = write_clip(tmp_path / name, codec=codec, seconds=3)
    source = recording(path, width=160)
    seen = await read(source)
    assert [frame.number for frame in seen] == list(range(15))
    assert [frame.position for frame in seen] == pytest.approx([n / 5 for n in range(15)], abs=0.002)
    assert [frame.fresh for frame in seen] == [True] + 14 * [False]
    assert seen[0].keyframe and not seen[0].live and seen[0].stream == "upload"
    assert not any(frame.damaged for frame in seen)
    for frame in (seen[0], seen[7]):
        assert frame.picture.shape == (90, 160, 3) and frame.picture.dtype == np.uint8
        drawn = scene(round(frame.position * 25), 320, 180)
        # The colours are where they were drawn, and in the order BGR.
        assert np.abs(coarse(frame.picture, 10) - coarse(drawn, 20)).mean() < 10
    took_place = seen[5].captured_at - seen[0].captured_at
    assert took_place == pytest.approx(timedelta(seconds=1), abs=timedelta(milliseconds=2))
    # Where each picture stands alone, those that are not due are not decoded.
    assert source.counts["decoded"] == (15 if codec == "mjpeg" else 75)
    assert source.counts["sampled"] == source.counts["delivered"] == 15
    assert source.state == "ended" and source.opened is not None and source.opened.fps == pytest.approx(25)


async def test_a_recording_is_of_the_time_when_its_file_was_written(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.mp4", seconds=3)
    written = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
    os.utime(path, (time.time(), written.timestamp()))
    first, again = await read(recording(path)), await read(recording(path))
    assert first[0].captured_at == written - timedelta(seconds=3)
    assert [frame.captured_at for frame in first] == [frame.captured_at for frame in again]


@pytest.mark.parametrize("container", ["mp4", "mkv"])
async def test_a_recording_is_of_the_time_that_it_names(tmp_path: Path, container: str) -> None:
    path = remux(write_clip(tmp_path / "a.mp4"), tmp_path / f"b.{container}", "utf-8")
    for modified in (time.time(), 1_800_000_000, 1):  # copying it changes nothing
        os.utime(path, (modified, modified))
        first, *_ = await read(recording(path))
        assert first.captured_at == datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC)


async def test_a_title_in_any_encoding_is_no_obstacle(tmp_path: Path) -> None:
    path = remux(write_clip(tmp_path / "a.mp4"), tmp_path / "b.mkv", "latin-1")
    assert len(await read(recording(path))) == 10


def remux(source: Path, target: Path, encoding: str) -> Path:
    """The same pictures in another container, which is given a title and a time."""
    with av.open(str(source)) as before, av.open(str(target), "w", metadata_encoding=encoding) as after:
        after.metadata.update(title="Vögel im Garten", creation_time="2024-05-06T07:08:09Z")
        stream = after.add_stream_from_template(before.streams.video[0])
        for packet in before.demux(video=0):
            if packet.size:
                packet.stream = stream
                after.mux(packet)
    return target


async def test_a_file_address_is_a_path(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "with space.mp4", seconds=1)
    assert len(await read(recording(path.as_uri()))) == 5


async def test_no_picture_is_enlarged_and_odd_sizes_keep_their_shape(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.mp4", seconds=1, width=106, height=62)
    assert (await read(recording(path, width=640)))[0].picture.shape == (62, 106, 3)
    seen = await read(recording(path, width=37))
    assert seen[0].picture.shape == (22, 37, 3)
    drawn = scene(0, 106, 62).reshape(-1, 3).mean(axis=0)
    assert np.abs(seen[0].picture.reshape(-1, 3).mean(axis=0) - drawn).max() < 12


@pytest.mark.real("ffmpeg")
@pytest.mark.parametrize(("degrees", "turns"), [(90, 1), (180, 2), (270, 3)])
async def test_a_picture_filmed_sideways_is_set_upright(tmp_path: Path, degrees: int, turns: int) -> None:
    upright = write_clip(tmp_path / "a.mp4", seconds=0.4)
    sideways = tmp_path / "b.mp4"
    turn = ["-c", "copy", "-metadata:s:v", f"rotate={degrees}"]
    subprocess.run([require("ffmpeg"), "-v", "error", "-i", upright, *turn, sideways], check=True)  # noqa: ASYNC221
    expected = np.rot90((await read(recording(upright)))[0].picture, turns)
    assert (expected == (await read(recording(sideways)))[0].picture).all()
    small = (await read(recording(sideways, width=90)))[0].picture
    assert small.shape == ((160, 90, 3) if turns % 2 else (51, 90, 3))


async def test_who_takes_slowly_loses_nothing(tmp_path: Path) -> None:
    source = recording(write_clip(tmp_path / "a.mp4", seconds=2), fps=25)
    number = 0
    async with asyncio.timeout(20), aclosing(source.sights()) as sights:
        async for _ in sights:
            number += 1
            await asyncio.sleep(0.02)
            if number == 10:
                # The child waits for slots: it has not read on to the end.
                assert source.counts["decoded"] < 25
    assert number == 50


async def test_a_picture_stays_what_it_is_while_others_follow(tmp_path: Path) -> None:
    source = recording(write_clip(tmp_path / "a.mp4", seconds=2), fps=25)
    async with asyncio.timeout(20), aclosing(source.sights()) as sights:
        first = await anext(sights)
        assert isinstance(first, Frame)
        before = first.picture.copy()
        async for _ in sights:
            pass
    assert (first.picture == before).all()
    with pytest.raises(ValueError, match="read-only"):
        first.picture[0, 0, 0] = 1


async def test_a_change_of_size_in_the_middle_is_marked(tmp_path: Path) -> None:
    both = tmp_path / "both.h264"
    small = write_clip(tmp_path / "small.h264", seconds=1, width=160, height=90)
    large = write_clip(tmp_path / "large.h264", seconds=1, width=320, height=180)
    both.write_bytes(small.read_bytes() + large.read_bytes())
    source = recording(both)
    seen = await read(source)
    sizes = [frame.picture.shape[:2] for frame in seen]
    turn = sizes.index((180, 320))
    assert set(sizes[:turn]) == {(90, 160)} and set(sizes[turn:]) == {(180, 320)}
    assert [number for number, frame in enumerate(seen) if frame.fresh] == [0, turn]
    assert source.opened is not None and source.opened.width == 320


async def test_a_recording_that_breaks_off_shows_what_is_there_and_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    sound = write_clip(tmp_path / "a.mkv", seconds=8)
    await read(recording(sound))
    assert caplog.text == ""
    whole = sound.read_bytes()
    cut = tmp_path / "cut.mkv"
    cut.write_bytes(whole[: len(whole) // 2])
    source = recording(cut)
    seen = await read(source)
    assert 10 <= len(seen) <= 30
    assert source.counts["cut_short"] == 1
    assert "of 8 s could be read: the file is cut short or damaged" in caplog.text


@pytest.mark.parametrize("decodable", [True, False])
async def test_damage_in_the_middle_is_marked_until_the_next_keyframe(
    tmp_path: Path, decodable: bool
) -> None:
    path = write_clip(tmp_path / "a.mp4", seconds=4)
    content = bytearray(path.read_bytes())
    with av.open(str(path)) as container:
        packets = [packet for packet in container.demux(video=0) if packet.size]
        spans = [(packet.pos or 0, packet.size) for packet in packets]
    start, size = spans[30]  # keyframes stand at 0, 25, 50, 75
    if decodable:
        content[start + 60 : start + size] = bytes(size - 60)
    else:  # the length of what follows: no picture comes of this
        content[start : start + 4] = b"\xff" * 4
    path.write_bytes(content)
    source = recording(path, fps=25)
    damaged = [round(frame.position * 25) for frame in await read(source) if frame.damaged]
    assert damaged and set(damaged) <= set(range(30, 50)) and {35, 49} <= set(damaged)
    assert source.counts["damaged"] >= 1


async def test_pictures_before_the_first_keyframe_are_not_shown(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.avi", codec="mpeg4", seconds=2)
    late = tmp_path / "late.mkv"
    with av.open(str(path)) as source, av.open(str(late), "w") as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        for packet in list(source.demux(video=0))[3:]:
            if packet.dts is not None:
                packet.stream = stream
                target.mux(packet)
    reading = recording(late, fps=25)
    seen = await read(reading)
    assert seen[0].keyframe and len(seen) > 10
    assert reading.counts["dropped_before_keyframe"] > 0
    assert reading.counts["decoded"] - reading.counts["dropped_before_keyframe"] == len(seen)


@pytest.mark.parametrize("name", ["far.mkv", "far.nut"])
async def test_a_file_that_claims_to_last_for_ages_is_read_nonetheless(tmp_path: Path, name: str) -> None:
    """Its last timestamp lies 12 000 years after the first, which no calendar can hold."""
    path = tmp_path / name
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=1)
        assert isinstance(stream, VideoStream)
        stream.width = stream.height = 64
        stream.pix_fmt = "yuv420p"
        stream.time_base = Fraction(1, 1)
        packets = []
        for number in range(3):
            picture = av.VideoFrame.from_ndarray(scene(number, 64, 64), "bgr24")
            picture.pts, picture.time_base = number, Fraction(1, 1)
            packets += stream.encode(picture)
        for packet, stamp in zip([*packets, *stream.encode()], (0, 1, 400_000_000_000), strict=True):
            packet.time_base = Fraction(1, 1)
            packet.pts = packet.dts = stamp
            container.mux(packet)
    seen = await read(recording(path))
    assert [frame.position for frame in seen[:2]] == [0, 1]
    assert 1 < seen[2].position <= 11
    report = await probe(StreamSettings(name="upload", url=str(path)), seconds=60)
    assert report.duration is None


@pytest.mark.parametrize(
    ("make", "fault", "words"),
    [
        ("missing", StreamFault.UNREADABLE, "does not exist: check the path"),
        ("folder", StreamFault.UNREADABLE, "is a folder: name one recording in it"),
        ("empty", StreamFault.UNREADABLE, "is empty: was it still being copied?"),
        ("truncated", StreamFault.UNREADABLE, "lacks its index (moov): it was cut off"),
        ("text", StreamFault.NOT_VIDEO, "is not a video that can be read"),
        ("page", StreamFault.NOT_VIDEO, "is not a video that can be read"),
        ("noise", StreamFault.NOT_VIDEO, "is not a video that can be read"),
        ("sound", StreamFault.NOT_VIDEO, "has no picture track, only sound or data"),
        ("playlist", StreamFault.NOT_VIDEO, "is not a video that can be read"),
        ("concat", StreamFault.NOT_VIDEO, "is not a video that can be read"),
    ],
)
async def test_what_cannot_be_read_is_said(tmp_path: Path, make: str, fault: StreamFault, words: str) -> None:
    path = tmp_path / f"{make}.mp4"
    good = write_clip(tmp_path / "good.mp4", seconds=1)
    match make:
        case "folder":
            path.mkdir()
        case "empty":
            path.touch()
        case "truncated":
            path.write_bytes(good.read_bytes()[:2000])
        case "text":
            path.write_text("Dear reader,\n" * 500)
        case "page":
            path.write_text("<html><body>404 not found</body></html>\n" * 100)
        case "noise":
            path.write_bytes(np.random.default_rng(0).bytes(100_000))
        case "sound":
            with wave.open(str(path), "wb") as sound:
                sound.setnchannels(1)
                sound.setsampwidth(2)
                sound.setframerate(8000)
                sound.writeframes(bytes(16_000))
        case "playlist":  # hostile: would make the daemon read another file
            path.write_text(f"#EXTM3U\n#EXTINF:1,\n{good}\n#EXT-X-ENDLIST\n")
        case "concat":
            path.write_text(f"ffconcat version 1.0\nfile '{good.name}'\n")
    error = await complaint(path)
    assert error.fault is fault
    assert str(error).startswith(f"{path} ") and words in str(error)


async def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.mp4", seconds=1)
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("this user may read everything")
    error = await complaint(path)
    assert error.fault is StreamFault.UNREADABLE
    assert "may not be read by this user: change the file's permissions" in str(error)


async def test_closing_in_the_middle_ends_quietly(tmp_path: Path) -> None:
    source = recording(write_clip(tmp_path / "a.mp4", seconds=2), fps=25)
    async with asyncio.timeout(10), aclosing(source.sights()) as sights:
        seen = 0
        async for _ in sights:
            seen += 1
            if seen == 3:
                began = time.monotonic()
                await source.close()
                await source.close()
    assert seen == 3 and time.monotonic() - began < 1


async def test_probe_tells_what_a_recording_is(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.mp4", seconds=4)
    report = await probe(StreamSettings(name="upload", url=str(path)), seconds=10)
    assert not report.live and report.transport is None and report.codec == "h264"
    assert report.duration == pytest.approx(4, abs=0.1)
    assert report.measured_fps == report.nominal_fps == pytest.approx(25)
    assert report.keyframe_interval == pytest.approx(1)
    assert report.bitrate == pytest.approx(8 * path.stat().st_size / 4, rel=0.3)


async def test_nothing_is_left_open(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.mp4", seconds=0.4)
    await read(recording(path))
    before = psutil.Process().num_fds()
    for _ in range(10):
        await read(recording(path))
        with pytest.raises(StreamError):
            await read(recording(tmp_path / "missing.mp4"))
    await asyncio.sleep(0)  # asyncio closes its end of a line a moment later
    assert psutil.Process().num_fds() <= before
