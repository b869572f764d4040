"""The report on a file: JSON for programs, and one HTML page for people that needs nothing else."""

import json
import shutil
from dataclasses import dataclass
from datetime import timedelta
from html import escape
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from alerts import curve
from alerts.drawing import boxed, heated
from alerts.file_facts import Facts, curves_of
from alerts.file_verdict import FileVerdict, WorstMoment
from alerts.report import POLICY, STYLE, figure
from config.printable import printable
from config.whole_file import write_whole

JSON_NAME: Final = "report.json"
HTML_NAME: Final = "report.html"
_WIDEST: Final = 480  # pixels of a picture in the report
_QUALITY: Final = 85  # of the JPEG files, 0..100
_TITLES: Final = {"fine": "Fine", "alarming": "Alarming", "cannot_tell": "Cannot tell"}
_MEANINGS: Final = {
    "fine": "Every detector that was asked could judge the file, and none found anything alarming.",
    "alarming": "At least one detector found what should be looked at by a person.",
    "cannot_tell": "This is no all-clear: at least one question about the file is open.",
}
_STYLE: Final = """
.fine{--tone:#1b7f3b}.alarming{--tone:#b3261e}.cannot_tell{--tone:#8a5a00}
@media(prefers-color-scheme:dark){.fine{--tone:#6fdc8c}.alarming{--tone:#ff8a80}.cannot_tell{--tone:#ffc86b}}
.answer{border-left:.4rem solid var(--tone);padding:.5rem 1rem;margin:1rem 0}
.answer b{color:var(--tone);font-size:1.4rem;display:block}
.tag{color:var(--tone);font-weight:600}
"""


@dataclass(frozen=True, slots=True)
class Report:
    """Where a report lies: absolute paths."""

    html: Path
    json: Path
    picture: Path | None
    heatmap: Path | None


def write(folder: Path, facts: dict[str, Any], verdict: FileVerdict) -> Report:
    """Writes the report, in place of one that was there. Raises OSError: then there is nothing of it.

    `facts` get the key `evidence`, with the paths.
    """
    folder = folder.absolute()
    folder.mkdir(parents=True, exist_ok=True)
    try:
        picture = heatmap = None
        if worst := verdict.worst:
            picture = _put(folder / "picture.jpg", _jpeg(boxed(worst.picture, worst.regions)))
            if worst.seen.heatmap is not None:
                heatmap = _put(folder / "heatmap.jpg", _jpeg(heated(worst.picture, worst.seen.heatmap)))
        report = Report(folder / HTML_NAME, folder / JSON_NAME, picture, heatmap)
        facts["evidence"] = {
            "report": str(report.html),
            "json": str(report.json),
            "picture": str(picture) if picture else None,
            "heatmap": str(heatmap) if heatmap else None,
            "problem": None,
        }
        _put(report.html, page(facts, verdict))
        _put(report.json, to_json(facts, verdict))
    except OSError:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return report


def to_json(facts: Facts, verdict: FileVerdict) -> bytes:
    """The facts, and the curves."""
    whole = {**facts, "curves": curves_of(verdict)}
    return json.dumps(whole, indent=1, ensure_ascii=False, allow_nan=False).encode("utf-8", "replace")


def page(facts: Facts, verdict: FileVerdict) -> bytes:
    """The page. What a stranger chose (the file's name) is text and nothing else."""
    file, answer = facts["file"], facts["verdict"]
    rows = [
        ("File", file["name"]),
        ("Size", f"{file['size']:,} bytes"),
        ("SHA-256", file["sha256"] or "not known: it was not read"),
        ("Stream", facts["stream"]),
        ("Judged", f"{facts['pictures']} pictures, up to {_clock(facts['seconds'])} into the file"),
        ("Decided", facts["decided_at"].replace("T", " ").replace("Z", " UTC")),
        *([("Job", file["job"])] if file["job"] else []),
        ("Report", facts["id"]),
    ]
    parts = [
        "<!doctype html><html lang=en><head><meta charset=utf-8>",
        '<meta name=viewport content="width=device-width,initial-scale=1">',
        f'<meta http-equiv=Content-Security-Policy content="{POLICY}">',
        f"<title>{_TITLES[answer]}: {_text(file['name'])}</title>",
        f"<style>{STYLE}{_STYLE}</style></head><body>",
        f"<h1>{_text(file['name'])}</h1>",
        f"<div class='answer {answer}'><b>{_TITLES[answer]}{_doubt(facts['doubt'])}</b>",
        f"<p>{_text(facts['reason'])}</p><p class=soft>{_MEANINGS[answer]}</p></div>",
        "<dl>",
        *(f"<dt>{name}</dt><dd>{_text(value)}</dd>" for name, value in rows),
        "</dl>",
        *(part for each in verdict.kinds for part in _kind(facts["kinds"][str(each.kind)], each)),
        "</body></html>",
    ]
    return "\n".join(parts).encode("utf-8", "replace")


def _kind(said: Facts, verdict: Any) -> list[str]:
    answer = said["verdict"]
    doubts = ", ".join(f"{word.replace('_', ' ')} on {count}" for word, count in said["doubts"].items())
    told = f"It could judge {said['told']} of {said['pictures']} pictures" + (
        f" ({doubts})." if doubts else "."
    )
    parts = [
        f"<h2>{_text(verdict.kind)}: <span class='tag {answer}'>{_TITLES[answer].lower()}</span></h2>",
        f"<p>{_text(told)} {said['alerts']} alert{'' if said['alerts'] == 1 else 's'}.</p>",
    ]
    graph = curve.to_svg([curve.Point(at, times, 1.0) for at, times in verdict.curve])
    if graph:
        parts.append(
            f"<figure>{graph}<figcaption>Blue: the score, in thresholds. Dashed: 1, from which it is "
            "alarming. A gap: the detector could not tell. Along the bottom: the time into the file."
            "</figcaption></figure>"
        )
    if verdict.worst:
        parts.append(f"<h3>{'The worst moments' if answer == 'alarming' else 'Furthest from fine'}</h3>")
        parts.append("<div class=pair>")
        parts += [_moment(moment, said["worst"][place]) for place, moment in enumerate(verdict.worst)]
        parts.append("</div>")
    return parts


def _moment(moment: WorstMoment, said: Facts) -> str:
    reason = said["reason"] or said["label"]
    times = said["times_threshold"]
    score = "no number" if times is None else f"{times:.2f} times the threshold"
    words = f"At {_clock(moment.position)}: {score}: {reason}"
    pictures = [figure(words, _jpeg(boxed(moment.picture, moment.regions)))]
    if moment.seen.heatmap is not None:
        pictures.append(
            figure("How unusual each place is", _jpeg(heated(moment.picture, moment.seen.heatmap)))
        )
    if moment.seen.expected is not None:
        pictures.append(figure("What was expected there", _jpeg(moment.seen.expected)))
    return f"<div>{''.join(pictures)}</div>"  # side by side with others; its heat map under it


def _doubt(word: str | None) -> str:
    return f": {_text(word.replace('_', ' '))}" if word else ""


def _clock(seconds: float) -> str:
    return f"{timedelta(seconds=int(seconds))}.{int(10 * (seconds % 1))}"


def _text(value: object) -> str:
    """Also what a terminal or a browser would turn around is shown as it is."""
    return escape(printable(str(value)), quote=True)


def _jpeg(picture: NDArray[np.uint8]) -> bytes:
    height, width = picture.shape[:2]
    if width > _WIDEST:
        size = (_WIDEST, max(1, round(height * _WIDEST / width)))
        picture = cv2.resize(picture, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
    _, jpeg = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    return jpeg.tobytes()


def _put(path: Path, content: bytes) -> Path:
    write_whole(path, content)
    return path
