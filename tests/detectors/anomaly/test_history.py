"""The score history: small, bounded, and readable whatever happened to the writer."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.anomaly.history import FOLDER, MOST, STEP, TICK, History, read_history

START = datetime(2026, 5, 1, 12, tzinfo=UTC)


def write(folder: Path, records: list[tuple[float, float | None, float]]) -> None:
    history = History(folder)
    for seconds, score, threshold in records:
        history.add(START + timedelta(seconds=seconds), score, threshold)
    history.close()
    assert not history.counts


@given(
    st.lists(
        st.tuples(
            st.one_of(st.floats(-5, 5), st.floats(-1e5, 1e6)),  # seconds since the one before
            st.one_of(st.none(), st.floats(0, 12)),
            st.sampled_from([4.6, 3.5]),
        ),
        max_size=60,
    )
)
def test_what_was_scored_is_read_again(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[float, float | None, float]]
) -> None:
    folder = tmp_path_factory.mktemp("gate")
    seconds = 0.0
    records = []
    for passed, score, threshold in steps:
        seconds += passed
        records.append((seconds, score, threshold))
    half = len(records) // 2
    write(folder, records[:half])  # and a restart in between
    write(folder, records[half:])
    scores = read_history(folder)
    assert len(scores) == len(records)
    assert scores.at == pytest.approx(
        [START.timestamp() + seconds for seconds, _, _ in records], rel=0, abs=TICK
    )
    assert scores.threshold == pytest.approx([threshold for *_, threshold in records])
    for told, (_, score, _) in zip(scores.score, records, strict=True):
        assert np.isnan(told) if score is None else told == pytest.approx(score, abs=STEP)


def test_a_day_at_five_a_second_fits_and_older_ones_go(tmp_path: Path) -> None:
    pictures = 2 * 86_400 * 5
    history = History(tmp_path)
    for number in range(pictures):
        history.add(START + timedelta(seconds=number / 5), 1.0, 4.6)
    history.close()
    size = sum(path.stat().st_size for path in (tmp_path / FOLDER).iterdir())
    assert size <= MOST
    scores = read_history(tmp_path)
    assert scores.at[-1] == pytest.approx(START.timestamp() + (pictures - 1) / 5, abs=0.1)
    assert scores.at[-1] - scores.at[0] > 23 * 3600
    assert np.diff(scores.at).max() < 0.25
    since = START + timedelta(hours=47)
    assert len(read_history(tmp_path, since)) == 5 * 3600


def test_a_writer_that_is_killed_leaves_all_but_the_last_seconds(tmp_path: Path) -> None:
    script = (
        "import sys, time\n"
        "from datetime import UTC, datetime, timedelta\n"
        "from pathlib import Path\n"
        "from detectors.anomaly.history import History\n"
        "history = History(Path(sys.argv[1]))\n"
        "for number in range(500):\n"
        "    history.add(datetime(2026, 5, 1, tzinfo=UTC) + timedelta(seconds=number / 5), 2.0, 4.6)\n"
        "print('written', flush=True)\n"
        "time.sleep(60)\n"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE, text=True, cwd=Path.cwd()
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "written\n"
    assert 470 <= len(read_history(tmp_path)) <= 500  # while it lives
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    child.stdout.close()
    (segment,) = (tmp_path / FOLDER).iterdir()
    whole = len(read_history(tmp_path))
    segment.write_bytes(segment.read_bytes() + b"\x01\x02")  # a torn record
    (tmp_path / FOLDER / "00000001.scores").write_bytes(b"FW")  # a torn header
    (tmp_path / FOLDER / "00000002.scores").write_bytes(b"something else altogether")
    assert len(read_history(tmp_path)) == whole
    write(tmp_path, [(0.0, 3.0, 4.6)])
    assert read_history(tmp_path).score[-1] == 3.0


def test_a_disk_that_takes_nothing_is_counted_and_stops_nobody(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / FOLDER).write_text("in the way")
    history = History(tmp_path)
    for number in range(3):
        history.add(START + timedelta(seconds=number), 1.0, 4.6)
    history.close()
    assert history.counts["history_lost"] == 3
    (said,) = caplog.messages
    assert "cannot be written: File exists. Watching goes on without it." in said


@pytest.mark.parametrize("room", [0, 7, 16, 31])  # bytes: no header, half of one, one, records
def test_a_full_disk_pushes_out_nothing_and_is_written_to_again_once_there_is_room(
    tmp_path: Path, full_disk: Callable[[int], None], room: int
) -> None:
    write(tmp_path, [(number / 5, 1.0, 4.6) for number in range(3000)])
    history = History(tmp_path)
    full_disk(room)
    for number in range(3000, 20_000):
        history.add(START + timedelta(seconds=number / 5), 1.0, 4.6)
    assert len(list((tmp_path / FOLDER).iterdir())) == 1
    assert len(read_history(tmp_path)) == 3000
    assert history.counts["history_lost"] == 17_000
    full_disk(2**20)
    for number in range(20_000, 21_000):
        history.add(START + timedelta(seconds=number / 5), 2.0, 4.6)
    history.close()
    assert 3000 + 690 <= len(read_history(tmp_path)) <= 4000


def test_a_disk_that_takes_a_part_leaves_what_it_took_readable(
    tmp_path: Path, full_disk: Callable[[int], None]
) -> None:
    history = History(tmp_path)
    full_disk(1002)  # 246 records and a half
    for number in range(400):
        history.add(START + timedelta(seconds=number / 5), number % 10, 4.6)
    full_disk(2**20)
    for number in range(1000, 1100):
        history.add(START + timedelta(seconds=number / 5), number % 10, 4.6)
    history.close()
    scores = read_history(tmp_path)
    assert len(scores) == 246 + 100
    assert scores.score == pytest.approx([round((at - START.timestamp()) * 5) % 10 for at in scores.at])


def test_nothing_was_scored_yet(tmp_path: Path) -> None:
    assert len(read_history(tmp_path / "nowhere")) == 0
