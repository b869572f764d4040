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
    """The channel did not take the messages; says what to do, without credentials.

    They stay in the outbox, unless it is `permanent`: then this message will never be taken, and is left out.
    """

    def __init__(self, text: str, *, permanent: bool = False, retry_after: float | None = None) -> None:
        """`permanent`: only of a single message. `retry_after`: seconds that the receiver asks for."""
        super().__init__(text)
        self.permanent = permanent
        self.retry_after = retry_after


class Channel(Protocol):
    """Where messages go. Called by one task at a time, in the outbox's order."""

    name: str
    batch: int  # how many messages it is handed at a time, at most

    async def publish(self, messages: Sequence[Message]) -> None:
        """Hands over all of them, in order, or raises PublishError: then all of them are sent again."""
        ...

    async def tend(self) -> bool:
        """What it does besides publishing: called at the start, and every few seconds.

        True where it saw that messages could be published now, False where it did not look.
        Raises PublishError.
        """
        ...

    async def close(self) -> None:
        """Lets go of the connection."""
        ...
