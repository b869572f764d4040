"""`framewarden inspect`: the same number again, and every file that was changed by its name."""

import json
import shutil
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import av
import numpy as np
import pytest
from av.video.stream import VideoStream

from alerts.evidence import EvidenceStore
from alerts.judge import Judge
from alerts.rules import Rules
from alerts.verdict import Change, Verdict
from config.detectors import QualitySettings
from daemon.inspect import look
from detectors.quality.detector import QualityDetector
from streams.frame import Frame
from tests.clips import FPS, scene
from tests.daemon.daemon_process import Daemon, eventually
from tests.fakes import EPOCH
from tests.rtsp import RtspServer

KEYS = "aud=1:keyint=25:bframes=0:scenecut=0"


@pytest.fixture(scope="module")
def evidence(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of a camera that froze."""
    detector, judge = QualityDetector(QualitySettings(frozen_after=1)), Judge("gate", Rules())
    store = EvidenceStore(tmp_path_factory.mktemp("evidence"), 30, 5)
    rng = np.random.default_rng(3)
    scene = rng.integers(0, 120, (180, 320, 3), np.uint8)
    opened: list[tuple[Verdict, Frame]] = []
    for number in range(120):
        noise = rng.integers(0, 9, scene.shape, np.uint8) if number < 70 else np.uint8(0)
        at = EPOCH + timedelta(seconds=number / 5)
        frame = Frame("gate", number, scene + noise, at, 0.0, number / 5, live=False, fresh=number == 0)
        verdicts = judge.weigh(frame, detector.examine([frame])[0])
        opened += [
            (each, frame) for each in verdicts if each.change is Change.OPENED and each.label == "frozen"
        ]
    detector.close()
    ((verdict, frame),) = opened
    kept = store.save(verdict, frame)
    store.complete(verdict, frame)
    assert kept.report
    return kept.report.parent


@pytest.fixture
def folder(evidence: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(evidence, tmp_path / "alert"))


def inspect(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "daemon.cli", "inspect", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def test_the_score_comes_out_as_it_was(folder: Path) -> None:
    done = inspect("--verify", str(folder))
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"{folder}: 7 files are as they were written\n  score ")
    assert done.stdout.endswith(": the same\n")
    found = look(folder)
    assert found.again == found.judged and found.again is not None and found.again > 1


def test_each_file_that_was_changed_is_named(folder: Path) -> None:
    names = [path.name for path in folder.iterdir() if path.name != "manifest.json"]
    assert "quality-before.zip" in names
    for name in names:
        whole = (folder / name).read_bytes()
        (folder / name).write_bytes(whole + b"x")
        found = look(folder)
        assert found.problems == [f"{name} was changed"]
        assert not found.good and found.again is None
        (folder / name).write_bytes(whole)
    assert look(folder).good


def test_another_score_in_the_manifest_is_told(folder: Path) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["judged"]["score"] += 1
    (folder / "manifest.json").write_text(json.dumps(manifest))
    done = inspect("--verify", "--json", str(folder))
    (said,) = json.loads(done.stdout)
    assert done.returncode == 1 and said["good"] is False and said["problems"] == []
    assert said["score"] == pytest.approx(said["score_again"] + 1)


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("judged", None, "the frame that it was judged on was not kept"),
        ("judged", {"again": []}, "what the detector knew was not kept"),
        ("judged", {"again": ["quality-before.zip"], "file": "frame.png"}, "does not fit this version"),
        ("detector", {"name": "seer"}, "does not know the detector 'seer'"),
        ("detector", 5, "does not fit this version"),
    ],
)
def test_a_score_that_cannot_be_computed_again_is_said(
    folder: Path, key: str, value: object, said: str
) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps({**manifest, key: value}))
    found = look(folder)
    assert found.again is None and found.good
    assert said in found.words()


def test_a_folder_that_is_none_is_said(tmp_path: Path) -> None:
    done = inspect("--verify", str(tmp_path / "nowhere"))
    assert done.returncode == 2
    assert f"{tmp_path}/nowhere: there is no such file or folder" in done.stderr
    (tmp_path / "pictures").mkdir()
    done = inspect(str(tmp_path / "pictures"))
    assert done.returncode == 2
    assert "no evidence folder, for it holds no manifest.json: to have files judged, name them" in done.stderr


def test_an_evidence_folder_that_lost_its_manifest_is_not_as_it_was(folder: Path) -> None:
    assert any(folder.glob("*.json"))
    (folder / "manifest.json").unlink()
    assert any(folder.glob("*.json")), "it still looks like one"
    done = inspect(str(folder))
    assert done.returncode == 1
    assert "is missing: this is no evidence folder, or not a whole one" in done.stdout


def test_it_verifies_without_being_told_to(folder: Path) -> None:
    done, said = inspect(str(folder)), inspect("--verify", str(folder))
    assert (done.returncode, done.stdout) == (0, said.stdout)
    assert "files are as they were written" in done.stdout


@pytest.mark.real("gst-rtsp-server")
def test_a_real_camera_leaves_evidence_that_holds(tmp_path: Path) -> None:
    clip = tmp_path / "gate.h264"
    noise = np.random.default_rng(1)
    with av.open(str(clip), "w", format="h264") as container:
        video = container.add_stream(
            "libx264", rate=FPS, options={"preset": "ultrafast", "x264-params": KEYS}
        )
        assert isinstance(video, VideoStream)
        video.width, video.height, video.pix_fmt, video.thread_count = 320, 180, "yuv420p", 1
        for number in range(16 * FPS):
            if number < 8 * FPS:
                picture = scene(number, 320, 180) // 2 + noise.integers(0, 9, (180, 320, 3), np.uint8)
            container.mux(video.encode(av.VideoFrame.from_ndarray(picture, "bgr24")))
        container.mux(video.encode())
    with RtspServer({"/gate": clip}, user="admin", password="pa55word-9") as server:
        url = server.url("/gate", "admin", "pa55word-9")
        body = (
            f"streams: [{{name: gate, url: '{url}', clip_seconds: 1, transport: tcp}}]\n"
            "defaults: {detectors: [quality]}\ndetectors: {quality: {frozen_after: 2}}\n"
        )
        with Daemon(tmp_path, body) as daemon:
            evidence = daemon.state / "evidence"
            made = eventually("a clip", lambda: next(evidence.rglob("clip.mp4"), None), 60)
            eventually("a report with it", lambda: "clip.mp4" in (made.parent / "report.html").read_text())
            daemon.stop()
    found = look(made.parent)
    assert found.good and found.same, found.words()
    with av.open(str(made)) as container:
        first = next(container.decode(video=0))
        assert first.key_frame and first.width == 320
    for path in evidence.rglob("*"):
        assert not path.is_file() or b"pa55word-9" not in path.read_bytes(), path
