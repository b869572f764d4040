"""Cameras that are well lose no picture while another one fails: benchmarks/faults.py, in small."""

from pathlib import Path

import pytest

from benchmarks.faults import measure


@pytest.mark.real("GStreamer RTSP server")
async def test_no_picture_is_lost_beside_a_camera_that_fails(tmp_path: Path) -> None:
    faults = ["killed", "child_crashes", "sixteen_dead"]
    rows = await measure(faults, healthy=2, seconds=3, folder=tmp_path)
    assert [row["fault"] for row in rows] == faults
    for row in rows:
        assert row["failing said"], f"{row['fault']}: it did not fail"
        assert row["outages"] == 0
        assert sum(row["frames"]) > 12
        # This process draws and judges other things, too: what it takes too late is no camera's fault.
        assert sum(row["lost"]) <= row["of them taken too late"], row
