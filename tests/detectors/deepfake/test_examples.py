"""What a model is made from: faces in photos are found, and each source has its share."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from detectors.deepfake import pairs
from detectors.deepfake.examples import NO_EXAMPLES, SIDE, ExamplesError, faces_in_photos
from detectors.faces.face import Face

EYES = np.array([[40, 60], [80, 60], [60, 80], [45, 100], [75, 100]], np.float32)


class Finder:
    """One sure face, one too small, and one that may be none; none at all in what is dark."""

    name, sha256 = "finder", ""

    def find(self, picture: NDArray[np.uint8], smallest: int) -> list[Face]:
        if picture.mean() < 10:
            return []
        sizes = ((80, 0.999), (smallest - 1, 0.999), (90, 0.7))
        return [Face(20, 30, size, size, EYES, confidence) for size, confidence in sizes]


def photo(folder: Path, name: str, grey: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(folder / name), np.full((150, 200, 3), grey, np.uint8))


def test_faces_that_are_sure_and_large_are_taken_out_of_photos(tmp_path: Path) -> None:
    photo(tmp_path / "set" / "train", "one.png", 200)
    photo(tmp_path / "set" / "train", "dark.png", 0)
    photo(tmp_path / "set" / "test", "one.png", 100)
    told: list[float] = []
    found = faces_in_photos([tmp_path / "set" / "train", tmp_path / "set" / "test"], Finder(), told.append)
    assert found.pictures.shape == (2, SIDE, SIDE, 3)
    assert [round(float(each.mean())) for each in found.pictures] == [200, 100]
    assert found.clips == ["set/train/one", "set/test/one"], "photos of one name are of two people"
    assert told == [0, 1 / 3, 2 / 3]


def test_where_nobody_is_and_where_nothing_can_be_read(tmp_path: Path) -> None:
    assert faces_in_photos([], Finder(), lambda share: None) is NO_EXAMPLES
    photo(tmp_path, "dark.png", 0)
    assert faces_in_photos([tmp_path], Finder(), lambda share: None) is NO_EXAMPLES
    (tmp_path / "torn.jpg").write_bytes(b"no picture")
    with pytest.raises(ExamplesError, match=r"torn\.jpg is no picture that can be read"):
        faces_in_photos([tmp_path], Finder(), lambda share: None)


def test_each_source_has_its_share_however_few_it_has() -> None:
    many, few = np.full((50, 8, 8, 3), 10, np.uint8), np.full((2, 8, 8, 3), 90, np.uint8)
    draw, chance = pairs.drawn((0.75, many), (0.25, few)), np.random.default_rng(0)
    assert np.mean([draw(chance).max() == 90 for _ in range(2000)]) == pytest.approx(0.25, abs=0.03)
    alone = pairs.drawn((0.75, many), (0.25, many[:0]))
    assert {int(alone(chance).max()) for _ in range(20)} == {10}, "a source that has none has no share"
