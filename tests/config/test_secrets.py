"""No credential in any text, and every password usable."""

import json
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from config.doubts import doubts
from config.load import load
from config.secrets import MARK, hide, remember, source_identity, understand_url

PASSWORD = st.text(
    alphabet=st.characters(min_codepoint=33, exclude_categories=("Cs", "Cc", "Zs", "Zl", "Zp")), min_size=4
)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("rtsp://admin:pw@cam/1", "rtsp://***@cam/1"),
        (
            "cannot open 'rtsp://admin:pw@cam:554/1?x=1': refused",
            "cannot open 'rtsp://***@cam:554/1?x=1': refused",
        ),
        ("rtsp://admin:p@ss@cam/1", "rtsp://***@cam/1"),
        ("rtsp://admin:p/a?s#s@cam/1", "rtsp://***@cam/1"),
        ("rtsp://admin:12/34@cam/1", "rtsp://***@cam/1"),
        ("a rtsp://u:p@a b redis://:q@b,rtsp://u:p@c", "a rtsp://***@a b redis://***@b,rtsp://***@c"),
        ("redis://token@h:6379/0", "redis://***@h:6379/0"),
        ("rtsp://cam:554/live/a", "rtsp://cam:554/live/a"),
        ("http://cam/user@example.org", "http://cam/user@example.org"),
        ("rtsp://[::1]:554/a", "rtsp://[::1]:554/a"),
        ("http://cam/snap?token=abc&size=2", "http://cam/snap?token=***&size=2"),
        ("unix:///run/r.sock?db=0&password=abc", "unix:///run/r.sock?db=0&password=***"),
        ('{"password": "a \\"b", "x": 1}', '{"password": ***, "x": 1}'),
        ("api_key='a b' left", "api_key=*** left"),
        ("Authorization: Basic dXNlcjpwYXNz\r\nHost: h", "Authorization: Basic ***\r\nHost: h"),
        ("keyframe every 2 s, key frames 5", "keyframe every 2 s, key frames 5"),
        ("", ""),
    ],
)
def test_what_is_shown(text: str, shown: str) -> None:
    assert hide(text) == shown


@given(
    user=PASSWORD, password=PASSWORD, before=st.text(max_size=8), after=st.text(max_size=8),
    tail=st.sampled_from(["", "/", "/live/1", "?a=b", ":554/x"]),
)  # fmt: skip
def test_an_encoded_address_shows_neither_user_nor_password(
    user: str, password: str, before: str, after: str, tail: str
) -> None:
    url = f"rtsp://{quote(user, safe='')}:{quote(password, safe='')}@cam.example{tail}"
    shown = hide(f"{before} {url} {after}")
    assert "@cam.example" in shown
    assert quote(user, safe="") + ":" not in shown
    assert ":" + quote(password, safe="") not in shown


@given(password=PASSWORD)
@example("a/b@c/d")
def test_an_address_typed_with_a_raw_password_hides_all_of_it(password: str) -> None:
    assume(not set("\"'<>") & set(password) and "://" not in password)
    assert hide(f"see rtsp://admin:{password}@cam.example now") == f"see rtsp://{MARK}@cam.example now"


@given(secret=st.text(min_size=1), before=st.text(max_size=5), after=st.text(max_size=5))
@example(secret="a", before="", after="")
@example(secret='x"y\\z', before="", after="")
def test_a_remembered_secret_is_in_no_text(secret: str, before: str, after: str) -> None:
    assume(secret.encode("utf-8", "ignore").decode() == secret and secret.strip("*"))
    remember(secret)
    for form in (secret, quote(secret, safe=""), quote(secret), json.dumps(secret), repr(secret)):
        shown = hide(f"{before} {form} {after}").split(" ")
        assert form not in shown
        if len(secret) >= 4 and secret not in before + after:
            assert secret not in " ".join(shown).replace(MARK, "")


def test_a_secret_within_another_leaves_no_rest_of_it() -> None:
    remember("corr")
    remember("corr3ct-horse")
    assert hide("corr3ct-horse corr") == "*** ***"


def test_a_password_that_is_a_streams_name_does_not_blot_the_name_out(tmp_path: Path) -> None:
    file = tmp_path / "fw.yaml"
    file.write_text("streams: [{name: orchard, url: 'rtsp://ada:orchard@127.0.0.1/1'}]\n")
    settings = load(file, {})
    assert hide("orchard: quality frozen: rtsp://ada:orchard@127.0.0.1/1") == (
        f"orchard: quality frozen: rtsp://{MARK}@127.0.0.1/1"
    )
    assert doubts(settings) == [
        (
            "stream 'orchard': a password or token is the same word, which no log can hide where it stands "
            "alone: change one of them"
        )
    ]
    file.write_text("streams: [{name: meadow, url: 'rtsp://ada:orchard@127.0.0.1/1'}]\n")
    assert doubts(load(file, {})) == []
    assert hide("it is orchard") == f"it is {MARK}"


def test_a_short_secret_leaves_other_words_alone() -> None:
    remember("qz7")
    assert hide("qz7 xqz7x 'qz7'") == "*** xqz7x '***'"


@pytest.mark.parametrize(
    ("typed", "password", "host"),
    [
        ("rtsp://u:p@h/x", "p", "h"),
        ("rtsp://u:p@ss@h/x", "p@ss", "h"),
        ("rtsp://u:p:w@h:554/x", "p:w", "h"),
        ("rtsp://u:p/w?#@h:554/x", "p/w?#", "h"),
        ("rtsp://u:/w@h/x@y", "/w", "h"),
        ("rtsp://u:p%40w@h/x", "p@w", "h"),
        ("rtsp://u:100%@h/x", "100%", "h"),
        ("rtsp://u:p[]é@[::1]:554/x", "p[]é", "::1"),
        ("redis://:p@h", "p", "h"),
        ("rtsp://h:554/u@x", None, "h"),
        ("rtsp://h/u:1@x", None, "h"),
    ],
)
def test_typed_addresses_are_understood(typed: str, password: str | None, host: str) -> None:
    parts = urlsplit(understand_url(typed))
    assert (unquote(parts.password) if parts.password else None, parts.hostname) == (password, host)
    assert understand_url(understand_url(typed)) == understand_url(typed)


def test_what_is_no_address_stays() -> None:
    for text in ("/srv/a:b@c.mp4", "clip.mp4", "u:p@h", "", "://u:p@h"):
        assert understand_url(text) == text


def test_a_typed_password_is_hidden_on_its_own_too() -> None:
    understand_url("rtsp://admin:corr%65ct-horse@cam/x?token=tok-en-1")
    assert hide("digest of correct-horse and tok-en-1 for admin") == "digest of *** and *** for admin"


def test_a_source_is_the_same_whoever_logs_in() -> None:
    one = source_identity("rtsp://admin:first@zebra-lens:554/1?channel=2&token=abc")
    assert one == source_identity("rtsp://guest:second@zebra-lens:554/1?channel=2&token=xyz")
    assert one != source_identity("rtsp://admin:first@zebra-lens:554/2?channel=2&token=abc")
    assert one != source_identity("rtsp://admin:first@other:554/1?channel=2&token=abc")
    remember("zebra-lens")
    assert one == source_identity("rtsp://admin:first@zebra-lens:554/1?channel=2&token=abc")
    assert source_identity("/srv/a.mp4") != source_identity("/srv/b.mp4")
