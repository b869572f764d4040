"""What an operator reads of an address that cannot be one, or may be another than was meant."""
# ruff: noqa: E501 - whole lines, as the operator reads them

import os
import re
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from config.address import ENCODING, LIVE_SCHEMES, may_hide_password, source_address
from config.document import read
from config.doubts import doubts
from config.load import ConfigError, load
from config.redis_address import redis_address
from streams.opening import LIVE_OPTIONS


def told(folder: Path, text: str) -> str:
    file = folder / "fw.yaml"
    file.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load(file, {})
    return str(caught.value).removeprefix(f"{file}:")


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http:///x", "names no host: write http://HOST/..."),
        ("rtsp://", "names no host: write rtsp://HOST/..."),
        ("rtsp://u:hunter2@/x", "names no host: write rtsp://HOST/..."),
        ("rstp://u:hunter2@h/1", "unknown scheme 'rstp', did you mean 'rtsp'?"),
        ("RTSP://h/1", "unknown scheme 'RTSP', did you mean 'rtsp'?"),
        ("onvif://h/1", "unknown scheme 'onvif', known are rtsp, rtsps, rtmp, rtmps, http, https, udp, v4l2 and file"),
        ("hunter2 rtsp://h/1", "begins with no scheme: known are rtsp, rtsps, rtmp, rtmps, http, https, udp, v4l2 and file"),
        ("rtsp//h/1", "'rtsp//' begins no address: write rtsp://HOST/..."),
        ("rtsp:/host/x", "'rtsp:/' begins no address: write rtsp://HOST/..."),
        ("RTSP:host/x", "'RTSP:' begins no address: write rtsp://HOST/..."),
        ("192.168.1.4", "looks like a host, and there is no file of that name: write rtsp:// before it"),
        ("192.168.1.4/live", "looks like a host, and there is no file of that name: write rtsp:// before it"),
        ("admin:hunter2@cam.local/stream", "looks like a name and a host, and there is no file of that name: write rtsp:// before it"),
        ("admin:hun/ter2@10.0.0.4", "looks like a name and a host, and there is no file of that name: write rtsp:// before it"),
        ("admin@cam.local:554/stream", "looks like a name and a host, and there is no file of that name: write rtsp:// before it"),
        ("cam:554/live", "looks like a host, and there is no file of that name: write rtsp:// before it"),
        ("rtsp://h:99999/x", f"the port must be a number from 1 to 65535; {ENCODING}"),
        ("rtsp://gate camera/x", "a space stands in the host, the name or the password: take it away, or write it as %20"),
        ("rtsp://h:0/x", f"the port must be a number from 1 to 65535; {ENCODING}"),
        ("rtsp://admin:hunter2/x", f"the port must be a number from 1 to 65535; {ENCODING}"),
        ("rtsp://u:hunter2@[::1/x", f"host or port cannot be understood; {ENCODING}"),
        ("udp://", "names no host: write udp://HOST/..."),
        ("v4l2://video0", "names no device: write v4l2:///dev/video0, with three slashes"),
        ("v4l2:///etc/passwd", "names no device: write v4l2:///dev/video0, with three slashes"),
        ("v4l2:///dev/video0?vide_size=1x1", "a device has no option of that name, did you mean 'video_size'?"),
        ("v4l2:///dev/video0?framerate=", "framerate is written as in video_size=1280x720&framerate=25&input_format=mjpeg"),
        ("*.mp4", "'*' stands for nothing here: name one recording, and one stream for each"),
        ("file://clip.mp4", "file:// takes a whole path, as in file:///srv/clip.mp4; or write just the path"),
    ],
)  # fmt: skip
def test_a_source_that_can_never_be_opened(tmp_path: Path, url: str, words: str) -> None:
    assert (
        told(tmp_path, f"streams:\n  - {{name: gate, url: '{url}'}}\n") == f"2: stream 'gate': url: {words}"
    )


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("redis://:hunter2@127.0.0.1:99999/0", f"the port must be a number from 1 to 65535; {ENCODING}"),
        ("redis://:hunter2@127.0.0.1:port/0", f"the port must be a number from 1 to 65535; {ENCODING}"),
        ("redis://", "names no host: write one after //, as in redis://127.0.0.1:6379/0"),
        ("rediss://:hunter2@:6379", "names no host: write one after //, as in redis://127.0.0.1:6379/0"),
        ("redis://[::1", f"host or port cannot be understood; {ENCODING}"),
        ("redis://h/hunter2", "only a database's number may stand after host and port, as in redis://HOST:6379/0"),
        ("redis://h?hunter2=1", "one of the options after '?' is not known: db, username, password"),
        ("redis://h?db=one", "the option db is a database's number, as in ?db=0"),
        ("unix://", "names no socket: write unix:///run/redis.sock, with three slashes"),
        ("unix://run/redis.sock", "names no socket: write unix:///run/redis.sock, with three slashes"),
        ("rediss://h?ssl_keyfile=k.pem", "the option ssl_keyfile is of no use without ssl_certfile"),
        ("redis+sentinel://a:26379,b:26379", "behind Sentinel an address is written redis+sentinel://HOST:26379,HOST:26379/SERVICE/0"),
        ("redis+sentinel://a:99999/main", f"the port must be a number from 1 to 65535; {ENCODING}"),
        ("redis+sentinel://a,,b/main", "behind Sentinel an address is written redis+sentinel://HOST:26379,HOST:26379/SERVICE/0"),
    ],
)  # fmt: skip
def test_a_redis_server_that_can_never_be_reached(tmp_path: Path, url: str, words: str) -> None:
    text = f"streams: [{{name: gate, url: x.mp4}}]\nredis: {{url: '{url}'}}\n"
    assert told(tmp_path, text) == f"2: redis: url: {words}"


@pytest.mark.parametrize(
    "url",
    [
        "rtsp://h", "rtsp://h:554/a@b", "rtsp://u:p%40@[fe80::1]:554/1?a=b", "http://cam/snap.mjpg",
        "udp://:5000", "udp://@239.0.0.1:5000", "v4l2:///dev/video0?video_size=1280x720&framerate=25&input_format=mjpeg", "rtmps://h/app/key",
    ],
)  # fmt: skip
def test_good_cameras_stay_as_they_are(url: str) -> None:
    assert source_address(url, Path("/etc")) == url


@pytest.mark.parametrize(
    "url",
    [
        "redis://h", "redis://u:p@h:6379/15", "redis://:p@[::1]:6379", "rediss://h?ssl_cert_reqs=none&db=2",
        "unix:///run/r.sock?db=1", "unix://u:p@/run/r.sock",
    ],
)  # fmt: skip
def test_good_servers_stay_as_they_are(url: str) -> None:
    assert redis_address(url).url == url


def test_where_a_server_is_can_be_said() -> None:
    assert redis_address("redis://user:p%40ss@[::1]:6380/2?db=1").where == "[::1]:6380"
    assert redis_address("rediss://redis.example").where == "redis.example:6379"
    assert redis_address("unix://user:pass@/run/redis.sock?db=1").where == "/run/redis.sock"


def test_a_service_behind_sentinel() -> None:
    found = redis_address("rediss+sentinel://u:p@ss@a,[::1]:5/main/3?ssl_ca_certs=ca.pem&sentinel_password=x")
    assert found.url == "rediss://u:p%40ss@main/3?ssl_ca_certs=ca.pem"
    assert found.sentinels == (("a", 26379), ("::1", 5))
    assert found.where == "main behind Sentinel at a:26379, [::1]:5"
    assert found.tls
    assert "p@ss" not in repr(found) and "p%40ss" not in repr(found)


def test_a_file_may_be_called_like_a_host(tmp_path: Path) -> None:
    for name in ("192.168.1.4", "rtsp:h", "*.mp4"):
        (tmp_path / name).touch()
        assert source_address(name, tmp_path) == str(tmp_path / name)


def test_streams_lets_ffmpeg_open_every_scheme_that_is_known_here() -> None:
    assert {each for each in LIVE_SCHEMES if each != "v4l2"} <= set(
        LIVE_OPTIONS["protocol_whitelist"].split(",")
    )


@given(
    head=st.sampled_from(
        ["", "rtsp://", "redis://", "rediss+sentinel://", "unix://", "x://", "rtsp:", "~", "file://"]
    ),
    rest=st.text(alphabet="ab1:/@?#[]%*.~ \n\0é&=\u2100", max_size=30),
)
def test_any_text_is_an_address_or_a_sentence_that_repeats_none_of_it(head: str, rest: str) -> None:
    assume(head or not re.match("[a-z0-9.*]*:", f"qzx9{rest}"))  # a scheme is no secret, and is repeated
    for address in (source_address, redis_address):
        try:
            address(f"{head}qzx9{rest}")
        except ValueError as error:  # an address is just as good an end
            assert type(error) is ValueError and "qzx9" not in str(error)  # noqa: PT017


@pytest.mark.parametrize(
    ("url", "hides"),
    [
        ("rtsp://viewer:Tr0ub@dor#3@127.0.0.1:18554/gate", True),
        ("rtsp://viewer:Tr0ub@dor/3@h/gate", True),
        ("rtsp://admin:12/34@h/gate", True),
        ("rtsp://viewer:Tr0ub%40dor%233@127.0.0.1/gate", False),
        ("rtsp://h/user@example.org", False),
        ("rtsp://[::1]/user@example.org", False),
        ("rtsp://u:p@h/gate", False),
        ("clip:a/b@c.mp4", False),
    ],
)
def test_a_password_that_ends_too_early(url: str, hides: bool) -> None:
    assert may_hide_password(url) is hides


def test_what_a_good_file_leaves_in_doubt(tmp_path: Path) -> None:
    (tmp_path / "there.mp4").write_bytes(b"\0\0\0\x20ftypisom")
    (tmp_path / "playlist.m3u8").write_text("#EXTM3U\n")
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "notes.txt").write_text("the camera over the gate\n")
    os.mkfifo(tmp_path / "pipe")
    file = tmp_path / "fw.yaml"
    file.write_text(
        "streams:\n  - {name: a, url: there.mp4}\n  - {name: b, url: later.mp4}\n"
        "  - {name: d, url: playlist.m3u8}\n  - {name: e, url: empty.mp4}\n  - {name: f, url: notes.txt}\n"
        "  - {name: g, url: .}\n  - {name: h, url: pipe}\n"
        "  - {name: c, url: 'rtsp://viewer:Tr0ub@dor#3@127.0.0.1:18554/gate'}\n"
    )
    assert doubts(load(file, {})) == [
        f"stream 'b': url: {tmp_path}/later.mp4 is not there, or not for this user",
        f"stream 'e': url: {tmp_path}/empty.mp4 is empty",
        f"stream 'f': url: {tmp_path}/notes.txt is text, and no recording",
        f"stream 'g': url: {tmp_path}/. is a folder: name a recording in it, or write folder: for url: to watch all that come to it",
        f"stream 'c': url: there is an '@' after the host: {ENCODING}",
    ]


def test_doubts_about_redis(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").touch()
    file = tmp_path / "fw.yaml"
    file.write_text(
        "streams: [{name: a, url: 'rtsp://h/1'}]\nalerts: {channels: [{kind: log}]}\nredis: {url: "
        f"'rediss://h?ssl_ca_certs={tmp_path}/ca.pem&ssl_certfile={tmp_path}/us.pem'}}\n"
    )
    assert doubts(load(file, {})) == [
        "redis: url: alerts.channels names no 'kind: redis', so nothing is sent there",
        f"redis: url: ssl_certfile: {tmp_path}/us.pem is not there, or not for this user",
    ]
    file.write_text("streams: [{name: a, url: 'rtsp://h/1'}]\nredis: {replicas: 1}\n")
    with pytest.raises(ConfigError, match="the embedded server has no replicas: leave 'replicas' out"):
        load(file, {})


def test_doubts_about_rules_and_channels(tmp_path: Path) -> None:
    file = tmp_path / "fw.yaml"
    file.write_text("""
streams: [{name: gate, url: 'rtsp://h/1'}]
alerts:
  rules:
    - {tell: false}
    - {tell: false, between: "22:00-06:00"}
    - {stream: gaet, severity: info}
    - {stream: "g*", kind: quality, label: frozn, tell: false}
    - {kind: object, label: unicorn, tell: false}
  channels:
    - {kind: file, path: alerts.jsonl}
    - {kind: file, name: again, path: ./alerts.jsonl}
    - {kind: file, name: elsewhere, path: alrets/all.jsonl}
    - {kind: webhook, url: "http://ada:lovelace-9@h/"}
    - {kind: webhook, name: fine, url: "http://ada:${HOOK_PASSWORD}@h/"}
    - {kind: mqtt, url: "mqtt://ada:lovelace-9@h"}
""")
    environ = {"HOOK_PASSWORD": "lovelace-10"}
    told = doubts(load(file, environ), read(file, environ), {"quality": ["frozen", "black"]})
    open_password = (
        "a password stands in this file for all who read it: take it from a ${VARIABLE} or ${file:PATH}"
    )
    assert told == [
        "alerts: rules: the 1. rule: 'tell: false' for everything: nobody is told of any alert",
        "alerts: rules: the 3. rule: no stream fits 'gaet', did you mean 'gate'?",
        "alerts: rules: the 4. rule: no label of kind quality fits 'frozn', did you mean 'frozen'?",
        (
            f"channel 'again': path: channel 'file' writes {tmp_path}/alerts.jsonl too, "
            "and each moves it away from under the other: give each a file of its own"
        ),
        (
            f"channel 'elsewhere': path: the folder {tmp_path}/alrets is not there and will be made: "
            "is it the right one?"
        ),
        f"channel 'webhook': url: {open_password}",
        f"channel 'mqtt': url: {open_password}",
    ]
