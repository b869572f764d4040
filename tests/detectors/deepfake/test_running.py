"""A head says the same in OpenVINO and without it, so that a report is scored again to the same number."""

import sys
from importlib.util import find_spec

import numpy as np
import pytest
from numpy.typing import NDArray

from detectors.deepfake import running as module
from detectors.deepfake.crop import Crop
from detectors.deepfake.model import Model
from detectors.deepfake.network import SIDE
from detectors.deepfake.running import as_pictures, running

needs_openvino = pytest.mark.skipif(find_spec("openvino") is None, reason="openvino is not installed")


def drawn(seed: int) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)


PICTURES = [*(drawn(seed) for seed in range(17)), drawn(1)[:, ::-1], drawn(2) // 8, np.zeros_like(drawn(0))]


def uninstall(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if OpenVINO were not there."""
    monkeypatch.setattr(module, "find_spec", lambda _: None)
    monkeypatch.setitem(sys.modules, "openvino", None)


@needs_openvino
def test_a_head_says_the_same_in_openvino() -> None:
    head = Model().trunk
    expected = head(as_pictures(PICTURES)).logit.double().numpy()
    assert np.ptp(expected) > 1
    assert np.allclose(running(head, "cpu")(PICTURES), expected, atol=1e-5)


@needs_openvino
def test_the_shipped_model_says_the_same_without_openvino(monkeypatch: pytest.MonkeyPatch) -> None:
    crops = [Crop(one, other) for one, other in zip(PICTURES, reversed(PICTURES), strict=True)]
    quick = Model().score(crops).fused
    uninstall(monkeypatch)
    assert np.allclose(Model().score(crops).fused, quick, atol=1e-3)


def test_without_openvino_a_picture_alone_scores_what_it_does_among_many(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    uninstall(monkeypatch)
    run = running(Model().trunk, "cpu")
    alone = np.concatenate([run([one]) for one in PICTURES])
    assert np.allclose(run(PICTURES), alone, atol=1e-5)
    assert len(run([])) == 0
