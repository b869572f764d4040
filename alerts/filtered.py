"""A channel that gets only what an operator wants it to get."""

from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Final

from alerts.channel import Channel, Message
from alerts.client import Alert, Gathered, Member, MessageError, read
from alerts.verdict import Severity
from config.channels import Only

_MOST_LEFT_OUT: Final = 1000


class Filtered:
    """Stands before a channel, and leaves out what does not fit `only`."""

    def __init__(self, channel: Channel, only: Only) -> None:
        self.name = channel.name
        self.batch = channel.batch
        self._channel = channel
        self._only = only
        self._left_out: dict[str, None] = {}  # alerts that speak for many of which none was wanted, so far

    async def publish(self, messages: Sequence[Message]) -> None:
        wanted = [message for message in messages if self._wants(message)]
        if wanted:
            await self._channel.publish(wanted)

    async def tend(self) -> bool:
        return await self._channel.tend()

    async def close(self) -> None:
        await self._channel.close()

    def _wants(self, message: Message) -> bool:
        """One that cannot be read is wanted, so that the channel says so, if its stream and kind are."""
        try:
            alert = read(message.body)
        except MessageError:
            return _about(self._only, [message.stream], [message.kind])
        about = _about(self._only, [alert.stream], [alert.kind], [alert.label]) or (
            alert.gathered is not None and self._speaks_for_wanted(alert, alert.gathered)
        )
        return about and _matters(self._only, alert)

    def _speaks_for_wanted(self, alert: Alert, gathered: Gathered) -> bool:
        """Whether an alert that speaks for many speaks for one that is wanted.

        A message names those that came since the one before it, so who was told that it opened has to be told
        how it goes on, whoever is named then. In doubt (after a restart, or where not all are named) it is
        wanted.
        """
        all_named = alert.state == "opened" and gathered.count <= len(gathered.members)
        if any(_speaks_for(self._only, alert, member) for member in gathered.members):
            self._left_out.pop(alert.alert_id, None)
            return True
        if all_named:
            self._left_out[alert.alert_id] = None
            if len(self._left_out) > _MOST_LEFT_OUT:
                del self._left_out[next(iter(self._left_out))]
        return alert.alert_id not in self._left_out


def _matters(only: Only, alert: Alert) -> bool:
    # A word that only a newer daemon knows is none to leave anything out for.
    members = alert.gathered.members if alert.gathered else ()
    words = {alert.severity, *(member.severity for member in members)}
    least, known = Severity(only.min_severity), set(Severity)
    if all(word in known and least.above(Severity(word)) for word in words):
        return False
    return only.states is None or alert.state in only.states


def _speaks_for(only: Only, alert: Alert, member: Member) -> bool:
    return _about(only, [alert.stream, member.stream], [alert.kind, member.kind], [alert.label, member.label])


def _about(only: Only, streams: Sequence[str], kinds: Sequence[str], labels: Sequence[str] = ()) -> bool:
    """Whether one of each fits; no labels: they cannot be read."""
    return (
        _matches(streams, only.streams)
        and (only.kinds is None or not set(kinds).isdisjoint(only.kinds))
        and (not labels or _matches(labels, only.labels))
    )


def _matches(words: Sequence[str], patterns: Sequence[str] | None) -> bool:
    return patterns is None or any(fnmatchcase(word, each) for word in words for each in patterns)
