"""One message as a person reads it."""

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.alert_line import render


@pytest.fixture(autouse=True)
def in_utc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()


def body(change: str = "opened", **data: object) -> str:
    plain = {"kind": "anomaly", "label": "motion", "score": 3.14159, "threshold": 2.5, "reason": "a car"}
    return json.dumps({
        "specversion": "1.0", "id": "1", "type": f"framewarden.alert.{change}", "subject": "gate",
        "time": "2026-11-23T15:04:05.678Z", "data": plain | data,
    })  # fmt: skip


def test_a_line() -> None:
    line = render(body(detector={"provisional": True}))
    words = " ".join(line.plain.split())
    assert words == "2026-11-23 15:04:05 gate anomaly/motion opened 3.14 of 2.5 a car (provisional)"
    assert (
        "closed" in render(body("closed", score=1)).plain
        and "1 < 2.5" in render(body("closed", score=1)).plain
    )


def test_severity_shows() -> None:
    lines = [render(body(severity=severity)) for severity in ("critical", "warning", "info")]
    styles = {str(span.style) for line in lines for span in line.spans}
    assert {"bold red", "bold yellow", "bold"} <= styles


def test_a_terminal_is_not_commanded() -> None:
    assert "\x1b" not in render(body(reason="\x1b[2J[red]x")).plain
    assert "[red]x" in render(body(reason="[red]x")).plain


@pytest.mark.parametrize("text", ["", "hello", "[]", "{}", '{"id": 1, "data": 5}', "[" * 100_000])
def test_what_somebody_else_wrote_is_said_to_be_no_alert(text: str) -> None:
    assert render(text).plain.startswith("not an alert")


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
KEYS = st.sampled_from(["kind", "score", "threshold", "reason", "detector", "severity"])


@given(data=st.dictionaries(KEYS, JSON), rest=JSON)
def test_any_message_has_a_line(data: dict[str, object], rest: object) -> None:
    message = {"id": rest, "time": rest, "subject": rest, "type": rest, "data": data}
    assert render(json.dumps(message)).plain.isprintable()
