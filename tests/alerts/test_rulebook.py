"""From the operator's rules to those of one stream."""

from datetime import UTC, datetime
from typing import Any

import pytest

from alerts.rulebook import rules_of
from alerts.rules import RULES, Rules
from alerts.verdict import Severity
from config.settings import Settings
from detectors.detection import Detection, DetectorCard, Kind

NOON, NIGHT = (datetime(2026, 11, 23, hour, tzinfo=UTC) for hour in (12, 23))
CARD = DetectorCard("fake", "by hand")


def rules(*given: dict[str, Any], stream: str = "yard", **more: Any) -> Rules:
    detectors = more.pop("detectors", {})
    settings = Settings.model_validate(
        {
            "streams": [{"name": "yard", "url": "a.mp4", **more}, {"name": "gate", "url": "b.mp4"}],
            "alerts": {"rules": given, "cooldown": 7},
            "detectors": detectors,
        }
    )
    return rules_of(settings, next(each for each in settings.streams if each.name == stream))


def test_without_rules_all_is_as_it_always_was() -> None:
    assert rules() == Rules(cooldown=7)
    assert dict(rules().of_kind) == dict(RULES)


def test_a_rule_changes_what_it_names_for_the_streams_and_kinds_that_it_names() -> None:
    given = {"stream": "y*", "kind": "anomaly", "alarming": 8, "of": 10, "cooldown": 300, "update_every": 600}
    changed = rules(given)
    assert (changed.of_kind[Kind.ANOMALY].alarming, changed.of_kind[Kind.ANOMALY].of) == (8, 10)
    assert changed.of_kind[Kind.ANOMALY].over == RULES[Kind.ANOMALY].over
    assert (changed.cooldown_of(Kind.ANOMALY), changed.cooldown_of(Kind.QUALITY)) == (300, 7)
    assert (changed.update_every_of(Kind.ANOMALY), changed.update_every_of(Kind.QUALITY)) == (600, 30)
    assert changed.of_kind[Kind.QUALITY] == RULES[Kind.QUALITY]
    assert rules(given, stream="gate") == Rules(cooldown=7)


def test_of_two_rules_the_later_one_has_the_word() -> None:
    changed = rules({"calm": 9}, {"kind": "quality", "calm": 4}, {"kind": "stream", "release": 0.5})
    assert [changed.of_kind[kind].calm for kind in (Kind.QUALITY, Kind.ANOMALY, Kind.OBJECT)] == [4, 9, 9]
    assert changed.of_kind[Kind.STREAM].release == 0.5


@pytest.mark.parametrize(
    ("score", "label", "at", "severity"),
    [
        (1.5, "motion", NOON, Severity.WARNING),
        (3.0, "motion", NOON, Severity.CRITICAL),
        (1.5, "motion", NIGHT, Severity.CRITICAL),
        (1.5, "shape", NOON, Severity.INFO),
        (3.0, "shape", NOON, Severity.CRITICAL),
        (1.5, "shape", NIGHT, Severity.CRITICAL),
    ],
)
def test_severity_comes_from_score_label_and_time(
    score: float, label: str, at: datetime, severity: Severity
) -> None:
    given = rules(
        {"label": "shape", "severity": "info"},
        {"between": "22:00-06:00", "time_zone": "UTC", "severity": "critical"},
    )
    assert given.severity_of(Detection(Kind.ANOMALY, label, score, 1.0, CARD), label, at) is severity


def test_what_is_told_when() -> None:
    given = rules(
        {"kind": "object", "tell": False},
        {"kind": "object", "label": "person", "between": "22:00-06:00", "time_zone": "UTC", "tell": True},
    )
    asked = [(Kind.OBJECT, "car", NIGHT), (Kind.OBJECT, "person", NOON), (Kind.OBJECT, "person", NIGHT)]
    assert [given.may_tell(*each) for each in asked] == [False, False, True]
    assert given.may_tell(Kind.ANOMALY, "person", NOON)


def test_shadow_is_of_a_stream_or_of_a_detector() -> None:
    assert rules(shadow=True).shadow == frozenset(Kind)
    assert rules(shadow=True, stream="gate").shadow == frozenset()
    assert rules(detectors={"anomaly": {"shadow": True}}).shadow == {Kind.ANOMALY}
    assert rules(detectors={"quality": {"shadow": True}}, stream="gate").shadow == {Kind.QUALITY}
