"""Frozen and black as we tell them, beside ffmpeg's freezedetect and blackdetect on the same encoded clips.

    python -m benchmarks.oracles FOLDER [--json] [--clips black frozen ...]

FOLDER holds recordings of fixed cameras. Each is taken as it is, black for six seconds, frozen for twelve,
and frozen while the encoder has hardly any bits, which stirs the picture; then without a planted fault, at
night, and with headlights and with lamps that are switched. Told seconds are counted between planted ones
(found) and outside of them (false).
"""

import argparse
import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.detectors.quality.clips import Picture, encoded, footage, frames, judged
from tests.detectors.quality.harmless import HARMLESS
from tests.detectors.quality.planted import FAULTS, planted

SECONDS, BEGIN = 40.0, 20.0
FROZEN_AFTER = 5.0  # seconds, both
FILTERS = {  # as their documents recommend for cameras
    "black": ("blackdetect=d=1", "black_start", "black_end"),
    "frozen": (f"freezedetect=n=-50dB:d={FROZEN_AFTER:g}", "freeze_start", "freeze_end"),
}


@dataclass(frozen=True, slots=True)
class Clip:
    """What is shown, and what of it is at fault."""

    name: str
    label: str  # black, frozen, or nothing
    end: float = BEGIN  # seconds: the fault is from BEGIN to there
    bitrate: int | None = None
    plant: Callable[[Sequence[Picture], int, int], Picture] | None = None


CLIPS = (
    Clip("as it is", ""),
    Clip("black", "black", BEGIN + 6, plant=FAULTS["black"][1]),
    Clip("frozen", "frozen", BEGIN + 12, plant=FAULTS["frozen"][1]),
    Clip("frozen, starved encoder", "frozen", BEGIN + 12, bitrate=60_000, plant=FAULTS["frozen"][1]),
    Clip("not frozen, starved encoder", "", bitrate=60_000),
    Clip("dusk", "", BEGIN + 12, plant=HARMLESS["dusk"]),
    Clip("lamps", "", BEGIN + 12, plant=HARMLESS["lamps"]),
    Clip("headlights", "", BEGIN + 12, plant=HARMLESS["headlights"]),
)
Span = tuple[float, float]


def spans_of(ffmpeg: str, path: Path, label: str) -> list[Span]:
    """What the filter reports, in seconds; one that has no end lasts to the end."""
    video_filter, begin, end = FILTERS[label]
    command = [ffmpeg, "-hide_banner", "-nostats", "-threads", "1", "-i", str(path)]
    command += ["-vf", video_filter, "-f", "null", "-"]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stderr
    begins = [float(each) for each in re.findall(begin + r": ?([\d.]+)", told)]
    ends = [float(each) for each in re.findall(end + r": ?([\d.]+)", told)]
    return list(zip(begins, ends + [SECONDS] * (len(begins) - len(ends)), strict=True))


def told_of(file: bytes, label: str) -> list[Span]:
    """What we tell, from the first alarming picture to the last, as spans; a freeze began when it began."""
    spans: list[Span] = []
    for each in judged(frames(file)):
        if label not in each.alarms:
            continue
        lasts = each.said[label].score if label == "frozen" else 0.0
        if spans and each.position - spans[-1][1] < 1:
            spans[-1] = spans[-1][0], each.position
        else:
            spans.append((each.position - lasts, each.position))
    return spans


def share(spans: Sequence[Span], begin: float, end: float) -> float:
    """Of the seconds from `begin` to `end` that lie in a span."""
    inside = sum(max(0.0, min(last, end) - max(first, begin)) for first, last in spans)
    return inside / (end - begin) if end > begin else 0.0


def compare(ffmpeg: str, recording: Path, clip: Clip, folder: Path) -> dict[str, Any]:
    """One row."""
    pictures = footage(recording, SECONDS, width=320)
    if clip.plant:
        pictures = planted(pictures, clip.plant, BEGIN, clip.end)
    file = encoded(pictures, crf=20, bitrate=clip.bitrate)
    path = folder / "clip.mp4"
    path.write_bytes(file)
    length = len(pictures) / 10
    row: dict[str, Any] = {"recording": recording.name, "clip": clip.name}
    for label in FILTERS:
        fault = (BEGIN, clip.end) if clip.label == label else (0.0, 0.0)
        for who, spans in (("ours", told_of(file, label)), ("ffmpeg", spans_of(ffmpeg, path, label))):
            found = share(spans, *fault)
            row[f"{label}: {who} found"] = found if clip.label == label else None
            others = sum(min(last, length) - first for first, last in spans) - found * (fault[1] - fault[0])
            row[f"{label}: {who} false s"] = max(0.0, others)
    return row


def main() -> None:
    """Prints a table, or with --json a list of objects."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--clips", nargs="+", default=[each.name for each in CLIPS])
    wanted = parser.parse_args()
    ffmpeg = shutil.which("ffmpeg")
    recordings = sorted(wanted.folder.glob("*.mp4"))
    if not ffmpeg or not recordings:
        sys.exit("this needs ffmpeg, and a folder with recordings (*.mp4)")
    with tempfile.TemporaryDirectory() as folder:
        rows = [
            compare(ffmpeg, each, clip, Path(folder))
            for each in recordings
            for clip in CLIPS
            if clip.name in wanted.clips
        ]
    if wanted.json:
        print(json.dumps(rows, indent=1))
        return
    keys = [key for key in rows[0] if ":" in key]
    print(f"{'recording':22}{'clip':28}" + "".join(f"{key:>24}" for key in keys))
    for row in rows:
        cells = ["" if row[key] is None else f"{row[key]:.2f}" for key in keys]
        print(f"{row['recording']:22}{row['clip']:28}" + "".join(f"{cell:>24}" for cell in cells))


if __name__ == "__main__":
    main()
