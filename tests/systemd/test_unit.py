"""systemd's own tools read the unit: nothing unknown in it, and little left open."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.real import require

UNITS = Path(__file__).parents[2] / "systemd"
UNIT = UNITS / "framewarden.service"
STRICTEST = 20  # tenths; the unit scores 1.5


@pytest.fixture(params=["plain", "gpu"])
def installed(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The unit as it would be installed, with a program that exists here; once with the drop-in for GPUs."""
    unit = tmp_path / UNIT.name
    unit.write_text(UNIT.read_text().replace("/opt/framewarden/bin/framewarden", sys.executable))
    if request.param == "gpu":
        drop_in = tmp_path / f"{UNIT.name}.d" / "gpu.conf"
        drop_in.parent.mkdir()
        drop_in.write_text((UNITS / "gpu.conf").read_text())
    return unit


def analyze(*words: str, folder: Path) -> subprocess.CompletedProcess[str]:
    program = require("systemd-analyze")
    environ = {**os.environ, "SYSTEMD_UNIT_PATH": f"{folder}:", "SYSTEMD_PAGER": ""}
    return subprocess.run([program, *words], capture_output=True, text=True, timeout=60, env=environ)


@pytest.mark.real("systemd-analyze")
def test_systemd_knows_every_word_of_it(installed: Path) -> None:
    answer = analyze("verify", str(installed), folder=installed.parent)
    assert (answer.returncode, answer.stderr) == (0, "")


@pytest.mark.real("systemd-analyze")
def test_a_misspelt_word_would_be_seen(installed: Path) -> None:
    for file in (installed, *installed.parent.glob("*.d/*.conf")):
        file.write_text(file.read_text() + "\n[Service]\nWatchdogSecs=1\n")
        answer = analyze("verify", str(installed), folder=installed.parent)
        assert f"{file.name}:" in answer.stderr and "WatchdogSecs" in answer.stderr


@pytest.mark.real("systemd-analyze")
def test_it_leaves_little_open(installed: Path) -> None:
    words = ("security", "--offline=true", f"--threshold={STRICTEST}", str(installed))
    answer = analyze(*words, folder=installed.parent)
    assert answer.returncode == 0, answer.stdout
    assert "Overall exposure level" in answer.stdout


def test_what_the_daemon_needs_is_allowed_and_said() -> None:
    unit = UNIT.read_text()
    lines = [line for line in unit.splitlines() if line and not line.startswith("#")]
    for line in (
        "Type=notify",
        "ExecStart=/opt/framewarden/bin/framewarden run /etc/framewarden/framewarden.yaml",
        "ExecReload=/bin/kill -HUP $MAINPID",
        "StateDirectory=framewarden",
        "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6",
        "Environment=OMP_WAIT_POLICY=PASSIVE",
        "RestartPreventExitStatus=2",
    ):
        assert line in lines
    assert not any(line.startswith("MemoryDenyWriteExecute") for line in lines)  # torch could not compute
    assert any(line.startswith("WatchdogSec=") for line in lines)


def test_the_instructions_name_files_that_exist() -> None:
    text = (UNITS / "README.md").read_text()
    for name in ("systemd/framewarden.service", "systemd/gpu.conf", "config/example.yaml"):
        assert name in text
        assert (UNITS.parent / name).is_file()
