"""The evidence of a face: the pictures that it was judged by are kept, and come to the same number again."""

from datetime import timedelta
from pathlib import Path

import cv2
import numpy as np
import pytest

from alerts.evidence import EvidenceStore
from alerts.judge import Judge
from alerts.rules import Rules
from alerts.verdict import Change
from daemon.inspect import look
from detectors.deepfake.before import Before
from detectors.deepfake.crop import crop_of
from detectors.deepfake.model import Model
from detectors.deepfake.suspicion import Suspicion
from detectors.detection import Detection, DetectorCard, Kind, Region
from streams.frame import Frame
from tests.detectors.deepfake.people import face, picture
from tests.fakes import EPOCH


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of an alert that opened on the shipped model's own number, whatever it is."""
    model = Model()
    suspicion, judge = Suspicion(model.clips, 16), Judge("studio", Rules())
    store = EvidenceStore(tmp_path_factory.mktemp("evidence"), 30, 5)
    card = DetectorCard("deepfake", "embedded", model.sha256)
    for number in range(40):
        one = face(left=100 + number)
        seen = picture([one], (90, 110 + number, 160))
        crop = crop_of(seen, one, model.side)
        suspicion.note(crop, model.score([crop]), 0, 64.0)
        score = suspicion.log_ratio
        said = Detection(
            Kind.DEEPFAKE, suspicion.label, score, score - 1, card, "1",
            reason="It looks swapped. A likelihood, not proof.", regions=(Region(0.2, 0.2, 0.2, 0.3),),
            heatmap=np.ones((9, 16), np.float32), before=Before(suspicion.samples, card),
        )  # fmt: skip
        at = EPOCH + timedelta(seconds=number / 5)
        frame = Frame("studio", number, seen, at, 0.0, number / 5, live=False, fresh=number == 0)
        for verdict in judge.weigh(frame, [said]):
            if verdict.change is Change.OPENED:
                kept = store.save(verdict, frame)
                store.complete(verdict, frame)
                assert kept.report
                return kept.report.parent
    raise AssertionError("no alert opened")


def test_the_pictures_it_was_judged_by_are_there_to_be_looked_at(folder: Path) -> None:
    pictures = sorted(folder.glob("face-*.png"))
    assert pictures
    shown = cv2.imread(str(pictures[0]))
    assert shown is not None
    assert shown.shape == (128, 256, 3)  # the face alone, and beside it with what is around it


def test_they_come_to_the_same_number_again(folder: Path) -> None:
    found = look(folder)
    assert found.problems == ()
    assert found.why_not == ""
    assert found.again == pytest.approx(found.judged, rel=1e-5)
    assert found.good
    assert found.same


def test_the_report_says_that_it_is_no_proof(folder: Path) -> None:
    assert "A likelihood, not proof." in (folder / "report.html").read_text()
