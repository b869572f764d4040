"""Alerts as POST requests, signed by Standard Webhooks (https://www.standardwebhooks.com)."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from alerts.aside import Aside
from alerts.channel import Message, PublishError
from alerts.http_post import HttpPost
from alerts.picture import picture_of


class WebhookChannel:
    """One request for each message: the CloudEvent in structured mode, as subscribers on Redis get it."""

    batch = 1

    def __init__(
        self,
        url: str,
        *,
        name: str = "webhook",
        secret: str | None = None,
        authorization: str | None = None,
        ca_file: Path | None = None,
        timeout: float = 10.0,
        picture_bytes: int = 0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`secret` is whsec_ and base64. Pictures of up to `picture_bytes` go along, in base64."""
        self.name = name
        self._post = HttpPost(url, timeout=timeout, authorization=authorization, ca_file=ca_file)
        self._key = base64.b64decode(secret.removeprefix("whsec_")) if secret else None
        self._picture_bytes = picture_bytes
        self._clock = clock
        self._aside = Aside(f"channel {name}")

    async def publish(self, messages: Sequence[Message]) -> None:
        for message in messages:
            body = message.body.encode()
            if self._picture_bytes:
                body = await self._aside.run(lambda message=message: self._with_picture(message))  # type: ignore[misc]
            await self._post.send(body, self._headers(message, body))

    async def tend(self) -> bool:
        """Nothing to look after: a receiver of POSTs can only be asked by a POST."""
        return False

    async def close(self) -> None:
        await self._post.close()

    def _headers(self, message: Message, body: bytes) -> dict[str, str]:
        headers = {
            "Content-Type": "application/cloudevents+json; charset=utf-8",
            "User-Agent": "framewarden",
            "webhook-id": message.id.replace(".", "-"),  # a dot parts the fields of what is signed
            "webhook-timestamp": str(int(self._clock())),
        }
        if self._key is not None:
            signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
            digest = hmac.new(self._key, signed, hashlib.sha256).digest()
            headers["webhook-signature"] = f"v1,{base64.b64encode(digest).decode()}"
        return headers

    def _with_picture(self, message: Message) -> bytes:
        try:
            event = json.loads(message.body)
            data = event["data"]
            jpeg, problem = picture_of(data, self._picture_bytes)
            data["picture"] = {
                "content_type": "image/jpeg",
                "base64": base64.b64encode(jpeg).decode() if jpeg else None,
                "problem": problem or None,
            }
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise PublishError(f"this is not an alert message ({error})", permanent=True) from None
        return json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()
