"""What the command says of a score history."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from daemon.cli import app
from detectors.anomaly.history import History

BEGAN = datetime(2026, 5, 1, 12, tzinfo=UTC)
RATE = 5


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "config.yaml"
    path.write_text(
        f"service: {{state_dir: {tmp_path / 'state'}}}\nstreams:\n  - {{name: gate, url: 'rtsp://gate.example/1'}}\n"
    )
    return path


def write(config: Path, scores: list[float | None], began: datetime = BEGAN) -> None:
    history = History(config.parent / "state" / "anomaly" / "gate")
    for number, score in enumerate(scores):
        history.add(began + timedelta(seconds=number / RATE), score, 4.6)
    history.close()


def asked(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["backtest", *map(str, arguments)])
    return result.exit_code, result.output


def quiet(seconds: float, score: float = 0.5) -> list[float | None]:
    return [score] * round(seconds * RATE)


def test_two_events_above_the_threshold_in_force_and_one_more_below_it(config: Path) -> None:
    write(
        config,
        [*quiet(60), *quiet(4, 6.0), *quiet(120), *quiet(6, 9.0), *quiet(120), *quiet(5, 4.0), *quiet(60)],
    )
    code, said = asked(config, "gate", "--json")
    told = json.loads(said)
    assert code == 0
    assert [one["highest"] for one in told["alerts"]] == [6.0, 9.0]
    assert told["alerts"][0]["began"] == (BEGAN + timedelta(seconds=60)).isoformat()
    assert told["watched_seconds"] == pytest.approx(375, abs=1)
    assert len(json.loads(asked(config, "gate", "--json", "--threshold", 3.5)[1])["alerts"]) == 3
    assert not json.loads(asked(config, "gate", "--json", "--threshold", 10)[1])["alerts"]


def test_a_smaller_budget_raises_fewer_alerts(config: Path) -> None:
    write(config, [*quiet(60), *quiet(4, 3.5), *quiet(60)])
    _, many = asked(config, "gate", "--false-alarms-per-day", 100)
    _, few = asked(config, "gate", "--false-alarms-per-day", 1)
    assert "would have raised 1 alert;" in many
    assert "would have raised 0 alerts; the highest score was 3.50" in few


def test_only_the_last_hours_are_asked(config: Path) -> None:
    write(config, [*quiet(5), *quiet(4, 6.0), *quiet(5)])
    write(config, quiet(60), BEGAN + timedelta(hours=5))
    assert len(json.loads(asked(config, "gate", "--json")[1])["alerts"]) == 1
    assert not json.loads(asked(config, "gate", "--json", "--hours", 1)[1])["alerts"]


def test_an_alert_does_not_go_on_over_the_time_in_which_nobody_watched(config: Path) -> None:
    write(config, [*quiet(5), *quiet(4, 6.0)])
    write(config, [*quiet(4, 7.0), *quiet(60)], BEGAN + timedelta(hours=1))
    first, second = json.loads(asked(config, "gate", "--json")[1])["alerts"]
    assert first["seconds"] < 10
    assert second["highest"] == 7.0


def test_what_could_not_be_told_raises_nothing(config: Path) -> None:
    write(config, [*quiet(10), *[None] * 100, *quiet(10)])
    assert json.loads(asked(config, "gate", "--json", "--threshold", 0.6)[1])["alerts"] == []


def test_words_for_what_is_missing(config: Path) -> None:
    code, said = asked(config, "yard")
    assert code == 2
    assert "there is no stream yard; there are gate" in said
    code, said = asked(config, "gate")
    assert code == 1
    assert "no scores of gate are kept" in said
    assert "must have been watched" in said
    code, said = asked(config, "gate", "--threshold", 3, "--false-alarms-per-day", 2)
    assert code == 2
    assert "not both" in said
