"""`framewarden inspect --verify`: the same number again, and every file that was changed by its name."""

import json
import shutil
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from alerts.evidence import EvidenceStore
from alerts.judge import Judge
from alerts.rules import Rules
from alerts.verdict import Change, Verdict
from config.settings import QualitySettings
from daemon.inspect import look
from detectors.quality.detector import QualityDetector
from streams.frame import Frame
from tests.fakes import EPOCH


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
    assert done.returncode == 1
    assert "is missing: this is no evidence folder" in done.stdout


def test_without_verify_there_is_nothing_to_do(tmp_path: Path) -> None:
    assert inspect(str(tmp_path)).returncode == 2
