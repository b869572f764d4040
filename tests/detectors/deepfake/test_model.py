"""The shipped model and files like it: what they score, and what is said of other files."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch
from numpy.typing import NDArray

from config.state import ENROLMENT
from detectors.deepfake.before import Before, score_again
from detectors.deepfake.crop import Crop, crop_of, whole
from detectors.deepfake.enrolment import Enrolment
from detectors.deepfake.heat import face_denoiser
from detectors.deepfake.likelihood import Clips
from detectors.deepfake.model import SHIPPED, Facts, Faint, Model, Scale, save
from detectors.deepfake.network import SIDE, Head, contrastive_loss, folded
from detectors.deepfake.suspicion import Suspicion
from detectors.detection import DetectorCard, DetectorError
from detectors.snapshot import SnapshotError
from tests.detectors.deepfake.people import face, picture

FACTS = Facts(
    Scale(-1.0, 1.0, 3.0), Scale(-2.0, 2.0, 3.0), Faint(1.5, 0.6), Clips(-4.0, 4.0, 2.0, 2.0), "noise"
)


def drawn(seed: int) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file like the shipped one, of networks that learned nothing."""
    torch.manual_seed(1)
    heads = [folded(Head().eval()) for _ in range(2)]
    more = {f"denoiser.{name}": value for name, value in face_denoiser().state_dict().items()}
    more |= {"real.mean": torch.zeros(3, 32, 32), "real.spread": torch.ones(3, 32, 32)}
    made = tmp_path_factory.mktemp("weights") / "some.safetensors"
    save(made, heads, FACTS, more)
    return made


def test_a_folded_head_says_what_the_whole_one_says() -> None:
    torch.manual_seed(0)
    head = Head()
    head(torch.rand(4, 3, SIDE, SIDE))  # its normalisation is not the one that it began with
    head.eval()
    pictures = torch.rand(3, 3, SIDE, SIDE)
    one, other = head(pictures), folded(head)(pictures)
    assert torch.allclose(one.logit, other.logit, atol=1e-4)
    assert torch.allclose(other.embedding.norm(dim=1), torch.ones(3))


def test_alike_beside_alike_is_what_the_contrastive_loss_wants() -> None:
    fake = torch.tensor([False, False, True, True])
    apart = torch.tensor([[1.0, 0], [1, 0], [0, 1], [0, 1]])
    mixed = torch.tensor([[1.0, 0], [0, 1], [1, 0], [0, 1]])
    assert contrastive_loss(apart, fake) < contrastive_loss(mixed, fake)


def test_one_at_a_time_or_many_the_scores_are_the_same(path: Path) -> None:
    model = Model(path)
    crops = [Crop(drawn(seed), drawn(seed + 100)) for seed in range(18)]
    together = model.score(crops)
    alone = [model.score([crop]) for crop in crops]
    for name in ("swapped", "generated", "fused"):
        apart = np.concatenate([getattr(one, name) for one in alone])
        assert np.allclose(getattr(together, name), apart, atol=1e-4)
    assert len(model.score([]).fused) == 0
    assert model.heat([]) == []


def test_one_head_sees_the_face_and_the_other_what_is_around_it(path: Path) -> None:
    model = Model(path)
    one, other, third = (
        model.score([Crop(drawn(1), drawn(2))]),
        model.score([Crop(drawn(1), drawn(3))]),
        model.score([Crop(drawn(4), drawn(2))]),
    )
    assert one.swapped == other.swapped != third.swapped
    assert one.generated == third.generated != other.generated


def test_either_kind_of_fake_raises_the_fused_score() -> None:
    real = np.array([-1.0]), np.array([-2.0])
    nothing = FACTS.scores(*real).fused[0]
    swapped = FACTS.scores(np.array([2.5]), real[1]).fused[0]
    generated = FACTS.scores(real[0], np.array([5.0])).fused[0]
    both_a_little = FACTS.scores(np.array([0.7]), np.array([1.4])).fused[0]
    assert nothing < -1
    assert min(swapped, generated) > 2
    assert nothing < both_a_little


def test_facts_are_read_as_they_were_written() -> None:
    assert Facts.from_json(FACTS.to_json()) == FACTS


@pytest.mark.parametrize("content", [b"", b"no weights at all", safetensors.torch.save({"a": torch.ones(1)})])
def test_another_file_is_refused_in_words(tmp_path: Path, content: bytes) -> None:
    other = tmp_path / "other.safetensors"
    other.write_bytes(content)
    with pytest.raises(DetectorError, match="is no deepfake model of this version"):
        Model(other)
    with pytest.raises(DetectorError, match=r"cannot be read .*install framewarden anew"):
        Model(tmp_path / "nothing.safetensors")


def test_what_was_kept_of_an_alert_is_scored_again_to_the_same_number(path: Path) -> None:
    model = Model(path)
    suspicion = Suspicion(model.clips, 4)
    crops = [Crop(drawn(seed), drawn(seed + 50)) for seed in range(40)]
    scores = model.score(crops)
    for index, crop in enumerate(crops):
        suspicion.note(crop, scores, index, 64.0)
    card = DetectorCard("deepfake", "some", model.sha256)
    files = dict(Before(suspicion.samples, card).pack())
    assert score_again(files, path) == pytest.approx(suspicion.log_ratio, rel=1e-4)
    others = Before(suspicion.samples, dataclasses.replace(card, model_sha256="0" * 64)).pack()
    with pytest.raises(SnapshotError, match="judged by other weights"):
        score_again(dict(others), path)
    files["face-03.png"] = b"not a picture"
    with pytest.raises(SnapshotError, match="damaged"):
        score_again(files, path)


def test_evidence_of_enrolled_people_is_scored_by_what_was_kept_of_them(path: Path) -> None:
    model = Model(path)
    own = Enrolment(model.sha256, "", Clips(-6.0, 4.0, 0.7, 1.0), 3, 90, "2026-11-26")
    suspicion = Suspicion(own.clips, 4)
    crops = [Crop(drawn(seed), drawn(seed + 50)) for seed in range(4)]
    for index, crop in enumerate(crops):
        suspicion.note(crop, model.score(crops), index, 64.0)
    card = DetectorCard("deepfake", "some", model.sha256)
    files = dict(Before(suspicion.samples, card, {ENROLMENT: own.to_bytes()}).pack())
    assert score_again(files, path) == pytest.approx(suspicion.log_ratio, rel=1e-4)
    with pytest.raises(SnapshotError, match=r"enrolment.json: it is no enrolment of this version"):
        score_again({**files, ENROLMENT: b"{}"}, path)
    del files[ENROLMENT]
    assert score_again(files, path) != pytest.approx(suspicion.log_ratio, rel=1e-2)


def test_the_heat_of_a_face_is_a_map_between_nothing_and_one(path: Path) -> None:
    (heat,) = Model(path).heat([Crop(drawn(1), drawn(1))])
    assert heat.shape == (32, 32)
    assert 0 <= heat.min() <= heat.max() <= 1


def test_a_crop_goes_as_far_as_the_picture_and_makes_nothing_up() -> None:
    one = face(left=0, top=0, size=100)
    seen = picture([one], (0, 0, 255))
    crop = crop_of(seen, one, SIDE)
    assert crop.side == SIDE
    red = (crop.around[..., 2] > 150) & (crop.around[..., 0] < 100)
    assert red[:60, :60].mean() > 0.8  # the face is in the corner: nothing is mirrored beyond it
    assert red[90:, 90:].mean() < 0.2
    filling = face(left=140, top=0, size=360)
    assert (crop_of(seen, filling, SIDE).around == whole(seen, SIDE).around).all()


def test_the_shipped_weights_are_whole_small_and_tell_what_they_were_made_from() -> None:
    model = Model()
    assert SHIPPED.stat().st_size < 8e6
    assert model.facts.made_from
    assert model.clips.fake > model.clips.real
    card = SHIPPED.with_suffix(".md").read_text()
    assert model.sha256 in card
