"""Alerts for people, through any of the services that Apprise knows: chat, mail, push, text messages."""

import importlib.util
import logging
import re
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from alerts.aside import Aside
from alerts.channel import Message, PublishError
from alerts.client import Alert, MessageError, read
from alerts.picture import picture_of
from alerts.plain_words import in_plain_words
from config.printable import printable
from config.secrets import hide

MISSING: Final = (
    "a channel of kind apprise needs the library Apprise: install it into the environment of framewarden "
    "with: pip install 'apprise>=1.9'"
)
_LARGEST: Final = 5_000_000  # bytes of a picture; services take no more, and some less
_NOT_THIS_MESSAGE: Final = ("401", "402", "403", "404", "405", "407", "408", "410", "425", "429")
_KINDS: Final = {"info": "info", "warning": "warning", "critical": "failure"}


def is_installed() -> bool:
    """Whether the library is there; it is asked for without being loaded."""
    return importlib.util.find_spec("apprise") is not None


class AppriseChannel:
    """One service for each channel, so that one that is away holds up no other and nobody is told twice."""

    batch = 1

    def __init__(self, url: str, *, name: str = "apprise", picture: bool = True, link: str = "") -> None:
        """`url` is the service as Apprise writes it: a secret as a whole, which no text shows."""
        self.name = name
        self._url = url
        self._picture = picture
        self._link = link
        self._aside = Aside(f"channel {name}")
        self._service: Any = None

    async def publish(self, messages: Sequence[Message]) -> None:
        for message in messages:
            try:
                alert = read(message.body)
            except MessageError as error:
                raise PublishError(str(error), permanent=True) from None
            await self._aside.run(lambda alert=alert: self._notify(alert))  # type: ignore[misc]

    async def tend(self) -> bool:
        """Nothing to look after: a service for people can only be asked by telling them something."""
        return False

    async def close(self) -> None:
        """Nothing to let go of: each message has a connection of its own."""

    # ---- on a thread: Apprise waits for the network, up to its own limits (the URL's cto= and rto=)

    def _notify(self, alert: Alert) -> None:
        service = self._loaded()
        words = in_plain_words(alert, self._link)
        text, attached = words.text, None
        if self._picture and alert.state != "closed" and service.attachment_support:
            jpeg, problem = picture_of(alert.data, _LARGEST)
            if jpeg:
                attached = self._attachment(alert)
            elif problem:
                text += f"\nNo picture: {problem}"
        kind = _KINDS.get(alert.severity, "warning")
        refusal = self._sent(service, title=words.title, body=text, notify_type=kind, attach=attached)
        if refusal and attached:  # it may be too large, or of a kind that is not taken
            text += f"\nNo picture: {self._called(service)} did not take it"
            refusal = self._sent(service, title=words.title, body=text, notify_type=kind, attach=None)
        if refusal:
            raise PublishError(
                f"{self._called(service)} did not take it: {refusal}",
                permanent=_is_about_the_message(refusal),
            )

    def _sent(self, service: Any, **what: Any) -> str:
        """Why it was not taken; empty where it was."""
        with _Overheard() as overheard:
            try:
                if service.notify(**what):
                    return ""
            except Exception as error:  # noqa: BLE001 - a hundred plugins raise what they like, with addresses
                overheard.add(f"{type(error).__name__} in its part of Apprise")
            return overheard.words()

    def _loaded(self) -> Any:
        if self._service is None:
            if not is_installed():
                raise PublishError(MISSING)
            from apprise import Apprise  # late: it costs half a second and 25 MB

            self._service = Apprise.instantiate(self._url)
            if self._service is None:
                scheme = self._url.partition("://")[0]
                raise PublishError(
                    f"Apprise does not understand the address in url (it begins with {scheme}://): "
                    "see https://appriseit.com/services for how the service is written"
                )
        return self._service

    def _attachment(self, alert: Alert) -> Any:
        from apprise import AppriseAttachment

        evidence = alert.data["evidence"]
        return AppriseAttachment(str(Path(evidence.get("annotated") or evidence["picture"])))

    def _called(self, service: Any) -> str:
        return str(getattr(service, "service_name", None) or "The service")


def _is_about_the_message(refusal: str) -> bool:
    """Whether the service was reached, and lets us in: then others may be taken where this one is not."""
    code = re.search(r"\berror[= ](\d{3})\b", refusal)
    if code:
        return code[1].startswith("4") and code[1] not in _NOT_THIS_MESSAGE
    return not re.search(r"connect|socket|time(d )?out|login|auth", refusal, re.IGNORECASE)


class _Overheard(logging.Handler):
    """Apprise says only in its log why something was not taken: what this thread heard, without secrets."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._thread = threading.get_ident()
        self._said: list[str] = []

    def __enter__(self) -> "_Overheard":
        logging.getLogger("apprise").addHandler(self)
        return self

    def __exit__(self, *_: object) -> None:
        logging.getLogger("apprise").removeHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        if record.thread == self._thread:
            self._said.append(record.getMessage())

    def add(self, words: str) -> None:
        """What was not in the log."""
        self._said.append(words)

    def words(self) -> str:
        """One line, at most 300 letters."""
        said = " ".join(hide(" ".join(self._said)).split())
        return printable(said[:300], " ") or "it does not say why"
