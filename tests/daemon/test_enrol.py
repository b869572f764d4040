"""`framewarden enrol`: people from recordings, by the real decoder and weights, and what cannot be."""

import asyncio
import logging
import re
import subprocess
import sys
from pathlib import Path
from typing import cast

import pytest

from alerts.lock import InUseError, Lock
from config.load import load
from config.problem import ConfigError
from config.secrets import source_identity
from config.settings import Settings, StreamSettings
from config.state import enrolment_file
from daemon.enrol import enrol
from daemon.enrolled import enrolled, stamp
from daemon.evaluate_faces import Clip, clips_of
from daemon.house import House
from daemon.roster import Roster
from detectors.deepfake.enrolment import load as enrolment_of
from detectors.deepfake.model import SHIPPED
from detectors.detection import DetectorError
from tests.clips import write_clip
from tests.face_clips import film, read
from tests.real import absent, shared

URL = "rtsp://gate.example/1"
SHORT = 10  # pictures of a recording


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Its folder stands beside the state folder."""
    if not SHIPPED.exists():
        absent("no weights of the deepfake detector")
    path = tmp_path / "framewarden.yaml"
    path.write_text(
        f"service: {{listen: null, state_dir: '{tmp_path / 'state'}'}}\n"
        "streams:\n"
        f"  - {{name: gate, url: '{URL}', detectors: [deepfake]}}\n"
        f"  - {{name: files, folder: '{tmp_path}', detectors: [deepfake]}}\n"
    )
    return path


@pytest.fixture
def people(tmp_path: Path) -> list[Path]:
    """Recordings of six real people who look into the camera, most of them throughout."""
    clips: list[Clip] = [one for one in clips_of(shared("data/faceswap_crops"), "test") if not one.fake]
    large = [one for one in clips if len(one.files) >= SHORT][:6]
    return [film(tmp_path / f"{one.name}.mp4", [read(file) for file in one.files[:SHORT]]) for one in large]


def moved_to(config: Path, url: str) -> Settings:
    """The same with another address."""
    config.write_text(config.read_text().replace(URL, url))
    return load(config)


@pytest.mark.real("face-swap crops")
async def test_people_are_enrolled_from_recordings_and_check_says_so(
    tmp_path: Path, config: Path, people: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert await enrol(config, "gate", people, 10) == 0
    said = capsys.readouterr()
    assert said.err == ""
    told = re.match(r"gate: enrolled (\d) faces in (\d) sightings, (\d+) good pictures: real faces", said.out)
    assert told
    assert int(told[2]) >= 4
    assert said.out.endswith("a daemon that runs takes it at its next reload: systemctl reload framewarden\n")
    file = enrolment_file(tmp_path / "state", "gate")
    made = enrolment_of(file, source_identity(URL), None)
    assert made is not None
    assert (made.faces, made.pictures) == (int(told[1]), int(told[3]))
    assert not list(file.parent.glob("*.part"))
    standing = enrolled(load(config))
    assert standing.doubts == []
    assert standing.good == [
        f"stream gate: {made.faces} faces were enrolled at {made.at}, from {made.pictures} good pictures"
    ]
    moved = enrolled(moved_to(config, "rtsp://yard.example/1"))
    assert moved.good == []
    assert "gate: judged as if nobody were enrolled" in moved.doubts[0]
    assert "had another address: enrol anew" in moved.doubts[0]


async def test_too_few_faces_are_refused_in_words_and_nothing_changes(tmp_path: Path, config: Path) -> None:
    nobody = write_clip(tmp_path / "nobody.mp4", seconds=2)
    file = enrolment_file(tmp_path / "state", "gate")
    before = stamp(tmp_path / "state", "gate")
    with pytest.raises(
        DetectorError,
        match=re.escape(
            "nobody is enrolled: at least 4 sightings of a face with 8 good pictures each are needed, and "
            "there were 0. In 10 pictures a face was seen 0 times, 0 times well enough."
        ),
    ):
        await enrol(config, "gate", [nobody], 10)
    assert before is stamp(tmp_path / "state", "gate") is None
    assert not file.exists()


@pytest.mark.parametrize(
    ("stream", "recording", "words"),
    [
        ("yard", "framewarden.yaml", "there is no stream yard; there are gate, files"),
        ("gate", "nowhere.mp4", "nowhere.mp4: there is no such file"),
        ("files", "framewarden.yaml", "files is a folder, whose files show anybody"),
    ],
)
async def test_what_cannot_be_is_said_in_words(
    tmp_path: Path, config: Path, stream: str, recording: str, words: str
) -> None:
    with pytest.raises(ConfigError, match=re.escape(words)):
        await enrol(config, stream, [tmp_path / recording], 10)


async def test_one_at_a_time_enrols_a_stream(tmp_path: Path, config: Path) -> None:
    nobody = write_clip(tmp_path / "nobody.mp4", seconds=2)
    lock = enrolment_file(tmp_path / "state", "gate").with_name("enrol.lock")
    with Lock(lock), pytest.raises(InUseError, match="is in use by another framewarden"):
        await enrol(config, "gate", [nobody], 10)


async def test_what_is_interrupted_leaves_what_was_there(tmp_path: Path, config: Path) -> None:
    long = write_clip(tmp_path / "long.mp4", seconds=30)
    file = enrolment_file(tmp_path / "state", "gate")
    file.parent.mkdir(parents=True)
    file.write_text("what was there")
    work = asyncio.create_task(enrol(config, "gate", [long], 10))
    while not list(file.parent.glob("enrol.lock")):  # noqa: ASYNC110 - a file cannot be awaited
        await asyncio.sleep(0.05)
    await asyncio.sleep(0.2)
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    assert file.read_text() == "what was there"


def test_the_command_ends_with_a_sentence(tmp_path: Path, config: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "daemon.cli", "enrol", str(config), "yard"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ended.returncode == 2
    assert "there is no stream yard" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_check_says_what_cannot_be_used_and_is_good_all_the_same(tmp_path: Path, config: Path) -> None:
    file = enrolment_file(tmp_path / "state", "gate")
    file.parent.mkdir(parents=True)
    file.write_text("half of it")
    ended = subprocess.run(
        [sys.executable, "-m", "daemon.cli", "check", str(config)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ended.returncode == 0
    assert "stream gate: judged as if nobody were enrolled" in ended.stderr
    assert "it is no enrolment of this version" in ended.stderr


class Endless:
    """A watch that goes on until it is cancelled."""

    async def run(self) -> None:
        await asyncio.Event().wait()

    def summary(self) -> str:
        return ""


class Doors:
    """A house of which only who moves in is of interest."""

    def __init__(self, folder: Path, settings: Settings) -> None:
        self.folder = folder
        self.settings = settings
        self.moved_in: list[str] = []

    async def move_in(self, settings: Settings, stream: StreamSettings) -> Endless:
        self.moved_in.append(stream.name)
        return Endless()

    async def forget(self, stream: str) -> None:
        """Nothing is remembered."""


async def test_a_reload_takes_up_an_enrolment_and_leaves_the_other_streams_alone(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    streams = [f"  - {{name: {name}, url: '{URL}', detectors: [deepfake]}}\n" for name in ("gate", "yard")]
    config = tmp_path / "framewarden.yaml"
    config.write_text(f"streams:\n{''.join(streams)}")
    house = Doors(tmp_path / "state", load(config))
    file = enrolment_file(house.folder, "gate")
    file.parent.mkdir(parents=True)
    with caplog.at_level(logging.INFO):
        async with asyncio.TaskGroup() as group:
            roster = Roster(cast("House", house), group)
            await roster.apply(house.settings)
            await roster.reload(config)
            await asyncio.sleep(0)
            assert house.moved_in == ["gate", "yard"]
            file.write_bytes(b"made")
            await roster.reload(config)
            await asyncio.sleep(0)
            assert house.moved_in == ["gate", "yard", "gate"]
            file.unlink()
            await roster.reload(config)
            await asyncio.sleep(0)
            assert house.moved_in == ["gate", "yard", "gate", "gate"]
            for task in asyncio.all_tasks():
                if task.get_name().startswith("watch "):
                    task.cancel()
    assert caplog.text.count("gate: watched anew, who is enrolled changed, deepfake") == 2
