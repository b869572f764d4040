"""`framewarden backtest`: which alerts another threshold would have raised, by what was scored lately."""

import json
import math
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from alerts.judge import Judge
from alerts.rulebook import rules_of
from alerts.rules import Rules
from alerts.verdict import Change
from config.load import load
from config.problem import ConfigError, Problem
from config.settings import Settings, StreamSettings
from config.state import state_folder
from daemon.clock import so_long
from detectors.anomaly.history import Scores, read_history
from detectors.anomaly.threshold import threshold_for
from detectors.detection import Detection, DetectorCard, Doubt, Kind
from streams.frame import Frame

GAP = 60.0  # seconds without a score after which nothing goes on: the daemon was not watching
_CARD = DetectorCard("anomaly", "score history")
_NOTHING = np.zeros((1, 1, 3), np.uint8)
DONE = 0


class HistoryError(Exception):
    """There is nothing to test a threshold on; the text says why."""


@dataclass(frozen=True, slots=True)
class Raised:
    """One alert that would have been raised."""

    began: datetime  # UTC: the first frame that showed it
    seconds: float  # until it closed, or until the end of the history
    highest: float  # score


async def backtest(
    config: Path, stream: str, hours: float, budget: float | None, threshold: float | None, as_json: bool
) -> int:
    """Prints the alerts, and returns 0. Raises ConfigError, HistoryError."""
    settings = load(config)
    known = {one.name: one for one in settings.streams}
    if stream not in known:
        text = f"there is no stream {stream}; there are {', '.join(known)}"
        raise ConfigError((Problem(str(config), None, "", text),))
    scores = _scores(settings, known[stream], hours)
    level = threshold_for(budget) if budget is not None else threshold
    errors = Console(stderr=True)
    some = track(
        range(len(scores)), "judging", console=errors, transient=True, disable=not errors.is_terminal
    )
    raised = list(alerts(scores, level, rules_of(settings, known[stream]), some))
    watched = _watched(scores)
    if as_json:
        told = [asdict(one) | {"began": one.began.isoformat()} for one in raised]
        print(json.dumps({"stream": stream, "threshold": level, "watched_seconds": watched, "alerts": told}))
        return DONE
    out = Console(highlight=False)
    words = "the thresholds that were in force" if level is None else f"a threshold of {level:.2f}"
    highest = float(np.nanmax(scores.score, initial=0.0))
    out.print(
        f"{stream}: with {words}, {so_long(watched)} that were watched would have raised {len(raised)} "
        f"alert{'' if len(raised) == 1 else 's'}; the highest score was {highest:.2f}",
        soft_wrap=True,
    )
    if raised:
        table = Table("began", "lasted", "highest score", box=None)
        for one in raised:
            table.add_row(
                f"{one.began.astimezone():%Y-%m-%d %H:%M:%S}", so_long(one.seconds), f"{one.highest:.2f}"
            )
        out.print(table)
    return DONE


def alerts(
    scores: Scores, threshold: float | None, rules: Rules, numbers: Iterable[int] | None = None
) -> Iterator[Raised]:
    """What the judge makes of the scores with another threshold; None: with those that were in force."""
    before = -math.inf
    open_since: datetime | None = None
    highest = 0.0
    at = datetime.fromtimestamp(0, UTC)
    judge = Judge("backtest", rules)
    for number in range(len(scores)) if numbers is None else numbers:
        now = float(scores.at[number])
        if not 0 <= now - before <= GAP:
            if open_since:
                yield Raised(open_since, (at - open_since).total_seconds(), highest)
                open_since = None
            judge = Judge("backtest", rules)
        before, at = now, datetime.fromtimestamp(now, UTC)
        score = float(scores.score[number])
        level = float(scores.threshold[number]) if threshold is None else threshold
        doubt = Doubt.DETECTOR_DEGRADED if math.isnan(score) else None
        said = Detection(Kind.ANOMALY, "unusual", 0.0 if doubt else score, level, _CARD, doubt=doubt)
        frame = Frame("backtest", number, _NOTHING, at, now, now, live=False)
        for verdict in judge.weigh(frame, [said]):
            if verdict.change is Change.OPENED:
                open_since, highest = verdict.first_frame_at, verdict.score
            elif verdict.change is Change.CLOSED and open_since:
                yield Raised(open_since, (at - open_since).total_seconds(), highest)
                open_since = None
        if open_since and not doubt:
            highest = max(highest, score)
    if open_since:
        yield Raised(open_since, (at - open_since).total_seconds(), highest)


def _scores(settings: Settings, stream: StreamSettings, hours: float) -> Scores:
    """The last so many hours that were scored."""
    folder = state_folder(settings) / "anomaly" / stream.name
    try:
        every = read_history(folder)
    except OSError as error:
        raise HistoryError(f"the scores in {folder} cannot be read: {error.strerror}") from error
    if not len(every):
        raise HistoryError(
            f"no scores of {stream.name} are kept in {folder}: it must have been watched with the anomaly "
            "detector, and have learned what is normal"
        )
    since = float(every.at.max()) - timedelta(hours=hours).total_seconds()
    kept = every.at >= since
    return Scores(every.at[kept], every.score[kept], every.threshold[kept])


def _watched(scores: Scores) -> float:
    """Seconds in which something could be told."""
    apart = np.diff(scores.at)
    told = np.isfinite(scores.score[1:]) & (apart >= 0) & (apart <= GAP)
    return float(apart[told].sum())
