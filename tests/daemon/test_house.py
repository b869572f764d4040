"""What the house makes once, it makes once."""

import asyncio
import threading
from pathlib import Path
from types import FrameType

import pytest

from config.load import load
from daemon.assembly import assembled
from detectors.anomaly.detector import AnomalyDetector


@pytest.mark.timeout(60)
async def test_a_stream_that_ends_while_its_detector_is_made_leaves_no_second_one(tmp_path: Path) -> None:
    config = tmp_path / "framewarden.yaml"
    config.write_text(
        "streams: [{name: gate, url: rtsp://127.0.0.1:9/gate}]\n"
        "alerts: {channels: [{kind: log}]}\n"
        f"service: {{state_dir: {tmp_path / 'state'}, listen: null}}\n"
    )
    settings = load(config)
    made = []

    def note(called: FrameType, event: str, _: object) -> None:
        if event == "call" and called.f_code is AnomalyDetector.__init__.__code__:
            made.append(called.f_code.co_qualname)

    threading.setprofile(note)  # of threads that begin from now on
    async with assembled(settings, judged=lambda _: None) as house:
        impatient = asyncio.create_task(house.move_in(settings, settings.streams[0]))
        while not made:  # noqa: ASYNC110 - to be there in the middle of it
            await asyncio.sleep(0)
        impatient.cancel()
        await asyncio.wait([impatient])
        await house.move_in(settings, settings.streams[0])
        threading.setprofile(None)
        assert made == ["AnomalyDetector.__init__"]
        assert isinstance(house.learner, AnomalyDetector)
