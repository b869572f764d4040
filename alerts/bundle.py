"""What is written beside an alert's pictures once it is out: to read it, and to judge it again."""

from pathlib import Path
from typing import Final

import cv2

from alerts import curve, report
from alerts.manifest import FRAME, NAME, Manifest, ManifestError, facts_of, read
from alerts.verdict import Change, Verdict
from config.secrets import hide
from streams.frame import Frame

REPORT: Final = "report.html"
CURVE: Final = "curve.json"
GRAPH: Final = "curve.svg"
_SHOWN: Final = {
    "annotated.jpg": "What was seen, and where",
    "heatmap.jpg": "How unusual each place is",
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
    closed = None
    if verdict.change is Change.CLOSED:
        closed = verdict.captured_at, hide(verdict.reason)
    shown = {folder / name: words for name, words in _SHOWN.items()}
    pictures = [(words, path.read_bytes()) for path, words in shown.items() if path.is_file()]
    files = {
        CURVE: curve.to_json(points),
        GRAPH: curve.to_svg(points).encode(),
        REPORT: report.render(manifest.facts, pictures, points, closed=closed),
    }
    for name, content in files.items():
        if content:
            put(folder / name, content)
            manifest.note(name, content)
    put(folder / NAME, manifest.to_json())


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
    for name, content in again.items():
        put(folder / name, content)
        manifest.note(name, content)
    return manifest


def _earlier(folder: Path) -> list[curve.Point]:
    """The curve that was written before."""
    try:
        return curve.from_json((folder / CURVE).read_bytes())
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return []
