"""What a newer framewarden left on disk: understood as far as it goes, or refused in words and kept."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from alerts.client import read
from alerts.gate import Gate
from alerts.gate_memory import memory_from_json, memory_to_json
from alerts.gatekeeper import Gatekeeper
from alerts.orders import Orders, OrdersError, OrdersFile, Silence
from alerts.told import Told
from alerts.verdict import Gathered, Member, Severity
from alerts.verdict_text import verdict_from_json, verdict_to_json
from detectors.detection import Kind
from tests.alert_body import alert_body
from tests.alerts.samples import verdict
from tests.alerts.test_gatekeeper import FakeAnnouncer

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
ORDERS = Orders((Silence("s1", "gate", "*", "*", NOW + timedelta(hours=1), "Ann", "", NOW),))


def with_more(kept: Any) -> Any:
    """The same, with a field that nobody knows yet in every object."""
    if isinstance(kept, dict):
        return {name: with_more(each) for name, each in kept.items()} | {"unheard_of": 1}
    return [with_more(each) for each in kept] if isinstance(kept, list) else kept


def of_tomorrow(path: Path) -> str:
    text = json.dumps(json.loads(path.read_text()) | {"version": 2})
    path.write_text(text)
    return text


def test_an_open_alert_with_fields_of_tomorrow_goes_on() -> None:
    members = (Member("a0", "gate", Kind.QUALITY, "frozen", Severity.INFO, NOW),)
    opened = replace(verdict(), gathered=Gathered(1, 1, members))
    assert verdict_from_json(json.dumps(with_more(json.loads(verdict_to_json(opened))))) == opened


def test_orders_with_fields_of_tomorrow_hold(tmp_path: Path) -> None:
    file = OrdersFile(tmp_path)
    file.change(lambda _: ORDERS, NOW)
    file.path.write_text(json.dumps(with_more(json.loads(file.path.read_text()))))
    assert file.read() == ORDERS


def test_orders_of_tomorrow_s_version_are_refused_and_left_alone(tmp_path: Path) -> None:
    file = OrdersFile(tmp_path)
    file.change(lambda _: ORDERS, NOW)
    text = of_tomorrow(file.path)
    for use in (file.read, lambda: file.change(lambda _: Orders(), NOW)):
        with pytest.raises(OrdersError, match="written by a newer framewarden: install that one again, or"):
            use()
    assert file.path.read_text() == text


async def test_a_gate_s_memory_of_tomorrow_s_version_is_put_aside_in_words(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "gate.json"
    path.write_text(memory_to_json(Gate().memory()))
    text = of_tomorrow(path)
    with pytest.raises(ValueError, match="written by a newer framewarden"):
        memory_from_json(text)
    keeper = Gatekeeper(Gate(), FakeAnnouncer(tmp_path), tmp_path)
    await keeper.begin([])
    await keeper.close()
    assert re.search(
        r"gate\.json is not used, it was written by a newer .* moved to gate\.json\.newer", caplog.text
    )
    assert (tmp_path / "gate.json.newer").read_text() == text
    assert json.loads(path.read_text())["version"] == 1


def test_a_channel_s_memory_is_versioned_and_one_of_tomorrow_is_put_aside_in_words(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    told, path = Told(tmp_path / "mqtt.json"), tmp_path / "mqtt.json"
    told.note(read(alert_body()), alert_body())
    told.save()
    again = Told(path)
    again.load()
    assert len(again) == 1
    text = of_tomorrow(path)
    newer = Told(path)
    newer.load()
    newer.save()
    assert "mqtt.json was written by a newer framewarden and moved to mqtt.json.newer" in caplog.text
    assert (len(newer), (tmp_path / "mqtt.json.newer").read_text()) == (0, text)


def test_a_channel_s_memory_from_before_there_were_versions_is_read(tmp_path: Path) -> None:
    (tmp_path / "mqtt.json").write_text(json.dumps({"a1": alert_body()}))
    told = Told(tmp_path / "mqtt.json")
    told.load()
    assert told.get("a1") is not None
