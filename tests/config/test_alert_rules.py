"""Rules for some alerts: what may be set together, and what is wrong with what may not."""

import re
from pathlib import Path

import pytest

from config.alert_rules import AlertRule
from config.load import ConfigError, load
from config.settings import Settings

STREAMS = "streams: [{name: gate, url: clip.mp4}]\n"


def loaded(folder: Path, rule: str) -> tuple[AlertRule, ...]:
    file = folder / "framewarden.yaml"
    file.write_text(f"{STREAMS}alerts:\n  rules:\n    - {rule}\n")
    settings: Settings = load(file, {})
    return settings.alerts.rules


def test_a_rule_says_which_when_and_what(tmp_path: Path) -> None:
    text = (
        "{stream: 'yard*', kind: object, label: person, between: '22:00-06:00', days: [sat, sun], tell: true}"
    )
    (rule,) = loaded(tmp_path, text)
    assert (rule.stream, rule.kind, rule.label, rule.tell) == ("yard*", "object", "person", True)
    assert (rule.between, rule.days, rule.time_zone) == ("22:00-06:00", ("sat", "sun"), None)


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        ("{kind: anomaly}", "changes nothing: say what holds, tell, severity or alarming"),
        ("{kind: anomlay, tell: false}", "found 'anomlay', did you mean 'anomaly'?"),
        ("{kind: anomaly, tel: false}", "unknown key 'tel', did you mean 'tell'?"),
        ("{tell: never}", "tell: expected true or false"),
        ("{tell: false, between: 22-6}", "'22-6' does not fit here (At which time of the day"),
        ("{tell: false, between: '22:00-25:00'}", "for example between: '22:00-06:00'"),
        ("{tell: false, between: '06:00-06:00'}", "is no time at all: leave it out for the whole day"),
        ("{tell: false, days: [monday]}", "found 'monday', did you mean 'mon'?"),
        ("{tell: false, time_zone: Europe/Berlim}", "no time zone is called 'Europe/Berlim', did you mean"),
        ("{tell: false, time_zone: ../../etc/passwd}", "no time zone is called '../../etc/passwd'"),
        ("{severity: high}", "expected info, warning or critical, found 'high'"),
        ("{alarming: 3}", "'alarming' and 'of' belong together, as in 3 of 5: give both"),
        ("{alarming: 6, of: 5}", "never opens: 6 alarming frames of 5 cannot be"),
        ("{cooldown: 5, label: person}", "'cooldown' cannot depend on 'label', only on stream and kind"),
        ("{calm: 9, between: '22:00-06:00'}", "'calm' cannot depend on 'between'"),
        ("{release: 1.2}", "must be at most 1, found 1.2"),
        ("{cooldown: -1}", "must be at least 0, found -1"),
    ],
)
def test_each_mistake_has_its_line_and_its_words(tmp_path: Path, rule: str, says: str) -> None:
    with pytest.raises(ConfigError) as caught:
        loaded(tmp_path, rule)
    (problem,) = caught.value.problems
    assert says in str(problem)
    assert (problem.line, "alerts: rules: item 1" in str(problem)) == (4, True)


def test_the_rules_in_the_documentation_are_good(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "alerts.md").read_text(encoding="utf-8")
    shown = page.partition("```yaml")[2].partition("```")[0]
    file = tmp_path / "framewarden.yaml"
    file.write_text(STREAMS + shown)
    assert len(load(file, {}).alerts.rules) == 4
    keys = re.findall(r"`(\w+)`", "".join(re.findall(r"(?m)^\| (`.*?) \|", page.partition("| key |")[2])))
    assert set(AlertRule.model_fields) <= set(keys)


def test_shadow_does_not_change_the_hash_of_what_was_learned() -> None:
    on = Settings.model_validate(
        {
            "streams": [{"name": "gate", "url": "clip.mp4"}],
            "detectors": {"anomaly": {"shadow": True}, "quality": {"shadow": True}},
        }
    )
    off = Settings.model_validate({"streams": [{"name": "gate", "url": "clip.mp4"}]})
    assert on.detectors.model_dump_json() == off.detectors.model_dump_json()
    assert on.detectors != off.detectors, "and yet a reload sees the change"
