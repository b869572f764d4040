"""All of an alert's evidence: complete, whole, checked by its manifest, readable, and without credentials."""

import json
import math
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alerts.bundle import REPORT
from alerts.curve import MOST, ROOM, Curves, Point, from_json, joined, to_json, to_svg
from alerts.evidence import EvidenceStore
from alerts.manifest import NAME, Manifest, ManifestError, facts_of, read, unlike
from alerts.report import render
from alerts.verdict import Change
from config.secrets import remember, understand_url
from detectors.detection import Doubt
from tests.alerts.test_evidence import AT, CARD, SCENE, a_frame, a_verdict

FOLDER = Path("2026-11-23/gate") / ("ab" * 16)


def curves_of(seconds: int = 8) -> Curves:
    curves = Curves()
    seen = a_verdict().detection
    assert seen is not None
    for number in range(seconds * 5):
        doubt = Doubt.INTERRUPTED if number == 4 else None
        at = AT + timedelta(seconds=number / 5 - seconds)
        curves.note("gate", at, [replace(seen, score=number / 5, doubt=doubt)])
    return curves


def bundled(folder: Path, **changes: object) -> Path:
    """The evidence of an alert that opened and closed."""
    store = EvidenceStore(folder, 30, 5, curves=curves_of())
    verdict = replace(a_verdict(), **changes)  # type: ignore[arg-type]
    kept = store.save(verdict, a_frame())
    store.complete(verdict, a_frame())
    assert kept.report
    store.complete(replace(verdict, change=Change.CLOSED, captured_at=AT + timedelta(seconds=9)), None)
    assert store.counts == {"evidence_saved": 1, "evidence_completed": 2}
    return kept.report.parent


def test_the_manifest_names_every_file_and_its_hash(tmp_path: Path) -> None:
    folder = bundled(tmp_path)
    manifest = read(folder)
    assert sorted(manifest.files) == [
        "annotated.jpg", "curve.json", "curve.svg", "frame.png", "heatmap.jpg", "picture.jpg", "report.html",
    ]  # fmt: skip
    assert unlike(folder, manifest) == []
    assert manifest.facts["detector"]["model"] == CARD.model
    assert manifest.facts["judged"]["score"] == 7.2
    assert "numpy" in manifest.facts["versions"]


def test_the_frame_as_judged_is_kept_without_loss(tmp_path: Path) -> None:
    kept = cv2.imread(str(bundled(tmp_path) / "frame.png"))
    assert kept is not None and np.array_equal(kept, SCENE)


@pytest.mark.parametrize("name", ["annotated.jpg", "curve.json", "frame.png", "picture.jpg", "report.html"])
def test_a_file_that_was_changed_or_taken_or_added_is_told_by_its_name(tmp_path: Path, name: str) -> None:
    folder = bundled(tmp_path)
    manifest = read(folder)
    content = bytearray((folder / name).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / name).write_bytes(content)
    assert unlike(folder, manifest) == [f"{name} was changed"]
    (folder / name).unlink()
    assert unlike(folder, manifest) == [f"{name} is missing"]
    (folder / name).symlink_to("/etc/passwd")
    (folder / "planted.jpg").write_bytes(b"")
    assert unlike(folder, manifest) == [f"{name} is missing", "planted.jpg was added"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "is damaged"),
        ("[]", "is damaged"),
        ('{"version": 2, "files": {}}', "another version"),
        ('{"version": 1}', "is damaged"),
        ('{"version": 1, "files": {"../../etc/passwd": "00"}}', "do not lie in its folder"),
        ('{"version": 1, "files": {"a": 7}}', "do not lie in its folder"),
    ],
)
def test_a_manifest_that_is_none_is_said(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / NAME).write_text(text)
    with pytest.raises(ManifestError, match=said):
        read(tmp_path)


def test_no_manifest_is_said(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="is missing: this is no evidence folder"):
        read(tmp_path)


def test_an_alert_without_pictures_gets_no_folder(tmp_path: Path) -> None:
    EvidenceStore(tmp_path, 30, 5).complete(a_verdict(), None)
    assert list(tmp_path.iterdir()) == []


def test_updates_are_in_the_manifest(tmp_path: Path) -> None:
    folder = bundled(tmp_path)
    store = EvidenceStore(tmp_path, 30, 5)
    updated = replace(a_verdict(), change=Change.UPDATED)
    store.save(updated, a_frame())
    store.complete(updated, a_frame())
    manifest = read(folder)
    assert {"picture-2.jpg", "annotated-2.jpg", "heatmap-2.jpg"} < manifest.files.keys()
    assert unlike(folder, manifest) == []


def test_what_was_changed_before_an_update_stays_told(tmp_path: Path) -> None:
    folder = bundled(tmp_path)
    (folder / "frame.png").write_bytes(b"another")
    EvidenceStore(tmp_path, 30, 5).complete(replace(a_verdict(), change=Change.UPDATED), a_frame())
    assert unlike(folder, read(folder)) == ["frame.png was changed"]


# --- the report


class Page(HTMLParser):
    """What a browser would load, run and show."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.tags: set[str] = set()
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.loads += [value or "" for name, value in attrs if name in {"src", "href", "poster", "data"}]
        assert not [name for name, _ in attrs if name.startswith("on")]

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_report_says_what_where_when_and_how_sure(tmp_path: Path) -> None:
    page = Page((bundled(tmp_path) / REPORT).read_text())
    said = [
        "gate: something unusual (motion)",
        "decide whether somebody has to go",
        "too fast",
        "warning",
        "2026-11-23 23:59:59 UTC",
        "after 0:00:09",
    ]
    for words in [*said, "score 7.2, alarming from 5: 1.4 times the threshold"]:
        assert words in page.text
    assert all(each.startswith("data:image/jpeg;base64,") for each in page.loads)
    assert len(page.loads) == 2 and "svg" in page.tags


NASTY = st.text(max_size=40) | st.sampled_from(
    ['"><script>alert(1)</script>', "' onerror=x ", "</title><b>", "&lt;"]
)


def rendered(**changes: object) -> Page:
    verdict = replace(a_verdict(), **changes)  # type: ignore[arg-type]
    return Page(render(facts_of(verdict, a_frame()), [("seen", b"")], []).decode())


@given(NASTY, NASTY, NASTY)
def test_no_name_breaks_out_of_the_report(label: str, subject: str, reason: str) -> None:
    assert rendered(label=label, subject=subject, reason=reason).tags == rendered().tags


SECRETS = st.text(st.characters(codec="ascii", categories=["L", "N", "P"]), min_size=8, max_size=20).map(
    lambda text: "x9" + re.sub(r"[/?#\[\]@:%\s\\\"'<>&]", "_", text)
)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(SECRETS)
def test_no_file_holds_a_password(tmp_path: Path, password: str) -> None:
    remember(password)
    url = understand_url(f"rtsp://admin:{password}@gate.example/stream1")
    where = tmp_path / f"{abs(hash(password))}"
    folder = bundled(where, reason=f"cannot open {url}, password {password}", alert_id="cd" * 16)
    for path in folder.iterdir():
        if path.suffix in {".json", ".html", ".svg"}:
            assert password not in path.read_text(), path.name
    assert "gate.example" in (folder / REPORT).read_text()


# --- the curve


def test_a_curve_keeps_the_last_frames_and_nothing_of_others() -> None:
    curves, seen = Curves(), a_verdict().detection
    assert seen is not None
    for number in range(ROOM + 10):
        curves.note(
            "gate", AT + timedelta(seconds=number), [replace(seen, score=float(number), label=f"{number}")]
        )
        curves.note("yard", AT, [seen])
    points = curves.of(a_verdict())
    assert [point.score for point in points] == [float(number) for number in range(10, ROOM + 10)]
    curves.forget("gate")
    assert curves.of(a_verdict()) == []


def test_each_face_has_a_curve_of_its_own_and_only_the_last_are_kept() -> None:
    curves, verdict = Curves(), a_verdict()
    seen = verdict.detection
    assert seen is not None
    for number in range(1000):
        faces = [replace(seen, subject="stays", score=1.0), replace(seen, subject=f"{number}", score=2.0)]
        curves.note("gate", AT + timedelta(seconds=number), faces)
    assert len(curves.of(replace(verdict, subject="stays"))) == ROOM
    assert [point.score for point in curves.of(replace(verdict, subject="999"))] == [2.0]
    assert curves.of(replace(verdict, subject="0")) == []
    assert len(curves._rings) == MOST


def test_a_curve_is_written_and_read_and_goes_on() -> None:
    at = AT.timestamp()
    points = [Point(at, 1.0, 5.0), Point(at + 1, math.nan, 5.0), Point(at + 2, 9.0, 5.0)]
    again = from_json(to_json(points))
    assert [(p.at, p.threshold) for p in again] == [(p.at, p.threshold) for p in points]
    assert math.isnan(again[1].score)
    later = [*points[1:], Point(at + 3, 2.0, 5.0)]
    assert [p.at - at for p in joined(again, later)] == [0, 1, 2, 3]
    assert json.loads(to_json(points))["score"] == [1.0, None, 9.0]


def test_a_drawn_curve_breaks_where_nothing_could_be_told() -> None:
    at = AT.timestamp()
    scores = [1, 2, math.nan, 8, 9]
    drawn = to_svg([Point(at + n, score, 5.0) for n, score in enumerate(scores)], [(AT, "told")])
    assert len(re.findall('stroke="#2a7de1"', drawn)) == 2
    assert "told" in drawn
    assert to_svg([Point(at, 1.0, 5.0)]) == ""
    flat = to_svg([Point(at, 0.0, math.inf), Point(at, 0.0, 0.0)])
    assert "nan" not in flat and "inf" not in flat


# --- trouble


def test_the_oldest_goes_where_the_disk_is_nearly_full(tmp_path: Path) -> None:
    store = EvidenceStore(tmp_path, 30, 5, keep_free_gigabytes=1e9)
    kept = store.save(a_verdict(), a_frame())
    store.sweep(datetime(2026, 11, 24, tzinfo=UTC))
    assert kept.picture and not kept.picture.exists()
    plenty = EvidenceStore(tmp_path, 30, 5, keep_free_gigabytes=1e-9)
    kept = plenty.save(a_verdict(), a_frame())
    plenty.sweep(datetime(2026, 11, 24, tzinfo=UTC))
    assert kept.picture and kept.picture.exists()


def test_what_cannot_be_written_is_counted(tmp_path: Path) -> None:
    store = EvidenceStore(tmp_path, 30, 5)
    store.save(a_verdict(), a_frame())
    (tmp_path / FOLDER / "frame.png").mkdir()
    store.complete(a_verdict(), a_frame())
    assert store.counts["evidence_failed"] == 1
    assert not list(tmp_path.rglob("*.part"))


def test_the_same_manifest_has_the_same_bytes() -> None:
    one, other = Manifest({"a": 1}), Manifest({"a": 1})
    for manifest, names in ((one, "ab"), (other, "ba")):
        for name in names:
            manifest.note(name, name.encode())
    assert one.to_json() == other.to_json()
    assert np.all([len(sha) == 64 for sha in one.files.values()])
