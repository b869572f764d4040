"""What `framewarden models` says of the weights that there are."""

import hashlib
from pathlib import Path

import pytest
from typer.testing import CliRunner

from daemon.cli import app

BLOB = b"weights"
SHA256 = hashlib.sha256(BLOB).hexdigest()


@pytest.fixture
def config(tmp_path: Path) -> Path:
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / f"net-{SHA256[:8]}.pth").write_bytes(BLOB)
    (tmp_path / "weights" / "other.onnx").write_bytes(BLOB)
    path = tmp_path / "config.yaml"
    path.write_text(
        f"service: {{state_dir: {tmp_path / 'state'}}}\nmodels: {{folder: weights}}\n"
        "streams:\n  - {name: gate, url: 'rtsp://gate.example/1'}\n"
    )
    return path


def asked(config: Path, *arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["models", *arguments, "--config", str(config)])
    return result.exit_code, result.output


def test_the_list_has_the_hash_and_says_that_a_licence_is_unknown(config: Path) -> None:
    code, said = asked(config, "list")
    assert code == 0
    assert "net  7 bytes, licence: unknown\n" in said
    assert f"\n  {config.parent / 'weights'}/net-{SHA256[:8]}.pth\n  sha256 {SHA256}\n" in said


def test_good_weights_are_good_and_what_nothing_vouches_for_is_said(config: Path) -> None:
    code, said = asked(config, "verify")
    assert code == 0
    assert f"net: good, {SHA256}" in said
    assert f"other: nothing says what it should be: {SHA256}" in said


def test_damaged_weights_are_told_and_the_command_fails(config: Path) -> None:
    (config.parent / "weights" / f"net-{SHA256[:8]}.pth").write_bytes(b"torn")
    code, said = asked(config, "verify", "net")
    assert code == 1
    assert "does not have the hash that its name says" in said
    assert "other" not in said
    assert asked(config, "verify", "other")[0] == 0


def test_check_tells_which_weights_are_missing_and_that_is_no_error(config: Path) -> None:
    good = config.read_text()
    for wanted, told in (("nought", True), ("other", False)):
        config.write_text(good + f"detectors: {{anomaly: {{backbone: {wanted}}}}}\n")
        result = CliRunner().invoke(app, ["check", str(config)])
        assert result.exit_code == 0
        assert ("detectors.anomaly.backbone: there are no weights 'nought' in" in result.output) is told
        assert "good" in result.output


def test_check_tells_how_a_missing_detector_of_objects_is_got(config: Path) -> None:
    config.write_text(config.read_text() + "detectors: {objects: {model: yolo11n}}\n")
    result = CliRunner().invoke(app, ["check", str(config)])
    assert result.exit_code == 0
    assert "detectors.objects.model: there are no weights 'yolo11n' in" in result.output
    assert "get them by `framewarden models pull OWNER/NAME`" in result.output


def test_a_name_that_is_not_there_is_a_sentence(config: Path) -> None:
    code, said = asked(config, "verify", "nought")
    assert code == 1
    assert "there are no weights 'nought' in" in said
    assert "Traceback" not in said


def test_check_tells_that_a_model_to_restore_by_is_missing_and_that_two_ways_are_one_too_many(
    config: Path,
) -> None:
    good = config.read_text()
    config.write_text(good + "detectors: {anomaly: {reconstruction: nought}}\n")
    result = CliRunner().invoke(app, ["check", str(config)])
    assert result.exit_code == 0
    assert "detectors.anomaly.reconstruction: there are no weights 'nought' in" in result.output
    config.write_text(good + "detectors: {anomaly: {backbone: other, reconstruction: nought}}\n")
    result = CliRunner().invoke(app, ["check", str(config)])
    assert result.exit_code == 2
    assert "'backbone' and 'reconstruction' are two ways of judging: name one of them" in result.output
