"""Between the judges and the world: what is decided passes, or is held back for one of five reasons. Pure.

A held alert is judged on and counted. If it still goes on when the reason ends, it is told then. What was
told once is always told to be closed.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from alerts.gate_memory import Memory, Thing
from alerts.hosts import Hosts
from alerts.judge import Closed
from alerts.open_alert import OpenAlert, Why
from alerts.orders import Acknowledgement, Orders
from alerts.roll_up import HOUSE
from alerts.round_up import RoundUp
from alerts.rules import Rules
from alerts.storm import Storm
from alerts.verdict import Change, Verdict
from detectors.detection import Kind

_MOST_CLOSED: Final = 1000  # remembered, for their cooldown
_DEFAULT: Final = Rules()
_LATE: Final = {  # what the message adds when an alert is told after all
    Why.SHADOW: " (it was in shadow until now)",
    Why.SCHEDULE: " (it was not to be told until now)",
    Why.SILENCE: " (it was silenced until now)",
    Why.HOST: "",
    Why.STORM: " (it was gathered with others until now)",
}


@dataclass(slots=True)
class Passed:
    """What came out of the gate."""

    told: list[Verdict] = field(default_factory=list)  # in order, all of one stream
    held: list[tuple[Verdict, Why | None]] = field(default_factory=list)  # from now on; or ended untold
    late: bool = False  # something is told later than it was decided


class Gate:
    """One for all streams. Times come from outside: `at` is that of a sight, `now` that on the wall."""

    def __init__(
        self, more_than: int = 30, within: float = 60.0, host_wait: float = 3.0, update_every: float = 30.0
    ) -> None:
        """It storms when more than `more_than` alerts of cameras open within `within` seconds.

        `host_wait`: seconds that 'offline' of one camera waits for the others of its host. `update_every`:
        seconds between two updates of an alert that speaks for many.
        """
        self.counts: Counter[str] = Counter()  # alerts, "silence:anomaly": held, and "told:anomaly"
        self.changed = False  # since whoever keeps the memory looked
        self._opened: dict[str, dict[str, OpenAlert]] = {}  # by stream, by alert id
        self._closed: dict[Thing, datetime] = {}
        self._rules: dict[str, Rules] = {}
        self._live: set[str] = set()
        self._longest_cooldown = 0.0
        self._orders = Orders()
        self._acknowledged: dict[str, Acknowledgement] = {}
        self._hosts = Hosts(host_wait)
        self._storm = Storm(more_than, within)
        self._round_up = RoundUp(self._opened, self._storm, self._hosts, update_every)
        self._last: datetime | None = None
        self._now = 0.0

    def add(self, stream: str, rules: Rules, host: str = "", live: bool = True) -> None:
        """A stream is watched from now on. `host`: where its camera hangs, empty where there is none."""
        self._rules[stream] = rules
        self._hosts.add(stream, host)
        (self._live.add if live else self._live.discard)(stream)
        self._longest_cooldown = max(self._longest_cooldown, *map(rules.cooldown_of, rules.of_kind))

    def remove(self, stream: str) -> None:
        """It is no longer watched; its alerts were closed."""
        self._rules.pop(stream, None)
        self._hosts.remove(stream)
        self._live.discard(stream)

    def heed(self, orders: Orders) -> None:
        """From now on these hold, and no others."""
        self._orders = orders
        self._acknowledged = {each.alert_id: each for each in orders.acknowledgements}

    def sift(
        self, stream: str, verdicts: Sequence[Verdict], at: datetime, now: datetime, picture: bool = True
    ) -> Passed:
        """What is to be told after one sight of a stream. To be called for each of them, in order, even if
        nothing was decided: what is held waits for it.

        `picture`: there was a frame. Without one, nothing is told late but what is about the stream itself.
        """
        self._advance(now)
        self._hosts.note(stream, picture)
        return self._sift(stream, verdicts, at, now, picture)

    def tick(self, now: datetime) -> Passed:
        """What is to be told of the house as a whole. To be called about twice a second."""
        self._advance(now)
        return self._sift(HOUSE, list(self._round_up.weigh(now, self._now)), now, now)

    def finish(self, now: datetime) -> Passed:
        """Nothing is watched any more: what speaks for others closes."""
        self._advance(now)
        return self._sift(HOUSE, list(self._round_up.finish(now, self._now)), now, now)

    def _sift(
        self, stream: str, verdicts: Sequence[Verdict], at: datetime, now: datetime, picture: bool = True
    ) -> Passed:
        passed = Passed()
        alerts = self._opened.setdefault(stream, {})
        fresh: dict[str, Verdict] = {}
        for verdict in verdicts:
            self.changed = True
            if verdict.change is Change.CLOSED:
                self._close(alerts.pop(verdict.alert_id, None), verdict, passed)
                continue
            alert = alerts.get(verdict.alert_id)
            if alert is None:
                alert = alerts[verdict.alert_id] = OpenAlert(verdict, self._now)
                if verdict.change is not Change.OPENED:  # somebody told of it before we began
                    alert.told = verdict.severity
            fresh[verdict.alert_id], alert.verdict = verdict, _light(verdict)
        for alert_id, alert in alerts.items():
            self._settle(alert, fresh.get(alert_id), at, now, picture, passed)
        if not alerts:
            del self._opened[stream]
        return passed

    def _close(self, alert: OpenAlert | None, verdict: Verdict, passed: Passed) -> None:
        if verdict.stream != HOUSE:
            thing = (verdict.stream, verdict.kind, verdict.label, verdict.subject)
            self._closed.pop(thing, None)
            self._closed[thing] = verdict.captured_at
            if len(self._closed) > _MOST_CLOSED:
                del self._closed[next(iter(self._closed))]
        if alert is not None and alert.told is None:
            waited = alert.why is Why.HOST and alert.gathered is None  # for others of its host, and none came
            passed.held.append((verdict, None if waited else alert.gathered or alert.why))
        else:
            passed.told.append(self._with_who_has_seen_to_it(verdict))

    def _settle(
        self,
        alert: OpenAlert,
        fresh: Verdict | None,
        at: datetime,
        now: datetime,
        picture: bool,
        passed: Passed,
    ) -> None:
        """Tells of one alert what may be told now. `fresh` is what the judge has just said of it."""
        before, why = alert.why, self._why(alert, at, now)
        if why is not None:
            if alert.told is None and before is not why:
                self.counts[f"{why}:{alert.verdict.kind}"] += 1
                passed.held.append((alert.verdict, why))
            self.changed = self.changed or before is not why
            alert.why = why
            return
        if alert.told is None:
            late = fresh is None or fresh.change is not Change.OPENED
            if late and not picture and alert.verdict.kind is not Kind.STREAM:
                return
            verdict = fresh or alert.verdict
            if late:
                verdict = replace(verdict, change=Change.OPENED, captured_at=at)
            if late and before:
                passed.late = True
                verdict = replace(verdict, reason=verdict.reason + _LATE[before])
            self.counts[f"told:{verdict.kind}"] += 1
        elif (news := self._news(alert, fresh, at)) is not None:
            verdict = news
        else:
            alert.why = None
            return
        verdict = self._with_who_has_seen_to_it(verdict)
        alert.why, alert.told, alert.acknowledged_by = None, verdict.severity, verdict.acknowledged_by
        self.changed = True
        passed.told.append(verdict)

    def _news(self, alert: OpenAlert, fresh: Verdict | None, at: datetime) -> Verdict | None:
        """What is new of an alert that was told: it goes on, got worse, or somebody has seen to it."""
        said = self._acknowledged.get(alert.verdict.alert_id)
        seen_to = said is not None and said.by != alert.acknowledged_by
        worse = alert.told is not None and (fresh or alert.verdict).severity.above(alert.told)
        if not seen_to and not worse and (said or fresh is None):
            return None
        verdict = replace(fresh or replace(alert.verdict, captured_at=at), change=Change.UPDATED)
        if said and seen_to:
            words = f"Acknowledged by {said.by}" + (f": {said.comment}" if said.comment else ".")
            return replace(verdict, reason=words)
        return verdict

    def _with_who_has_seen_to_it(self, verdict: Verdict) -> Verdict:
        said = self._acknowledged.get(verdict.alert_id)
        who = said.by if said else ""
        return verdict if who == verdict.acknowledged_by else replace(verdict, acknowledged_by=who)

    def _why(self, alert: OpenAlert, at: datetime, now: datetime) -> Why | None:
        """The reasons, in their order: first what people want, then what another alert speaks for."""
        why = self._ordered(alert.verdict, at, now)
        return why or self._round_up.why(alert, self._now, alert.verdict.stream in self._live)

    def _ordered(self, verdict: Verdict, at: datetime, now: datetime) -> Why | None:
        rules = self._rules.get(verdict.stream, _DEFAULT)
        if verdict.kind in rules.shadow:
            return Why.SHADOW
        if not rules.may_tell(verdict.kind, verdict.label, at):
            return Why.SCHEDULE
        if any(silence.fits(verdict, now) for silence in self._orders.silences):
            return Why.SILENCE
        return None

    # ---- what is open, for those who go on with it or show it

    def open_alerts(self, stream: str | None = None) -> list[OpenAlert]:
        """Told or not; of one stream, or all."""
        return [
            alert
            for name, alerts in self._opened.items()
            if stream in (None, name)
            for alert in alerts.values()
        ]

    def closed(self, stream: str) -> list[Closed]:
        """What closed on a stream not long ago."""
        return [
            Closed(kind, label, subject, at)
            for (name, kind, label, subject), at in self._closed.items()
            if name == stream
        ]

    @property
    def storming(self) -> bool:
        """Whether alerts are gathered because too many open."""
        return self._storm.raging

    @property
    def silences(self) -> int:
        """How many hold now."""
        return sum(self._last is None or self._last < each.until for each in self._orders.silences)

    # ---- through a restart

    def memory(self) -> Memory:
        """What has to outlive the daemon, beside what was told. Nothing in it changes any more."""
        recent = self._last - timedelta(seconds=self._longest_cooldown) if self._last else None
        return Memory(
            self._storm.raging,
            self._round_up.gathered,
            tuple(replace(alert) for alert in self.open_alerts()),
            tuple((thing, at) for thing, at in self._closed.items() if recent is None or at >= recent),
        )

    def recall(self, memory: Memory | None, told: Sequence[Verdict]) -> None:
        """Goes on where the daemon ended: with its memory, where there is one, and what was told and is open.

        The memory may be a little older than `told`, which has the word on what was told.
        """
        self.changed = True  # who looks at the memory is to see what is open now, and not what was
        last_told = {verdict.alert_id: verdict for verdict in told}
        kept = memory.opened if memory else ()
        known = {alert.verdict.alert_id: alert for alert in kept}
        for alert in kept:
            if (alert.told is None) or alert.verdict.alert_id in last_told:  # else it has closed since
                self._opened.setdefault(alert.verdict.stream, {})[alert.verdict.alert_id] = alert
        for alert_id, verdict in last_told.items():
            alert = known.get(alert_id) or OpenAlert(verdict, 0.0)
            alert.verdict, alert.told = verdict, verdict.severity
            alert.acknowledged_by = verdict.acknowledged_by
            alert.gathered, alert.admitted = None, True
            self._opened.setdefault(verdict.stream, {})[alert_id] = alert
        self._closed.update(memory.closed if memory else ())
        for alert in self._opened.get(HOUSE, {}).values():
            gathered = memory.gathered.get(alert.verdict.subject, 0) if memory else 0
            self._round_up.resume(alert.verdict, self._now, memory is None or memory.raging, gathered)
        for alert in self.open_alerts():
            # A crash came between the memory and the outbox: nobody speaks for it, so it is weighed anew.
            if alert.told is None and not self._round_up.speaks_for(alert):
                alert.gathered = None

    def _advance(self, now: datetime) -> None:
        """Time goes on, or stands still where the clock was set back."""
        if self._last is not None:
            self._now += max(0.0, (now - self._last).total_seconds())
        self._last = now


def _light(verdict: Verdict) -> Verdict:
    """Without the heat map and what scores it again, which are large."""
    seen = verdict.detection
    if seen is None or (seen.heatmap is None and seen.expected is None and seen.before is None):
        return verdict
    return replace(verdict, detection=replace(seen, heatmap=None, expected=None, before=None))
