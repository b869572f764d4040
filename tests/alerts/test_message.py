"""The message: what it says, that two independent readers take it, and that it can be read back."""

import json
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import numpy as np
import pytest
from cloudevents.core.formats.json import JSONFormat
from hypothesis import given
from hypothesis import strategies as st

from alerts.client import MessageError, read
from alerts.evidence import Evidence
from alerts.message import render, schema
from alerts.verdict import Change, Gathered, Member, Severity, UploadedFile, Verdict
from alerts.verdict_text import verdict_from_json, verdict_to_json
from detectors.detection import Detection, DetectorCard, Doubt, Kind, Region
from tests.alert_body import alert_body

AT = datetime(2026, 11, 23, 12, 0, 0, 123_456, UTC)
DECIDED = AT + timedelta(milliseconds=87)
SOURCE = "//host.example/framewarden"
VERDICT = Verdict(
    change=Change.OPENED,
    alert_id="0123456789abcdef" * 2,
    stream="gate",
    kind=Kind.ANOMALY,
    label="motion",
    subject="",
    severity=Severity.WARNING,
    score=7.25,
    threshold=5.0,
    reason="twice as fast as anything seen there",
    regions=(Region(0.25, 0.5, 0.125, 0.25),),
    first_frame_at=AT - timedelta(seconds=1),
    captured_at=AT,
    made_by=DetectorCard("anomaly", "cells", "a" * 64, "b" * 64),
    provisional=True,
)
MEMBER = Member("ab" * 16, "yard", Kind.ANOMALY, "motion", Severity.INFO, AT)
EVIDENCE = Evidence(
    Path("/state/picture.jpg"), Path("/state/annotated.jpg"), None, Path("/state/expected.jpg")
)


def body_of(verdict: Verdict = VERDICT, evidence: Evidence | None = EVIDENCE) -> Any:
    return json.loads(render(verdict, 7, DECIDED, evidence, SOURCE).body)


def test_the_message_says_everything() -> None:
    message = render(VERDICT, 7, DECIDED, EVIDENCE, SOURCE)
    assert (message.id, message.stream, message.kind, message.sequence) == (
        "0123456789abcdef0123456789abcdef.7",
        "gate",
        "anomaly",
        7,
    )
    assert json.loads(message.body) == {
        "specversion": "1.0",
        "id": "0123456789abcdef0123456789abcdef.7",
        "source": "//host.example/framewarden",
        "type": "framewarden.alert.opened",
        "subject": "gate",
        "time": "2026-11-23T12:00:00.123Z",
        "datacontenttype": "application/json",
        "dataschema": "urn:framewarden:alert-message:1#/$defs/data",
        "data": {
            "alert_id": "0123456789abcdef0123456789abcdef",
            "fingerprint": VERDICT.fingerprint,
            "stream": "gate",
            "kind": "anomaly",
            "state": "opened",
            "severity": "warning",
            "score": 7.25,
            "threshold": 5.0,
            "label": "motion",
            "subject": "",
            "doubt": None,
            "reason": "twice as fast as anything seen there",
            "first_frame_at": "2026-11-23T11:59:59.123Z",
            "captured_at": "2026-11-23T12:00:00.123Z",
            "decided_at": "2026-11-23T12:00:00.210Z",
            "age_ms": 87,
            "position": None,
            "sequence": 7,
            "acknowledged_by": None,
            "gathered": None,
            "file": None,
            "region": [{"left": 0.25, "top": 0.5, "width": 0.125, "height": 0.25}],
            "evidence": {
                "picture": "/state/picture.jpg",
                "annotated": "/state/annotated.jpg",
                "heatmap": None,
                "expected": "/state/expected.jpg",
                "clip": None,
                "report": None,
                "problem": None,
            },
            "detector": {
                "name": "anomaly",
                "model": "cells",
                "model_sha256": "a" * 64,
                "config_sha256": "b" * 64,
                "provisional": True,
            },
        },
    }


def test_a_recording_has_a_position_and_no_age() -> None:
    data = json.loads(render(VERDICT, 7, DECIDED, EVIDENCE, SOURCE, 3723.4567, live=False).body)["data"]
    assert (data["position"], data["age_ms"]) == (3723.457, None)


def test_the_same_verdict_gives_the_same_text() -> None:
    assert render(VERDICT, 7, DECIDED, EVIDENCE, SOURCE) == render(VERDICT, 7, DECIDED, EVIDENCE, SOURCE)


@pytest.mark.parametrize("score", [float("nan"), float("inf"), float("-inf")])
def test_what_json_cannot_say_is_null(score: float) -> None:
    body = body_of(replace(VERDICT, score=score, threshold=-score, regions=(Region(score, 0, 1, 1),)))
    assert (body["data"]["score"], body["data"]["threshold"], body["data"]["region"]) == (None, None, [])


def test_numbers_of_numpy_are_numbers() -> None:
    one = np.float32(0.5)
    data = body_of(replace(VERDICT, score=one, regions=(Region(one, one, one, one),)))["data"]  # type: ignore[arg-type]
    assert (data["score"], data["region"][0]["left"]) == (0.5, 0.5)


def test_a_doubt_is_named() -> None:
    doubtful = Detection(Kind.ANOMALY, "motion", 0, 5, VERDICT.made_by, doubt=Doubt.LEARNING)
    assert body_of(replace(VERDICT, detection=doubtful))["data"]["doubt"] == "learning"


def test_times_are_utc_whatever_the_zone_and_age_is_never_below_nought() -> None:
    east = VERDICT.captured_at.astimezone(timezone(timedelta(hours=5, minutes=30)))
    assert body_of(replace(VERDICT, captured_at=east))["time"] == "2026-11-23T12:00:00.123Z"
    assert body_of(replace(VERDICT, captured_at=AT + timedelta(hours=1)))["data"]["age_ms"] == 0
    with pytest.raises(ValueError, match="has no time zone"):
        render(replace(VERDICT, first_frame_at=datetime(2026, 1, 1)), 1, DECIDED, None, SOURCE)  # noqa: DTZ001


def test_a_file_name_that_is_no_text_can_still_be_sent() -> None:
    message = render(replace(VERDICT, reason="cannot read caf\udce9.mp4 über"), 7, DECIDED, None, SOURCE)
    assert read(message.body.encode("utf-8")).reason == "cannot read caf?.mp4 über"


VARIANTS = {
    "opened": VERDICT,
    "updated": replace(VERDICT, change=Change.UPDATED, regions=()),
    "closed": replace(VERDICT, change=Change.CLOSED, score=float("inf")),
    "offline": replace(
        VERDICT,
        kind=Kind.STREAM,
        label="offline",
        made_by=DetectorCard("watch", "outage timer"),
        severity=Severity.CRITICAL,
    ),
    "acknowledged": replace(VERDICT, change=Change.UPDATED, acknowledged_by="Ann"),
    "file": replace(VERDICT, stream="uploads/0123456789ab", file=UploadedFile("a b.mp4", 64 * "0", "1-0")),
    "gathered": replace(VERDICT, gathered=Gathered(7, 3, (MEMBER,))),
}


def test_check_jsonschema_takes_every_message_and_refuses_others(tmp_path: Path) -> None:
    schema_file = tmp_path / "schema.json"
    schema_file.write_text(json.dumps(schema()))

    def check(*files: Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "check_jsonschema", "--schemafile", schema_file, *files],
            capture_output=True,
            text=True,
            timeout=60,
        )

    good = []
    for name, verdict in VARIANTS.items():
        good.append(tmp_path / f"{name}.json")
        good[-1].write_text(json.dumps(body_of(verdict, None if name == "offline" else EVIDENCE)))
    checked = check(*good)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    bad = body_of()
    bad["data"]["state"] = "reopened"
    bad["time"] = "2026-11-23 12:00"
    del bad["data"]["sequence"]
    (tmp_path / "bad.json").write_text(json.dumps(bad))
    checked = check(tmp_path / "bad.json")
    assert checked.returncode == 1
    for complaint in ("'reopened' is not one of", "'sequence' is a required property", "$.time"):
        assert complaint in checked.stdout


@pytest.mark.parametrize("name", VARIANTS)
def test_the_cloudevents_sdk_takes_every_message(name: str) -> None:
    event = JSONFormat().read(None, render(VARIANTS[name], 7, DECIDED, EVIDENCE, SOURCE).body)
    assert event.get_specversion() == "1.0"
    assert event.get_id() == "0123456789abcdef0123456789abcdef.7"
    assert event.get_type() == f"framewarden.alert.{VARIANTS[name].change}"
    assert event.get_source() == SOURCE
    assert event.get_subject() == VARIANTS[name].told_of
    assert event.get_time() == AT.replace(microsecond=123_000)
    assert event.get_datacontenttype() == "application/json"
    data = event.get_data()
    assert isinstance(data, dict) and data["alert_id"] == VERDICT.alert_id


VERDICTS = st.builds(
    replace,
    st.just(VERDICT),
    change=st.sampled_from(Change),
    kind=st.sampled_from(Kind),
    severity=st.sampled_from(Severity),
    label=st.text(),
    subject=st.text(),
    reason=st.text(),
    score=st.floats(),
    threshold=st.floats(),
    captured_at=st.datetimes(datetime(1970, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    regions=st.lists(st.builds(Region, *[st.floats()] * 4), max_size=3).map(tuple),
    provisional=st.booleans(),
    acknowledged_by=st.text(),
    gathered=st.none()
    | st.builds(Gathered, st.integers(0, 2**53), st.integers(0, 2**53), st.just((MEMBER,))),
)


VALIDATOR = jsonschema.Draft202012Validator(schema())


@given(VERDICTS, st.integers(1, 2**53))
def test_whatever_is_told_fits_the_schema_and_reads_back(verdict: Verdict, sequence: int) -> None:
    message = render(verdict, sequence, DECIDED, EVIDENCE, SOURCE)
    VALIDATOR.validate(json.loads(message.body))
    received = read(message.body)
    assert (received.id, received.sequence, received.kind, received.state, received.severity) == (
        message.id,
        sequence,
        verdict.kind,
        verdict.change,
        verdict.severity,
    )
    assert abs(received.captured_at - verdict.captured_at) < timedelta(milliseconds=1)
    if np.isfinite(verdict.score):
        assert received.score == verdict.score


@given(VERDICTS.filter(lambda verdict: np.isfinite([verdict.score, verdict.threshold]).all()))
def test_a_verdict_is_kept_as_text_and_read_back(verdict: Verdict) -> None:
    verdict = replace(verdict, regions=())  # whose numbers may be no numbers
    assert verdict_from_json(verdict_to_json(verdict)) == verdict


def test_the_fingerprint_is_that_of_the_thing_and_not_of_the_alert() -> None:
    again = replace(VERDICT, alert_id="ab" * 16, score=9.0, change=Change.CLOSED, captured_at=DECIDED)
    assert body_of(again)["data"]["fingerprint"] == body_of()["data"]["fingerprint"]
    others = [
        replace(VERDICT, stream="yard"),
        replace(VERDICT, kind=Kind.OBJECT),
        replace(VERDICT, label="shape"),
        replace(VERDICT, subject="7"),
    ]
    assert len({verdict.fingerprint for verdict in (VERDICT, *others)}) == 5


def test_who_acknowledged_and_what_is_gathered_is_said() -> None:
    assert body_of(VARIANTS["acknowledged"])["data"]["acknowledged_by"] == "Ann"
    assert body_of(VARIANTS["gathered"])["data"]["gathered"] == {
        "count": 7,
        "still_open": 3,
        "members": [
            {
                "alert_id": "ab" * 16,
                "stream": "yard",
                "kind": "anomaly",
                "label": "motion",
                "severity": "info",
                "first_frame_at": "2026-11-23T12:00:00.123Z",
            }
        ],
    }


def test_keys_of_newer_versions_are_welcome() -> None:
    body = body_of()
    body["traceparent"] = "00-1"
    body["data"]["zone"] = "yard"
    jsonschema.validate(body, schema())
    assert read(json.dumps(body)).data["zone"] == "yard"


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("", "not an alert message: Expecting value"),
        ("[]", "not an alert message"),
        ("{}", "not an alert message: it has no 'data'"),
        ('{"data": {}, "id": "1"}', "not an alert message: it has no 'alert_id'"),
        ('{"id": "1", "data": 5}', "not an alert message"),
        (b"\xff\xfe\xff", "not an alert message"),
        ("[" * 100_000, "not an alert message"),
    ],
)
def test_what_is_no_alert_is_refused_in_words(body: str | bytes, says: str) -> None:
    with pytest.raises(MessageError, match=says):
        read(body)


def test_the_tests_own_message_fits() -> None:
    number = "ab" * 16  # it has shorter ones, for people who read tests
    jsonschema.validate(json.loads(alert_body(id=f"{number}.1", alert_id=number)), schema())


def test_the_example_in_the_documentation_fits() -> None:
    page = (Path(__file__).parents[2] / "docs" / "alerts.md").read_text(encoding="utf-8")
    example = json.loads(page.partition("```json")[2].partition("```")[0])
    jsonschema.validate(example, schema())
    assert example.keys() == body_of().keys()
    assert example["data"].keys() == body_of()["data"].keys()


def test_what_is_seen_in_a_file_is_told_of_its_folder_and_names_the_file() -> None:
    message = render(VARIANTS["file"], 7, DECIDED, None, SOURCE)
    told = json.loads(message.body)
    assert (message.stream, told["subject"], told["data"]["stream"]) == ("uploads", "uploads", "uploads")
    assert told["data"]["file"] == {"name": "a b.mp4", "sha256": 64 * "0", "job": "1-0"}
