"""Models are got from a hub once, whole, and only when somebody asks."""

import hashlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from daemon.cli import app
from daemon.pull_choice import Offered, chosen
from detectors.detection import DetectorError
from detectors.objects.runtimes import file_of
from detectors.store import Store
from tests.hub import COMMIT, Hub, running

LARGE = bytes(range(256)) * 400
FILES = {
    "config.json": b"{}",
    "preprocessor_config.json": b'{"image_mean": [0.5, 0.5, 0.5]}',
    "README.md": b"---\nlicense: mit\n---\n# Tiny\n",
    "model.safetensors": LARGE,
    "pytorch_model.bin": b"pickled",
    "onnx/model.onnx": b"another",
}
GOT = {"config.json", "preprocessor_config.json", "README.md", "model.safetensors"}


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("HF_TOKEN", "HF_ENDPOINT", "HF_HUB_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    path = tmp_path / "config.yaml"
    path.write_text(
        f"service: {{state_dir: {tmp_path / 'state'}}}\nmodels: {{folder: weights}}\n"
        "streams:\n  - {name: gate, url: 'rtsp://gate.example/1'}\n"
    )
    return path


def pulled(hub: Hub, config: Path, *more: str, name: str = "") -> tuple[int, str]:
    command = [
        "models",
        "pull",
        name or hub.repository,
        "--endpoint",
        hub.url,
        "--config",
        str(config),
        *more,
    ]
    result = CliRunner().invoke(app, command)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.output


def there(folder: Path) -> set[str]:
    return {each.relative_to(folder).as_posix() for each in folder.rglob("*") if each.is_file()}


def test_a_model_comes_whole_is_vouched_for_and_is_found_by_its_name(config: Path) -> None:
    weights = config.parent / "weights"
    with running(Hub(FILES)) as hub:
        code, said = pulled(hub, config)
    assert code == 0, said
    assert f"{weights / 'tiny-clip'}: 4 files" in said
    assert f"commit {COMMIT}" in said
    assert there(weights) == {"SHA256SUMS", *(f"tiny-clip/{name}" for name in GOT)}
    found = Store([weights]).find("tiny-clip")
    assert found.vouched
    assert found.licence == "mit"
    assert (weights / "tiny-clip" / "model.safetensors").read_bytes() == LARGE
    sums = (weights / "SHA256SUMS").read_text().splitlines()
    assert f"{hashlib.sha256(LARGE).hexdigest()}  tiny-clip/model.safetensors" in sums
    assert (
        subprocess.run(["sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS"], cwd=weights).returncode
        == 0
    )


def test_a_detector_of_objects_comes_when_its_files_are_named(config: Path) -> None:
    weights = config.parent / "weights"
    files = {"yolo11n.pt": LARGE, "yolo11s.pt": LARGE[:99], "openvino/a.xml": b"<net/>", "README.md": b"own"}
    with running(Hub(files, name="YOLO11")) as hub:
        code, said = pulled(hub, config)
        assert (code, "as those of a detector of objects: --only 'yolo11n.pt'" in said) == (1, True)
        code, said = pulled(hub, config, "--only", "yolo11n.pt", "--only", "README.md")
        assert code == 0, said
        assert there(weights / "YOLO11") == {"README.md", "yolo11n.pt"}
        assert file_of(Store([weights]).find("yolo11")) == weights / "YOLO11" / "yolo11n.pt"
        assert pulled(hub, config, "--only", "openvino/*", "--replace")[0] == 0
    assert file_of(Store([weights]).find("yolo11")) == weights / "YOLO11" / "openvino" / "a.xml"
    assert Store([weights]).find("yolo11").vouched


def test_what_is_there_does_not_come_twice_and_another_model_s_sums_stay(config: Path) -> None:
    weights = config.parent / "weights"
    weights.mkdir()
    (weights / "SHA256SUMS").write_text(
        f"{'0' * 64}  tiny-clip-2/x\n{'1' * 64}  tiny-clip/gone.safetensors\n"
    )
    with running(Hub(FILES)) as hub:
        assert pulled(hub, config)[0] == 0
        first = len(hub.asked_for("model.safetensors"))
        code, said = pulled(hub, config)
        assert (code, len(hub.asked_for("model.safetensors"))) == (0, first)
        assert "as it was" in said
        (weights / "tiny-clip" / "model.safetensors").write_bytes(b"torn")
        code, said = pulled(hub, config)
        assert (code, "move it away, or give --replace" in said) == (1, True)
        assert (weights / "tiny-clip" / "model.safetensors").read_bytes() == b"torn"
        assert pulled(hub, config, "--replace")[0] == 0
    assert (weights / "tiny-clip" / "model.safetensors").read_bytes() == LARGE
    sums = (weights / "SHA256SUMS").read_text()
    assert f"{'0' * 64}  tiny-clip-2/x\n" in sums
    assert "gone.safetensors" not in sums


def test_a_connection_that_breaks_is_gone_on_with_where_it_broke(config: Path) -> None:
    long = bytes(24 << 20)  # it is written in pieces of ten mebibytes
    with running(Hub({"model.safetensors": long}, breaks_after=21 << 20)) as hub:
        code, said = pulled(hub, config)
        assert code == 0, said
        asked = [each.get("range") for each in hub.asked_for("model.safetensors")]
        assert asked == [None, f"bytes={20 << 20}-"]


@pytest.mark.parametrize("ranges", [True, False])
def test_what_an_interrupted_command_left_is_gone_on_with(config: Path, ranges: bool) -> None:
    draft = config.parent / "weights" / ".cache" / "pull" / "tiny-clip"
    draft.mkdir(parents=True)
    (draft / "model.safetensors.part").write_bytes(LARGE[:50_000])
    (draft / "of-another-revision.json").write_bytes(b"{}")
    with running(Hub(FILES, ranges=ranges)) as hub:
        code, said = pulled(hub, config)
        assert code == 0, said
        assert [each.get("range") for each in hub.asked_for("model.safetensors")] == ["bytes=50000-"]
    assert there(config.parent / "weights" / "tiny-clip") == GOT
    assert (config.parent / "weights" / "tiny-clip" / "model.safetensors").read_bytes() == LARGE


def test_nothing_looks_for_models_in_what_is_under_way(config: Path) -> None:
    draft = config.parent / "weights" / ".cache" / "pull" / "tiny-clip"
    draft.mkdir(parents=True)
    (draft / "model.safetensors").write_bytes(LARGE[:1000])
    assert Store([config.parent / "weights"]).all() == []


@pytest.mark.parametrize("name", ["model.safetensors", "config.json"])
def test_a_file_with_another_hash_is_not_kept(config: Path, name: str) -> None:
    with running(Hub(FILES, spoiled={name})) as hub:
        code, said = pulled(hub, config)
    assert code == 1
    assert f"{name} came with another hash than the hub says" in said
    assert not (config.parent / "weights" / "tiny-clip").exists()
    assert not list((config.parent / "weights").rglob(f"{name}*"))


def test_the_token_is_sent_to_the_hub_alone_and_never_shown(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_very-secret-token")
    with running(Hub(FILES)) as other, running(Hub(FILES, token="hf_very-secret-token")) as hub:
        hub.elsewhere = other.url.replace("127.0.0.1", "localhost")
        code, said = pulled(hub, config)
        assert code == 0, said
        assert other.asked_for("model.safetensors")
        assert all("authorization" not in headers for _, _, headers in other.asked)
        assert all(headers["authorization"] == "Bearer hf_very-secret-token" for _, _, headers in hub.asked)
        other.files = {}
        (config.parent / "weights" / "tiny-clip" / "model.safetensors").unlink()
    code, failed = pulled(hub, config)
    assert code == 1
    assert "very-secret" not in said + failed
    assert "secret-signature" not in failed


def test_a_token_is_not_sent_where_everybody_could_read_it(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_very-secret-token")
    code, said = pulled(Hub(FILES, url="http://hub.example"), config)
    assert code == 1
    assert "would be readable by all on the way: use https://" in said


@pytest.mark.parametrize(
    ("hub", "more", "words"),
    [
        (Hub(FILES, gated=True), (), "only to those who have accepted its terms"),
        (Hub(FILES), ("--revision", "v9"), "has no revision 'v9'"),
        (Hub(FILES, token="t"), (), "has no model 'someone/tiny-clip' for those without a token in HF_TOKEN"),
        (Hub({"pytorch_model.bin": b"pickled", "config.json": b"{}"}), (), "has no .safetensors"),
        (Hub({"../../evil.safetensors": b"x"}), (), "would lie elsewhere"),
        (Hub({}), (), "has no .safetensors"),
    ],
    ids=["gated", "revision", "private", "pickled", "elsewhere", "empty"],
)
def test_what_cannot_be_got_is_a_sentence(config: Path, hub: Hub, more: tuple[str, ...], words: str) -> None:
    with running(hub):
        code, said = pulled(hub, config, *more)
    assert code == 1
    assert words in said
    assert not (config.parent / "weights" / hub.name).exists()


def test_a_hub_that_is_away_a_bad_name_and_no_network_are_sentences(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, said = pulled(Hub(FILES, url="http://127.0.0.1:9"), config)
    assert (code, "127.0.0.1 cannot be reached" in said) == (1, True), said
    code, said = pulled(Hub(FILES, url="http://127.0.0.1:9"), config, name="../etc/passwd")
    assert (code, "is no name on a hub" in said) == (1, True), said
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    code, said = pulled(Hub(FILES, url="http://127.0.0.1:9"), config)
    assert (code, "HF_HUB_OFFLINE is set" in said) == (1, True), said


def test_without_its_package_it_is_said_what_to_install(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "huggingface_hub.utils.logging", None)  # as if it were not installed
    code, said = pulled(Hub(FILES, url="http://127.0.0.1:9"), config)
    assert (code, 'pip install "framewarden[hub]"' in said) == (1, True), said


def test_an_interrupted_command_ends_and_the_next_one_goes_on(config: Path) -> None:
    part = config.parent / "weights" / ".cache" / "pull" / "tiny-clip" / "model.safetensors.part"
    with running(Hub({"model.safetensors": bytes(40 << 20)}, slow=0.1)) as hub:
        command = [
            sys.executable,
            "-m",
            "daemon.cli",
            "models",
            "pull",
            hub.repository,
            "--config",
            str(config),
        ]
        environ = {**os.environ, "HF_ENDPOINT": hub.url}
        pulling = subprocess.Popen(command, env=environ, stderr=subprocess.PIPE, text=True)
        while not (part.is_file() and part.stat().st_size):
            assert pulling.poll() is None
            time.sleep(0.05)
        pulling.send_signal(signal.SIGINT)
        _, said = pulling.communicate()
        assert (pulling.returncode, said) == (130, "")
        assert not (config.parent / "weights" / "tiny-clip").exists()
        had = part.stat().st_size
        hub.slow = 0
        assert pulled(hub, config)[0] == 0
        assert hub.asked_for("model.safetensors")[-1]["range"] == f"bytes={had}-"


def test_the_command_itself_says_nothing_else(config: Path) -> None:
    with running(Hub(FILES, breaks_after=1000)) as hub:
        done = subprocess.run(
            [sys.executable, "-m", "daemon.cli", "models", "pull", hub.repository, "--config", str(config)],
            env={**os.environ, "HF_ENDPOINT": hub.url, "HOME": str(config.parent)},
            capture_output=True, text=True,
        )  # fmt: skip
        assert all("x-xet" not in headers for _, _, headers in hub.asked)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert not (config.parent / ".cache").exists()


def names(files: list[str], *only: str) -> list[str]:
    return [one.name for one in chosen([Offered(name, 1, "a", "b") for name in files], only)]


def test_of_a_pipeline_what_is_read_comes_and_no_half_twice() -> None:
    files = [
        "model_index.json", "README.md", "v1-5-pruned.safetensors", "v1-5-pruned.ckpt",
        "vae/config.json", "vae/diffusion_pytorch_model.safetensors",
        "vae/diffusion_pytorch_model.fp16.safetensors", "vae/diffusion_pytorch_model.bin",
        "unet/config.json", "unet/diffusion_pytorch_model.fp16.safetensors",
        "unet/diffusion_pytorch_model.non_ema.safetensors", "scheduler/scheduler_config.json",
        "tokenizer/merges.txt", "text_encoder/model.safetensors", "safety_checker/model.safetensors",
        ".gitattributes",
    ]  # fmt: skip
    assert names(files) == [
        "README.md", "model_index.json", "scheduler/scheduler_config.json", "text_encoder/model.safetensors",
        "tokenizer/merges.txt", "unet/config.json", "unet/diffusion_pytorch_model.fp16.safetensors",
        "unet/diffusion_pytorch_model.non_ema.safetensors",
        "vae/config.json", "vae/diffusion_pytorch_model.safetensors",
    ]  # fmt: skip
    assert names(files, "vae/*.json", "*.ckpt") == ["v1-5-pruned.ckpt", "vae/config.json"]


@pytest.mark.parametrize(
    "name", ["../x.safetensors", "/etc/x.safetensors", "a/../../x.json", "a\\..\\x.json"]
)
def test_a_name_that_leads_elsewhere_stops_everything(name: str) -> None:
    with pytest.raises(DetectorError, match="would lie elsewhere"):
        names(["model.safetensors", name])


@given(
    st.lists(st.text("ab./\\-", min_size=1, max_size=12).map(lambda name: f"{name}.safetensors"), max_size=5)
)
def test_whatever_a_hub_offers_nothing_lies_outside(offered: list[str]) -> None:
    root = Path("/store/model")
    try:
        got = names(offered, "*")
    except DetectorError:
        return
    assert all((root / name).resolve().is_relative_to(root) for name in got)
    assert all((root / name).resolve() != root for name in got)


def test_a_file_of_which_the_hub_says_nothing_is_never_right() -> None:
    assert not Offered("x", 1, "", "").is_it("a", "")
