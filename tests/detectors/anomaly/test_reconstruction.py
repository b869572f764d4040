"""The reconstruction tier: what it learns, finds, keeps and says, with a model that was really trained."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from diffusers import DDPMPipeline, DDPMScheduler
from numpy.typing import NDArray

from config.detectors import AnomalySettings
from detectors.anomaly import maps_normal
from detectors.anomaly.detector import AnomalyDetector
from detectors.anomaly.maps_method import MapsMethod
from detectors.anomaly.maps_normal import MapsNormal
from detectors.anomaly.method import NormalError, Seen, Stopped
from detectors.anomaly.threshold import threshold_for
from detectors.anomaly.tier import method_for, reconstruction_method
from detectors.detection import DetectorError
from detectors.device import choose_device, limit_torch_threads
from detectors.opening import AGAIN
from detectors.store import Store
from tests import tiny_models
from tests.fakes import ManualClock, frame

pytestmark = pytest.mark.timeout(280)  # a network is really trained, a minute of one core

RATE = 5.0
SIDE = 32
Picture = NDArray[np.uint8]


def product(number: int, broken: bool = False) -> Picture:
    """A woven lid on a belt, never quite in the same place; `broken`: threads of it run the other way."""
    chance = np.random.default_rng(number)
    shift, light = chance.uniform(-1.5, 1.5, 2), chance.normal(0, 3)
    down, across = np.mgrid[0:96, 0:96].astype(np.float32)
    weave = 40 * np.sin((across + shift[0]) / 3) * np.cos((down + shift[1]) / 3)
    shown = np.dstack([120 + weave, 130 + weave, 150 + 0.5 * weave]) + light
    round_it = (across - 48 - shift[0]) ** 2 + (down - 48 - shift[1]) ** 2 < 40**2
    shown[~round_it] = 60
    if broken:
        shown[52:76, 24:48] = np.array([60, 90, 200]) + 60 * np.sin(down[:24, :24] / 3)[..., None]
    return np.clip(shown + chance.normal(0, 2, shown.shape), 0, 255).astype(np.uint8)


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> None:
    """As in the daemon."""
    limit_torch_threads()


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """A U-Net that has learned the product for some seconds, as users train theirs."""
    folder = tmp_path_factory.mktemp("models")
    torch.manual_seed(0)
    network, noise = tiny_models.small_u_net(SIDE, block_out_channels=(16, 32)), DDPMScheduler()
    small = [
        cv2.resize(product(1000 + n), (SIDE, SIDE), interpolation=cv2.INTER_AREA)[..., ::-1]
        for n in range(64)
    ]
    data = torch.from_numpy(np.stack(small).copy()).permute(0, 3, 1, 2) / 127.5 - 1
    optimizer = torch.optim.Adam(network.parameters(), 2e-3)
    for _ in range(250):
        some = data[torch.randint(len(data), (8,))]
        added, step = torch.randn(some.shape), torch.randint(0, 400, (8,))
        told = network(noise.add_noise(some, added, step), step).sample
        torch.nn.functional.mse_loss(told, added).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        optimizer.zero_grad()
    DDPMPipeline(network, noise).save_pretrained(folder / "lids")
    tiny_models.small_auto_encoder(folder / "tiny-vae")
    tiny_models.stable_diffusion(folder / "tiny-sd")
    tiny_models.encoder(folder / "clip")
    return Store([folder])


@pytest.fixture(scope="module")
def method(store: Store) -> MapsMethod:
    return reconstruction_method("lids", store)


@pytest.fixture(scope="module")
def footage(method: MapsMethod) -> Sequence[Seen]:
    return [Seen(method.view(product(n)), n / RATE, n == 0) for n in range(150)]


@pytest.fixture(scope="module")
def learned(method: MapsMethod, footage: Sequence[Seen]) -> MapsNormal:
    return method.learn(footage, None, lambda share: None, lambda: False)


def test_a_broken_product_is_found_where_it_is_broken_and_shown_as_it_should_be(
    method: MapsMethod, learned: MapsNormal
) -> None:
    threshold, scorer = threshold_for(10), method.scorer(learned)
    for n in range(15):
        calm = scorer.score(method.view(product(500 + n)), n / RATE, not n, threshold)
        assert calm.score < threshold
    for n in range(5):
        odd = scorer.score(method.view(product(600 + n, broken=True)), 3 + n / RATE, False, threshold)
    assert odd.score > threshold
    assert odd.kind == "content"
    assert odd.heatmap is not None and odd.heatmap.max() > 0.5
    box = odd.regions[0]
    assert box.left < 36 / 96 < box.left + box.width
    assert box.top < 64 / 96 < box.top + box.height
    expected = odd.expected
    assert expected is not None
    whole, broken = (
        cv2.resize(product(604, broken=each), expected.shape[1::-1], interpolation=cv2.INTER_AREA).astype(
            float
        )
        for each in (False, True)
    )
    there = np.s_[
        round(0.58 * len(expected)) : round(0.75 * len(expected)),
        round(0.28 * len(expected)) : len(expected) // 2,
    ]
    assert np.abs(expected - whole)[there].mean() < 0.4 * np.abs(broken - whole)[there].mean()


def test_the_same_footage_gives_the_same_normal_which_survives_a_restart(
    method: MapsMethod, learned: MapsNormal, footage: Sequence[Seen], store: Store, tmp_path: Path
) -> None:
    first = method.learn(footage[:60], learned, lambda share: None, lambda: False)
    sha256 = method.save(first, tmp_path)
    anew = reconstruction_method("lids", store)
    packed = [
        Seen(anew.unpack(memoryview(method.pack(one.view)), one.view), one.at, one.fresh)
        for one in footage[:60]
    ]
    assert anew.save(anew.learn(packed, learned, lambda share: None, lambda: False), tmp_path) == sha256
    loaded = anew.load(tmp_path)
    assert loaded is not None
    view = anew.view(product(700))
    assert view.shape == loaded.shape
    assert np.array_equal(
        loaded.raw(view.values.astype(np.float32)), first.raw(view.values.astype(np.float32))
    )


def test_what_was_written_otherwise_is_refused(
    method: MapsMethod, learned: MapsNormal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    method.save(learned, tmp_path)
    monkeypatch.setattr(maps_normal, "VERSION", maps_normal.VERSION + 1)
    with pytest.raises(NormalError, match="learned by another version"):
        method.load(tmp_path)
    monkeypatch.undo()
    (file,) = tmp_path.iterdir()
    whole = file.read_bytes()
    file.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    with pytest.raises(NormalError, match="is not what was written"):
        method.load(tmp_path)


def test_learning_stops_when_asked(method: MapsMethod, footage: Sequence[Seen]) -> None:
    shares: list[float] = []
    with pytest.raises(Stopped):
        method.learn(footage, None, shares.append, lambda: len(shares) > 2)


@pytest.mark.parametrize("name", ["tiny-vae", "tiny-sd"])
def test_the_other_kinds_of_folder_make_maps_of_their_own(
    store: Store, method: MapsMethod, name: str
) -> None:
    view = reconstruction_method(name, store).view(product(1))
    assert np.isfinite(view.values).all()
    assert view.expected is not None and view.expected.std() > 0
    assert view.shape != method.view(product(1)).shape


def test_missing_and_unfit_weights_are_told_until_they_are_there(store: Store, tmp_path: Path) -> None:
    settings, clock = AnomalySettings(reconstruction="mine"), ManualClock()
    detector = AnomalyDetector(
        settings, tmp_path / "state", method=reconstruction_method("mine", Store([tmp_path]), clock=clock)
    )
    with pytest.raises(DetectorError, match=f"no weights 'mine' in {tmp_path}: put them into"):
        detector.examine([frame(picture=product(0))])
    tiny_models.encoder(tmp_path / "mine")
    clock.now += AGAIN
    with pytest.raises(DetectorError, match="holds something that diffusers did not write, and UNet2DModel"):
        detector.examine([frame(picture=product(0))])
    detector.close()
    assert method_for(settings, store, "cpu").name == "reconstruction-1 mine"


def test_backbone_and_reconstruction_exclude_each_other() -> None:
    with pytest.raises(ValueError, match="are two ways of judging: name one of them"):
        AnomalySettings(backbone="efficientnet_lite0", reconstruction="lids")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a card")
def test_a_card_that_is_not_there_is_said() -> None:
    with pytest.raises(DetectorError, match=r"service.device is 'cuda', but .*set it to 'auto' or 'cpu'"):
        choose_device("cuda")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA card")
def test_a_card_makes_the_same_maps(store: Store, method: MapsMethod) -> None:
    there = reconstruction_method("lids", store, "cuda").view(product(1))
    assert np.allclose(there.values, method.view(product(1)).values, atol=0.1)
