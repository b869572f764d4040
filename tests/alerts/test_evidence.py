"""Pictures beside alerts: what is kept, for how long, and that a full disk stops nothing."""

import logging
import os
import resource
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import cv2
import numpy as np
import pytest

from alerts.evidence import EvidenceStore
from alerts.verdict import Change, Severity, Verdict
from detectors.detection import Detection, DetectorCard, Kind, Region
from streams.frame import Frame
from tests.real import absent, require

AT = datetime(2026, 11, 23, 23, 59, 59, tzinfo=UTC)
CARD = DetectorCard("anomaly", "cells")
RNG = np.random.default_rng(7)
SCENE = cv2.resize(RNG.integers(60, 180, (12, 16, 3), np.uint8), (320, 240)).astype(np.uint8)


def a_frame() -> Frame:
    return Frame("gate", 0, SCENE, AT, 0.0, 0.0, live=True)


def a_verdict(heat: bool = True, alert_id: str = "ab" * 16) -> Verdict:
    heatmap = np.zeros((6, 8), np.float32)
    heatmap[4, 6] = 1.0
    boxes = (Region(0.25, 0.25, 0.25, 0.5),)
    seen = Detection(
        Kind.ANOMALY, "motion", 7.2, 5.0, CARD, regions=boxes, heatmap=heatmap if heat else None
    )  # fmt: skip
    return Verdict(
        Change.OPENED, alert_id, "gate", Kind.ANOMALY, "motion", "", Severity.WARNING,
        7.2, 5.0, "too fast", boxes, AT, AT, CARD, detection=seen,
    )  # fmt: skip


def store(folder: Path, days: float = 30, gigabytes: float = 5) -> EvidenceStore:
    return EvidenceStore(folder, days, gigabytes)


def pixels(path: Path | None) -> np.ndarray:
    assert path is not None
    picture = cv2.imread(str(path))
    assert picture is not None, f"{path} is no picture"
    return picture.astype(int)


def files_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def test_the_picture_is_the_frame_as_it_was(tmp_path: Path) -> None:
    evidence = store(tmp_path).save(a_verdict(), a_frame())
    folder = tmp_path / "2026-11-23" / "gate" / ("ab" * 16)
    assert evidence.picture == folder / "picture.jpg"
    assert evidence.picture.is_absolute()
    assert np.abs(pixels(evidence.picture) - SCENE).mean() < 3


def test_the_annotated_picture_has_the_boxes_and_a_line_above(tmp_path: Path) -> None:
    evidence = store(tmp_path).save(a_verdict(), a_frame())
    drawn = pixels(evidence.annotated)
    bar = drawn.shape[0] - 240
    assert 10 < bar < 60
    assert drawn[:bar].max() > 200 and np.median(drawn[:bar]) < 60  # light letters on dark ground
    below = np.abs(drawn[bar:] - SCENE).sum(axis=2)
    assert below[60:180, 79:82].mean() > 100  # the left side of the box
    assert below[70:170, 90:150].mean() < 15  # and nothing inside it


def test_the_heat_map_is_hot_where_the_heat_is(tmp_path: Path) -> None:
    evidence = store(tmp_path).save(a_verdict(), a_frame())
    change = np.abs(pixels(evidence.heatmap) - SCENE).sum(axis=2)
    assert pixels(evidence.heatmap).shape == (240, 320, 3)
    assert change[170:190, 250:270].mean() > 2 * change[:120, :160].mean()


def test_what_was_expected_is_kept_beside_the_heat_map(tmp_path: Path) -> None:
    verdict = a_verdict()
    assert verdict.detection is not None
    grey = np.full((60, 80, 3), 90, np.uint8)
    verdict = replace(verdict, detection=replace(verdict.detection, expected=grey))
    evidence = store(tmp_path).save(verdict, a_frame())
    assert np.abs(pixels(evidence.expected).astype(int) - 90).max() <= 2
    assert files_in(tmp_path) == ["annotated.jpg", "expected.jpg", "heatmap.jpg", "picture.jpg"]


def test_no_heat_map_no_file(tmp_path: Path) -> None:
    evidence = store(tmp_path).save(a_verdict(heat=False), a_frame())
    assert evidence.heatmap is None
    assert files_in(tmp_path) == ["annotated.jpg", "picture.jpg"]


def test_updates_are_numbered_also_after_a_restart(tmp_path: Path) -> None:
    store(tmp_path).save(a_verdict(), a_frame())
    for _ in range(2):
        evidence = store(tmp_path).save(replace(a_verdict(), change=Change.UPDATED), a_frame())
    assert evidence.picture and evidence.picture.name == "picture-3.jpg"
    assert files_in(tmp_path) == sorted(
        f"{name}{number}.jpg" for name in ("annotated", "heatmap", "picture") for number in ("", "-2", "-3")
    )


def test_the_closed_alert_finds_what_the_opened_one_kept(tmp_path: Path) -> None:
    kept = store(tmp_path).save(a_verdict(), a_frame())
    store(tmp_path).complete(a_verdict(), a_frame())
    assert store(tmp_path).find(replace(a_verdict(), change=Change.CLOSED, detection=None)) == kept
    assert store(tmp_path).find(a_verdict(alert_id="cd" * 16)).picture is None


@pytest.mark.parametrize("name", ["../../etc", "a/b", "..", "", "\0", "gate.example:554", "ü" * 400])
def test_no_name_leaves_the_folder(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "evidence"
    evidence = store(folder).save(replace(a_verdict(alert_id=name), stream=name), a_frame())
    assert evidence.picture and evidence.picture.resolve().is_relative_to(folder / "2026-11-23")
    assert len(evidence.picture.relative_to(folder).parts) == 4


@pytest.mark.parametrize("size", [(1, 1), (3, 2), (16, 640), (480, 20)])
def test_pictures_of_any_shape_can_be_kept(tmp_path: Path, size: tuple[int, int]) -> None:
    frame = replace(a_frame(), picture=np.full((*size, 3), 90, np.uint8))
    evidence = store(tmp_path).save(a_verdict(), frame)
    assert pixels(evidence.picture).shape == (*size, 3)
    assert evidence.problem == ""


def test_odd_boxes_and_heat_do_no_harm(tmp_path: Path) -> None:
    nan = float("nan")
    boxes = (Region(nan, 0, 1, 1), Region(-3, -3, 9, 9), Region(0.5, 0.5, -0.2, 0.0), Region(1, 1, 1, 1))
    seen = Detection(
        Kind.ANOMALY, "größer", nan, 5, CARD, heatmap=np.full((1, 1), np.nan, np.float32)
    )  # fmt: skip
    verdict = replace(a_verdict(), regions=boxes, detection=seen, label="größer", score=nan)
    assert store(tmp_path).save(verdict, a_frame()).problem == ""


def test_a_frame_is_not_changed_by_drawing(tmp_path: Path) -> None:
    picture = SCENE.copy()
    picture.flags.writeable = False
    store(tmp_path).save(a_verdict(), replace(a_frame(), picture=picture))
    assert (picture == SCENE).all()


# --- trouble


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own with room for a few kilobytes."""
    mount = require("mount")
    disk = tmp_path / "disk"
    disk.mkdir()
    made = subprocess.run([mount, "-t", "tmpfs", "-o", "size=40k", "tmpfs", disk], capture_output=True)
    if made.returncode:
        absent("mounting a small tmpfs needs root")
    yield disk
    subprocess.run(["umount", disk], check=True)


@pytest.mark.real("tmpfs")
def test_a_full_disk_stops_nothing_and_is_said_once(
    small_disk: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    evidence = store(small_disk / "evidence")
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(28 * 1024))
    for number in range(3):
        kept = evidence.save(a_verdict(alert_id=f"{number:032x}"), a_frame())
        assert kept.problem == (
            f"Pictures could not be kept. No space left on device: {small_disk / 'evidence'}"
        )
        for path in (kept.picture, kept.annotated, kept.heatmap):  # what is named is whole
            assert path is None or pixels(path).size
    assert not list(small_disk.rglob("*.part"))
    assert evidence.counts["evidence_failed"] == 3
    ballast.unlink()
    for path in small_disk.rglob("*.jpg"):
        path.unlink()
    assert evidence.save(a_verdict(), a_frame()).problem == ""
    folder = small_disk / "evidence"
    failing = (
        f"Alerts go out without pictures. No space left on device: {folder}. Free some space there or lower "
        "alerts.evidence.keep_gigabytes, and see that the folder may be written."
    )
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("ERROR", failing),
        ("INFO", f"Pictures are kept beside the alerts again: {folder}"),
    ]


def test_a_file_that_may_not_grow_leaves_no_half_picture(tmp_path: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        kept = store(tmp_path).save(a_verdict(), a_frame())
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    assert kept.problem == f"Pictures could not be kept. File too large: {tmp_path}"
    assert kept.picture is None
    assert files_in(tmp_path) == []


def test_a_folder_that_is_a_file_is_said(tmp_path: Path) -> None:
    (tmp_path / "evidence").write_text("in the way")
    kept = store(tmp_path / "evidence").save(a_verdict(), a_frame())
    assert kept.problem.startswith("Pictures could not be kept. Not a directory: ")


def test_what_could_be_kept_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "2026-11-23" / "gate" / ("ab" * 16)
    (folder / "heatmap.jpg").mkdir(parents=True)  # in the way of the last picture
    kept = store(tmp_path).save(a_verdict(), a_frame())
    assert kept.picture and kept.annotated and kept.heatmap is None
    assert kept.problem.startswith("Pictures could not be kept. Is a directory: ")


# --- retention


def kept_at(evidence: EvidenceStore, folder: Path, age: timedelta, alert_id: str) -> Path:
    at = AT - age
    kept = evidence.save(replace(a_verdict(alert_id=alert_id), first_frame_at=at), a_frame())
    assert kept.picture
    os.utime(kept.picture.parent, (at.timestamp(), at.timestamp()))
    return kept.picture.parent


def test_what_is_too_old_is_deleted(tmp_path: Path) -> None:
    evidence = store(tmp_path, days=30)
    old = kept_at(evidence, tmp_path, timedelta(days=31), "1" * 32)
    new = kept_at(evidence, tmp_path, timedelta(days=29), "2" * 32)
    evidence.sweep(AT)
    assert not old.exists() and not old.parent.parent.exists()
    assert new.exists()
    assert evidence.counts["evidence_deleted"] == 1


def test_an_old_alert_that_still_goes_on_is_kept(tmp_path: Path) -> None:
    evidence = store(tmp_path, days=30)
    folder = kept_at(evidence, tmp_path, timedelta(days=31), "1" * 32)
    os.utime(folder, (AT.timestamp(), AT.timestamp()))  # as an update does
    evidence.sweep(AT)
    assert folder.exists()


def test_the_oldest_goes_first_when_there_is_too_much(tmp_path: Path) -> None:
    evidence = store(tmp_path)
    folders = [
        kept_at(evidence, tmp_path, timedelta(hours=age), str(age) * 32) for age in (2, 5, 1, 4, 3)
    ]  # fmt: skip
    size = sum(file.stat().st_size for file in folders[0].iterdir())
    store(tmp_path, gigabytes=2.5 * size / 1e9).sweep(AT)
    assert sorted(path.parent.name[0] for path in tmp_path.rglob("picture.jpg")) == ["1", "2"]


def test_nothing_else_is_deleted(tmp_path: Path) -> None:
    evidence = store(tmp_path / "evidence", days=0.001, gigabytes=1e-9)
    kept_at(evidence, tmp_path, timedelta(days=2), "1" * 32)
    outside = tmp_path / "outside"
    (outside / "gate" / "alert").mkdir(parents=True)
    (outside / "gate" / "alert" / "mine.txt").write_text("mine")
    notes = tmp_path / "evidence" / "notes" / "gate" / "alert"
    notes.mkdir(parents=True)
    (notes / "mine.txt").write_text("mine")
    (tmp_path / "evidence" / "2020-01-01").symlink_to(outside)
    evidence.sweep(AT)
    assert files_in(tmp_path) == ["mine.txt", "mine.txt"]


def test_sweeping_nothing_is_no_trouble(tmp_path: Path) -> None:
    store(tmp_path / "not there").sweep(AT)


def test_a_disk_that_fails_when_an_alert_closes_stops_nothing(tmp_path: Path) -> None:
    kept = store(tmp_path / ("x" * 300))  # as good as a failing disk: the operating system refuses to look
    found = kept.find(replace(a_verdict(), change=Change.CLOSED))
    assert found.picture is None
    assert found.problem.startswith("Pictures could not be found. File name too long: ")
    assert kept.counts["evidence_failed"] == 1
