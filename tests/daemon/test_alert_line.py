"""One message as a person reads it."""

import json
import time
from datetime import datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from daemon.alert_line import render
from tests.alert_body import alert_body


@pytest.fixture(autouse=True)
def in_utc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()


def test_a_line() -> None:
    line = render(alert_body(detector={"provisional": True}))
    words = " ".join(line.plain.split())
    assert words == "2026-11-23 15:04:05 gate anomaly/motion opened 3.14 of 2.5 a car (provisional)"
    assert (
        "closed" in render(alert_body("closed", score=1)).plain
        and "1 < 2.5" in render(alert_body("closed", score=1)).plain
    )


def test_which_of_several_it_is_about_shows() -> None:
    line = render(alert_body(kind="deepfake", label="swapped", subject="face 2"))
    assert "deepfake/swapped face 2 " in line.plain


def test_severity_shows() -> None:
    lines = [render(alert_body(severity=severity)) for severity in ("critical", "warning", "info")]
    styles = {str(span.style) for line in lines for span in line.spans}
    assert {"bold red", "bold yellow", "bold"} <= styles


def test_a_terminal_is_not_commanded() -> None:
    assert "\x1b" not in render(alert_body(reason="\x1b[2J[red]x")).plain
    assert "[red]x" in render(alert_body(reason="[red]x")).plain


@pytest.mark.parametrize("text", ["", "hello", "[]", "{}", '{"id": 1, "data": 5}', "[" * 100_000])
def test_what_somebody_else_wrote_is_said_to_be_no_alert(text: str) -> None:
    assert render(text).plain.startswith("not an alert")


TEXTS = st.dictionaries(
    st.sampled_from(["kind", "label", "reason", "severity", "state", "stream"]), st.text()
)
NUMBERS = st.dictionaries(st.sampled_from(["score", "threshold"]), st.none() | st.floats())
TIMES = st.datetimes().map(datetime.isoformat)


@given(texts=TEXTS, numbers=NUMBERS, time=TIMES)
def test_any_message_has_a_line(texts: dict[str, object], numbers: dict[str, object], time: str) -> None:
    message = json.loads(alert_body())
    message["data"] |= texts | numbers | {"captured_at": time}
    line = render(json.dumps(message)).plain
    assert line.isprintable()
    assert not line.startswith("not an alert")


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@example(data={"position": 86400000000000.0}, rest=None)
@given(data=st.dictionaries(st.sampled_from(sorted(json.loads(alert_body())["data"])), JSON), rest=JSON)
def test_any_text_has_a_line(data: dict[str, object], rest: object) -> None:
    message = json.loads(alert_body())
    message["data"] |= data
    assert render(json.dumps(message | {"id": rest})).plain.isprintable()
