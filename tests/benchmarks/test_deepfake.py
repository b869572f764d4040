"""The deepfake benchmark: baselines that are what they are called, and bars that say when they are missed."""

from typing import Any

import cv2
import numpy as np
import pytest

from benchmarks.deepfake import bars, show
from benchmarks.deepfake_alerts import summary
from benchmarks.deepfake_baselines import Picture, trained
from benchmarks.mesonet import Meso4, MesoInception4, fake_of
from daemon.evaluate_faces import clips_of
from detectors.deepfake.baselines import FEATURES, Linear, cross_validated, described
from detectors.deepfake.crop import Crop
from detectors.device import limit_torch_threads
from detectors.roc import auc
from tests.face_clips import read
from tests.real import shared


def spots(seed: int, sharp: bool) -> Picture:
    picture = np.random.default_rng(seed).integers(0, 256, (128, 128, 3), dtype=np.uint8)
    return np.asarray(picture if sharp else cv2.GaussianBlur(picture, (0, 0), 2), np.uint8)


def crop(seed: int, sharp: bool) -> Crop:
    return Crop(spots(seed, sharp), spots(seed, sharp))


def nothing(what: str, share: float) -> None:
    assert 0 <= share <= 1


def test_a_trivial_score_knows_sharpness_and_no_more() -> None:
    sharp, soft = ([described(crop(seed, kind)) for seed in range(20)] for kind in (True, False))
    assert sharp[0].shape == (FEATURES,)
    fake = np.array([False] * 15 + [True] * 15)
    linear = Linear(np.stack(sharp[:15] + soft[:15]), fake)
    told = linear.score(np.stack(sharp[15:] + soft[15:]))
    assert auc(told, np.array([False] * 5 + [True] * 5)) == 1
    alike = [np.stack([described(crop(100 * clip + at, True)) for at in range(3)]) for clip in range(24)]
    scores = cross_validated(alike, [clip % 2 == 1 for clip in range(24)])
    assert scores is not None
    flags = np.concatenate([np.full(3, clip % 2 == 1) for clip in range(24)])
    assert 0.2 < auc(np.concatenate(scores), flags) < 0.8  # nothing to tell, so nothing is told
    assert cross_validated(alike[:6], [clip % 2 == 1 for clip in range(6)]) is None


def test_a_plain_network_learns_what_differs() -> None:
    limit_torch_threads()
    faces = [spots(seed, seed % 2 == 0) for seed in range(40)]
    fake = np.arange(40) % 2 == 1
    network = trained(faces, fake, nothing, steps=10)
    assert auc(network.score(faces), fake) > 0.9


@pytest.mark.real("MesoNet's published weights and face-swap crops")
@pytest.mark.parametrize(("kind", "name"), [(Meso4, "Meso4_DF"), (MesoInception4, "MesoInception_DF")])
def test_mesonet_does_what_it_is_known_for(kind: type[Meso4 | MesoInception4], name: str) -> None:
    network = kind(shared("models/mesonet") / f"{name}.h5")
    clips = clips_of(shared("data/faceswap_crops"), "test", every=30)
    told = [(fake_of(network, [read(file) for file in one.files]), one.fake) for one in clips]
    flags = np.concatenate([np.full(len(scores), fake) for scores, fake in told])
    assert auc(np.concatenate([scores for scores, _ in told]), flags) > 0.9


def test_alerts_are_counted() -> None:
    rows = [
        {"video": "a", "fake": False, "alert_after": None, "pictures": 300},
        {"video": "b", "fake": False, "alert_after": 2.0, "pictures": 300},
        {"video": "c", "fake": True, "alert_after": 4.0, "pictures": 50},
        {"video": "d", "fake": True, "alert_after": 12.0, "pictures": 80},
        {"video": "e", "fake": True, "alert_after": None, "pictures": 80},
    ]
    assert summary(rows) == {
        "real": 2, "real_with_alert": ["b"], "real_minutes": 2.0,
        "fake": 3, "fake_with_alert": 2, "fake_in_time": 1, "median_seconds": 8.0,
    }  # fmt: skip


def test_bars_say_what_is_missed() -> None:
    result: dict[str, Any] = {
        "ms_per_crop": 12.0, "megabytes": 6.0,
        "portraits": {
            "heads": {"generated": {"crop_auc": 0.97}}, "jpeg_40": {"generated": 0.89}, "crop_auc": 0.92
        },
        "worse": {"swaps": {"formats_likelihood_differs": 0.01, "formats_differ": 0.03}},
    }  # fmt: skip
    met = {what: met for what, _, _, met in bars(result)}
    assert met["ms a crop on one core"] is False
    assert met["MB of weights"] is True
    assert met["portraits, the head for generated faces"] is True
    assert met["portraits as JPEG 40, that head"] is False
    assert not any(met[what] for what in met if what.startswith("format bias"))


def test_figures_are_shown_in_tables(capsys: pytest.CaptureFixture[str]) -> None:
    level = {"crop_auc": 0.9, "crop_auc_all": 0.9, "abstained": 0.25, "shift": -0.5}
    alerts = {
        "real": 3, "real_with_alert": [], "real_minutes": 4.0,
        "fake": 2, "fake_with_alert": 1, "fake_in_time": 1, "median_seconds": 3.4,
    }  # fmt: skip
    show(
        {
            "worse": {
                "swaps": {
                    "curves": {"jpeg": [{"level": None, **level}, {"level": 90, **level}]},
                    "formats": {"png": {"median": 0.5}, "webp_90": {"median": 0.53}},
                    "formats_differ": 0.03, "formats_likelihood_differs": 0.01,
                }
            },
            "alerts": {"faces of clips": alerts, "footage": {**alerts, "fake": 0, "median_seconds": None}},
            "ms_per_crop": 8.0, "megabytes": 6.0, "model_sha256": "0" * 64,
            "faces_by": "mtcnn", "machine": "idle",
        }
    )  # fmt: skip
    shown = capsys.readouterr().out
    assert "0.900, 90: 0.900" in shown
    assert "png 0.500, webp_90 0.530" in shown
    assert "0 of 3 (4.0 minutes)" in shown
    assert "3.4 s" in shown
    assert shown.count("MISSED") == 2  # formats, and one of two swaps was not told of
