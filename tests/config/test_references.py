"""Values from variables and secret files: found, put in, and said in words when missing."""

from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.references import fill
from config.secrets import hide

HERE = Path("/nowhere")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("plain", "plain"),
        ("", ""),
        ("${A}", "x"),
        ("${A}-${A}", "x-x"),
        ("${NONE:-y}", "y"),
        ("${EMPTY:-y}", "y"),
        ("${NONE:-}", None),
        ("${EMPTY}", None),
        ("a${EMPTY}", "a"),
        ("$A $ $$ $${A} 5$", "$A $ $ ${A} 5$"),
        ("file:///srv/clip.mp4", "file:///srv/clip.mp4"),
        ("rtsp://${A}:${ODD}@${HOST}/${A}", "rtsp://x:p%40%3A%2F%3F%23%25%20w@cam:554/x"),
        ("rtsp://${LOGIN}@cam/", "rtsp://ann:b%3Ac%40%2541@cam/"),
        ("rtsp://${WITH_LOGIN}/1", "rtsp://u:p%40@cam/1"),
        ("rtsp://cam:${PORT}/a@b", "rtsp://cam:554/a@b"),
        ("${URL}", "redis://:p%2Fw@h"),
    ],
)
def test_filled(text: str, value: str | None) -> None:
    environ = {
        "A": "x", "EMPTY": "", "ODD": "p@:/?#% w", "HOST": "cam:554", "PORT": "554", "LOGIN": "ann:b:c@%41",
        "WITH_LOGIN": "u:p@@cam", "URL": "redis://:p/w@h",
    }  # fmt: skip
    filled = fill(text, environ, HERE)
    assert (filled.value, filled.troubles) == (value, ())


@given(user=st.text(min_size=1), password=st.text(min_size=1))
def test_any_user_and_password_arrive(user: str, password: str) -> None:
    filled = fill("rtsp://${U}:${P}@cam.example:554/live", {"U": user, "P": password}, HERE)
    assert filled.value is not None
    parts = urlsplit(filled.value)
    assert (unquote(parts.username or ""), unquote(parts.password or "")) == (user, password)
    assert (parts.hostname, parts.port, parts.path) == ("cam.example", 554, "/live")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("${GATE_PASWORD}", "the environment variable GATE_PASWORD is not set, did you mean GATE_PASSWORD?"),
        ("${B}", "the environment variable B is not set: set it, or write ${B:-default}"),
        ("${", "'${' has no '}' after it; a plain dollar sign before '{' is written $$"),
        ("${1}", "'${...}' names no variable: write ${NAME}"),
        ("${}", "'${...}' names no variable: write ${NAME}"),
        ("file:", "'file:' names no file"),
        ("file:none", "the secret file /nowhere/none does not exist: create it, or mend its path"),
        ("x${file:/none}", "the secret file /none does not exist"),
        ("file:/", "the secret file / is a folder: name a file in it"),
        ("file:/a\0b", "the secret file /a\0b cannot be read"),
    ],
)
def test_what_is_missing_is_said(text: str, words: str) -> None:
    filled = fill(text, {"GATE_PASSWORD": "hunter2"}, HERE)
    assert len(filled.troubles) == 1 and filled.troubles[0].startswith(words)
    assert "hunter2" not in filled.troubles[0]


def test_two_missing_variables_are_two_troubles() -> None:
    assert len(fill("rtsp://${U}:${P}@h", {}, HERE).troubles) == 2


def test_secret_files(tmp_path: Path) -> None:
    (tmp_path / "pw").write_text("p@ss wörd\r\n")
    assert fill("file:pw", {}, tmp_path).value == "p@ss wörd"
    assert fill(f"file:{tmp_path}/pw", {}, HERE).value == "p@ss wörd"
    assert fill("file:${WHERE}/pw", {"WHERE": str(tmp_path)}, HERE).value == "p@ss wörd"
    assert fill("rtsp://u:${file:pw}@cam/", {}, tmp_path).value == "rtsp://u:p%40ss%20w%C3%B6rd@cam/"
    assert hide("it was p@ss wörd") == "it was ***"


def test_systemds_credentials_come_before_the_configurations_folder(tmp_path: Path) -> None:
    handed = tmp_path / "handed"
    handed.mkdir()
    (handed / "a").write_text("from systemd")
    (tmp_path / "a").write_text("beside")
    (tmp_path / "b").write_text("beside")
    environ = {"CREDENTIALS_DIRECTORY": str(handed)}
    assert fill("file:a", environ, tmp_path).value == "from systemd"
    assert fill("file:b", environ, tmp_path).value == "beside"


def test_secret_files_that_are_none(tmp_path: Path) -> None:
    (tmp_path / "clip.mp4").write_bytes(b"\xff" * 100)
    (tmp_path / "large").write_bytes(b"a" * 70_000)
    (tmp_path / "empty").write_text("\n")
    assert (
        "is not text (UTF-8); a recording is named without 'file:'"
        in fill("file:clip.mp4", {}, tmp_path).troubles[0]
    )
    assert "is too large for a secret" in fill("file:large", {}, tmp_path).troubles[0]
    assert "is empty: write the secret into it" in fill("file:empty", {}, tmp_path).troubles[0]


def test_an_address_from_a_file_keeps_its_host_readable(tmp_path: Path) -> None:
    (tmp_path / "url").write_text("rtsp://ann:sup3r@cam.example/1\n")
    url = fill("file:url", {}, tmp_path).value
    assert (
        hide(f"cannot open {url}: sup3r is refused") == "cannot open rtsp://***@cam.example/1: *** is refused"
    )


def test_only_variables_that_hold_secrets_are_hidden() -> None:
    environ = {"LISTEN_PORT": "48123", "API_TOKEN": "tok-48124"}
    fill("${LISTEN_PORT} ${API_TOKEN}", environ, HERE)
    assert hide("on 48123 with tok-48124") == "on 48123 with ***"
