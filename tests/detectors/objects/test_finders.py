"""Objects are found by whatever the store holds, in the fastest form that this machine runs."""

import json
import logging
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from config.detectors import ObjectsSettings
from config.scene import MOVING
from detectors.detection import Detection, DetectorCard, DetectorError, Kind
from detectors.objects.denoised import Denoised
from detectors.objects.finders import open_finder
from detectors.objects.found import Found, ObjectFinder
from detectors.objects.ultralytics_runtime import UltralyticsRuntime
from detectors.objects.yolo import YoloFinder
from detectors.panel import Panel
from detectors.store import Store
from streams.frame import Frame
from tests.fakes import frame
from tests.real import shared
from tests.tiny_detectors import NAMES, faster_rcnn, yolo

NOISY = np.random.default_rng(2).integers(0, 256, (120, 160, 3)).astype(np.uint8)
WIDE = np.random.default_rng(3).integers(0, 256, (90, 320, 3)).astype(np.uint8)


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("weights")
    yolo(folder / "tiny.pt")
    return folder


@pytest.fixture(scope="module")
def state(weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with its export."""
    pytest.importorskip("openvino")
    folder = tmp_path_factory.mktemp("state")
    assert opened("tiny", weights, folder).name == "tiny, OpenVINO"
    return folder


def opened(model: str, folder: Path, state: Path, floor: float = 0.1) -> ObjectFinder:
    settings = ObjectsSettings(model=model, denoise="never")
    return open_finder(settings, Store([folder]), state, floor=floor)


def same(some: Found, other: Found, by: float = 0.01) -> bool:
    sides = ("left", "top", "width", "height")
    return (
        some.label == other.label
        and abs(some.confidence - other.confidence) < by
        and all(abs(getattr(some.region, side) - getattr(other.region, side)) < by for side in sides)
    )


def agree(some: Sequence[Found], other: Sequence[Found]) -> bool:
    return len(some) == len(other) > 0 and all(any(same(one, each) for each in other) for one in some)


def test_without_its_denoiser_objects_are_found_in_pictures_as_they_are_and_that_is_said(
    weights: Path, state: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings = ObjectsSettings(model="tiny", denoiser="of-nobody")
    finder = open_finder(settings, Store([weights]), state)
    assert not isinstance(finder, Denoised)
    assert len(finder.find([frame(picture=NOISY)])) == 1
    assert "in pictures as they are, noisy or not: " in caplog.text and "of-nobody" in caplog.text
    with pytest.raises(DetectorError, match="of-nobody"):
        open_finder(settings.model_copy(update={"denoise": "always"}), Store([weights]), state)


def test_a_pt_is_exported_once_and_finds_the_same_as_in_torch(
    weights: Path, state: Path, caplog: pytest.LogCaptureFixture
) -> None:
    frames = [frame(picture=NOISY), frame("yard", picture=WIDE)]
    plain = YoloFinder(UltralyticsRuntime(weights / "tiny.pt", "cpu"), "tiny", "").find(frames)
    with caplog.at_level(logging.INFO):
        finder = opened("tiny", weights, state)
    assert caplog.text == ""  # the fixture has exported it
    assert finder.name == "tiny, OpenVINO"
    assert finder.sha256 == Store([weights]).find("tiny").sha256
    assert (finder.labels, finder.width) == (tuple(NAMES.values()), 160)
    assert [agree(a, b) for a, b in zip(finder.find(frames), plain, strict=True)] == [True] * 2
    assert [each.name for each in weights.iterdir()] == ["tiny.pt"]  # nothing is written beside it
    (export,) = state.iterdir()
    assert {each.name for each in export.rglob("*.*")} >= {"tiny.xml", "tiny.bin", "metadata.yaml"}


def test_an_export_that_is_spoiled_costs_speed_and_is_made_anew(
    weights: Path, state: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    copied = Path(shutil.copytree(state, tmp_path / "state"))
    (place,) = copied.rglob("*.xml")
    place.write_bytes(b"torn")
    assert opened("tiny", weights, copied).name == "tiny, PyTorch"
    assert "runs slower than it could, for its export does not work: OpenVINO cannot read" in caplog.text
    assert not list(copied.iterdir())


def test_where_nothing_can_be_exported_torch_runs_and_it_is_said(
    weights: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    pytest.importorskip("openvino")
    (tmp_path / "file").write_bytes(b"")
    finder = opened("tiny", weights, tmp_path / "file" / "state")
    assert finder.name == "tiny, PyTorch"
    assert finder.find([frame(picture=NOISY)])[0]
    (warning,) = [each.getMessage() for each in caplog.records if each.levelno == logging.WARNING]
    assert "runs slower than it could, for its export to openvino failed" in warning


def test_a_picture_is_shown_as_small_as_the_network_allows(weights: Path) -> None:
    runtime = UltralyticsRuntime(weights / "tiny.pt", "cpu")
    shown: list[tuple[int, ...]] = []

    class Heard:
        network, form, side_by_side = runtime.network, "heard", True

        def run(self, pictures: np.ndarray) -> np.ndarray:
            shown.append(pictures.shape)
            return runtime.run(pictures)

    finder = YoloFinder(Heard(), "tiny", "")
    pictures = {"a": NOISY, "b": WIDE, "c": NOISY[::2, ::2].copy()}
    said = finder.find([frame(name, picture=each) for name, each in pictures.items()])
    assert sorted(shown) == [(1, 64, 160, 3), (2, 128, 160, 3)]
    alone = [finder.find([frame(name, picture=each)])[0] for name, each in pictures.items()]
    assert [agree(a, b) for a, b in zip(said, alone, strict=True)] == [True] * 3


def test_an_rt_detr_fills_its_square(tmp_path: Path) -> None:
    finder = YoloFinder(UltralyticsRuntime(yolo(tmp_path / "detr.pt", "RTDETRDecoder"), "cpu"), "detr", "")
    found = finder.find([frame(picture=WIDE)])[0]
    assert found
    assert all(0 <= one.region.left <= one.region.left + one.region.width <= 1 for one in found)
    assert [one.confidence for one in found] == sorted((one.confidence for one in found), reverse=True)


class Asking:
    """A detector that asks a finder, and nothing else."""

    name, kind, width = "objects", Kind.OBJECT, 160

    def __init__(self, finder: ObjectFinder) -> None:
        self._finder = finder

    def examine(self, frames: list[Frame]) -> list[list[Detection]]:
        card = DetectorCard(self.name, self._finder.name)
        told = self._finder.find(frames)
        return [[Detection(self.kind, one.label, one.confidence, 0.5, card) for one in each] for each in told]

    def forget(self, stream: str) -> None:
        self._finder.forget(stream)

    def close(self) -> None:
        """Nothing."""


@pytest.mark.parametrize("bad", [np.zeros((0, 0, 3), np.uint8), NOISY[..., 0], NOISY.astype(np.float64)])
def test_one_bad_frame_does_not_blind_it_to_the_others(weights: Path, bad: np.ndarray) -> None:
    finder = YoloFinder(UltralyticsRuntime(weights / "tiny.pt", "cpu"), "tiny", "")
    panel = Panel({"objects": Asking(finder)}, clock=lambda: 0.0)  # type: ignore[dict-item]
    frames = [frame("a", picture=NOISY), frame("bad", picture=bad), frame("c", picture=WIDE)]
    first, second, third = panel.ask("objects", frames)
    assert first and all(one.doubt is None for one in first)
    assert third and all(one.doubt is None for one in third)
    assert second is not None
    assert second[0].reason.startswith("a picture of 'bad' is ")


def test_a_faster_rcnn_is_known_by_its_tensors(tmp_path: Path) -> None:
    faster_rcnn(tmp_path / "fasterrcnn_320.pth")
    finder = opened("fasterrcnn_320", tmp_path, tmp_path / "state", floor=0.0)
    assert finder.name == "fasterrcnn_320, Faster R-CNN MobileNetV3 in torch"
    assert (len(finder.labels), finder.labels[0], finder.width) == (80, "person", 640)
    found = finder.find([frame(picture=NOISY), frame("b", picture=WIDE)])
    assert all(one.label in finder.labels for each in found for one in each)
    assert all(each for each in found)


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("a.pt", b"torn", "ultralytics cannot use .*a.pt"),
        ("b.pth", b"torn", "holds no weights that can be read safely"),
        ("c.onnx", b"torn", "OpenVINO cannot read .*c.onnx"),
        ("d.engine", b"torn", "d.engine runs on a card alone"),
        ("e.h5", b"torn", "e.h5 holds no .xml"),
    ],
)
def test_what_cannot_be_used_is_said_with_what_to_do(
    tmp_path: Path, name: str, content: bytes, told: str
) -> None:
    pytest.importorskip("openvino")
    (tmp_path / name).write_bytes(content)
    (tmp_path / "file").write_bytes(b"")  # so that no export is tried
    with pytest.raises(DetectorError, match=told):
        opened(name, tmp_path, tmp_path / "file")


def test_code_in_a_pickle_is_not_run(tmp_path: Path) -> None:
    import torch

    class Evil:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return Path.touch, (tmp_path / "run",)  # type: ignore[return-value]

    torch.save({"model": Evil()}, tmp_path / "evil.pt")
    with pytest.raises(DetectorError, match="ultralytics cannot use"):
        UltralyticsRuntime(tmp_path / "evil.pt", "cpu")
    assert not (tmp_path / "run").exists()


def test_without_a_model_whatever_moves_is_found_and_missing_weights_name_the_command(tmp_path: Path) -> None:
    assert open_finder(ObjectsSettings(), Store([tmp_path]), tmp_path).labels == (MOVING,)
    with pytest.raises(DetectorError, match="get them by `framewarden models pull OWNER/NAME`"):
        opened("yolo11n", tmp_path, tmp_path)


@pytest.mark.real("weights and photos")
def test_real_weights_find_what_people_have_marked_in_photos(tmp_path: Path) -> None:
    pytest.importorskip("openvino")
    folder = shared("models/yolov8n_int8_openvino_model").parent
    photos, marked = (
        shared("data/coco/train"),
        json.loads(shared("data/coco/instances_train.json").read_text()),
    )
    finder = opened("yolov8n_int8_openvino_model", folder, tmp_path)
    assert isinstance(finder, YoloFinder)
    assert len(finder.labels) == 80
    missed = wanted = 0
    for image in marked["images"][:12]:
        picture: Any = cv2.imread(str(photos / image["file_name"]))
        found = finder.find([frame(picture=picture)])[0]
        height, width = picture.shape[:2]
        for mark in marked["annotations"]:
            if mark["image_id"] != image["id"] or mark["bbox"][2] * mark["bbox"][3] < 0.05 * height * width:
                continue
            left, top, wide, high = mark["bbox"]
            centre = (left + wide / 2) / width, (top + high / 2) / height
            wanted += 1
            missed += not any(
                one.label == finder.labels[mark["category_id"]]
                and abs(one.region.left + one.region.width / 2 - centre[0]) < 0.1
                and abs(one.region.top + one.region.height / 2 - centre[1]) < 0.1
                for one in found
            )
    assert wanted > 10
    assert missed <= 0.4 * wanted
