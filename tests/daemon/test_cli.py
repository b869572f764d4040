"""What a user reads when something is wrong: one clear sentence, an exit code, and never a traceback."""

from importlib.metadata import version
from pathlib import Path

import cv2
import pytest
import torch

from tests.clips import write_clip
from tests.daemon.daemon_process import framewarden
from tests.redis_server import free_port

GOOD = "streams:\n  - {name: gate, url: 'rtsp://gate.example/1'}\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("streams:\n  - {name: gate, ulr: x}\n", ":2: stream 'gate': unknown key 'ulr', did you mean 'url'?"),
        ("streams:\n  - {name: gate, url: x, sample_fps: fast}\n", ":2: stream 'gate': sample_fps"),
        ("streams: [\n", "framewarden.yaml:"),
        ("", "framewarden.yaml"),
    ],
)
def test_a_bad_configuration_is_told_with_its_line(tmp_path: Path, text: str, expected: str) -> None:
    config = tmp_path / "framewarden.yaml"
    config.write_text(text)
    for command in ("check", "run"):
        told = framewarden(command, str(config))
        assert told.returncode == 2
        assert expected in told.stdout + told.stderr
        assert "Traceback" not in told.stderr


def test_the_version_is_told() -> None:
    told = framewarden("--version")
    assert (told.returncode, told.stdout) == (0, f"framewarden {version('framewarden')}\n")


def test_a_good_configuration_is_told_so(tmp_path: Path) -> None:
    config = tmp_path / "framewarden.yaml"
    config.write_text(GOOD)
    told = framewarden("check", str(config))
    assert (told.returncode, told.stderr) == (0, "")
    assert "good" in told.stdout
    assert "gate" in told.stdout


def test_a_recording_that_is_not_there_yet_is_told_and_no_error(tmp_path: Path) -> None:
    config = tmp_path / "framewarden.yaml"
    config.write_text("streams:\n  - {name: gate, url: later.mp4}\n")
    told = framewarden("check", str(config))
    assert told.returncode == 0
    assert told.stderr == (
        f"{config}: stream 'gate': url: {tmp_path}/later.mp4 is not there, or not for this user\n"
    )
    assert "good" in told.stdout


def test_a_redis_address_that_cannot_be_is_no_traceback(tmp_path: Path) -> None:
    config = tmp_path / "framewarden.yaml"
    config.write_text(GOOD + "redis: {url: 'redis://:hunter2@127.0.0.1:99999/0'}\n")
    for command in ("check", "run"):
        told = framewarden(command, str(config))
        assert told.returncode == 2
        assert f"{config}:3: redis: url: the port must be a number from 1 to 65535" in told.stderr
        assert "Traceback" not in told.stderr
        assert "hunter2" not in told.stderr


def test_an_address_in_use_is_told(tmp_path: Path) -> None:
    import socket

    port = free_port()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port))
        taken.listen()
        config = tmp_path / "framewarden.yaml"
        config.write_text(
            f"service: {{listen: '127.0.0.1:{port}', state_dir: '{tmp_path / 'state'}'}}\n" + GOOD
        )
        told = framewarden("run", str(config))
    assert told.returncode == 1
    assert f"cannot listen on 127.0.0.1:{port}" in told.stderr
    assert "Traceback" not in told.stderr


def test_a_state_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    config = tmp_path / "framewarden.yaml"
    config.write_text(f"service: {{state_dir: '{tmp_path / 'file' / 'state'}'}}\n" + GOOD)
    told = framewarden("run", str(config))
    assert told.returncode == 1
    assert str(tmp_path / "file") in told.stderr
    assert "Traceback" not in told.stderr


def test_a_card_that_is_not_there_is_told(tmp_path: Path) -> None:
    if torch.cuda.is_available():
        pytest.skip("this machine has a CUDA card")
    config = tmp_path / "framewarden.yaml"
    config.write_text(f"service: {{device: cuda, listen: null, state_dir: '{tmp_path / 'state'}'}}\n" + GOOD)
    told = framewarden("run", str(config))
    assert told.returncode == 1
    assert "service.device is 'cuda', but" in told.stderr
    assert "Traceback" not in told.stderr


def test_probe_tells_what_a_recording_is(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4")
    told = framewarden("probe", str(clip))
    assert told.returncode == 0, told.stderr
    for word in ("h264", "320 x 180", "25.00 pictures a second", "2.0 s"):
        assert word in told.stdout


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda path: None, "does not exist"),
        (lambda path: path.write_bytes(b""), "empty"),
        (lambda path: path.write_text("<html>not found</html>" * 50), "not a video"),
        (lambda path: path.mkdir(), "folder"),
    ],
)
def test_probe_tells_why_a_recording_cannot_be_read(tmp_path: Path, make: object, expected: str) -> None:
    path = tmp_path / "clip.mp4"
    make(path)  # type: ignore[operator]
    told = framewarden("probe", str(path))
    assert told.returncode == 1
    assert expected in told.stderr.lower()
    assert "Traceback" not in told.stderr


def test_probe_hides_the_password_of_a_camera_that_is_away() -> None:
    told = framewarden("probe", f"rtsp://admin:hunter2@127.0.0.1:{free_port()}/cam")
    assert told.returncode == 1
    assert "refuses connections" in told.stderr
    assert "hunter2" not in told.stderr + told.stdout


def test_probe_says_what_is_wrong_with_an_address() -> None:
    told = framewarden("probe", "rstp://admin:hunter2@gate.example/1")
    assert (told.returncode, told.stderr) == (2, "url: unknown scheme 'rstp', did you mean 'rtsp'?\n")


def test_probe_suspects_a_password_that_ended_too_early() -> None:
    told = framewarden("probe", f"rtsp://viewer:Tr0ub@localhost:{free_port()}#3@gate.example/1")
    assert told.returncode == 1
    assert "refuses connections" in told.stderr
    assert "a password may need encoding: write @ as %40" in told.stderr
    assert "Tr0ub" not in told.stderr


def test_subscribe_without_a_server_says_what_to_do(tmp_path: Path) -> None:
    told = framewarden("subscribe", env={"STATE_DIRECTORY": str(tmp_path)})
    assert told.returncode == 1
    assert "no embedded Redis runs" in told.stderr
    assert "--url" in told.stderr


def test_probe_writes_a_picture_ruled_in_tenths(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", seconds=2)
    told = framewarden("probe", str(clip), "--seconds", "1", "--picture", str(tmp_path / "gate.jpg"))
    assert (told.returncode, told.stderr) == (0, "")
    assert "gate.jpg" in " ".join(told.stdout.split())
    ruled = cv2.imread(str(tmp_path / "gate.jpg"))
    assert ruled is not None
    height, width = ruled.shape[:2]
    assert (width, height) == (320, 180)
    middle = ruled[:, width // 2].astype(int)
    assert (middle[:, 2] - middle[:, 0]).mean() > 60, "a red line stands in the middle"
    told = framewarden("probe", str(clip), "--seconds", "1", "--picture", str(tmp_path / "no" / "gate.jpg"))
    assert told.returncode == 1
    assert told.stderr == f"{tmp_path}/no/gate.jpg cannot be written: No such file or directory\n"
