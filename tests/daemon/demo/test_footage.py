"""The user's own clip: what is said of one that does not fit, and the events laid over one that does."""

import asyncio
import io
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from rich.console import Console

from daemon.demo import demo
from daemon.demo.events import EVENTS
from daemon.demo.footage import Footage
from daemon.demo.reels import write_reel
from tests.real import shared

WIDTH, HEIGHT, RATE = 320, 240, 8


def street(seconds: float, pan: float = 0.0, shake: float = 0.0) -> Iterator[NDArray[np.uint8]]:
    """A textured wall before which boxes move to the right, low in the picture."""
    wall = np.random.default_rng(3).integers(105, 150, (HEIGHT // 8, (WIDTH + 4000) // 8, 3), np.uint8)
    wall = wall.repeat(8, axis=0).repeat(8, axis=1)
    for number in range(round(seconds * RATE)):
        left = 20 + round(number * pan + shake * np.sin(number / 3))
        picture = wall[:, left : left + WIDTH].copy()
        x = 6 * number % (WIDTH + 60) - 60
        picture[180:220, max(0, x) : max(0, x + 40)] = (30, 30, 30)
        yield picture


def clip(path: Path, seconds: float, pan: float = 0.0, shake: float = 0.0) -> Path:
    list(write_reel(path, street(seconds, pan, shake), Fraction(RATE)))
    return path


async def refusal(video: Path, state: Path) -> str:
    paper = io.StringIO()
    async with asyncio.timeout(10):  # one that is not refused would be shown
        assert await demo(video, state, Console(file=paper, width=300), False) == 2
    assert "Traceback" not in paper.getvalue()
    return paper.getvalue()


async def test_clips_that_do_not_fit_are_refused_in_words(tmp_path: Path) -> None:
    state = tmp_path / "state"
    assert "nowhere.mp4: there is no such file" in await refusal(tmp_path / "nowhere.mp4", state)
    assert "there is no such file" in await refusal(tmp_path, state)
    text = tmp_path / "text.mp4"
    text.write_text("not a video")
    assert "text.mp4: cannot be read as a video (Invalid data" in await refusal(text, state)
    (tmp_path / "empty.mp4").touch()
    assert "empty.mp4: cannot be read as a video" in await refusal(tmp_path / "empty.mp4", state)
    short = clip(tmp_path / "short.mp4", 5)
    assert "only 5.0 s can be read; at least 20 s are needed" in await refusal(short, state)
    pan = clip(tmp_path / "pan.mp4", 21, pan=3)
    assert "does not look like a fixed camera" in await refusal(pan, state)
    shaken = clip(tmp_path / "shaken.mp4", 21, shake=6)
    assert "fixed camera: the whole picture shifts" in await refusal(shaken, state)
    whole = clip(tmp_path / "whole.mp4", 21).read_bytes()
    (tmp_path / "cut.mp4").write_bytes(whole[: len(whole) // 2])
    assert "cut.mp4: cannot be read as a video" in await refusal(tmp_path / "cut.mp4", state)
    assert not state.exists()


async def test_a_state_folder_that_cannot_be_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    paper = io.StringIO()
    assert await demo(None, tmp_path / "file", Console(file=paper, width=300), False) == 2
    assert "file: cannot keep anything there" in paper.getvalue()


def test_where_all_move_one_way_the_wrong_way_is_the_clip_backwards(tmp_path: Path) -> None:
    footage = Footage(clip(tmp_path / "a.mp4", 21))
    assert footage.half_seconds == 10.5
    assert footage.survey.rightward > 0.8
    assert "backwards" in footage.wrong_way_words
    forwards, backwards = list(footage.normal(0)), list(footage.wrong_way())
    assert len(forwards) == len(backwards) == 84
    assert np.array_equal(forwards[0], backwards[-1])
    assert len(list(footage.normal(1))) == 84


def test_the_intruder_walks_where_nothing_moves(tmp_path: Path) -> None:
    footage = Footage(clip(tmp_path / "a.mp4", 21))
    pairs = list(zip(footage.normal(0), footage.intruder(), strict=True))
    changed = [(np.abs(a.astype(int) - b).max(axis=2) > 25) for a, b in pairs]
    assert max(each.mean() for each in changed) > 0.01
    rows = np.nonzero(np.any(changed, axis=(0, 2)))[0]
    assert rows.max() < 190, "not among the boxes"


@pytest.mark.real("videos/vtest.mp4")
def test_events_on_real_footage_are_visible() -> None:
    footage = Footage(shared("data/videos/vtest.mp4"))
    assert footage.half_seconds == 12
    usual = list(footage.normal(0))
    for event in EVENTS:
        strange = list(event.pictures(footage))
        assert len(usual) == len(strange) == 120
        changed = [
            (cv2.absdiff(usual[number], strange[number]) > 25).any(axis=2).mean()
            for number in range(0, 120, 8)
        ]
        assert max(changed) > 0.008, event.name
