"""How well and how fast the quality detector judges: footage as it is, with faults, and harmless events.

    python -m benchmarks.quality [FOLDER] [--json] [--crf 23 35] [--only NAME ...]

FOLDER holds `videos/*.mp4` and `ucsd_ped2/{train,test}/*.mp4` of fixed cameras; default: data in the folder
that FRAMEWARDEN_SHARED names. Each camera is judged as it is, for false alarms; once for every fault
planted into it: detection delay, whether the alarm is held, how long it outlasts the fault, other labels; and
once for every harmless event. All passes through H.264 first. FFmpeg's own filters judge the same clips.
An alarm here is one picture's; an alert needs four of five.
"""

import argparse
import json
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from config.detectors import QualitySettings
from detectors.device import limit_threads
from detectors.quality.detector import QualityDetector
from detectors.quality.finding import Fault
from tests.detectors.quality.clips import Picture, encoded, footage, frames, judged
from tests.detectors.quality.harmless import HARMLESS
from tests.detectors.quality.planted import FAULTS, planted
from tests.real import SHARED

BEGIN = 20.0  # seconds into each clip
BEGINS = {"looped": 125.0}  # two minutes must be known
LASTS = {"frozen": 11.0, "looped": 24.0, "partly_covered": 14.0, "combed": 10.0}
USUALLY = 6.0
HARMLESS_LASTS = 12.0
AFTER = 4.0
LONGEST = 125.0 + 24.0 + AFTER


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one planted fault."""

    camera: str
    fault: str
    crf: int
    delay: float | None  # seconds until the first alarm of the right label; None: never
    held: float  # share of the pictures from then on, while it lasted, that had it
    outlasts: float | None  # seconds
    others: tuple[str, ...]  # other labels that alarmed


def cameras(folder: Path) -> Iterator[tuple[str, list[Path]]]:
    """Each camera and its recordings, in order."""
    for path in sorted((folder / "videos").glob("*.mp4")):
        yield path.stem, [path]
    for part in ("train", "test"):
        if paths := sorted((folder / "ucsd_ped2" / part).glob("*.mp4")):
            yield f"ucsd_ped2/{part}", paths


def clip_of(paths: Sequence[Path], seconds: float) -> list[Picture]:
    """The first seconds of recordings of one camera, one after another."""
    pictures: list[Picture] = []
    for path in paths:
        if len(pictures) < 10 * seconds:
            pictures += footage(path, seconds - len(pictures) / 10)
    return pictures


def as_it_is(path: Path) -> dict[str, Any]:
    """False alarms and cost on one recording."""
    looks = list(frames(path))
    detector = QualityDetector(QualitySettings())
    began = time.process_time()
    said = [detector.examine([frame])[0] for frame in looks]
    spent = time.process_time() - began
    return {
        "recording": f"{path.parent.name}/{path.name}",
        "seconds": round(looks[-1].position, 1),
        "picture": f"{looks[0].picture.shape[1]}x{looks[0].picture.shape[0]}",
        "ms": round(1000 * spent / len(looks), 2),
        "false_alarms": sum(any(each.alarming for each in one) for one in said),
        "labels": sorted({each.label for one in said for each in one if each.alarming}),
    }


def with_fault(pictures: Sequence[Picture], name: str) -> tuple[list[Picture], float] | None:
    """The footage with a fault, and the second when it ends; None where the footage is too short for it."""
    begin = BEGINS.get(name, BEGIN)
    end = begin + LASTS.get(name, USUALLY)
    if len(pictures) < 10 * (end + AFTER):
        return None
    return planted(pictures, FAULTS[name][1], begin, end)[: round(10 * (end + AFTER))], end


def outcome(camera: str, pictures: Sequence[Picture], name: str, crf: int) -> Outcome | None:
    """What becomes of one planted fault; None where the footage is too short for it."""
    made = with_fault(pictures, name)
    if made is None:
        return None
    clip, end = made
    label, begin = FAULTS[name][0], BEGINS.get(name, BEGIN)
    seen = judged(frames(encoded(clip, crf=crf)))
    told = [each.position for each in seen if label in each.alarms and each.position >= begin]
    during = [each for each in seen if told and told[0] <= each.position < end - 0.2]
    return Outcome(
        camera=camera,
        fault=name,
        crf=crf,
        delay=round(told[0] - begin, 1) if told and told[0] < end else None,
        held=round(sum(label in each.alarms for each in during) / len(during), 2) if during else 0.0,
        outlasts=round(told[-1] - end, 1) if told else None,
        others=tuple(sorted({other for each in seen for other in each.alarms} - {label})),
    )


def false_alarms(camera: str, pictures: Sequence[Picture], name: str) -> dict[str, Any]:
    """How many pictures of a harmless event were judged, and how many alarmed, by label."""
    end = min(BEGIN + HARMLESS_LASTS, len(pictures) / 10 - AFTER)
    clip = planted(pictures, HARMLESS[name], BEGIN, end)[: round(10 * (end + AFTER))]
    seen = judged(frames(encoded(clip)))
    counts = {str(fault): sum(fault in each.alarms for each in seen) for fault in Fault}
    alarmed = {label: count for label, count in counts.items() if count}
    return {"camera": camera, "event": name, "pictures": len(seen), "alarmed": alarmed}


def agreement(ffmpeg: str, camera: str, pictures: Sequence[Picture], name: str) -> dict[str, Any] | None:
    """On how many of the pictures the detector and one of FFmpeg's filters say the same."""
    made = with_fault(pictures, name)
    if made is None:
        return None
    file = encoded(made[0])
    label = FAULTS[name][0]
    seen = judged(frames(file))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "clip.mp4"
        path.write_bytes(file)
        theirs = ORACLES[name][1](ffmpeg, path)
    both = [(label in each.alarms, theirs(each.position)) for each in seen]
    return {
        "camera": camera,
        "fault": name,
        "filter": ORACLES[name][0],
        "ours": sum(ours for ours, _ in both),
        "theirs": sum(other for _, other in both),
        "agree": round(sum(ours == other for ours, other in both) / len(both), 2),
    }


def spans(ffmpeg: str, path: Path, video_filter: str, begin: str, end: str) -> list[tuple[float, float]]:
    """The spans that a filter reports, in seconds; one that does not end goes on for ever."""
    told = _run(ffmpeg, path, video_filter)
    begins = [float(each) for each in re.findall(begin + r": ?([\d.]+)", told)]
    ends = [float(each) for each in re.findall(end + r": ?([\d.]+)", told)]
    return list(zip(begins, ends + [float("inf")] * (len(begins) - len(ends)), strict=False))


def values(ffmpeg: str, path: Path, video_filter: str, key: str) -> list[tuple[float, str]]:
    """What a filter says of each picture, with its time in seconds."""
    told = _run(ffmpeg, path, video_filter + ",metadata=print:file=-")
    at, said = 0.0, []
    for line in told.splitlines():
        if found := re.search(r"pts_time:([\d.]+)", line):
            at = float(found[1])
        elif line.startswith(key + "="):
            said.append((at, line.partition("=")[2]))
    return said


def _run(ffmpeg: str, path: Path, video_filter: str) -> str:
    command = [ffmpeg, "-hide_banner", "-nostats", "-threads", "1", "-i", str(path)]
    command += ["-vf", video_filter, "-f", "null", "-"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    return done.stdout + done.stderr


def _blackdetect(ffmpeg: str, path: Path) -> Any:
    found = spans(ffmpeg, path, "blackdetect=d=1", "black_start", "black_end")
    return lambda at: any(begin <= at < end for begin, end in found)


def _freezedetect(ffmpeg: str, path: Path) -> Any:
    after = QualitySettings().frozen_after
    video_filter = f"freezedetect=n=-50dB:d={after:.0f}"
    found = spans(ffmpeg, path, video_filter, "freeze_start", "freeze_end")
    return lambda at: any(begin + after <= at < end for begin, end in found)  # it tells the beginning later


def _idet(ffmpeg: str, path: Path) -> Any:
    said = dict(values(ffmpeg, path, "idet", "lavfi.idet.multiple.current_frame"))
    combed = {round(at, 1) for at, each in said.items() if each in {"tff", "bff"}}
    return lambda at: round(at, 1) in combed


def _blurdetect(ffmpeg: str, path: Path) -> Any:
    said = [(at, float(each)) for at, each in values(ffmpeg, path, "blurdetect", "lavfi.blur")]
    usual = statistics.median(each for at, each in said if at < BEGIN)
    soft = {round(at, 1) for at, each in said if each >= 1.25 * usual}
    return lambda at: round(at, 1) in soft


ORACLES = {
    "black": ("blackdetect", _blackdetect),
    "frozen": ("freezedetect", _freezedetect),
    "combed": ("idet", _idet),
    "defocused": ("blurdetect, 1.25 times its median before", _blurdetect),
}


def summary(outcomes: Sequence[Outcome]) -> Iterator[str]:
    """One row for each fault, over all cameras."""
    for name in dict.fromkeys(each.fault for each in outcomes):
        of_it = [each for each in outcomes if each.fault == name]
        delays = [each.delay for each in of_it if each.delay is not None]
        told = f"{name:15} told {len(delays)} of {len(of_it)}"
        if delays:
            held = statistics.mean(each.held for each in of_it if each.delay is not None)
            told += f", delay {statistics.median(delays):.1f} s (at most {max(delays):.1f}), held {held:.0%}"
            told += f", outlasts {max(each.outlasts for each in of_it if each.outlasts is not None):.1f} s"
        others = sorted({other for each in of_it for other in each.others})
        missed = [each.camera for each in of_it if each.delay is None]
        yield told + (f", also {others}" if others else "") + (f", not on {missed}" if missed else "")


def main() -> int:
    """Prints tables, or one JSON object."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, nargs="?", default=SHARED / "data")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--crf", type=int, nargs="+", default=[23])
    parser.add_argument("--only", nargs="+", choices=[*FAULTS, *HARMLESS], default=[*FAULTS, *HARMLESS])
    wanted = parser.parse_args()
    limit_threads()
    found = list(cameras(wanted.folder))
    if not found:
        print(f"no videos/*.mp4 nor ucsd_ped2/*/*.mp4 in {wanted.folder}", file=sys.stderr)
        return 2
    ffmpeg = shutil.which("ffmpeg")
    plain = [as_it_is(path) for _, paths in found for path in paths]
    outcomes: list[Outcome] = []
    harmless: list[dict[str, Any]] = []
    oracles: list[dict[str, Any]] = []
    for camera, paths in found:
        clip = clip_of(paths, LONGEST)
        for name in wanted.only:
            if name in HARMLESS:
                harmless.append(false_alarms(camera, clip, name))
                continue
            outcomes += [each for crf in wanted.crf if (each := outcome(camera, clip, name, crf))]
            if name in ORACLES and ffmpeg and (one := agreement(ffmpeg, camera, clip, name)):
                oracles.append(one)
    if wanted.json:
        told = [asdict(each) for each in outcomes]
        print(
            json.dumps({"plain": plain, "faults": told, "harmless": harmless, "oracles": oracles}, indent=2)
        )
        return 0
    seconds, ms = sum(one["seconds"] for one in plain), [one["ms"] for one in plain]
    print(
        f"{len(plain)} recordings, {seconds:.0f} s: {sum(one['false_alarms'] for one in plain)} false alarms"
    )
    print(f"{statistics.median(ms):.2f} ms of CPU a picture (at most {max(ms):.2f} over a recording)")
    for crf in wanted.crf:
        print(f"\nfaults, CRF {crf}", *summary([each for each in outcomes if each.crf == crf]), sep="\n")
    print("\nharmless")
    for one in harmless:
        if one["alarmed"]:
            print(f"{one['event']:15} on {one['camera']}: {one['alarmed']} of {one['pictures']} pictures")
    print(f"{sum(not one['alarmed'] for one in harmless)} of {len(harmless)} without an alarm")
    print("\noracles")
    for one in oracles:
        print("  ".join(f"{key} {value}" for key, value in one.items()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
