"""Larger weights: what they make of faces, the head that is learned over them, and what does not fit."""

import dataclasses
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import safetensors.torch
import torch
from numpy.typing import NDArray

from config.detectors import DeepfakeSettings
from detectors.deepfake.before import Before, score_again
from detectors.deepfake.crop import Crop
from detectors.deepfake.detector import DeepfakeDetector
from detectors.deepfake.encoder import Encoder
from detectors.deepfake.examples import Examples, ExamplesError
from detectors.deepfake.hub import HubModel, Sources, open_scorer, open_sources
from detectors.deepfake.hub_head import HubHead, load_head
from detectors.deepfake.hub_learning import FEWEST, Report, learn
from detectors.deepfake.suspicion import Suspicion
from detectors.detection import DetectorCard, DetectorError
from detectors.device import limit_torch_threads
from detectors.opening import AGAIN
from detectors.snapshot import SnapshotError
from detectors.store import Store
from tests import tiny_models
from tests.detectors.deepfake.people import Finder, face, seen
from tests.fakes import ManualClock
from tests.real import shared

CUDA = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA card")
Picture = NDArray[np.uint8]


def faces(seed: int, tint: tuple[int, int, int] = (0, 0, 0), clips: int = FEWEST, each: int = 2) -> Examples:
    """Soft noise; `tint`: BGR that is added."""
    chance = np.random.default_rng(seed)
    coarse = chance.integers(40, 180, (clips * each, 8, 8, 3))
    large = np.kron(coarse, np.ones((1, 12, 12, 1))) + chance.normal(0, 4, (clips * each, 96, 96, 3))
    names = [f"clip{number // each}" for number in range(clips * each)]
    return Examples(np.clip(large + np.array(tint), 0, 255).astype(np.uint8), names)


RED, BLUE = (-40, 0, 60), (60, 0, -40)
SWAPPED, GENERATED = faces(2, RED), faces(3, BLUE)


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> None:
    """As in the daemon: two threads on busy cores wait for each other."""
    limit_torch_threads()


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    folder = tmp_path_factory.mktemp("models")
    tiny_models.encoder(folder / "tiny-clip")
    tiny_models.encoder(folder / "other-clip", seed=9)
    tiny_models.small_auto_encoder(folder / "tiny-vae")
    tiny_models.stable_diffusion(folder / "tiny-sd")
    return Store([folder])


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_models.shipped(tmp_path_factory.mktemp("shipped") / "deepfake.safetensors")


@pytest.fixture(scope="module")
def sources(store: Store, shipped: Path) -> Sources:
    return open_sources("tiny-clip", None, store, shipped=shipped)


@pytest.fixture(scope="module")
def learned(sources: Sources) -> tuple[HubHead, Report]:
    return learn(sources, faces(1), {"swapped": SWAPPED, "generated": GENERATED})


@pytest.fixture(scope="module")
def head(learned: tuple[HubHead, Report], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("state") / "deepfake" / "head.safetensors"
    learned[0].save(path)
    return path


def crops(examples: Examples) -> list[Crop]:
    return [Crop(one, one) for one in examples.pictures]


@pytest.mark.parametrize("kind", ["clip-vision", "clip", "dinov2", "vit", "convnext"])
def test_every_kind_of_encoder_describes_a_face_the_same_way_alone_among_others_and_after_reading_anew(
    tmp_path: Path, kind: str
) -> None:
    folder = tiny_models.encoder(tmp_path / kind, kind)
    encoder, pictures = Encoder(folder), list(faces(4, clips=3, each=1).pictures)
    told = encoder.describe(pictures)
    assert told.shape == (3, 32)
    assert np.abs(told[0] - told[1]).max() > 1e-3
    assert np.allclose(told, np.concatenate([encoder.describe([one]) for one in pictures]), atol=1e-5)
    assert np.allclose(told, Encoder(folder).describe(pictures), atol=1e-6)  # no layer is drawn by chance
    assert encoder.describe([]).shape == (0, 32)


def _no_preparation(folder: Path) -> None:
    (folder / "preprocessor_config.json").unlink()


def _code_of_its_own(folder: Path) -> None:
    (folder / "config.json").write_text('{"model_type": "mine", "auto_map": {"AutoModel": "evil.Model"}}')
    (folder / "evil.py").write_text("import pathlib; pathlib.Path(__file__).with_name('ran').touch()")


def _text_only(folder: Path) -> None:
    tiny_models.text_encoder(folder)


def _a_layer_short(folder: Path) -> None:
    file = folder / "model.safetensors"
    held = safetensors.torch.load_file(file)
    gone = next(name for name in held if "encoder.layers.0" in name)
    held.pop(gone)
    safetensors.torch.save_file(held, file, {"format": "pt"})


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (_no_preparation, "has no preprocessor_config.json with image_mean and image_std"),
        (_code_of_its_own, "cannot be used"),
        (_text_only, "is of no encoder of pictures"),
        (_a_layer_short, "does not hold the whole network"),
    ],
)
def test_an_encoder_that_does_not_fit_is_refused_in_words(tmp_path: Path, spoil: object, words: str) -> None:
    folder = tiny_models.encoder(tmp_path / "clip")
    spoil(folder)  # type: ignore[operator]
    with pytest.raises(DetectorError, match=words):
        Encoder(folder)
    assert not (folder / "ran").exists()


@pytest.mark.parametrize(("name", "many"), [("tiny-vae", 13), ("tiny-sd", 19)])
def test_how_well_a_face_is_drawn_is_told_in_numbers_that_come_out_the_same(
    store: Store, shipped: Path, name: str, many: int
) -> None:
    reconstruction = open_sources(None, name, store, shipped=shipped).reconstruction
    assert reconstruction is not None
    pictures = list(faces(5, clips=2, each=1).pictures)
    told = reconstruction.describe(pictures)
    assert told.shape == (2, many)
    assert np.isfinite(told).all()
    assert np.allclose(told, np.concatenate([reconstruction.describe([one]) for one in pictures]), atol=1e-4)
    drawn = reconstruction.redraw(pictures)
    assert [one.shape for one in drawn] == [(96, 96, 3)] * 2
    assert np.isfinite(reconstruction.describe([np.zeros((50, 50, 3), np.uint8)])).all()


@pytest.mark.real("taef2")
def test_the_author_s_own_files_of_a_tiny_auto_encoder_are_read(shipped: Path) -> None:
    store = Store([shared("models/taef2").parent])
    reconstruction = open_sources(None, "taef2", store, shipped=shipped).reconstruction
    assert reconstruction is not None
    (picture,) = faces(7, clips=1, each=1).pictures
    soft = np.asarray(cv2.GaussianBlur(picture, (0, 0), 3), np.uint8)
    (drawn,) = reconstruction.redraw([soft])
    assert np.abs(drawn.astype(float) - soft).mean() < 8  # grey levels: these weights are real ones
    assert reconstruction.describe([soft]).shape == (1, 13)


def test_a_head_tells_fakes_on_clips_that_it_did_not_learn_from_and_says_so(
    learned: tuple[HubHead, Report], sources: Sources
) -> None:
    head, report = learned
    assert report.made == ()
    assert report.views == 3 * FEWEST * 2 * 2
    assert min(report.clip_auc.values()) > 0.9
    assert head.facts.clips.fake > head.facts.clips.real
    assert head.facts.made_from.startswith("encoder tiny_clip (")
    fresh = {"real": faces(11), "swapped": faces(12, RED), "generated": faces(13, BLUE)}
    told = {name: head.score(sources.describe(list(each.pictures))) for name, each in fresh.items()}
    assert told["swapped"].swapped.mean() > told["real"].swapped.mean() + 1
    assert told["generated"].generated.mean() > told["real"].generated.mean() + 1
    assert told["swapped"].fused.mean() > told["real"].fused.mean()


def test_labels_that_mean_nothing_teach_nothing(sources: Sources) -> None:
    _, report = learn(sources, faces(1), {"swapped": faces(21), "generated": faces(22)})
    assert all(0.15 < area < 0.85 for area in report.crop_auc.values())


def test_one_seed_makes_one_head_and_contrast_another(
    sources: Sources, learned: tuple[HubHead, Report], tmp_path: Path
) -> None:
    fakes = {"swapped": SWAPPED, "generated": GENERATED}
    first = learned[0].save(tmp_path / "head")
    assert learn(sources, faces(1), fakes)[0].save(tmp_path / "head") == first
    assert learn(sources, faces(1), fakes, contrast=0)[0].save(tmp_path / "head") != first


def test_fakes_that_are_missing_are_made_from_the_real_faces(store: Store, shipped: Path) -> None:
    sources = open_sources("tiny-clip", "tiny-vae", store, shipped=shipped)
    assert sources.side == 256
    assert sources.reconstruction is not None
    head, report = learn(sources, faces(1, each=1), {}, sources.reconstruction.redraw)
    assert report.made == ("swapped", "generated")
    assert "16 views of 8 generated clips (made)" in head.facts.made_from
    assert set(head.belongs_to) == {"encoder", "reconstruction", "shipped model"}
    assert len(head.swapped.weight) == 32 + 2 * 13  # how well it is drawn counts either way
    alone = open_sources("tiny-clip", None, store, shipped=shipped)
    with pytest.raises(ExamplesError, match="no generated/ faces, and nothing to make them with"):
        learn(alone, faces(1), {"swapped": SWAPPED})


def test_too_few_clips_are_told(sources: Sources) -> None:
    with pytest.raises(ExamplesError, match="there are 3 clips of swapped faces, and at least 8 are needed"):
        learn(sources, faces(1), {"swapped": faces(2, clips=3), "generated": GENERATED})


def settings(**more: object) -> DeepfakeSettings:
    return DeepfakeSettings.model_validate({"encoder": "tiny-clip", **more})


def test_a_head_from_the_disk_scores_as_before_and_names_its_weights(
    store: Store, shipped: Path, head: Path, learned: tuple[HubHead, Report], sources: Sources
) -> None:
    scorer = open_scorer(settings(), store, head, shipped=shipped)
    some = crops(GENERATED)[:3]
    told = scorer.score(some)
    assert np.allclose(told.fused, learned[0].score(sources.describe([one.around for one in some])).fused)
    assert np.allclose(told.fused[1], scorer.score(some[1:2]).fused)
    assert len(scorer.score([]).fused) == 0
    assert scorer.clips == learned[0].facts.clips
    assert scorer.side == 32
    encoder = store.find("tiny-clip").sha256[:12]
    assert scorer.model == f"encoder tiny_clip ({encoder}), head {load_head(head)[1][:12]}"
    assert [one.shape for one in scorer.heat(some)] == [(32, 32)] * 3


def test_a_head_for_other_weights_is_refused(store: Store, shipped: Path, head: Path, tmp_path: Path) -> None:
    with pytest.raises(DetectorError, match=r"the head belongs to the encoder .*, and here is the encoder"):
        open_scorer(settings(encoder="other-clip"), store, head, shipped=shipped)
    with pytest.raises(DetectorError, match="belongs to no reconstruction, and here is the reconstruction"):
        open_scorer(settings(reconstruction="tiny-vae"), store, head, shipped=shipped)
    with pytest.raises(DetectorError, match=r"there is no head at .*framewarden train deepfake"):
        open_scorer(settings(), store, tmp_path / "none", shipped=shipped)
    for content in (b"", b"\x08\x00\x00\x00\x00\x00\x00\x00{}      ", shipped.read_bytes()):
        (tmp_path / "bad").write_bytes(content)
        with pytest.raises(DetectorError, match="is no head of this version"):
            open_scorer(settings(), store, tmp_path / "bad", shipped=shipped)


def test_without_larger_weights_the_shipped_model_scores(store: Store, shipped: Path, head: Path) -> None:
    assert open_scorer(DeepfakeSettings(), store, head, shipped=shipped).model == "embedded"


def test_evidence_is_scored_again_by_the_same_larger_weights_and_by_no_others(
    store: Store, shipped: Path, head: Path
) -> None:
    scorer = open_scorer(settings(), store, head, shipped=shipped)
    suspicion, some = Suspicion(scorer.clips, 4), crops(GENERATED)
    scores = scorer.score(some)
    for index, crop in enumerate(some):
        suspicion.note(crop, scores, index, 64.0)
    card = DetectorCard("deepfake", f"{scorer.model}, faces by told", scorer.sha256)
    files = dict(Before(suspicion.samples, card).pack())
    again = score_again(files, shipped, lambda: open_scorer(settings(), store, head, shipped=shipped))
    assert again == pytest.approx(suspicion.log_ratio, rel=1e-4)
    with pytest.raises(SnapshotError, match=r"judged by other weights \(encoder tiny_clip .*--config"):
        score_again(files, shipped)
    other = Before(suspicion.samples, dataclasses.replace(card, model_sha256="0" * 64)).pack()
    with pytest.raises(SnapshotError, match="and here are encoder tiny_clip"):
        score_again(dict(other), shipped, lambda: scorer)


def test_the_detector_follows_faces_with_larger_weights_once_they_are_there(
    store: Store, shipped: Path, head: Path, tmp_path: Path
) -> None:
    clock, finder = ManualClock(), Finder()
    late = tmp_path / "head.safetensors"
    detector = DeepfakeDetector(
        settings(), finder, lambda: open_scorer(settings(), store, late, shipped=shipped), clock
    )
    finder.faces = [face()]
    with pytest.raises(DetectorError, match="there is no head at"):
        detector.examine([seen(0, finder.faces)])
    late.write_bytes(head.read_bytes())
    clock.now += AGAIN
    for number in range(20):
        ((said,),) = detector.examine([seen(number, finder.faces)])
    assert said.doubt is None
    assert said.made_by.model.startswith("encoder tiny_clip (")
    assert said.made_by.model.endswith(", faces by told")


def test_without_the_extra_packages_it_is_said_what_to_install_and_the_shipped_model_works(
    store: Store, shipped: Path, head: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("transformers", "diffusers", "huggingface_hub"):
        monkeypatch.setitem(sys.modules, name, None)  # as if it were not installed
    assert open_scorer(DeepfakeSettings(), store, head, shipped=shipped).model == "embedded"
    for named in ({"encoder": "tiny-clip"}, {"encoder": None, "reconstruction": "tiny-vae"}):
        with pytest.raises(DetectorError, match=r'cannot be imported .*pip install "framewarden\[hub\]"'):
            open_scorer(settings(**named), store, head, shipped=shipped)


class Crowded:
    """An encoder on a card that is full."""

    side = features = 32

    def describe(self, crops: object) -> NDArray[np.float32]:
        """As torch says it."""
        raise torch.OutOfMemoryError("CUDA out of memory")


def test_a_card_that_is_full_is_said_and_ends_nothing(
    learned: tuple[HubHead, Report], sources: Sources
) -> None:
    full = HubModel(dataclasses.replace(sources, encoder=Crowded()), learned[0], "a" * 64)  # type: ignore[arg-type]
    with pytest.raises(DetectorError, match=r"too little memory .* set service.device to cpu"):
        full.score(crops(GENERATED))


@CUDA
@pytest.mark.parametrize(("encoder", "reconstruction"), [("tiny-clip", None), (None, "tiny-sd")])
def test_a_card_makes_the_same_numbers(
    store: Store, shipped: Path, encoder: str | None, reconstruction: str | None
) -> None:
    pictures = list(faces(6, clips=2, each=1).pictures)
    here = open_sources(encoder, reconstruction, store, "cpu", shipped).describe(pictures)
    there = open_sources(encoder, reconstruction, store, "cuda", shipped).describe(pictures)
    assert np.allclose(here, there, atol=2e-3)
