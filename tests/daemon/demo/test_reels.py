"""Reels decode to what was put in, and fit one after the other."""

from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from daemon.demo.events import EVENTS
from daemon.demo.reels import put_on_air, write_reel
from tests.daemon.demo.small_stage import NORMAL, SmallStage


def read_reel(path: Path) -> Iterator[NDArray[np.uint8]]:
    """The pictures of a reel, (H, W, 3) BGR."""
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            yield frame.to_ndarray(format="bgr24").astype(np.uint8, copy=False)


def test_a_reel_decodes_to_its_pictures_in_order(tmp_path: Path) -> None:
    stage = SmallStage()
    assert list(write_reel(tmp_path / "a.mp4", stage.normal(0), stage.rate)) == list(range(1, 13))
    pictures = list(read_reel(tmp_path / "a.mp4"))
    assert len(pictures) == 12
    for drawn, decoded in zip(stage.normal(0), pictures, strict=True):
        assert np.abs(drawn.astype(int) - decoded).mean() < 4
    assert [path.name for path in tmp_path.iterdir()] == ["a.mp4"]


def test_all_reels_of_a_stage_have_the_same_headers_and_no_reordering(tmp_path: Path) -> None:
    stage, headers = SmallStage(), set()
    for event in EVENTS:
        list(write_reel(tmp_path / "a.mp4", event.pictures(stage), stage.rate))
        with av.open(str(tmp_path / "a.mp4")) as container:
            headers.add(bytes(container.streams.video[0].codec_context.extradata or b""))
            packets = [packet for packet in container.demux(video=0) if packet.pts is not None]
        assert [packet.pts for packet in packets] == [packet.dts for packet in packets]
        assert packets[0].is_keyframe
    assert len(headers) == 1 and headers != {b""}


def test_a_frozen_reel_decodes_to_the_very_same_picture(tmp_path: Path) -> None:
    stage = SmallStage()
    freeze = next(event for event in EVENTS if event.name == "freeze")
    list(write_reel(tmp_path / "a.mp4", freeze.pictures(stage), stage.rate))
    pictures = list(read_reel(tmp_path / "a.mp4"))
    assert len(pictures) == 12
    assert all(np.array_equal(picture, pictures[2]) for picture in pictures[2:])


def test_the_cover_comes_hides_everything_and_goes(tmp_path: Path) -> None:
    stage = SmallStage()
    cover = next(event for event in EVENTS if event.name == "covered lens")
    pictures = list(cover.pictures(stage))
    assert abs(float(np.median(pictures[0][0, :, 1])) - NORMAL[1]) < 10, "at first the top is still free"
    middle = pictures[len(pictures) // 2]
    assert middle.mean() < 80 and middle[..., 1].std() < 25, "dark, and nothing is left of the post"
    assert abs(float(np.median(pictures[-1][0, :, 1])) - NORMAL[1]) < 10


def test_putting_on_air_replaces_at_once_and_keeps_the_reel(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.mp4").write_text(name)
    for name in ("a", "b", "a"):
        put_on_air(tmp_path / f"{name}.mp4", tmp_path / "air.mp4")
        assert (tmp_path / "air.mp4").read_text() == name
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.mp4", "air.mp4", "b.mp4"]


def test_a_reel_that_cannot_be_written_says_so_and_leaves_nothing(tmp_path: Path) -> None:
    stage = SmallStage()
    with pytest.raises(OSError, match="No such file"):
        list(write_reel(tmp_path / "nowhere" / "a.mp4", stage.normal(0), stage.rate))
    assert not list(tmp_path.iterdir())
