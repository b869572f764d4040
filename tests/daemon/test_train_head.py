"""A head over larger weights, made from faces in folders by a command, and kept where the daemon looks."""

import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from config.load import load
from daemon.cli import app
from daemon.detector_for import scorer_of
from detectors.deepfake.crop import whole
from detectors.deepfake.hub_head import load_head
from detectors.detection import DetectorError
from tests import tiny_models


@pytest.fixture
def config(tmp_path: Path) -> Path:
    tiny_models.encoder(tmp_path / "weights" / "tiny-clip")
    tiny_models.encoder(tmp_path / "weights" / "other-clip", seed=8)
    path = tmp_path / "config.yaml"
    path.write_text(
        f"service: {{state_dir: {tmp_path / 'state'}, device: cpu}}\nmodels: {{folder: weights}}\n"
        "detectors: {deepfake: {encoder: tiny-clip}}\n"
        "streams:\n  - {name: gate, url: 'rtsp://gate.example/1', detectors: [deepfake]}\n"
    )
    return path


@pytest.fixture
def data(tmp_path: Path) -> Path:
    chance = np.random.default_rng(3)
    for kind, tint in (("real", (0, 0, 0)), ("swapped", (0, 0, 60)), ("generated", (60, 0, 0))):
        (tmp_path / "faces" / kind).mkdir(parents=True)
        for clip in range(8):
            shown = np.kron(chance.integers(40, 180, (8, 8, 3)), np.ones((8, 8, 1))) + np.array(tint)
            cv2.imwrite(str(tmp_path / "faces" / kind / f"{clip}_1.png"), shown.astype(np.uint8))
    return tmp_path / "faces"


def said(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, [str(each) for each in arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.output


def test_a_head_is_asked_for_made_and_used(config: Path, data: Path) -> None:
    head = config.parent / "state" / "deepfake" / "head.safetensors"
    code, checked = said("check", config)
    assert code == 0
    assert f"detectors.deepfake.head: there is no {head}" in checked
    assert "`framewarden train deepfake FACES --encoder tiny-clip --config CONFIG`" in checked
    with pytest.raises(DetectorError, match="there is no head at"):
        scorer_of(load(config), config.parent / "state")
    code, made = said("train", "deepfake", data, "--encoder", "tiny-clip", "--config", config)
    assert code == 0, made
    assert f"{head}: made with encoder tiny_clip (" in made
    assert "from 48 views of 24 clips; on clips that were not learned from:" in made
    assert "  swapped: AUC " in made
    assert "there is no" not in said("check", config)[1]
    scorer = scorer_of(load(config), config.parent / "state")
    picture = np.asarray(cv2.imread(str(next((data / "swapped").iterdir()))), np.uint8)
    assert np.isfinite(scorer.score([whole(picture, scorer.side)]).fused).all()
    text = config.read_text()
    config.write_text(text.replace("encoder: tiny-clip", "encoder: other-clip"))
    with pytest.raises(DetectorError, match="make one for these weights with"):
        scorer_of(load(config), config.parent / "state")
    config.write_text(text.replace("encoder: tiny-clip", "encoder: tiny-clip, head: own/mine.safetensors"))
    code, made = said("train", "deepfake", data, "--encoder", "tiny-clip", "--config", config, "--seed", "2")
    assert code == 0, made
    assert load_head(config.parent / "own" / "mine.safetensors")[0].facts.made_from.endswith("seed 2")


def test_what_is_missing_is_told_beforehand(
    config: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = config.read_text()
    config.write_text(text.replace("encoder: tiny-clip", "encoder: none, reconstruction: nought"))
    code, checked = said("check", config)
    assert code == 0
    assert "detectors.deepfake.encoder: there are no weights 'none' in" in checked
    assert "detectors.deepfake.reconstruction: there are no weights 'nought' in" in checked
    assert "--encoder none --reconstruction nought --config CONFIG`" in checked
    monkeypatch.setitem(sys.modules, "transformers", None)  # as if it were not installed
    checked = said("check", config)[1]
    assert 'detectors.deepfake: transformers cannot be imported: pip install "framewarden[hub]"' in checked
    code, told = said("train", "deepfake", data, "--encoder", "none", "--config", config)
    assert (code, "there are no weights 'none' in" in told) == (1, True)
    code, told = said("train", "deepfake", config.parent, "--encoder", "tiny-clip", "--config", config)
    assert (code, "needs a folder real/ of faces" in told) == (1, True)
    config.write_text(text.replace("encoder: tiny-clip", "head: mine.safetensors"))
    code, told = said("check", config)
    assert (code, "'head' belongs to an 'encoder' or a 'reconstruction'" in told) == (2, True)
