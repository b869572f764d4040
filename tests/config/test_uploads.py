"""A folder in place of a url, and how its files may come: what is refused, and in which words."""

from pathlib import Path

import pytest

from config.doubts import doubts
from config.load import ConfigError, load
from config.secrets import hide

FOLDER = "streams:\n  - {name: uploads, folder: in, detectors: [quality]}\n"


def problems(tmp_path: Path, text: str) -> str:
    """What is said of a file with this text."""
    (tmp_path / "framewarden.yaml").write_text(text)
    with pytest.raises(ConfigError) as refused:
        load(tmp_path / "framewarden.yaml", {})
    return str(refused.value)


def test_a_folder_is_taken_from_beside_the_file_and_needs_no_url(tmp_path: Path) -> None:
    (tmp_path / "framewarden.yaml").write_text(FOLDER)
    (stream,) = load(tmp_path / "framewarden.yaml", {}).streams
    assert (stream.folder, stream.url) == (tmp_path / "in", "")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "streams: [{name: a}]",
            "'url' is missing; for example url: rtsp://gate.example/stream1, or a folder",
        ),
        ("streams: [{name: a, url: x.mp4, folder: in}]", "'url' and 'folder' are two sources"),
        (
            "streams: [{name: a, folder: in, detectors: [anomaly]}]",
            "detectors: anomaly learns what one camera",
        ),
        (
            "defaults: {detectors: [anomaly]}\nstreams: [{name: a, folder: in}]",
            "stream 'a': detectors: anomaly learns what one camera",
        ),
        ("streams: [{name: a, url: x.mp4}]\nuploads: {http: {enabled: true}}", "no stream has a folder"),
        (
            FOLDER + "service: {listen: '0.0.0.0:8686'}\nuploads: {http: {enabled: true}}",
            "anybody who reaches 0.0.0.0:8686 could upload: set token to file:PATH",
        ),
        (FOLDER + "service: {listen: null}\nuploads: {http: {enabled: true}}", "service.listen is null"),
        (FOLDER + "uploads: {jobs: {enabled: true}}", "name folders or hosts that jobs may lead to"),
        (FOLDER + "uploads: {at_once: 0}", "must be at least 1"),
    ],
)
def test_what_could_not_work_is_refused_in_words(tmp_path: Path, text: str, words: str) -> None:
    assert words in problems(tmp_path, text)


@pytest.mark.parametrize("listen", ["127.0.0.1:8686", "localhost:8686", "[::1]:8686"])
def test_on_this_machine_alone_no_token_is_needed(tmp_path: Path, listen: str) -> None:
    text = f"{FOLDER}service: {{listen: '{listen}'}}\nuploads: {{http: {{enabled: true}}}}"
    (tmp_path / "framewarden.yaml").write_text(text)
    assert load(tmp_path / "framewarden.yaml", {}).uploads.http.token is None


def test_a_token_is_read_from_outside_and_never_shown(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("upl0ad-t0ken\n")
    (tmp_path / "framewarden.yaml").write_text(
        FOLDER + "uploads: {http: {enabled: true, token: 'file:token'}}"
    )
    settings = load(tmp_path / "framewarden.yaml", {})
    assert settings.uploads.http.token == "upl0ad-t0ken"
    assert "upl0ad-t0ken" not in repr(settings) and "upl0ad-t0ken" not in hide("Bearer upl0ad-t0ken")


def test_anomaly_as_a_default_is_left_out_of_a_folder_and_that_is_said(tmp_path: Path) -> None:
    (tmp_path / "framewarden.yaml").write_text("streams: [{name: uploads, folder: in}]")
    settings = load(tmp_path / "framewarden.yaml", {})
    assert settings.detectors_of(settings.streams[0]) == ("quality",)
    told = doubts(settings)
    assert any("folder" in each and "is not there" in each for each in told)
    assert any("anomaly is left out" in each for each in told)
