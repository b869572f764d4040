"""Alerts on an MQTT broker: each message, a retained state for each stream and kind, and the last picture."""

import asyncio
import json
import math
import socket
import ssl
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from aiomqtt import Client, MqttCodeError, MqttError, Will

from alerts.aside import Aside
from alerts.channel import Message, PublishError
from alerts.client import Alert, MessageError, read
from alerts.home_assistant import image, problem_sensor
from alerts.picture import picture_of
from alerts.told import Told
from alerts.verdict import Severity
from config.secrets import hide

_CONNECTS_WITHIN: Final = 60.0  # seconds after which aiomqtt's thread has a socket or an error
_RANK: Final = {str(severity): severity.rank for severity in Severity}
_BAD_LOGIN: Final = (4, 5, 134, 135)  # answers to CONNECT, of MQTT 3.1.1 and 5


class MqttChannel:
    """QoS 1 for everything. Connects by itself, and again by itself; the broker says 'offline' when we die.

    TOPIC/alerts/STREAM/KIND   the message as it is, not retained
    TOPIC/state/STREAM/KIND    retained: {"state": "ON" or "OFF", "open": how many, and what is the matter}
    TOPIC/picture/STREAM       retained: the last picture with its boxes, JPEG
    TOPIC/status               retained: online, or offline (the last will)
    """

    batch = 50

    def __init__(
        self,
        url: str,
        memory: Path,
        *,
        name: str = "mqtt",
        topic: str = "framewarden",
        discovery: str | None = "homeassistant",
        streams: Mapping[str, Sequence[str]] | None = None,
        client_id: str | None = None,
        ca_file: Path | None = None,
        picture_bytes: int = 500_000,
        timeout: float = 10.0,
        visiting: bool = False,
    ) -> None:
        """`memory` is a file for what is open; `streams` are those whose state is shown from the start, with
        their kinds. `discovery` is Home Assistant's prefix, None where there is none. `visiting`: says
        nothing of status and states, which are the daemon's own."""
        self.name = name
        parts = urlsplit(url)
        self._host, self._tls = parts.hostname or "", parts.scheme == "mqtts"
        self._port = parts.port or (8883 if self._tls else 1883)
        self._user = unquote(parts.username) if parts.username else None
        self._password = unquote(parts.password) if parts.password else None
        self._where = f"The broker at {f'[{self._host}]' if ':' in self._host else self._host}:{self._port}"
        self._topic = topic
        self._discovery = discovery
        self._shown = {(stream, kind) for stream, kinds in (streams or {}).items() for kind in kinds}
        own_id = f"framewarden-{socket.gethostname()}-{name}{'-visiting' if visiting else ''}"
        self._client_id = client_id or own_id
        self._visiting = visiting
        self._ca_file = ca_file
        self._picture_bytes = picture_bytes
        self._timeout = timeout
        self._told = Told(memory)
        self._aside = Aside(f"channel {name}")
        self._client: Client | None = None
        self._given_up: asyncio.Task[None] | None = None  # puts down a connection that came to nothing
        self._loaded = False

    async def publish(self, messages: Sequence[Message]) -> None:
        await self._connected()
        changed = False
        for message in messages:
            try:
                alert = read(message.body)
            except MessageError as error:
                raise PublishError(str(error), permanent=True) from None
            await self._say(f"alerts/{alert.stream}/{alert.kind}", message.body, retain=False)
            if alert.data.get("test") or alert.state == "judged":  # it is said once, and is no state
                continue
            self._told.note(alert, message.body)
            changed = True
            await self._show_picture(alert)
            if (alert.stream, alert.kind) not in self._shown:
                self._shown.add((alert.stream, alert.kind))
                await self._introduce(alert.stream, alert.kind)
            await self._show_state(alert.stream, alert.kind)
        if changed:
            await self._aside.run(self._told.save)

    async def tend(self) -> bool:
        """Keeps the connection, without which the broker says that we are offline."""
        await self._connected()
        await self._say("status", "online")
        return True

    async def close(self) -> None:
        if self._client is not None:
            try:
                if not self._visiting:
                    await self._say("status", "offline")  # there is no last will after a good-bye
            except PublishError:
                return
            await self._let_go()

    async def _connected(self) -> None:
        if self._client is not None:
            return
        if not self._loaded:
            await self._aside.run(self._told.load)
            self._loaded = True
        try:
            async with asyncio.timeout(self._timeout):
                if self._given_up:  # one at a time: it may still be on its way
                    await asyncio.wait([self._given_up])
                client = Client(
                    self._host,
                    self._port,
                    username=self._user,
                    password=self._password,
                    identifier=self._client_id,
                    will=None
                    if self._visiting
                    else Will(f"{self._topic}/status", "offline", qos=1, retain=True),
                    # The time limit is ours: theirs is asyncio.wait_for, which in Python 3.11 may swallow the
                    # cancellation that ends the daemon.
                    timeout=math.inf,
                    keepalive=30,
                    tls_context=await self._trusted() if self._tls else None,
                )
                await self._open(client)
        except (MqttError, OSError) as error:
            raise PublishError(f"{self._where} {self._in_words(error)}") from None
        self._client = client
        if self._visiting:
            return
        await self._say("status", "online")
        self._shown |= {(alert.stream, alert.kind) for alert in self._told}
        for stream, kind in sorted(self._shown):  # a broker that lost its memory knows nothing of them
            await self._introduce(stream, kind)
            await self._show_state(stream, kind)

    async def _open(self, client: Client) -> None:
        opening = asyncio.ensure_future(client.__aenter__())
        try:
            await asyncio.shield(opening)
        except asyncio.CancelledError:  # also where the time is over
            self._given_up = asyncio.create_task(_put_down(client, opening))
            raise

    async def _say(self, topic: str, payload: str | bytes, retain: bool = True) -> None:
        await self._put(f"{self._topic}/{topic}", payload, retain)

    async def _put(self, topic: str, payload: str | bytes, retain: bool = True) -> None:
        client = self._client
        if client is None:
            raise PublishError(f"{self._where} is not connected")
        try:
            async with asyncio.timeout(self._timeout):
                await client.publish(topic, payload, qos=1, retain=retain)
        except (MqttError, OSError, ValueError) as error:  # ValueError: what no MQTT message can hold
            await self._let_go()
            raise PublishError(
                f"{self._where} {self._in_words(error)}", permanent=isinstance(error, ValueError)
            ) from None

    async def _let_go(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            try:
                async with asyncio.timeout(1):
                    await client.__aexit__(None, None, None)
            except (MqttError, OSError):  # it is gone anyway
                return

    async def _introduce(self, stream: str, kind: str) -> None:
        if self._discovery is None:
            return
        wanted = [problem_sensor(self._topic, stream, kind)]
        if self._picture_bytes:
            wanted.append(image(self._topic, stream))
        for entity in wanted:
            await self._put(f"{self._discovery}/{entity.topic}", json.dumps(entity.config))

    async def _show_state(self, stream: str, kind: str) -> None:
        alerts = [alert for alert in self._told if (alert.stream, alert.kind) == (stream, kind)]
        state: dict[str, object] = {"state": "ON" if alerts else "OFF", "open": len(alerts)}
        if alerts:
            # The newest of those that matter most.
            worst = max(reversed(alerts), key=lambda alert: _RANK.get(alert.severity, 0))
            state |= {
                "severity": worst.severity,
                "label": worst.label,
                "subject": worst.subject,
                "reason": worst.reason,
                "since": worst.data["first_frame_at"],
                "alert_id": worst.alert_id,
            }
        await self._say(f"state/{stream}/{kind}", json.dumps(state, ensure_ascii=False))

    async def _show_picture(self, alert: Alert) -> None:
        if alert.state == "closed" or not self._picture_bytes:
            return
        jpeg, _ = await self._aside.run(lambda: picture_of(alert.data, self._picture_bytes))
        if jpeg:
            await self._say(f"picture/{alert.stream}", jpeg)

    async def _trusted(self) -> ssl.SSLContext:
        return await asyncio.to_thread(ssl.create_default_context, cafile=self._ca_file)

    def _in_words(self, error: Exception) -> str:
        text = hide(str(error))
        match error:
            case MqttCodeError() if getattr(error.rc, "value", error.rc) in _BAD_LOGIN:
                return "refuses the user name or the password in url, or lets nobody in without"
            case FileNotFoundError() | PermissionError() if self._ca_file:
                return f"cannot be reached: ca_file {self._ca_file} cannot be read ({error.strerror})"
            case TimeoutError():
                return f"does not answer within {self._timeout:g} s: is it overloaded, and is mqtts:// right?"
            case ssl.SSLError():
                return f"does not speak TLS with us ({text}): is ca_file PEM?"
            case MqttError() if "CERTIFICATE_VERIFY_FAILED" in text:
                return f"shows a certificate that is not good ({text}): is the host right, and ca_file?"
            case ValueError():
                return f"cannot be handed this message: {text}"
        return f"cannot be reached ({text}): is it running, and is url right?"


async def _put_down(client: Client, opening: asyncio.Future[Client]) -> None:
    """Closes the socket of a client that did not get through. aiomqtt keeps it, and a task, for ever."""
    paho = client._client  # aiomqtt has no other way
    try:
        async with asyncio.timeout(_CONNECTS_WITHIN):
            while paho.socket() is None and not opening.done():  # its thread is on the way to the broker
                await asyncio.wait([opening], timeout=0.2)
            paho.disconnect()
            while paho.socket() is not None:  # noqa: ASYNC110 - it is closed once the good-bye was written
                await asyncio.sleep(0.05)
    except TimeoutError:
        pass
    finally:
        opening.cancel()  # not before: aiomqtt's callbacks need it
    await asyncio.wait([opening])
    if not opening.cancelled():
        opening.exception()  # what nobody waits for any more is no news
