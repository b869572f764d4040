"""`framewarden evaluate deepfake` on drawn faces: figures that are true, and words for what is wrong."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from typer.testing import CliRunner

from config.detectors import DeepfakeSettings
from daemon.cli import app
from daemon.evaluate_deepfake import measure, panels_of
from daemon.evaluate_deepfake_figures import expected_error
from daemon.evaluate_deepfake_tables import tables_of
from daemon.evaluate_faces import clips_of
from daemon.evaluate_footage import FootageError
from daemon.evaluate_out import known
from daemon.evaluate_plot import draw
from daemon.evaluate_seen import Witness
from detectors.deepfake.crop import Crop
from detectors.deepfake.likelihood import Clips
from detectors.deepfake.model import SHIPPED, Scores
from detectors.faces.face import Face
from streams.recoding import encoded
from tests.real import absent, shared

SIDE = 120  # px
RED, GREEN = 2, 1  # places of the colours


class Tint:
    """Scores a crop by how red it is, which here is what makes a fake."""

    side, model, sha256 = 128, "tint", "0" * 64
    clips = Clips(real=0.0, fake=4.0, between=0.1, within=0.2)

    def score(self, crops: Sequence[Crop]) -> Scores:
        swapped = (
            np.array([float(one.face[..., RED].mean()) - one.face[..., GREEN].mean() for one in crops]) / 10
        )
        return Scores(swapped, np.zeros(len(crops)), swapped)

    def heat(self, crops: Sequence[Crop]) -> list[NDArray[np.float32]]:
        return [np.zeros((4, 4), np.float32) for _ in crops]


class Middle:
    """Finds a face in the middle of every picture that is not blue."""

    name, sha256 = "middle", "0" * 64

    def find(self, picture: NDArray[np.uint8], smallest: int) -> list[Face]:
        height, width = picture.shape[:2]
        if picture[..., 0].mean() > 200 > picture[..., RED].mean():
            return []
        x, y = width / 2, height / 2
        marks = np.array([(x - 16, y - 16), (x + 16, y - 16), (x, y + 2), (x - 13, y + 17), (x + 13, y + 17)])
        return [Face(x - 40, y - 40, 80, 80, marks.astype(np.float32), 1.0)]


def face(seed: int, red: float) -> NDArray[np.uint8]:
    """A picture of spots, that much redder than grey."""
    chance = np.random.default_rng(seed)
    grey = cv2.GaussianBlur(chance.integers(0, 256, (SIDE, SIDE)).astype(np.float32), (0, 0), 1.0)
    grey = 120 + 30 * (grey - grey.mean()) / grey.std()
    return np.dstack([grey, grey, grey + 10 * (red + chance.normal(0, 0.3))]).clip(0, 255).astype(np.uint8)


def shot(path: Path, picture: NDArray[np.uint8]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), picture)


def faces(folder: Path, clips: int = 5, pictures: int = 6) -> None:
    for half, red in (("real", 0.0), ("fake", 4.0)):
        for clip in range(clips):
            for number in range(pictures):
                shot(folder / half / f"{clip}_{number * 4}.png", face(100 * clip + number, red))


def nothing(what: str, share: float) -> None:
    assert 0 <= share <= 1


async def told(folder: Path, *, curves: bool = False, split: Any = "all") -> dict[str, Any]:
    settings = DeepfakeSettings(good_pictures=4)
    return await measure(clips_of(folder, split), 5.0, curves, nothing, Witness(settings, Middle(), Tint()))


def asked(*arguments: object) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["evaluate", "deepfake", *map(str, arguments)])
    return result.exit_code, result.stdout, result.stderr


async def test_pictures_of_clips_are_told_apart(tmp_path: Path) -> None:
    faces(tmp_path)
    shot(tmp_path / "real" / "0_24.png", np.full((SIDE, SIDE, 3), (255, 40, 40), np.uint8))  # nobody there
    (tmp_path / "fake" / "0_24.png").write_bytes(b"no picture")
    result = await told(tmp_path)
    assert result["clips"] == {"real": 5, "fake": 5}
    assert result["pictures"] == {"real": 31, "fake": 30}
    assert result["unreadable"] == {"real": 0, "fake": 1}
    assert result["abstained"] == pytest.approx(1 / 61)
    assert result["abstained_by_reason"] == {"no_face": {"real": 1, "fake": 0}}
    assert (result["crop_auc"], result["clip_auc"], result["clip_eer"]) == (1, 1, 0)
    assert (result["heads"]["swapped"]["crop_auc"], result["heads"]["generated"]["crop_auc"]) == (1, 0.5)
    assert result["baselines"]["colour_sharpness"] > 0.95  # by colour alone it can be told here
    assert set(result["baselines_all"]["bytes_per_pixel"]) == set(result["baselines_all"]["colour_sharpness"])
    assert not result["caught"]["at_1_percent"]["enough_reals"]
    assert result["alarming"]["fake"] == {"clips": 5, "too_few": 0, "alarming": 5, "after_pictures": 4}
    assert result["alarming"]["real"]["alarming"] == 0
    assert result["ms_per_crop"] >= 0
    assert result["calibration_error"] < 0.05
    assert {row["source"] for row in result["sources"]} == {"0", "1", "2", "3", "4"}
    result.pop("scored")
    json.dumps(known(result), allow_nan=False)


async def test_held_out_clips_are_those_that_the_weights_are_made_without(tmp_path: Path) -> None:
    faces(tmp_path, clips=8)
    assert [one.name for one in clips_of(tmp_path, "test")] == ["3", "7", "3", "7"]
    assert len(clips_of(tmp_path, "train")) == 12
    assert [path.name for path in clips_of(tmp_path, "test", every=3)[0].files] == ["3_0.png", "3_12.png"]
    assert (await told(tmp_path, split="test"))["clips"] == {"real": 2, "fake": 2}


async def test_folders_of_single_pictures_are_compared_with_the_same_folder(tmp_path: Path) -> None:
    for person in ("ann", "bob"):
        for number in range(6):
            shot(tmp_path / "real" / person / f"{number:04}.png", face(number, 0))
            shot(
                tmp_path / "fake" / person / f"{number:04}.png",
                face(50 + number, 4 if person == "ann" else 0),
            )
    result = await told(tmp_path)
    assert result["clips"] == {"real": 12, "fake": 12}
    assert result["alarming"]["fake"]["too_few"] == 12  # of one picture nothing is said
    areas = {(row["source"], row["fake"]): row["crop_auc"] for row in result["sources"]}
    assert areas["ann", True] == areas["ann", False] == 1
    assert 0.1 < areas["bob", True] < 0.9
    assert result["sources"][0]["against"] == "the fake half of ann"


async def test_videos_are_read_as_the_daemon_reads_them(tmp_path: Path) -> None:
    for half, red in (("real", 0.0), ("fake", 4.0)):
        (tmp_path / half).mkdir()
        for clip in range(2):
            pictures = [face(10 * clip + number // 5, red) for number in range(50)]
            (tmp_path / half / f"{clip}.mp4").write_bytes(encoded(pictures, 25))
    result = await told(tmp_path)
    assert result["pictures"] == {"real": 20, "fake": 20}  # two seconds each, five a second
    assert result["clip_auc"] == 1
    assert result["kinds"] == {"mp4": {"real": 20, "fake": 20, "crop_auc": 1.0}}
    assert "colour_sharpness" not in result["baselines"]  # too few clips to learn from some for the others


async def test_what_making_pictures_worse_does(tmp_path: Path) -> None:
    faces(tmp_path, clips=4, pictures=3)
    result = await told(tmp_path, curves=True)
    curves = result["curves"]
    assert set(curves) == {"h264", "jpeg", "smaller", "blur", "noise"}
    assert [one["level"] for one in curves["h264"]] == [None, 23, 28, 32, 36, 40]
    assert all(one["crop_auc_all"] == 1 for levels in curves.values() for one in levels)  # red stays red
    assert curves["blur"][-1]["abstained"] > 0.5
    assert curves["blur"][0] == curves["noise"][0]
    assert set(result["formats"]) == {"png", "jpeg_90", "webp_90"}
    assert result["formats_differ"] < 0.2
    shown = "\n".join(str(each) for each in tables_of(result) if isinstance(each, str))
    assert "12 real and 12 fake pictures, made worse" in shown
    assert "medians of the score differ by" in shown

    draw(tmp_path / "curves.svg", panels_of(result, result["scored"]))
    drawn = ElementTree.parse(tmp_path / "curves.svg").getroot()  # noqa: S314  # we wrote it
    texts = [each.text for each in drawn.iter()]
    assert "h264: what making pictures worse does" in texts
    assert texts.count("share of real ones above the threshold") == 1
    lines = [each.get("points", "") for each in drawn.iter() if each.tag.endswith("polyline")]
    assert len(lines) > 15
    assert not any("nan" in each for each in lines)


def test_the_calibration_error_is_what_likelihoods_are_away_by() -> None:
    fake = np.array([True] * 10 + [False] * 10)
    assert expected_error(np.full(20, 0.5), fake)[0] == pytest.approx(0)
    assert expected_error(np.where(fake, 0.95, 0.05), fake)[0] == pytest.approx(0.05)
    assert expected_error(np.full(20, 0.95), fake)[0] == pytest.approx(0.45)
    few = np.array([True] + [False] * 19)  # one in two is taken to be fake, whatever there is
    assert expected_error(np.full(20, 0.5), few)[0] == pytest.approx(0)
    assert np.isnan(expected_error(np.full(3, 0.5), np.ones(3, bool))[0])


@pytest.mark.parametrize(
    ("files", "options", "expected"),
    [
        ([], [], "has no folder real/: wanted are two folders, real/ and fake/"),
        (["real/1_0.png"], [], "has no folder fake/"),
        (["real/1_0.png", "fake/notes.txt"], [], "holds no pictures and no videos"),
        (["real/1_0.png", "fake/1_0.png"], ["--split", "test"], "has no clip in the split 'test'"),
    ],
)
def test_what_is_wrong_with_a_folder_is_told(
    tmp_path: Path, files: list[str], options: list[str], expected: str
) -> None:
    for name in files:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    code, said, errors = asked(tmp_path, *options)
    assert (code, said) == (1, "")
    assert expected in errors
    assert "Traceback" not in errors


async def test_nothing_is_told_of_what_nobody_can_judge(tmp_path: Path) -> None:
    for half in ("real", "fake"):
        for clip in range(3):
            shot(tmp_path / half / f"{clip}_0.png", np.full((SIDE, SIDE, 3), (255, 40, 40), np.uint8))
    result = await told(tmp_path)
    assert result["abstained"] == 1
    assert result["clips_told"] == {"real": 0, "fake": 0}
    scored = result.pop("scored")
    figures = json.loads(json.dumps(known(result), allow_nan=False))
    assert figures["crop_auc"] is None
    assert figures["crop_auc_all"] == 0.5
    assert "no face 3 real, 3 fake" in str(tables_of(result)[0])
    draw(tmp_path / "curves.svg", panels_of(result, scored))
    with pytest.raises(FootageError, match="leave --curves out to see why"):
        await told(tmp_path, curves=True)


def test_what_is_wrong_with_a_configuration_is_told(tmp_path: Path) -> None:
    faces(tmp_path, clips=1, pictures=1)
    (tmp_path / "own.yaml").write_text("detectors: {deepfake: {min_fase: 64}}")
    code, said, errors = asked(tmp_path, "--config", tmp_path / "own.yaml")
    assert (code, said) == (2, "")
    assert "min_face" in errors


async def test_a_half_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    faces(tmp_path, clips=1, pictures=1)
    (tmp_path / "fake" / "0_0.png").write_bytes(b"damaged")
    with pytest.raises(FootageError, match="none of the 1 files in fake/ can be read"):
        await told(tmp_path)


@pytest.mark.real("face-swap crops")
def test_real_faces(tmp_path: Path) -> None:
    folder = shared("data/faceswap_crops")
    if not SHIPPED.exists():
        absent("no weights of the deepfake detector")
    code, said, errors = asked(
        folder, "--split", "test", "--every", 20, "--json", "--plot", tmp_path / "a.svg"
    )
    assert (code, errors) == (0, "")
    result = json.loads(said)
    assert result["clips"] == {"real": 13, "fake": 11}
    assert result["crop_auc"] > 0.85
    assert result["clip_auc"] > result["baselines"]["bytes_per_pixel"]
    assert result["abstained"] < 0.15
    assert (tmp_path / "a.svg").read_text().startswith("<svg")
