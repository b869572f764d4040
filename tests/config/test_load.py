"""What an operator reads when the file is wrong, and what the daemon gets when it is right."""
# ruff: noqa: E501 - whole lines, as the operator reads them

import os
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from config.channels import LogChannelSettings, RedisChannelSettings
from config.load import ConfigError, load
from config.state import state_folder

GATE = "streams:\n  - {name: gate, url: clip.mp4}\n"


def problems(folder: Path, text: str | bytes, environ: dict[str, str] | None = None) -> list[str]:
    """The lines that an operator reads, without the file's name."""
    file = folder / "fw.yaml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ConfigError) as caught:
        load(file, environ or {})
    lines = str(caught.value).splitlines()
    assert all(line.startswith(str(file)) for line in lines)
    return [line.removeprefix(str(file)).removeprefix(":").strip() for line in lines]


def good(folder: Path, text: str, environ: dict[str, str] | None = None):  # type: ignore[no-untyped-def]
    file = folder / "fw.yaml"
    file.write_text(text)
    return load(file, environ or {})


def test_a_stream_is_all_that_is_needed(tmp_path: Path) -> None:
    loaded = good(tmp_path, GATE)
    assert loaded.streams[0].name == "gate"
    assert loaded.detectors_of(loaded.streams[0]) == ("quality", "anomaly")
    assert loaded.alerts.channels == (RedisChannelSettings(), LogChannelSettings())


def test_every_problem_is_told_at_once_in_the_order_of_the_file(tmp_path: Path) -> None:
    told = problems(
        tmp_path,
        """\
redis: {prt: 1}
sample_fps: 3
streams:
  - name: gate
    url: "${GATE_URL}"
    sample_fps: -1
  - name: gate
    url: x.mp4
    detectors: [qality]
detectors:
  quality: {sensitivty: 2}
alerts:
  channels:
    - kind: redsi
""",
    )
    assert told == [
        "1: redis: unknown key 'prt', did you mean 'port'?",
        "2: unknown key 'sample_fps': it belongs under defaults or streams",
        "5: stream 'gate': url: the environment variable GATE_URL is not set: set it, or write ${GATE_URL:-default}",
        "6: stream 'gate': sample_fps: must be above 0, found -1",
        "7: stream 'gate': name: another stream has this name on line 4; each needs its own",
        "9: stream 'gate': detectors: item 1: expected quality, anomaly, deepfake or objects, found 'qality', did you mean 'quality'?",
        "11: detectors: quality: unknown key 'sensitivty', did you mean 'sensitivity'?",
        "14: alerts: channels: item 1: kind 'redsi' is not known: redis, log, file, webhook, mqtt, alertmanager or apprise; did you mean redis?",
    ]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", "the file is empty; see config/example.yaml"),
        ("# nothing\n", "the file is empty; see config/example.yaml"),
        ("- a\n", "1: the file must hold sections such as 'streams:', found a list; see config/example.yaml"),
        ("redis: {}\n", "1: 'streams' is missing; for example streams: [{name: gate, url: 'rtsp://gate.example/stream1'}]"),
        ("streams: []\n", "1: streams: must not be empty; for example streams: [{name: gate, url: 'rtsp://gate.example/stream1'}]"),
        ("streams:\n", "1: streams: expected a list, found nothing; for example streams: [{name: gate, url: 'rtsp://gate.example/stream1'}]"),
        ("streams:\n  - url: a.mp4\n", "2: stream 1: 'name' is missing; for example name: gate"),
        ("streams:\n  - name: on\n    url: a\n", "2: stream 1: name: expected text, and YAML does not take on for text: put it in quotes"),
        ("streams:\n  - name: Gate\n    url: a\n", "2: stream 'Gate': name: 'Gate' does not fit here (Lower-case letters, digits, '-' and '_': part of channel names); for example name: gate"),
        (GATE + "redis:\n", "3: redis: 'redis' is empty: put something under it, or leave it out"),
        (GATE + "redis: 5\n", "3: redis: expected a section, found 5"),
        (GATE + "defaults: {detectors: quality}\n", "3: defaults: detectors: expected a list, found 'quality'; for example detectors: [quality, anomaly]"),
        (GATE + "defaults: {sample_fps: fast}\n", "3: defaults: sample_fps: expected a number, found 'fast'; for example sample_fps: 5"),
        (GATE + "defaults: {sample_fps: 61}\n", "3: defaults: sample_fps: must be at most 60, found 61"),
        (GATE + "service: {stale_after: .inf}\n", "3: service: stale_after: expected a number that is not infinite, found .inf; for example stale_after: 2"),
        (GATE + "redis: {port: 6379.5}\n", "3: redis: port: expected a whole number, found 6379.5; for example port: 6379"),
        (GATE + "service: {device: gpu}\n", "3: service: device: expected auto, cpu or cuda, found 'gpu', did you mean 'cuda'?"),
        (GATE + "service: {listen: 8686}\n", "3: service: listen: 8686 does not fit here (Where /metrics, /healthz and /status are served, host:port. null: nowhere); for example listen: '127.0.0.1:8686'"),
        (GATE + "redis: {host: h}\n", "3: redis: unknown key 'host', did you mean 'url'?"),
        (GATE + "redis: {port: 6379, url: 'redis://h'}\n", "3: redis: 'port' is for the embedded server, and 'url' names another: leave one out"),
        (GATE + "alerts: {channels: [{}]}\n", "3: alerts: channels: item 1: 'kind' is missing: every channel says what it is, for example kind: redis"),
        (GATE + "alerts: {channels: [{kind: log, loud: 1}]}\n", "3: alerts: channels: item 1: unknown key 'loud': known here: name, only, kind"),
        (GATE + "alerts: {channels: [{kind: log}, {kind: redis}, {kind: log}]}\n", "3: alerts: channels: item 3: another channel is called 'log' on line 3: give this one a name, as in name: log-2"),
        (GATE + "alerts: {channels: [{kind: log, name: a}, {kind: redis, name: a}]}\n", "3: alerts: channels: item 2: name: another channel has this name on line 3; each needs its own"),
        (GATE + "alerts: {channels: [{kind: log, only: {streams: [gaet]}}]}\n", "3: alerts: channels: item 1: only: streams: item 1: no stream is called 'gaet', did you mean 'gate'?"),
        (GATE + "alerts: {channels: [{kind: mqtt, url: 'mqtt://b', only: {states: [opened, updated]}}]}\n", "3: alerts: channels: item 1: only: states: without closed, no alert would ever end in mqtt: add closed, or leave states out"),
        (GATE + "alerts: {channels: [{kind: alertmanager, url: 'http://b', only: {states: [opened]}}]}\n", "3: alerts: channels: item 1: only: states: without closed, no alert would ever end in alertmanager: add closed, or leave states out"),
        (GATE + "alerts: {channels: [{kind: log, only: {kinds: [anomly]}}]}\n", "3: alerts: channels: item 1: only: kinds: item 1: expected anomaly, deepfake, object, quality, stream or verdict, found 'anomly', did you mean 'anomaly'?"),
        (GATE + "alerts: {channels: [{kind: log, only: {states: [open]}}]}\n", "3: alerts: channels: item 1: only: states: item 1: expected opened, updated, closed or judged, found 'open', did you mean 'opened'?"),
        (GATE + "alerts: {channels: [{kind: log, filter: {}}]}\n", "3: alerts: channels: item 1: unknown key 'filter', did you mean 'only'?"),
        (GATE + "redis: {port: 1}\nredis: {port: 2}\n", "4: the key 'redis' stands here a second time, first on line 3"),
        (GATE + "redis: !server {}\n", "3: redis: the tag !server is not known: leave it out"),
        (GATE + "redis: {port: !!python/name:os.system ''}\n", "3: redis: port: the tag !!python/name:os.system is not known: leave it out"),
        (GATE + "redis: {port: 2026-99-99}\n", "3: redis: port: 2026-99-99 looks like a number or date but is none: put it in quotes"),
        (GATE + "redis: &r {url: *r}\n", "3: redis: url: an alias must not stand inside what it points to"),
        (GATE + "? [a]\n: 1\n", "3: a key must be a plain word"),
        (GATE + "redis: {<<: 5}\n", "3: redis: '<<' takes a section or a list of them (an alias such as *camera)"),
        ("streams:\n\t- name: gate\n", "2: not valid YAML: YAML is indented with spaces, here stands a tab"),
        ("---\na: 1\n---\nb: 2\n", "3: not valid YAML: a second document begins here ('---'): one file holds one configuration"),
        ("streams: {port: ${PORT}}\n", "1: not valid YAML: inside { } a value with ${...} stands in quotes"),
        ("a: *nobody\n", "1: not valid YAML: *nobody stands for nothing: name it before, with &nobody, or put it in quotes"),
        ("streams:\n  - {name: gate, url: x\n", "2: not valid YAML: '{' on this line is never closed"),
        ("streams: [\n  {name: gate}\n", "1: not valid YAML: '[' on this line is never closed"),
        ("a: 'x\nb: 1\n", "1: not valid YAML: '\'' on this line is never closed"),
        ("a: x: y\n", "1: not valid YAML: a ':' too many: put a value that holds ': ' in quotes, or begin this line under the one above"),
        ("a:\n  - b: 1\n   c: 2\n", "3: not valid YAML: this line begins in another column than its neighbours: what belongs together is indented alike"),
        ("a:\nb\nc: 1\n", "3: not valid YAML: here a ':' is missing, or a value that goes over several lines its quotes"),
        ("a: %x\n", "1: not valid YAML: a value that begins with '%' is put in quotes"),
        (b"a: 1\nb: \xff\n", "2: not UTF-8 text: save the file with that encoding"),
        (b"a: 1\nb: \x00\n", "2: the character U+0000 is not allowed in YAML"),
        ("[" * 5000, "lists or sections are nested too deeply"),
    ],
)  # fmt: skip
def test_each_mistake_has_its_words(tmp_path: Path, text: str | bytes, line: str) -> None:
    assert line in problems(tmp_path, text)


def test_a_doubled_name_is_told_once(tmp_path: Path) -> None:
    told = problems(tmp_path, GATE + "  - {name: gate, url: b.mp4}\n")
    assert told == ["3: stream 'gate': name: another stream has this name on line 2; each needs its own"]


def test_a_recording_is_looked_for_beside_the_file_and_at_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "/home/ann")
    monkeypatch.chdir("/")
    told = {
        "a.mp4": tmp_path / "a.mp4",
        "~/b.mp4": "/home/ann/b.mp4",
        "/c.mp4": "/c.mp4",
        "file:///d%20e": "/d e",
    }
    for written, path in told.items():
        loaded = good(tmp_path, f"streams: [{{name: gate, url: '{written}'}}]\n")
        assert loaded.streams[0].url == str(path)
    monkeypatch.chdir(tmp_path)
    assert load(Path("fw.yaml"), {}).streams[0].url == "/d e"
    (tmp_path / "fw.yaml").write_text(GATE)
    assert load(Path("fw.yaml"), {}).streams[0].url == str(tmp_path / "clip.mp4")


def test_of_a_user_that_nobody_knows_no_home_is_filled_in(tmp_path: Path) -> None:
    loaded = good(
        tmp_path,
        "streams: [{name: up, folder: ~nobody-knows/in}]\n"
        "models: {folder: ~nobody-knows/models}\n"
        "detectors: {deepfake: {encoder: clip, head: ~nobody-knows/head}}\n"
        "service: {state_dir: ~nobody-knows/state}\n",
    )
    assert loaded.streams[0].folder == tmp_path / "~nobody-knows/in"
    assert loaded.models.folder == tmp_path / "~nobody-knows/models"
    assert loaded.detectors.deepfake.head == tmp_path / "~nobody-knows/head"
    assert state_folder(loaded) == Path("~nobody-knows/state").absolute()


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "framewarden.yaml").write_text(GATE)
    with pytest.raises(ConfigError, match=r"there is no such file, did you mean .*/framewarden.yaml"):
        load(tmp_path / "framewarden.yml", {})
    with pytest.raises(ConfigError, match="this is a folder: name the file in it"):
        load(tmp_path, {})
    if os.geteuid() != 0:
        (tmp_path / "framewarden.yaml").chmod(0)
        with pytest.raises(ConfigError, match="this user may not read it"):
            load(tmp_path / "framewarden.yaml", {})


def test_a_byte_order_mark_is_no_part_of_the_first_key(tmp_path: Path) -> None:
    (tmp_path / "fw.yaml").write_bytes(b"\xef\xbb\xbf" + GATE.encode())
    assert load(tmp_path / "fw.yaml", {}).streams[0].name == "gate"


def test_anchors_and_merging(tmp_path: Path) -> None:
    loaded = good(
        tmp_path,
        """\
streams:
  - &camera {name: gate, url: a.mp4, transport: tcp}
  - {<<: *camera, name: yard}
""",
    )
    assert [(stream.name, stream.transport) for stream in loaded.streams] == [
        ("gate", "tcp"),
        ("yard", "tcp"),
    ]


def test_the_line_of_a_merged_mistake_is_where_it_was_written(tmp_path: Path) -> None:
    told = problems(
        tmp_path, "streams:\n  - &a {name: a, url: x}\n  - <<: *a\n    name: b\n    transport: tpc\n"
    )
    assert told == ["5: stream 'b': transport: expected auto, tcp or udp, found 'tpc', did you mean 'tcp'?"]


def test_many_aliases_take_no_time(tmp_path: Path) -> None:
    levels = "".join(f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 9)}]\n" for n in range(1, 30))
    assert len(problems(tmp_path, f"l0: &l0 [x]\n{levels}")) == 31  # thirty unknown keys, and no streams


def test_values_from_outside_reach_numbers_and_switches(tmp_path: Path) -> None:
    loaded = good(
        tmp_path,
        GATE + "redis: {port: '${PORT}', url: '${NONE:-}'}\ndefaults: {sample_fps: '${FPS:-2.5}'}\n",
        {"PORT": "7000"},
    )
    assert (loaded.redis.port, loaded.redis.url, loaded.defaults.sample_fps) == (7000, None, 2.5)


def test_what_a_reference_stands_for_is_never_shown(tmp_path: Path) -> None:
    told = problems(
        tmp_path,
        GATE + "redis: {port: '${PORT}', url: '${REDIS}'}\n",
        {"PORT": "hunter2", "REDIS": "hunter2"},
    )
    assert (
        "3: redis: port: expected a whole number, found what '${PORT}' stands for; for example port: 6379"
        in told
    )
    assert "hunter2" not in "".join(told)


def test_credentials_are_in_no_problem_and_no_repr(tmp_path: Path) -> None:
    told = problems(
        tmp_path,
        "streams:\n  - {name: 'rtsp://u:hunter2@h/', url: 5}\nredis: {url: 'u:hunter2@host:6379'}\n",
    )
    assert len(told) == 3 and "hunter2" not in "".join(told)
    loaded = good(
        tmp_path, "streams: [{name: a, url: 'rtsp://u:hunter2@h/'}]\nredis: {url: 'redis://:hunter2@h'}\n"
    )
    assert loaded.streams[0].url == "rtsp://u:hunter2@h/" and loaded.redis.url == "redis://:hunter2@h"
    assert "hunter2" not in repr(loaded) + str(loaded)


KEYS = st.sampled_from(
    [
        "streams",
        "name",
        "url",
        "sample_fps",
        "detectors",
        "transport",
        "redis",
        "port",
        "stream_length",
        "defaults",
        "quality",
        "anomaly",
        "kind",
        "frozen_after",
        "alerts",
        "channels",
        "cooldown",
        "evidence",
        "keep_days",
        "service",
        "listen",
        "state_dir",
        "device",
        "log",
        "nonsense",
    ]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.dates()
    | st.sampled_from(["gate", "quality", "log", "redis", "cpu", "${X}", "file:no", "${", "rtsp://a:b@c/d", "1"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=25,
)  # fmt: skip


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.dictionaries(KEYS, VALUES, max_size=6))
def test_whatever_stands_in_the_file_is_settings_or_plain_words(
    tmp_path: Path, data: dict[str, object]
) -> None:
    file = tmp_path / "fw.yaml"
    file.write_text(yaml.safe_dump(data, allow_unicode=True), encoding="utf-8", errors="replace")
    try:
        load(file, {})
    except ConfigError as error:
        assert error.problems  # noqa: PT017 - settings are just as good an end
        for line in str(error).splitlines():
            assert line.startswith(f"{file}:")
            assert not any(
                word in line for word in ("nput should", "pydantic", "Traceback", "validation", "alue error")
            )


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(alphabet="ab:- \n\t{}[],'\"#&*!|>%@`?$~<=.0é\0", max_size=60))
def test_whatever_the_text_is_load_ends_with_words(tmp_path: Path, text: str) -> None:
    file = tmp_path / "fw.yaml"
    file.write_bytes(text.encode())
    with pytest.raises(ConfigError) as caught:
        load(file, {})
    assert str(caught.value)
