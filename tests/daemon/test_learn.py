"""`framewarden learn`: a normal from recordings or from a camera, interrupted and gone on with, in words."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from alerts.lock import Lock
from config.detectors import AnomalySettings
from config.problem import ConfigError
from config.secrets import source_identity
from daemon.learn import learn
from detectors.anomaly.detector import AnomalyDetector
from detectors.detection import DetectorError, Doubt
from streams.frame import StreamError
from tests.clips import FPS, scene, write_clip
from tests.daemon.daemon_process import eventually, framewarden
from tests.fakes import frame
from tests.rtsp import RtspServer

WIDTH, HEIGHT = 160, 96
URL = "rtsp://gate.example/1"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "framewarden.yaml"
    path.write_text(
        f"service: {{listen: null, state_dir: '{tmp_path / 'state'}'}}\n"
        "detectors: {anomaly: {learn_minutes: 0.1}}\n"
        f"streams:\n  - {{name: gate, url: '{URL}'}}\n"
    )
    return path


def first_words(state: Path, url: str) -> list[Doubt | None]:
    """What a daemon would say of the camera's first pictures."""
    detector = AnomalyDetector(AnomalySettings(), state / "anomaly", sources={"gate": source_identity(url)})
    said = []
    for number in range(4):
        picture = scene(number * FPS // 5, WIDTH, HEIGHT)
        (answer,) = detector.examine([frame("gate", number, picture)])
        assert answer is not None
        said += [each.doubt for each in answer]
    detector.close()
    return said


async def test_a_camera_is_learned_from_its_recordings_and_judged_at_once(
    tmp_path: Path, config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clips = [
        write_clip(tmp_path / name, seconds=5, width=WIDTH, height=HEIGHT) for name in ("a.mp4", "b.mp4")
    ]
    assert await learn(config, "gate", clips, None) == 0
    told = capsys.readouterr()
    assert told.err == ""
    assert told.out == (
        "gate: learned from 50 pictures of 0.2 minutes. The threshold 4.64 is provisional until 24.0 hours "
        "were watched. That is little: expect false alarms, and learn from more.\n"
    )
    assert first_words(tmp_path / "state", URL) == [Doubt.INTERRUPTED, None, None, None]
    assert first_words(tmp_path / "state", "rtsp://other.example/1")[-1] is Doubt.LEARNING
    assert not list((tmp_path / "state").rglob("taught"))


def interrupted(config: Path, place: Path, after: float) -> str:
    """Begins to learn, sends Ctrl-C once it has come further than so many seconds; what it says."""
    started = subprocess.Popen(
        [sys.executable, "-m", "daemon.cli", "learn", str(config), "gate"],
        stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )  # fmt: skip
    before = place.read_text() if place.exists() else ""
    eventually("gathered", lambda: place.exists() and place.read_text() != before, 90)
    os.kill(started.pid, signal.SIGINT)
    _, words = started.communicate(timeout=30)
    assert started.returncode == 130
    assert "Traceback" not in words
    kept = re.search(r"^gate: (\d+) s of footage are kept; the same command goes on$", words, re.M)
    assert kept
    assert int(kept[1]) > after
    return words


@pytest.mark.real("rtsp")
def test_it_is_interrupted_and_goes_on_where_it_was(tmp_path: Path, config: Path) -> None:
    clip = write_clip(tmp_path / "clip.h264", seconds=20, width=WIDTH, height=HEIGHT)
    place = tmp_path / "state" / "anomaly" / "gate" / "taught" / "place.json"
    with RtspServer({"/gate": clip}) as server:
        text = config.read_text().replace(URL, server.url("/gate"))
        config.write_text(text.replace("learn_minutes: 0.1", "learn_minutes: 5"))
        assert "goes on after" not in interrupted(config, place, 4)
        assert "gate: goes on after" in interrupted(config, place, 7)


@pytest.mark.parametrize(
    ("stream", "recordings", "trouble", "words"),
    [
        ("yard", ["short"], ConfigError, "there is no stream yard; there are gate"),
        ("gate", ["nowhere"], ConfigError, "nowhere.mp4: there is no such file"),
        ("gate", ["text"], StreamError, "text.mp4"),
        ("gate", ["short"], DetectorError, "10 pictures are too little to learn gate from: at least 30"),
        ("gate", ["short", "wide"], DetectorError, "the pictures change their shape within the footage"),
    ],
)
async def test_what_cannot_be_is_said_in_words(
    tmp_path: Path, config: Path, stream: str, recordings: list[str], trouble: type[Exception], words: str
) -> None:
    write_clip(tmp_path / "short.mp4", seconds=2, width=WIDTH, height=HEIGHT)
    write_clip(tmp_path / "wide.mp4", seconds=2, width=200, height=HEIGHT)
    (tmp_path / "text.mp4").write_text("no film")
    with pytest.raises(trouble, match=re.escape(words)):
        await learn(config, stream, [tmp_path / f"{name}.mp4" for name in recordings], None)


def test_it_keeps_away_while_a_daemon_works(tmp_path: Path, config: Path) -> None:
    with Lock(tmp_path / "state" / "outbox.sqlite.lock"):
        told = framewarden("learn", str(config), "gate")
    assert told.returncode == 1
    assert "Traceback" not in told.stderr
    assert f"is in use by another framewarden (process {os.getpid()})" in told.stderr
