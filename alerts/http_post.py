"""POST to one address that an operator named; what goes wrong in words, and whether it may get better."""

import asyncio
import os
import ssl
import time
from base64 import b64encode
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

import aiohttp

from alerts.channel import PublishError
from config.printable import printable
from config.secrets import hide

_ANSWER: Final = 2_000  # bytes of an answer that are read
_SHOWN: Final = 200  # letters of it that are shown
# The address refuses whatever is sent there. That is for an operator to mend, and alerts wait until then.
_NOT_THIS_MESSAGE: Final = {
    401: "does not know us: is the secret or authorization right?",
    402: "asks for payment.",
    403: "does not let us send there: is the secret or authorization right?",
    404: "has nothing at this path: is url right?",
    405: "takes no POST there: is url right?",
    407: "stands behind a proxy that asks for a password.",
    410: "says that this address is no more: is url right?",
}
_PASSING: Final = (408, 425, 429)


class HttpPost:
    """Connects by itself, and keeps the connection. Follows no redirect: a body is for that address alone."""

    def __init__(
        self,
        url: str,
        *,
        timeout: float,
        authorization: str | None = None,
        ca_file: Path | None = None,
    ) -> None:
        """`url` may carry user and password; `timeout` seconds are for every answer."""
        parts = urlsplit(url)
        user, at, host = parts.netloc.rpartition("@")
        self._url = parts._replace(netloc=host).geturl()
        if at and not authorization:
            # Not left in the address: from there aiohttp takes it in Latin-1, which lacks many letters.
            authorization = f"Basic {b64encode(unquote(user).encode()).decode()}"
        self._where = origin(url)
        self._timeout = timeout
        self._authorization = authorization
        self._ca_file = ca_file
        self._session: aiohttp.ClientSession | None = None

    async def send(self, body: bytes, headers: Mapping[str, str]) -> None:
        """Returns once the receiver said that it took it. Raises PublishError."""
        try:
            async with asyncio.timeout(self._timeout):
                status, said, asked = await self._post(body, headers)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise PublishError(f"{self._where} {self._in_words(error)}") from None
        if not 200 <= status < 300:
            raise self._refusal(status, said, asked)

    async def close(self) -> None:
        """Lets go of the connection."""
        session, self._session = self._session, None
        if session:
            await session.close()

    async def _post(self, body: bytes, headers: Mapping[str, str]) -> tuple[int, str, Mapping[str, str]]:
        if self._session is None:
            trusted = await asyncio.to_thread(ssl.create_default_context, cafile=self._ca_file)
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(ssl=trusted, limit=1),
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=None),  # the limit is ours, in send
                headers={"Authorization": self._authorization} if self._authorization else None,
            )
        async with self._session.post(self._url, data=body, headers=headers, allow_redirects=False) as answer:
            said = await answer.content.read(_ANSWER)
            return answer.status, said.decode(errors="replace"), answer.headers

    def _refusal(self, status: int, said: str, headers: Mapping[str, str]) -> PublishError:
        pause = retry_after(headers.get("Retry-After", ""))
        if 300 <= status < 400:
            target = origin(headers.get("Location", "")) or "elsewhere"
            return PublishError(
                f"{self._where} sends us on to {target} ({status}): put the final address into url"
            )
        shown = hide(printable(said[:_SHOWN], " ")).strip()
        answer = f"{status}: {shown}" if shown else str(status)
        if words := _NOT_THIS_MESSAGE.get(status):
            return PublishError(f"{self._where} {words} It answers {answer}", retry_after=pause)
        if 400 <= status < 500 and status not in _PASSING:
            return PublishError(f"{self._where} does not take this message: {answer}", permanent=True)
        return PublishError(f"{self._where} cannot take it now: {answer}", retry_after=pause)

    def _in_words(self, error: Exception) -> str:
        match error:
            case aiohttp.ClientConnectorCertificateError():
                why = getattr(error.certificate_error, "verify_message", "") or "not trusted"
                return f"shows a certificate that is not good ({why}): is the host right, and ca_file?"
            case aiohttp.ClientSSLError() | ssl.SSLError():
                return (
                    f"does not speak TLS with us ({_reason(error)}): http:// or https://, and is ca_file PEM?"
                )
            case TimeoutError():
                return f"does not answer within {self._timeout:g} s: is it overloaded?"
            case aiohttp.ClientConnectorDNSError():
                return f"is not known by that name ({_reason(error)}): is the host right?"
            case FileNotFoundError() | PermissionError():
                return f"cannot be reached: ca_file {self._ca_file} cannot be read ({error.strerror})"
            case aiohttp.ClientConnectorError():
                return f"cannot be reached ({_reason(error)}): is it running, and is the address right?"
            case aiohttp.ServerDisconnectedError() | aiohttp.ClientOSError() | aiohttp.ClientPayloadError():
                return "hung up before it answered"
            case aiohttp.InvalidURL() | ValueError():
                return "is no address that can be called"
        return f"cannot be reached ({type(error).__name__}): is it running, and does it speak HTTP?"


def origin(url: str) -> str:
    """Scheme, host and port: what of an address may be shown."""
    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return ""
    host = parts.hostname or ""
    return f"{parts.scheme}://{f'[{host}]' if ':' in host else host}{port}" if host else ""


def retry_after(said: str) -> float | None:
    """The seconds that a Retry-After header asks for, as a number or a date."""
    try:
        return max(0.0, float(said))
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(said).timestamp() - time.time())
    except (ValueError, TypeError, OverflowError):
        return None


def _reason(error: Exception) -> str:
    inner = getattr(error, "os_error", error)
    if isinstance(inner, OSError) and inner.errno and inner.errno > 0:
        return os.strerror(inner.errno)  # asyncio's own text repeats the address
    return str(getattr(inner, "reason", None) or getattr(inner, "strerror", None) or type(inner).__name__)
