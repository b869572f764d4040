"""Object alerts by the whole daemon: real footage of people, both finders, and what comes out."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from config.load import load
from streams.recoding import encoded
from tests.daemon.daemon_process import framewarden
from tests.real import shared

RATE = 10.0  # pictures a second of the footage
SECONDS = 14
MODEL = "yolov8n_int8_openvino_model"
CONFIG = """
streams:
  - name: court
    url: {clip}
    detectors: [objects]
    zones:
      - {{name: path, points: [[0, 0.3], [0.5, 0.3], [0.5, 1], [0, 1]]}}
    lines:
      - {{name: middle, points: [[0.5, 1], [0.5, 0]]}}
    alert_on:
      - {{label: {label}, zone: path}}
      - {{label: {label}, line: middle, way: to_right}}
      - {{label: {label}, more_than: 3}}
      - {{label: {label}, zone: path, between: "{never}", time_zone: UTC, min_confidence: 0.01}}
detectors: {{objects: {{model: {model}}}}}
models: {{folder: {models}}}
alerts: {{channels: [{{kind: file, path: alerts.jsonl}}]}}
service: {{state_dir: {state}, listen: null}}
"""


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """People who walk over a court, filmed from a fixed camera."""
    pictures = []
    with av.open(str(shared("data/videos/vtest.mp4"))) as container:
        for number, picture in enumerate(container.decode(video=0)):
            if number >= SECONDS * RATE:
                break
            pictures.append(np.asarray(picture.to_ndarray(format="bgr24"), np.uint8))
    path = tmp_path_factory.mktemp("footage") / "court.mp4"
    path.write_bytes(encoded(pictures, RATE))
    return path


@dataclass(frozen=True)
class Ran:
    """What a run left behind."""

    messages: list[dict[str, Any]]
    words: str
    state: Path

    def opened(self) -> Iterator[tuple[str, str]]:
        """Labels and subjects, as they were told."""
        for each in self.messages:
            if each["data"]["state"] == "opened":
                yield each["data"]["label"], each["data"]["subject"]


def run(tmp_path: Path, clip: Path, model: str, label: str) -> Ran:
    """The daemon watches the recording and ends with it."""
    config = tmp_path / "framewarden.yaml"
    never = "00:00-00:01"  # when the recording was filmed, says its file, is not then
    config.write_text(
        CONFIG.format(
            clip=clip,
            label=label,
            model=model,
            models=shared("models"),
            never=never,
            state=tmp_path / "state",
        )
    )
    load(config)
    done = framewarden("run", str(config), timeout=110)
    assert done.returncode == 0, done.stderr
    told = tmp_path / "alerts.jsonl"
    lines = told.read_text().splitlines() if told.exists() else []
    return Ran([json.loads(line) for line in lines], done.stderr, tmp_path / "state")


def test_what_moves_is_told_with_no_weights_at_all(tmp_path: Path, clip: Path) -> None:
    ran = run(tmp_path, clip, "null", "moving")
    assert ("moving", "path") in set(ran.opened())
    first = ran.messages[0]["data"]
    assert first["kind"] == "object"
    assert first["detector"]["model"] == "moving"
    assert "something that moves" in first["reason"]
    assert first["region"]


def test_people_are_told_by_a_real_model_in_their_zone_over_their_line_and_as_a_crowd(
    tmp_path: Path, clip: Path
) -> None:
    ran = run(tmp_path, clip, MODEL, "person")
    assert {("person", "path"), ("person", "middle"), ("crowd", "")} <= set(ran.opened())
    told = {(each["data"]["label"], each["data"]["subject"]): each["data"] for each in ran.messages[::-1]}
    person = told["person", "path"]
    assert "a person is in 'path'" in person["reason"]
    assert 0.5 <= person["score"] <= 1
    assert person["detector"]["model"] == f"{MODEL}, OpenVINO"
    assert len(person["detector"]["model_sha256"]) == 64
    assert told["person", "middle"]["reason"] == "a person crossed 'middle' to its right"
    assert told["crowd", ""]["score"] >= 4
    closed = [each["data"] for each in ran.messages if each["data"]["state"] == "closed"]
    assert len(closed) == len(list(ran.opened())), "the recording ended, and so did all that was open"
    folder = Path(person["evidence"]["report"]).parent
    inspected = framewarden("inspect", str(folder))
    assert "files are as they were written" in inspected.stdout
    assert "which object is which depends on the pictures before" in inspected.stdout
    for picture in ("picture", "annotated"):
        assert Path(person["evidence"][picture]).stat().st_size > 10_000


def test_a_model_that_is_not_there_is_told_and_the_stream_goes_on(tmp_path: Path, clip: Path) -> None:
    ran = run(tmp_path, clip, "yolo99z", "person")
    assert list(ran.opened()) == []
    assert "object could not tell at all" in ran.words
    assert ran.words.count("objects cannot judge: there are no weights 'yolo99z'") == 1


def test_a_file_is_asked_who_is_in_it_where_that_is_wanted(clip: Path) -> None:
    asked = framewarden("inspect", str(clip), "--detectors", "objects", timeout=110)
    assert "Object: 1 alert" in asked.stdout
    assert "something that moves" in asked.stdout
