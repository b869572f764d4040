"""FFmpeg's own filters as independent judges of the same clips."""

import re
import subprocess
from pathlib import Path

import numpy as np
import pytest

from benchmarks.oracles import CLIPS, compare
from tests.detectors.quality.clips import encoded, frames, judged
from tests.detectors.quality.planted import FAULTS, planted
from tests.detectors.quality.test_detector import noisy, scene
from tests.real import require, shared


def clip(path: Path, name: str) -> bytes:
    """Twenty seconds of a noisy street, with one fault; kept as a file too."""
    street = [noisy(np.roll(scene(), number // 4, axis=1), 3) for number in range(260)]
    file = encoded(planted(street, FAULTS[name][1], 13, 22), crf=20)
    path.write_bytes(file)
    return file


def span(ffmpeg: str, path: Path, video_filter: str, begin: str, end: str) -> tuple[float, float]:
    """The first span that a filter reports, in seconds."""
    command: list[str] = [ffmpeg, "-hide_banner", "-nostats", "-threads", "1", "-i", str(path)]
    command += ["-vf", video_filter, "-f", "null", "-"]
    told = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stderr
    first, last = re.search(begin + r": ?([\d.]+)", told), re.search(end + r": ?([\d.]+)", told)
    assert first is not None and last is not None, told
    return float(first[1]), float(last[1])


@pytest.mark.real("ffmpeg")
def test_blackdetect_finds_the_same_black_span(tmp_path: Path) -> None:
    ffmpeg = require("ffmpeg")
    path = tmp_path / "black.mp4"
    seen = judged(frames(clip(path, "black")))
    told = [each.position for each in seen if "black" in each.alarms]
    begin, end = span(ffmpeg, path, "blackdetect=d=1", "black_start", "black_end")
    assert told[0] == pytest.approx(begin, abs=0.5)
    assert told[-1] == pytest.approx(end, abs=0.5)


@pytest.mark.real("ffmpeg")
def test_freezedetect_finds_the_same_frozen_span(tmp_path: Path) -> None:
    ffmpeg = require("ffmpeg")
    path = tmp_path / "frozen.mp4"
    seen = judged(frames(clip(path, "frozen")))
    told = [each for each in seen if "frozen" in each.alarms]
    begin, end = span(ffmpeg, path, "freezedetect=n=-50dB:d=5", "freeze_start", "freeze_end")
    assert told[0].position - told[0].said["frozen"].score == pytest.approx(begin, abs=2.2)  # one keyframe
    assert told[-1].position == pytest.approx(end, abs=1)


@pytest.mark.real("ffmpeg")
@pytest.mark.real("footage")
@pytest.mark.parametrize("name", ["as it is", "black", "frozen"])
def test_on_real_footage_ffmpeg_and_we_tell_the_same(tmp_path: Path, name: str) -> None:
    """benchmarks/oracles.py has more of them, and where the two differ."""
    (clip,) = (each for each in CLIPS if each.name == name)
    row = compare(require("ffmpeg"), shared("data/videos/vtest.mp4"), clip, tmp_path)
    for label in ("black", "frozen"):
        for who in ("ours", "ffmpeg"):
            if (name, label, who) == ("black", "frozen", "ffmpeg"):
                continue  # black never changes, either; we name the one cause
            assert row[f"{label}: {who} false s"] < 1.5, who
            found = row[f"{label}: {who} found"]
            assert found is None or found > 0.75, who


@pytest.mark.real("ffmpeg")
def test_idet_finds_the_same_picture_combed(tmp_path: Path) -> None:
    ffmpeg = require("ffmpeg")
    street = [scene() for _ in range(100)]
    for number, picture in enumerate(street):  # a lorry goes round and round
        left = 7 * number % 200
        picture[30:150, left : left + 100] = scene(seed=2)[30:150, :100]
    told = {}
    for name, pictures in {"whole": street, "combed": planted(street, FAULTS["combed"][1], 0, 10)}.items():
        path = tmp_path / f"{name}.mp4"
        path.write_bytes(encoded(pictures, crf=18))
        seen = judged(frames(path))
        command = [ffmpeg, "-hide_banner", "-nostats", "-i", str(path), "-vf", "idet", "-f", "null", "-"]
        said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stderr
        counted = re.search(r"Multi frame detection: TFF: *(\d+) BFF: *(\d+) Progressive: *(\d+)", said)
        assert counted is not None, said
        tff, bff, progressive = map(int, counted.groups())
        told[name] = ("combed" in seen[-1].alarms, tff + bff > progressive)
    assert told == {"whole": (False, False), "combed": (True, True)}
