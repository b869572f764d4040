"""Many alerts at once become one: those of a host that is gone, and those of a storm. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final

from alerts.hosts import HOST_OFFLINE, Hosts
from alerts.open_alert import OpenAlert, Why
from alerts.roll_up import HOUSE, RollUp
from alerts.rules import OFFLINE
from alerts.storm import STORM, Storm
from alerts.verdict import Severity, Verdict
from detectors.detection import Kind

_MOST_NAMES: Final = 10  # in a sentence


class RoundUp:
    """Looks at all open alerts, and says which of them another alert speaks for."""

    def __init__(
        self, opened: Mapping[str, Mapping[str, OpenAlert]], storm: Storm, hosts: Hosts, update_every: float
    ) -> None:
        """`opened`: by stream and by alert id, kept up to date by the gate."""
        self.storm = storm
        self.hosts = hosts
        self._opened = opened
        self._update_every = update_every
        self._storm_alert = RollUp(STORM, "", storm.more_than, update_every)
        self._host_alerts: dict[str, RollUp] = {}

    def why(self, alert: OpenAlert, now: float, live: bool) -> Why | None:
        """HOST or STORM where another alert speaks for this one, or will in a moment.

        `live`: of a camera. A recording is judged as fast as it can be read, and that is no storm.
        What is critical counts in a storm, but is always told by itself.
        """
        if alert.verdict.stream == HOUSE:
            return None
        if alert.gathered is not Why.STORM and _is_offline(alert) and self._host_holds(alert, now):
            return Why.HOST
        if alert.gathered is Why.STORM and alert.verdict.severity is Severity.CRITICAL:
            alert.gathered, alert.admitted = None, True
        if live and alert.told is None and not alert.admitted and alert.gathered is None:
            if self.storm.admit(now) or alert.verdict.severity is Severity.CRITICAL:
                alert.admitted = True
            else:
                alert.gathered = Why.STORM
                self._storm_alert.gather(alert.verdict)
        return Why.STORM if alert.gathered is Why.STORM else None

    def weigh(self, at: datetime, now: float) -> Iterator[Verdict]:
        """What is worth telling of the house as a whole."""
        yield from self._weigh_storm(at, now)
        for host in sorted(self.hosts.down):
            yield from self._weigh_host(host, at, now)

    def finish(self, at: datetime, now: float) -> Iterator[Verdict]:
        """Closes what speaks for others: nothing is watched any more."""
        for alert in (self._storm_alert, *self._host_alerts.values()):
            yield from alert.weigh(at, now, [], "No longer watched.", on=False)

    @property
    def gathered(self) -> dict[str, int]:
        """How many alerts each of its own speaks for, by its subject."""
        counts = {host: alert.count for host, alert in self._host_alerts.items()}
        return counts | {"": self._storm_alert.count}

    def resume(self, verdict: Verdict, now: float, raging: bool, gathered: int) -> None:
        """Goes on with one of its alerts that was open when the daemon ended."""
        if verdict.label == STORM:
            self._storm_alert.resume(verdict, gathered)
            if raging:
                self.storm.resume(now)
        else:
            self._go_down(verdict.subject, verdict.threshold).resume(verdict, gathered)

    def speaks_for(self, alert: OpenAlert) -> bool:
        """Whether what gathered this alert is open."""
        if alert.gathered is Why.HOST:
            return self.hosts.host_of(alert.verdict.stream) in self._host_alerts
        return alert.gathered is Why.STORM and self._storm_alert.alert is not None

    def _host_holds(self, alert: OpenAlert, now: float) -> bool:
        """Whether a camera that is offline is told of with the others of its host, or may be soon."""
        stream = alert.verdict.stream
        host = self.hosts.host_of(stream)
        if not host or host in self.hosts.down:
            return bool(host)
        if alert.told is not None or alert.admitted:
            return False
        offline = list(self._offline(host))
        untold = [each for each in offline if each.told is None and each.why in (None, Why.HOST)]
        if {each.verdict.stream for each in offline} == self.hosts.streams_of(host) and len(untold) > 1:
            self._go_down(host, len(offline))
            return True
        told = {each.verdict.stream for each in offline if each.told is not None}
        others = self.hosts.streams_of(host) - told - {stream}
        if alert.why is not Why.HOST:  # it begins to wait: what the others had before says nothing of now
            self.hosts.look_again(host)
        return bool(others) and not self.hosts.another_sees(stream) and now - alert.since < self.hosts.wait

    def _go_down(self, host: str, cameras: float) -> RollUp:
        self.hosts.down.add(host)
        self._host_alerts[host] = RollUp(HOST_OFFLINE, host, cameras, self._update_every)
        return self._host_alerts[host]

    def _offline(self, host: str) -> Iterator[OpenAlert]:
        for stream in sorted(self.hosts.streams_of(host)):
            yield from filter(_is_offline, self._opened.get(stream, {}).values())

    def _weigh_host(self, host: str, at: datetime, now: float) -> Iterator[Verdict]:
        speaker, offline = self._host_alerts[host], list(self._offline(host))
        spoken_for = [alert for alert in offline if alert.why is Why.HOST]
        for alert in spoken_for:
            if alert.gathered is None:
                alert.gathered = Why.HOST
                speaker.gather(alert.verdict)
        away = [alert.verdict for alert in offline if alert.why in (None, Why.HOST)]
        untold = len(offline) - len(away)  # silenced, in shadow: nobody is to be told their names
        reason = _host_reason(host, len(self.hosts.streams_of(host)) - untold, away, bool(offline))
        still_open = [alert.verdict for alert in spoken_for]
        yield from speaker.weigh(at, now, still_open, reason, on=bool(offline))
        if not offline:
            self.hosts.down.discard(host)
            del self._host_alerts[host]

    def _weigh_storm(self, at: datetime, now: float) -> Iterator[Verdict]:
        self.storm.calm(now)
        gathered = [
            alert
            for alerts in self._opened.values()
            for alert in alerts.values()
            if alert.gathered is Why.STORM
        ]
        on = self.storm.raging or len(gathered) > self.storm.few
        still_open = [alert.verdict for alert in gathered]
        reason = _storm_reason(self.storm, self._storm_alert.count, still_open, on)
        yield from self._storm_alert.weigh(at, now, still_open, reason, on)
        if not on:
            for alert in gathered:
                alert.gathered, alert.admitted = None, True


def _is_offline(alert: OpenAlert) -> bool:
    return alert.verdict.kind is Kind.STREAM and alert.verdict.label == OFFLINE


def _host_reason(host: str, cameras: int, away: Sequence[Verdict], on: bool) -> str:
    if on and not away:
        return f"Of the cameras of {host}, only such are still offline as are not told of."
    if not away:
        return f"All cameras of {host} are back."
    names = _names([verdict.stream for verdict in away])
    if len(away) >= cameras:
        return f"All {cameras} cameras of {host} are offline: {names}. {away[-1].reason}"
    return f"{len(away)} of {cameras} cameras of {host} are still offline: {names}. {away[-1].reason}"


def _storm_reason(storm: Storm, count: int, still_open: Sequence[Verdict], on: bool) -> str:
    goes_on = f"{len(still_open)} still open"
    if still_open:
        goes_on += f" on {_names(sorted({verdict.stream for verdict in still_open}))}"
    if on:
        return (
            f"More than {storm.more_than} alerts opened within {storm.within:g} s: "
            f"{count} more are gathered here, {goes_on}."
        )
    return f"The storm is over: {count} alerts were gathered; {goes_on}, told one by one from now on."


def _names(names: Sequence[str]) -> str:
    rest = len(names) - _MOST_NAMES
    return ", ".join(names[:_MOST_NAMES]) + (f" and {rest} more" if rest > 0 else "")
