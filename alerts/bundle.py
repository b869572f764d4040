"""What is written beside an alert's pictures once it is out: to read it, and to judge it again."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import cv2

from alerts import curve, report
from alerts.manifest import FRAME, NAME, Manifest, ManifestError, facts_of, read
from alerts.verdict import Change, Verdict
from config.secrets import hide
from streams.frame import Frame

REPORT: Final = "report.html"
CLIP: Final = "clip.mp4"
CURVE: Final = "curve.json"
GRAPH: Final = "curve.svg"
_SHOWN: Final = {
    "annotated.jpg": "What was seen, and where",
    "heatmap.jpg": "How unusual each place is",
    "expected.jpg": "What was expected there",
}


def write(folder: Path, verdict: Verdict, frame: Frame | None, points: list[curve.Point]) -> None:
    """Brings a folder with the alert's pictures up to date; the manifest last. Raises OSError.

    At the opening: the frame as it was judged, and what its score can be computed from again. Always: the
    curve of the score so far, and the report.
    """
    try:
        manifest = read(folder)
    except ManifestError:  # it opens, or the manifest was lost
        manifest = _opening(folder, verdict, frame)
    for path in sorted(folder.iterdir()):  # the pictures
        if path.suffix == ".jpg" and not path.name.startswith(".") and path.name not in manifest.files:
            manifest.note(path.name, path.read_bytes())
    points = curve.joined(_earlier(folder), points)
    if verdict.change is Change.CLOSED:
        manifest.facts["closed"] = {"at": verdict.captured_at.isoformat(), "reason": hide(verdict.reason)}
    _put_all(folder, manifest, {CURVE: curve.to_json(points), GRAPH: curve.to_svg(points).encode()})
    _report(folder, manifest, points)


def add_clip(folder: Path, clip: bytes) -> None:
    """Puts a clip, an MP4, into a folder that was written before. Raises OSError, ManifestError."""
    manifest = read(folder)
    _put_all(folder, manifest, {CLIP: clip})
    _report(folder, manifest, _earlier(folder))


def _report(folder: Path, manifest: Manifest, points: list[curve.Point]) -> None:
    shown = {folder / name: words for name, words in _SHOWN.items()}
    pictures = [(words, path.read_bytes()) for path, words in shown.items() if path.is_file()]
    clip = CLIP if CLIP in manifest.files else ""
    _put_all(folder, manifest, {REPORT: report.render(manifest.facts, pictures, points, clip)})
    put(folder / NAME, manifest.to_json())


def _put_all(folder: Path, manifest: Manifest, files: Mapping[str, bytes]) -> None:
    for name, content in files.items():
        if content:
            put(folder / name, content)
            manifest.note(name, content)


def put(path: Path, content: bytes) -> None:
    """Whole or not at all. A reader never sees half a file, and a full disk leaves no litter."""
    unfinished = path.with_name(f".{path.name}.part")
    try:
        unfinished.write_bytes(content)
        unfinished.replace(path)
    except OSError:
        unfinished.unlink(missing_ok=True)
        raise


def _opening(folder: Path, verdict: Verdict, frame: Frame | None) -> Manifest:
    if verdict.change is not Change.OPENED or verdict.detection is None:
        frame = None  # the frame that it opened on is gone
    before = verdict.detection.before if verdict.detection and frame else None
    again = dict(before.pack()) if before else {}
    manifest = Manifest(facts_of(verdict, frame, tuple(again)))
    if frame is not None:
        _, png = cv2.imencode(".png", frame.picture, [cv2.IMWRITE_PNG_COMPRESSION, 1])
        again[FRAME] = png.tobytes()
    _put_all(folder, manifest, again)
    return manifest


def _earlier(folder: Path) -> list[curve.Point]:
    """The curve that was written before."""
    try:
        return curve.from_json((folder / CURVE).read_bytes())
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return []
