"""How well and how fast the quality detector judges: real footage, with and without planted faults.

    python -m benchmarks.quality FOLDER [--json]

FOLDER holds recordings of fixed cameras (mp4). Each is judged as it is, for false alarms, and once for every
fault planted into it: detection delay, how long the alarm outlasts the fault, and other labels raised.
"""

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

from config.settings import QualitySettings
from detectors.device import limit_threads
from detectors.quality.detector import QualityDetector
from tests.detectors.quality.planted import FAULTS, encoded, footage, frames, judged, planted

BEGIN = 14.0  # seconds into each recording
LASTS = {"frozen": 11.0}
USUALLY = 6.0


def ordinary(path: Path) -> dict[str, Any]:
    """False alarms and cost on a recording as it is."""
    looks = list(frames(path))
    detector = QualityDetector(QualitySettings())
    began = time.process_time()
    said = [detector.examine([frame])[0] for frame in looks]
    spent = time.process_time() - began
    alarms = {each.label for one in said for each in one if each.alarming}
    return {
        "recording": path.name,
        "seconds": round(looks[-1].position, 1),
        "picture": f"{looks[0].picture.shape[1]}x{looks[0].picture.shape[0]}",
        "ms_per_frame": round(1000 * spent / len(looks), 2),
        "frames_with_false_alarms": sum(any(each.alarming for each in one) for one in said),
        "false_labels": sorted(alarms),
    }


def fault(path: Path, name: str, crf: int) -> dict[str, Any] | None:
    """What becomes of one planted fault; None where the recording is too short for it."""
    label, plant = FAULTS[name]
    end = BEGIN + LASTS.get(name, USUALLY)
    pictures = footage(path, end + 4)
    if len(pictures) < 10 * (end + 3):
        return None
    seen = judged(frames(encoded(planted(pictures, plant, BEGIN, end), crf=crf)))
    told = [each.position for each in seen if label in each.alarms]
    during = [each for each in seen if told and told[0] <= each.position < end - 0.2]
    return {
        "recording": path.name,
        "fault": name,
        "crf": crf,
        "delay_seconds": round(told[0] - BEGIN, 1) if told else None,
        "outlasts_seconds": round(told[-1] - end, 1) if told else None,
        "held": round(sum(label in each.alarms for each in during) / len(during), 2) if during else 0.0,
        "others": sorted({other for each in seen for other in each.alarms} - {label}),
    }


def main() -> int:
    """Prints a table, or one JSON object."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--crf", type=int, nargs="+", default=[23])
    wanted = parser.parse_args()
    limit_threads()
    paths = sorted(wanted.folder.glob("**/*.mp4"))
    if not paths:
        print(f"no .mp4 in {wanted.folder}", file=sys.stderr)
        return 2
    plain = [ordinary(path) for path in paths]
    told = [one for path in paths for name in FAULTS for crf in wanted.crf if (one := fault(path, name, crf))]
    if wanted.json:
        print(json.dumps({"ordinary": plain, "faults": told}, indent=2))
        return 0
    for rows in (plain, told):
        for row in rows:
            print("  ".join(f"{key} {value}" for key, value in row.items()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
