"""A channel that gets only what an operator wants it to get."""

from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Final

from alerts.channel import Channel, Message
from alerts.received import MessageError, Received, read
from alerts.verdict import Severity
from config.channels import Only

_RANK: Final = {severity: rank for rank, severity in enumerate(Severity)}


class Filtered:
    """Stands before a channel, and leaves out what does not fit `only`."""

    def __init__(self, channel: Channel, only: Only) -> None:
        self.name = channel.name
        self.batch = channel.batch
        self._channel = channel
        self._only = only

    async def publish(self, messages: Sequence[Message]) -> None:
        wanted = [message for message in messages if fits(message, self._only)]
        if wanted:
            await self._channel.publish(wanted)

    async def tend(self) -> bool:
        return await self._channel.tend()

    async def close(self) -> None:
        await self._channel.close()


def fits(message: Message, only: Only) -> bool:
    """Whether the message is wanted; one that cannot be read fits, so that the channel says so."""
    if not _matches(message.stream, only.streams):
        return False
    if only.kinds is not None and message.kind not in only.kinds:
        return False
    try:
        alert = read(message.body)
    except MessageError:
        return True
    return _fits(alert, only)


def _fits(alert: Received, only: Only) -> bool:
    # A word that only a newer daemon knows is none to leave anything out for.
    rank = _RANK.get(Severity(alert.severity)) if alert.severity in set(Severity) else None
    if rank is not None and rank < _RANK[Severity(only.min_severity)]:
        return False
    if only.states is not None and alert.state not in only.states:
        return False
    return _matches(alert.label, only.labels)


def _matches(word: str, patterns: Sequence[str] | None) -> bool:
    return patterns is None or any(fnmatchcase(word, pattern) for pattern in patterns)
