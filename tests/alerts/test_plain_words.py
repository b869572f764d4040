"""What a person reads at 3 a.m."""

import re
from datetime import UTC
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from alerts.client import read
from alerts.plain_words import PlainWords, in_plain_words
from detectors.quality.finding import Fault
from tests.alert_body import alert_body


def words(change: str = "opened", link: str = "", **data: Any) -> PlainWords:
    return in_plain_words(read(alert_body(change, sequence=7, **data)), link, ZoneInfo("Europe/Berlin"))


def test_an_alert_says_what_where_since_when_how_bad_and_what_to_do() -> None:
    told = words(
        kind="stream", label="offline", reason="no picture for 30 s: Connection refused", severity="critical",
        score=30.0, threshold=5.0, first_frame_at="2026-11-23T02:03:35.678Z",
        captured_at="2026-11-23T02:04:05.678Z", link="https://watch.example/{stream}/{alert_id}",
    )  # fmt: skip
    assert told == PlainWords(
        "CRITICAL: gate: no picture",
        "no picture for 30 s: Connection refused\n"
        "What: stream, offline (score 30, alarming from 5)\n"
        "Where: gate\n"
        "Since: Mon 23 Nov 2026 03:03:35 CET (02:03:35 UTC)\n"
        "For: 30 s now\n"
        "How bad: critical\n"
        "What to do: Check the camera's power and network. While it is away, nothing that happens there is "
        "seen.\n"
        "Look: https://watch.example/gate/a1\n"
        "Alert a1, message 7 of gate",
    )


def test_the_end_says_how_long_it_was_and_asks_for_nothing() -> None:
    told = words("closed", first_frame_at="2026-11-23T13:01:00.000Z", reason="")
    assert told.title == "OVER: gate: something unusual (motion)"
    assert "Until: Mon 23 Nov 2026 16:04:05 CET (15:04:05 UTC), after 2 h 3 min\n" in told.text
    assert "What to do" not in told.text
    assert told.text.startswith("Something unusual (motion).\n")


def test_which_of_several_faces_it_is_about_is_said() -> None:
    titles = [
        words(change, kind="deepfake", label="swapped", subject=face).title
        for change, face in (("opened", "face 1"), ("opened", "face 2"), ("closed", "face 1"))
    ]
    assert titles == [
        "WARNING: gate: a face that may be fake (swapped), face 1",
        "WARNING: gate: a face that may be fake (swapped), face 2",
        "OVER: gate: a face that may be fake (swapped), face 1",
    ]


def test_a_dead_letter_that_comes_late_says_so() -> None:
    assert "Late: this channel refused it at first" in words(late=True).text
    assert "Late" not in words().text


def test_an_end_in_doubt_is_no_all_clear() -> None:
    told = words("closed", doubt="stream_down")
    assert told.title == "UNKNOWN HOW IT ENDED: gate: something unusual (motion)"
    assert "(stream_down): this is no all-clear." in told.text
    assert "What to do: " in told.text


def test_what_else_may_be_told() -> None:
    told = words("updated", acknowledged_by="Ada", position=125.4, detector={"provisional": True})
    assert told.title == "WARNING: gate: something unusual (motion) (still)"
    lines = told.text.splitlines()
    assert "Seen to by: Ada" in lines
    assert "Where: gate, 0:02:05 into the recording" in lines
    assert "How bad: warning, not sure yet" in lines
    assert words(kind="smell", label="burnt").title == "WARNING: gate: smell (burnt)"
    assert "TEST" in words(test=True).title
    utc = in_plain_words(read(alert_body()), zone=UTC).text
    assert "Since: Mon 23 Nov 2026 15:04:05 UTC\n" in utc


def test_every_fault_of_a_picture_has_its_words() -> None:
    told = words(kind="quality", label="glare")
    assert told.title == "WARNING: gate: the picture is full of glare"
    for fault in Fault:
        text = words(kind="quality", label=fault).text
        assert re.search(r"^What to do: [A-Z].{10,}\.$", text, re.MULTILINE), fault
        assert "Look at the picture." not in text


@given(st.text(), st.text(), st.sampled_from(["opened", "updated", "closed", "shelved"]))
def test_no_name_that_was_learned_from_a_camera_breaks_lines(label: str, reason: str, change: str) -> None:
    told = words(change, label=label, reason=reason)
    assert told.title.isprintable()
    assert all(line.isprintable() for line in told.text.split("\n"))
    assert 6 <= len(told.text.split("\n")) <= 10
