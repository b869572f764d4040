"""Libraries that would send, ask or write if they could, in a process of their own that notices all of it."""

import os
import subprocess
import sys
import textwrap
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

WATCHED = """
import json, os, socket, sys
asked = []
def heard(event, details):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.sendto", "subprocess.Popen") and (
        "ldconfig" not in str(details)  # which Python itself runs, to find a library
    ):
        asked.append(f"{event} {details}")
sys.addaudithook(heard)
from pathlib import Path
before = set(Path.cwd().rglob("*"))
from detectors.offline import openvino_offline, ultralytics_offline
"""
TOLD = """
import threading
for each in threading.enumerate():
    if each is not threading.current_thread():
        each.join(5)
after = {str(each) for each in set(Path.cwd().rglob("*")) - before}
print("told", json.dumps([asked, sorted(after)]))
"""


def watched(folder: Path, script: str) -> list[str]:
    """What the script printed, with all that it asked of the network and wrote into the home folder."""
    # Where continuous integration is named, OpenVINO tells nobody anything by itself.
    environ = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(("YOLO_", "PYTEST", "ULTRA", "CI", "TF_BUILD", "JENKINS_URL"))
    }
    environ |= {"HOME": str(folder), "PYTHONPATH": str(Path(__file__).parents[2])}
    program = WATCHED + textwrap.dedent(script) + TOLD
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=folder, env=environ, capture_output=True, text=True, timeout=100
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_nothing_is_asked_written_or_said(tmp_path: Path) -> None:
    pytest.importorskip("openvino")
    said = watched(
        tmp_path,
        """
        ultralytics_offline()
        ultralytics_offline()
        import openvino
        import torch
        openvino.convert_model(torch.nn.Conv2d(3, 3, 1), example_input=torch.zeros(1, 3, 64, 64))
        from ultralytics.nn.tasks import DetectionModel
        DetectionModel("yolov8n.yaml", nc=2)
        from ultralytics.trackers.byte_tracker import BYTETracker
        from ultralytics.utils.events import events
        assert not events.enabled
        """,
    )
    assert said == ["told [[], []]"]


def test_the_watching_itself_notices_what_openvino_does_unasked(tmp_path: Path) -> None:
    if "openvino_telemetry" not in packages_distributions():  # in this process it may be kept out already
        pytest.skip("openvino_telemetry is not installed")
    said = watched(tmp_path, "import openvino")
    assert any("google" in line or "intel" in line for line in said)  # else the test above could not fail
