"""Readers that are not ours take every message: ajv, the CloudEvents SDK of npm, and AsyncAPI's parser."""

import json
from pathlib import Path
from typing import Any

import pytest

from alerts import file_message
from alerts.message import SCHEMA, render, schema
from alerts.redis_channel import ALERTS
from detectors.detection import Kind
from tests.alerts.test_message import DECIDED, EVIDENCE, SOURCE, VARIANTS, VERDICT, body_of
from tests.javascript import run_node

ROOT = Path(__file__).parents[2]
ASYNCAPI = ROOT / "docs/asyncapi.yaml"

pytestmark = pytest.mark.real("npm")


def said(script: str, *arguments: str) -> Any:
    done = run_node(script, *arguments)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def validated(folder: Path, *bodies: str) -> list[dict[str, Any]]:
    schema_file = folder / "schema.json"
    schema_file.write_text(json.dumps(schema()))
    paths = [folder / f"{number}.json" for number in range(len(bodies))]
    for path, body in zip(paths, bodies, strict=True):
        path.write_text(body)
    found: list[dict[str, Any]] = said("validate.mjs", str(schema_file), *map(str, paths))
    return found


def test_ajv_and_the_cloudevents_sdk_of_npm_take_every_message(tmp_path: Path) -> None:
    bodies = [render(verdict, 7, DECIDED, EVIDENCE, SOURCE).body for verdict in VARIANTS.values()]
    for name, body, found in zip(VARIANTS, bodies, validated(tmp_path, *bodies), strict=True):
        assert (found["valid"], found["complaints"]) == (True, []), name
        event = json.loads(body)
        assert found["event"] == {key: event[key] for key in ("id", "type", "subject", "time", "data")}


def test_ajv_refuses_what_is_no_message(tmp_path: Path) -> None:
    bad = body_of()
    bad["data"]["state"] = "reopened"
    bad["time"] = "2026-11-23 12:00"
    bad["data"]["evidence"]["picture"] = 7
    del bad["data"]["sequence"]
    del bad["specversion"]
    (found,) = validated(tmp_path, json.dumps(bad))
    text = "\n".join(found["complaints"])
    assert not found["valid"]
    for complaint in (
        "must have required property 'specversion'",
        "/data must have required property 'sequence'",
        "/data/state must be equal to one of the allowed values",
        '/time must match format "date-time"',
        "/data/evidence/picture must be string,null",
    ):
        assert complaint in text


def test_the_asyncapi_document_is_one_and_says_what_is_so() -> None:
    found = said("asyncapi.mjs", str(ASYNCAPI))
    assert found["complaints"] == []
    assert found["channels"] == [f"{ALERTS}:{{stream}}:{{kind}}", ALERTS]
    assert found["operations"] == ["send tell", "send keep"]
    assert found["payload"]["schema"]["$id"] == SCHEMA  # the reference leads to the schema itself
    text = ASYNCAPI.read_text()
    assert f"enum: [{', '.join([*Kind, file_message.KIND])}]" in text


def test_a_broken_asyncapi_document_is_refused(tmp_path: Path) -> None:
    broken = tmp_path / "asyncapi.yaml"
    text = ASYNCAPI.read_text().replace("../alerts/", f"{ROOT}/alerts/")
    broken.write_text(text.replace("#/channels/allAlerts/messages/alert", "#/channels/none/messages/alert"))
    assert any("none" in each["text"] for each in said("asyncapi.mjs", str(broken))["complaints"])


def test_both_refuse_a_source_that_is_no_uri_reference(tmp_path: Path) -> None:
    body = render(VERDICT, 7, DECIDED, None, "//no such host/x").body
    (found,) = validated(tmp_path, body)
    ajv, sdk = found["complaints"]
    assert ajv == '/source must match format "uri-reference"'
    assert sdk.startswith("CloudEvents: ") and '"instancePath":"/source"' in sdk
