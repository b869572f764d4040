"""The promise of everything that alerts are told to, and the message it is handed."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Message:
    """One CloudEvents 1.0 message, ready to send."""

    id: str  # unique; the same again when it is sent again
    stream: str
    kind: str
    sequence: int  # per stream, without gaps
    body: str  # the JSON text, structured mode


class PublishError(Exception):
    """The channel did not take the message; it stays in the outbox. Says what to do, without credentials."""


class Channel(Protocol):
    """Where messages go. Called by one task at a time, in the outbox's order."""

    name: str

    async def publish(self, messages: Sequence[Message]) -> None:
        """Hands over all of them, in order, or raises PublishError: then all of them are sent again."""
        ...

    async def close(self) -> None:
        """Lets go of the connection."""
        ...
