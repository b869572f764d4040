"""`framewarden evaluate objects` on drawn photos: figures that are true, and words for what is wrong."""

import contextlib
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import cv2
import numpy as np
import pytest
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
from typer.testing import CliRunner

from daemon.cli import app
from daemon.evaluate_footage import FootageError
from daemon.evaluate_objects import measure
from daemon.evaluate_objects_gate import chosen
from daemon.evaluate_objects_photos import Photo, photos_of, shrunk
from daemon.evaluate_objects_precision import Spotted, matched, once, precision, resampled
from daemon.evaluate_objects_seen import FILE, Kept, Look
from daemon.evaluate_objects_tables import panels_of, tables_of
from daemon.evaluate_objects_ways import Plan, Way, plan_of
from daemon.evaluate_plot import draw
from detectors.denoising.gate import Way as Choice
from detectors.denoising.noise import Picture
from detectors.detection import Region
from detectors.objects.found import Found
from streams.frame import Frame
from tests.real import SHARED, shared

SIDE = 96  # px
COLOURS = {"sky": (255, 40, 40), "leaf": (40, 255, 40)}


class Tint:
    """Finds the one bright blue or green thing of a picture, and counts how often it is asked."""

    name, sha256, labels, width = "tint", "", tuple(COLOURS), SIDE

    def __init__(self) -> None:
        self.asked = 0

    def find(self, frames: Sequence[Frame]) -> Sequence[Sequence[Found]]:
        self.asked += len(frames)
        return [list(self._in(frame.picture)) for frame in frames]

    def forget(self, stream: str) -> None:
        pass

    def _in(self, picture: Picture) -> list[Found]:
        found = []
        for place, label in enumerate(COLOURS):
            others = picture[..., 1 - place]
            mask = (picture[..., place] > 150) & (others < 100)
            rows, columns = np.nonzero(mask.any(axis=1))[0], np.nonzero(mask.any(axis=0))[0]
            if len(rows):
                height, width = mask.shape
                box = (
                    columns[0] / width,
                    rows[0] / height,
                    (columns[-1] + 1) / width,
                    (rows[-1] + 1) / height,
                )
                found.append(Found(label, 0.9, Region(box[0], box[1], box[2] - box[0], box[3] - box[1])))
        return found


def folder_of(folder: Path, many: int = 6) -> Path:
    """Photos with one thing in each, and where it is."""
    (folder / "val").mkdir(parents=True)
    images, annotations = [], []
    for number in range(many):
        picture = np.full((SIDE, SIDE + 10 * number, 3), 60, np.uint8)
        left, top, side = 8 + 5 * number, 30, 24 + number
        kind = number % 2
        picture[top : top + side, left : left + side] = list(COLOURS.values())[kind]
        assert cv2.imwrite(str(folder / "val" / f"{number}.png"), picture)
        images.append({"id": 10 + number, "file_name": f"{number}.png"})
        annotations.append(
            {"image_id": 10 + number, "category_id": 5 + kind, "bbox": [left, top, side, side]}
        )
    kinds = [{"id": 5 + number, "name": label} for number, label in enumerate(COLOURS)]
    told = {"images": images, "annotations": annotations, "categories": kinds}
    (folder / "instances_val.json").write_text(json.dumps(told))
    return folder


def silent(_what: str, _share: float) -> None:
    pass


async def figures(photos: Sequence[Photo], finder: Tint, keep: Path | None, **more: Any) -> dict[str, Any]:
    plan = more.pop("ways", plan_of(["bilateral", "nlm+vst"]))
    return await measure(photos, more.pop("damages", ["clean", "sigma 75"]), plan, finder, Kept(keep), silent)


def guesses(seed: int, photos: int = 12) -> tuple[list[Photo], list[list[Spotted]]]:
    """Things of three labels, found roughly, partly, and where there are none."""
    rng = np.random.default_rng(seed)
    truth, found = [], []
    for number in range(photos):
        many = int(rng.integers(0, 6))
        labels = tuple(str(one) for one in rng.choice(["a", "b", "c"], many))
        boxes = np.column_stack([rng.uniform(0, 80, (many, 2)), rng.uniform(10, 40, (many, 2))])
        truth.append(Photo(str(number), labels, boxes.reshape(-1, 4), lambda: np.zeros((8, 8, 3), np.uint8)))
        some = [
            Spotted(label, round(float(rng.random()), 2), tuple((box + rng.normal(0, 2.5, 4)).tolist()))
            for label, box in zip(labels, boxes, strict=True)
            if rng.random() < 0.8
        ]
        some += [
            Spotted(
                str(rng.choice(["a", "b", "c", "d"])), round(float(rng.random()), 2), (5.0, 5.0, 20.0, 20.0)
            )
            for _ in range(int(rng.integers(0, 4)))
        ]
        found.append(some)
    return truth, found


def by_pycocotools(truth: Sequence[Photo], found: Sequence[Sequence[Spotted]]) -> tuple[float, float]:
    """mAP50 and mAP50-95 as it sums them up itself."""
    labels = sorted({label for photo in truth for label in photo.labels})
    told: dict[str, Any] = {"images": [{"id": n} for n in range(len(truth))]}
    told["categories"] = [{"id": n} for n in range(len(labels))]
    boxes = [
        {
            "image_id": n,
            "category_id": labels.index(label),
            "bbox": box,
            "area": box[2] * box[3],
            "iscrowd": 0,
        }
        for n, photo in enumerate(truth)
        for label, box in zip(photo.labels, photo.boxes.tolist(), strict=True)
    ]
    told["annotations"] = [one | {"id": n + 1} for n, one in enumerate(boxes)]
    answers = [
        {"image_id": n, "category_id": labels.index(s.label), "bbox": list(s.box), "score": s.confidence}
        for n, some in enumerate(found)
        for s in some
        if s.label in labels
    ]
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO()
        coco.dataset = told
        coco.createIndex()
        judge = COCOeval(coco, coco.loadRes(answers), "bbox")
        judge.evaluate()
        judge.accumulate()
        judge.summarize()
    return float(judge.stats[1]), float(judge.stats[0])


@pytest.mark.parametrize("seed", range(6))
def test_precision_is_what_pycocotools_says_itself(seed: int) -> None:
    truth, found = guesses(seed)
    ours = precision(matched(truth, found), once(len(truth)))[0]
    assert ours == pytest.approx(by_pycocotools(truth, found), abs=1e-3)
    assert 0.1 < ours[1] < 0.9


@pytest.mark.parametrize("seed", range(3))
def test_a_photo_that_is_drawn_twice_counts_as_two(seed: int) -> None:
    truth, found = guesses(seed)
    times = np.random.default_rng(seed).integers(0, 3, len(truth))
    drawn = [index for index, many in enumerate(times) for _ in range(many)]
    ours = precision(matched(truth, found), times[None].astype(np.int64))[0]
    really = by_pycocotools([truth[index] for index in drawn], [found[index] for index in drawn])
    assert ours == pytest.approx(really, abs=1e-3)


def test_resamples_are_the_same_for_all_that_is_compared() -> None:
    assert np.array_equal(resampled(20), resampled(20))
    assert (resampled(20).sum(axis=1) == 20).all()


async def test_what_is_found_whole_is_all_and_noise_costs_and_restoring_helps(tmp_path: Path) -> None:
    photos = photos_of(folder_of(tmp_path), None)
    result = await figures(photos, Tint(), None)
    clean, noisy = result["damages"]["clean"], result["damages"]["sigma 75"]
    assert clean["none"]["map"] == pytest.approx(100)
    assert clean["none"]["map_interval"] == (pytest.approx(100), pytest.approx(100))
    assert noisy["none"]["map"] < 60
    assert noisy["nlm+vst"]["map"] > noisy["none"]["map"]
    assert noisy["nlm+vst"]["gain"] == pytest.approx(noisy["nlm+vst"]["map"] - noisy["none"]["map"])
    low, high = noisy["nlm+vst"]["gain_interval"]
    assert low <= noisy["nlm+vst"]["gain"] <= high
    draw(tmp_path / "plot.svg", panels_of(result))
    ElementTree.parse(tmp_path / "plot.svg")  # noqa: S314 - our own
    assert any("6 photos with 6 objects" in one for one in tables_of(result) if isinstance(one, str))


async def test_what_was_looked_at_is_not_looked_at_again(tmp_path: Path) -> None:
    photos, keep = photos_of(folder_of(tmp_path / "data"), None), tmp_path / "keep"
    first = Tint()
    whole = await figures(photos, first, keep)
    assert first.asked == 6 * 2 * 3
    with (keep / FILE).open("a") as file:
        file.write('{"key": "cut sho')  # as a run leaves it that was killed
    again = Tint()
    same = await figures(photos, again, keep)
    assert again.asked == 0
    assert same["damages"]["sigma 75"]["bilateral"]["map"] == whole["damages"]["sigma 75"]["bilateral"]["map"]
    more = Tint()
    await figures(photos, more, keep, damages=["clean", "jpeg 10"], ways=Plan({"none": Way()}))
    assert more.asked == 6


def test_a_kept_file_of_something_else_is_named(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text("a shopping list\n")
    with pytest.raises(FootageError, match=r"found\.jsonl cannot be read.*another folder"):
        Kept(tmp_path)


def test_shrunk_photos_have_their_objects_where_they_are_drawn(tmp_path: Path) -> None:
    photos = photos_of(folder_of(tmp_path, many=9), None)
    frames = shrunk(photos, 2)
    assert len(frames) == 2  # what does not fill a frame is left out
    assert frames[0].labels == ("sky", "leaf", "sky", "leaf")
    picture = frames[0].read()
    assert picture.shape == (720, 1280, 3)
    for label, (left, top, width, height) in zip(frames[0].labels, frames[0].boxes, strict=True):
        inside = picture[round(top + 3) : round(top + height - 3), round(left + 3) : round(left + width - 3)]
        assert np.abs(inside.astype(int) - COLOURS[label]).max() < 40


def _without_photo(folder: Path) -> None:
    (folder / "val" / "3.png").unlink()


def _without_json(folder: Path) -> None:
    (folder / "instances_val.json").unlink()


def _with_two(folder: Path) -> None:
    (folder / "instances_train.json").write_text("{}")


def _of_something_else(folder: Path) -> None:
    (folder / "instances_val.json").write_text('{"images": 3}')


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (_without_photo, r"3\.png cannot be read as a picture"),
        (_without_json, r"0 instances_\*\.json"),
        (_with_two, r"2 instances_\*\.json"),
        (_of_something_else, "cannot be read as COCO"),
    ],
)
async def test_what_cannot_be_read_is_said(tmp_path: Path, spoil: Any, words: str) -> None:
    spoil(folder_of(tmp_path))
    with pytest.raises(FootageError, match=words):
        await figures(photos_of(tmp_path, None), Tint(), None)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--ways", "magic"], "--ways: 'magic' is none of none, gated"),
        (["--damages", "clean,frost"], "--damages: 'frost' is none of clean, sigma 15"),
        ([], "name one of the store with --model"),
    ],
)
def test_the_command_says_what_it_wants(tmp_path: Path, arguments: list[str], words: str) -> None:
    said = CliRunner().invoke(app, ["evaluate", "objects", str(folder_of(tmp_path)), *arguments])
    assert said.exit_code in (1, 2)
    assert words in said.stderr


@pytest.mark.real("objects' weights and photos")
def test_a_real_network_on_real_photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("openvino")
    weights, photos = shared("models/yolov8n_int8_openvino_model"), shared("data/coco")
    monkeypatch.setenv("FRAMEWARDEN_MODELS", str(SHARED / "models"))
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path))
    options = ["--model", weights.name, "--photos", "4", "--damages", "clean,sigma 75", "--ways", "none"]
    result = CliRunner().invoke(app, ["evaluate", "objects", str(photos), *options, "--json"])
    assert result.exit_code == 0, result.stderr
    told = json.loads(result.stdout)
    assert told["damages"]["clean"]["none"]["map50"] > 50
    assert told["damages"]["sigma 75"]["none"]["map50"] < told["damages"]["clean"]["none"]["map50"] - 20


def look(confidence: float, ms: float) -> Look:
    return Look((Spotted("sky", confidence, (0, 0, 9, 9)),) * 8, ms, 50)


def test_the_gate_leaves_clean_photos_and_learns_what_helps_a_camera() -> None:
    plain, classical, denoiser = look(0.3, 0), look(0.9, 30), look(0.6, 40)
    looks = {Choice.PLAIN: [plain] * 8, Choice.CLASSICAL: [classical] * 8, Choice.DENOISER: [denoiser] * 8}
    for one_camera in (False, True):
        shut = chosen([(-3.0, 5.0)] * 8, looks, one_camera)
        assert [one.found for one in shut] == [plain.found] * 8
        assert {one.restore_ms for one in shut} == {5.0}
    settled = chosen([(3.0, 5.0)] * 8, looks, one_camera=True)
    assert settled[-1].found == classical.found
    assert settled[-1].restore_ms == 35
