"""The model store: what is found by which name, what is refused, and the words."""

import hashlib
import os
import pickle
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from detectors.detection import DetectorError
from detectors.store import Store, read_tensors, store_folders

BLOB = b"weights"
SHA256 = hashlib.sha256(BLOB).hexdigest()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "models"
    (folder / "tiny-pipeline" / "unet").mkdir(parents=True)
    (folder / f"Mobilenet-v2-{SHA256[:8]}.pth").write_bytes(BLOB)
    (folder / "plain.onnx").write_bytes(b"other")
    (folder / "plain.md").write_text("---\nlicense: apache-2.0\n---\n# Plain\n")
    (folder / "tiny-pipeline" / "unet" / "x.safetensors").write_bytes(b"unet")
    (folder / "tiny-pipeline" / "LICENSE").write_text("\nCopyright Somebody\nMIT License\n\nPermission ...")
    (folder / "notes").mkdir()
    (folder / "notes" / "read.txt").write_text("no model")
    return folder


def test_models_are_files_and_folders_with_size_licence_and_hash(folder: Path) -> None:
    found = {one.name: one for one in Store([folder]).all()}
    assert found.keys() == {"mobilenet_v2", "plain", "tiny_pipeline"}
    assert found["mobilenet_v2"].sha256 == SHA256
    assert found["mobilenet_v2"].size == len(BLOB)
    assert [found[name].licence for name in ("mobilenet_v2", "plain", "tiny_pipeline")] == [
        "",
        "apache-2.0",
        "MIT License",
    ]
    assert [found[name].vouched for name in ("mobilenet_v2", "plain")] == [True, False]


@pytest.mark.parametrize(
    "wanted", ["mobilenet_v2", "mobilenet-v2", f"Mobilenet-v2-{SHA256[:8]}.pth", SHA256[:10]]
)
def test_one_model_is_found_by_each_of_its_names(folder: Path, wanted: str) -> None:
    assert Store([folder]).find(wanted).sha256 == SHA256


def test_a_path_is_found_wherever_it_is(folder: Path) -> None:
    assert Store([]).find(str(folder / "plain.onnx")).name == "plain"


def test_what_is_not_there_is_told_with_where_it_was_looked_for_and_what_to_do(folder: Path) -> None:
    with pytest.raises(DetectorError) as told:
        Store([folder, folder / "none"]).find("mobilenet_v3")
    assert "no weights 'mobilenet_v3'" in str(told.value)
    assert str(folder / "none") in str(told.value)
    assert "framewarden models list" in str(told.value)


def test_a_home_that_nobody_knows_is_no_mistake_of_ours(folder: Path) -> None:
    with pytest.raises(DetectorError, match="there are no weights '~nobody-knows/net'"):
        Store([folder]).find("~nobody-knows/net")


def test_a_file_that_lost_its_hash_is_refused(folder: Path) -> None:
    (folder / f"Mobilenet-v2-{SHA256[:8]}.pth").write_bytes(BLOB + b"!")
    with pytest.raises(DetectorError, match="does not have the hash that its name says"):
        Store([folder]).find("mobilenet_v2")


def test_the_sums_beside_the_files_are_believed(folder: Path) -> None:
    unet = hashlib.sha256(b"unet").hexdigest()
    licence = hashlib.sha256((folder / "tiny-pipeline" / "LICENSE").read_bytes()).hexdigest()
    sums = f"{unet}  tiny-pipeline/unet/x.safetensors\n{licence} *tiny-pipeline/LICENSE\n"
    (folder / "SHA256SUMS").write_text(sums)
    good = Store([folder]).find("tiny-pipeline")
    assert good.vouched
    (folder / "tiny-pipeline" / "unet" / "x.safetensors").write_bytes(b"unem")
    with pytest.raises(DetectorError, match="is not what SHA256SUMS beside it says"):
        Store([folder]).find("tiny-pipeline")
    (folder / "tiny-pipeline" / "unet" / "x.safetensors").write_bytes(b"unet")
    (folder / "tiny-pipeline" / "LICENSE").unlink()
    with pytest.raises(DetectorError, match="is not all there: tiny-pipeline/LICENSE is missing"):
        Store([folder]).find("tiny-pipeline")


def test_a_folders_hash_tells_of_every_file_in_it_and_of_their_names(folder: Path) -> None:
    def now() -> str:
        return Store([folder]).find("tiny-pipeline").sha256

    first = now()
    (folder / "tiny-pipeline" / "LICENSE").rename(folder / "tiny-pipeline" / "LICENCE")
    second = now()
    (folder / "tiny-pipeline" / "unet" / "x.safetensors").write_bytes(b"unem")
    assert len({first, second, now()}) == 3


def test_the_first_folder_that_has_a_name_wins(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "plain.onnx").write_bytes(b"mine")
    folders = store_folders(
        tmp_path / "mine", tmp_path, {"FRAMEWARDEN_MODELS": f"{tmp_path}/x{os.pathsep}{folder}"}
    )
    assert folders[:4] == (tmp_path / "mine", tmp_path / "x", folder, folders[3])
    assert Store(folders).find("plain").path == tmp_path / "mine" / "plain.onnx"


def test_tensors_are_read_of_both_kinds_of_file(tmp_path: Path) -> None:
    tensors = {"a": torch.arange(3.0)}
    save_file(tensors, tmp_path / "new.safetensors")
    torch.save({"state_dict": tensors}, tmp_path / "old.pth")
    store = Store([tmp_path])
    for name in ("new", "old"):
        assert torch.equal(read_tensors(store.find(name))["a"], tensors["a"])


class _Runs:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (os.mkdir, (os.environ["STORE_TEST_FOLDER"],))


def test_a_file_that_would_run_something_is_refused_and_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STORE_TEST_FOLDER", str(tmp_path / "ran"))
    (tmp_path / "evil.pth").write_bytes(pickle.dumps(_Runs()))
    torch.save({"a": _Runs()}, tmp_path / "evil2.pth")
    (tmp_path / "torn.safetensors").write_bytes(b"\x00\x01")
    store = Store([tmp_path])
    for name in ("evil", "evil2", "torn"):
        with pytest.raises(DetectorError, match="no weights that can be read safely"):
            read_tensors(store.find(name))
    assert not (tmp_path / "ran").exists()
