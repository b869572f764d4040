"""The example says everything that can be set, with its default; editors know the same."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import jsonschema  # type: ignore[import-untyped]  # comes with check-jsonschema, without types
import pytest
import yaml
from pydantic import BaseModel

import config
from config.alert_rules import AlertRule
from config.load import load
from config.schema import schema_text
from config.settings import Settings

FOLDER = Path(config.__file__).parent
EXAMPLE = FOLDER / "example.yaml"
SCHEMA = FOLDER / "framewarden.schema.json"


def options(model: type[BaseModel], where: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every key that can be set, with its default (... where there is none); channels and rules: below."""
    for name, field in model.model_fields.items():
        if (*where, name) in (("alerts", "channels"), ("alerts", "rules")):
            continue
        inner = list(_models(field.annotation))
        if not inner:
            yield (*where, name), ... if field.is_required() else field.default
        for each in inner:
            yield from options(each, (*where, name))


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _models(part)


def shown(data: Any, where: tuple[str, ...]) -> list[Any]:
    """What the example has there; a list stands for all its items."""
    if isinstance(data, list) and where:
        return [value for item in data for value in shown(item, where)]
    if not where:
        return [data]
    return shown(data[where[0]], where[1:]) if isinstance(data, dict) and where[0] in data else []


@pytest.mark.parametrize(
    ("where", "default"), [pytest.param(*option, id=".".join(option[0])) for option in options(Settings)]
)
def test_the_example_shows_every_option_with_its_default(where: tuple[str, ...], default: Any) -> None:
    values = shown(yaml.safe_load(EXAMPLE.read_text()), where)
    assert values, f"{'.'.join(where)} is not in config/example.yaml"
    if (where[0] == "streams" and default in (None, "")) or default is ...:
        return  # overrides are shown with the value that they override
    plain = list(default) if isinstance(default, tuple) else default
    assert plain in values


def test_the_example_loads_as_it_stands_and_names_its_schema() -> None:
    loaded = load(EXAMPLE, {})
    assert [stream.name for stream in loaded.streams] == ["gate", "lobby", "uploads"]
    assert EXAMPLE.read_text().startswith(f"# yaml-language-server: $schema={SCHEMA.name}\n")
    rest = {name: getattr(loaded, name) for name in Settings.model_fields if name != "streams"}
    assert rest == {name: field.default for name, field in Settings.model_fields.items() if name != "streams"}


def test_the_rules_that_the_example_suggests_are_good_and_show_every_key(tmp_path: Path) -> None:
    suggested = re.sub(r"(?m)^#(   - )", r" \1", EXAMPLE.read_text().replace("rules: []", "rules:"))
    (tmp_path / "framewarden.yaml").write_text(suggested)
    rules = load(tmp_path / "framewarden.yaml", {}).alerts.rules
    assert len(rules) == 4
    assert set().union(*(rule.model_fields_set for rule in rules)) == set(AlertRule.model_fields)


def test_every_option_in_the_example_says_why() -> None:
    lines = [line for line in EXAMPLE.read_text().splitlines() if line.strip() and not line.startswith("#")]
    unsaid = [line.strip() for line in lines if "#" not in line and not line.endswith(":")]
    assert [line.partition(":")[0] for line in unsaid] == ["url", "- name", "- name"]


def test_the_committed_schema_is_the_one_that_the_settings_make() -> None:
    assert SCHEMA.read_text() == schema_text(), (
        "run: framewarden check --schema > config/framewarden.schema.json"
    )


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ("{}", True),
        ("redis: {port: 6379}", True),
        ("redis: {port: '${PORT}'}", True),
        ("redis: {port: 'file:port'}", True),
        ("redis: {port: '6379'}", False),
        ("redis: {port: 0}", False),
        ("redis: {url: '${REDIS_URL}'}", True),
        ("redis: {url: 'http://h'}", False),
        ("redis: {prt: 1}", False),
        ("service: {device: '${DEVICE:-cpu}'}", True),
        ("service: {device: gpu}", False),
        ("defaults: {detectors: [quality, '${SECOND}']}", True),
        ("defaults: {detectors: [all]}", False),
        ("alerts: {channels: [{kind: log}]}", True),
        ("alerts: {channels: [{kind: lgo}]}", False),
    ],
)
def test_editors_mark_what_load_would_refuse(text: str, fits: bool) -> None:
    data = yaml.safe_load(text) | {"streams": [{"name": "gate", "url": "clip.mp4"}]}
    validator = jsonschema.Draft202012Validator(json.loads(schema_text()))
    assert validator.is_valid(data) is fits


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(json.loads(schema_text()))
