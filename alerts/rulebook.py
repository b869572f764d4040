"""The rules of one stream, as the configuration has them."""

from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Final

from alerts.rules import RULES, Case, Rules
from alerts.verdict import Severity
from config.alert_rules import AlertRule
from config.hours import hours
from config.settings import Settings, StreamSettings
from detectors.detection import Kind

_NUMBERS: Final = ("alarming", "of", "over", "release", "calm", "critical", "cooldown", "update_every")


def rules_of(settings: Settings, stream: StreamSettings) -> Rules:
    """What the alerts of this stream go by."""
    of_kind = dict(RULES)
    cases: list[Case] = []
    for each in settings.alerts.rules:
        if not fnmatchcase(stream.name, each.stream):
            continue
        numbers = {name: value for name in _NUMBERS if (value := getattr(each, name)) is not None}
        for kind in Kind if each.kind is None else (Kind(each.kind),):
            of_kind[kind] = replace(of_kind[kind], **numbers)
        if each.tell is not None or each.severity is not None:
            cases.append(_case(each))
    alerts = settings.alerts
    return Rules(
        cooldown=alerts.cooldown,
        update_every=alerts.update_every,
        offline_after=alerts.offline_after,
        of_kind=of_kind,
        cases=tuple(cases),
        shadow=_shadow(settings, stream),
    )


def _case(rule: AlertRule) -> Case:
    return Case(
        kind=Kind(rule.kind) if rule.kind else None,
        label=rule.label,
        hours=hours(rule.between, rule.days, rule.time_zone),
        severity=Severity(rule.severity) if rule.severity else None,
        tell=rule.tell,
    )


def _shadow(settings: Settings, stream: StreamSettings) -> frozenset[Kind]:
    """The kinds of alerts that are on trial here."""
    if stream.shadow:
        return frozenset(Kind)
    detectors = settings.detectors
    on_trial = {
        Kind.QUALITY: detectors.quality.shadow,
        Kind.ANOMALY: detectors.anomaly.shadow,
        Kind.DEEPFAKE: detectors.deepfake.shadow,
        Kind.OBJECT: detectors.objects.shadow,
    }
    return frozenset(kind for kind, shadow in on_trial.items() if shadow)
