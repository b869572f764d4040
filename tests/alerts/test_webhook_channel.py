"""Alerts at a real HTTP server: signed, each once, and what the operator reads when it does not work."""

import asyncio
import base64
import json
import ssl
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from cloudevents.core.bindings.http import HTTPMessage, from_structured_event
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook, WebhookVerificationError

from alerts.channel import Message, PublishError
from alerts.http_post import origin, retry_after
from alerts.outbox import Outbox
from alerts.webhook_channel import WebhookChannel
from tests.alert_body import alert_body
from tests.alerts.samples import put_many, renderer
from tests.alerts.test_delivery import deliver, running, until_delivered
from tests.redis_server import free_port

pytest_plugins = ["tests.own_certificate"]

SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()


def verifier(secret: str) -> Any:
    """The independent implementation, which comes without types."""
    return Webhook(secret)


class Receiver:
    """A server of POSTs that keeps what it gets, and answers what the test says."""

    def __init__(self) -> None:
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.answers: list[web.Response] = []  # the next ones; then 204
        self.most = 1_000_000  # more in one list are too large for it
        self.dislikes = ""  # refuses what holds these letters
        self.delay = 0.0
        self.url = ""

    async def take(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        self.got.append((dict(request.headers), body))
        await asyncio.sleep(self.delay)
        if isinstance(event := json.loads(body), list) and len(event) > self.most:
            return web.Response(status=413)
        if self.dislikes and self.dislikes in body.decode():
            return web.Response(status=400)
        return self.answers.pop(0) if self.answers else web.Response(status=204)

    def bodies(self) -> list[Any]:
        return [json.loads(body) for _, body in self.got]


@asynccontextmanager
async def serving(receiver: Receiver, tls: ssl.SSLContext | None = None) -> AsyncIterator[Receiver]:
    app = web.Application(client_max_size=20_000_000)
    app.router.add_post("/{path:.*}", receiver.take)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, "127.0.0.1", port, ssl_context=tls).start()
    receiver.url = f"{'https' if tls else 'http'}://127.0.0.1:{port}/hook"
    try:
        yield receiver
    finally:
        await runner.cleanup()


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with serving(Receiver()) as receiver:
        yield receiver


@pytest.fixture
async def hook(receiver: Receiver) -> AsyncIterator[Callable[..., WebhookChannel]]:
    made: list[WebhookChannel] = []

    def make(**options: Any) -> WebhookChannel:
        made.append(WebhookChannel(options.pop("url", receiver.url), **options))
        return made[-1]

    yield make
    for channel in made:
        await channel.close()


def message(sequence: int = 1, **data: Any) -> Message:
    return Message(f"a1.{sequence}", "gate", "anomaly", sequence, alert_body(sequence=sequence, **data))


async def refusal(channel: WebhookChannel) -> PublishError:
    with pytest.raises(PublishError) as caught:
        await channel.publish([message()])
    assert caught.value.__cause__ is None
    return caught.value


async def test_it_posts_the_cloud_event_as_it_is(
    receiver: Receiver, hook: Callable[..., WebhookChannel]
) -> None:
    sent = message()
    await hook(authorization="Bearer f00").publish([sent])
    [(headers, body)] = receiver.got
    assert body.decode() == sent.body
    assert headers["Content-Type"] == "application/cloudevents+json; charset=utf-8"
    assert headers["Authorization"] == "Bearer f00"
    assert (headers["webhook-id"], "webhook-signature" in headers) == ("a1-1", False)
    event = from_structured_event(HTTPMessage(headers={"content-type": headers["Content-Type"]}, body=body))
    assert event.get_type() == "framewarden.alert.opened"


async def test_the_signature_is_good_and_only_for_what_was_signed(
    receiver: Receiver, hook: Callable[..., WebhookChannel]
) -> None:
    await hook(secret=SECRET).publish([message(), message(2, reason="grün \N{SNOWMAN}")])
    theirs = verifier(SECRET)
    for headers, body in receiver.got:
        assert theirs.verify(body, {name.lower(): value for name, value in headers.items()})
    others = verifier("whsec_" + base64.b64encode(bytes(32)).decode())
    headers = {name.lower(): value for name, value in receiver.got[0][0].items()}
    body = receiver.got[0][1]
    spoilt = [(theirs, body + b" ", headers), (theirs, body, headers | {"webhook-id": "a1-2"})]
    for judge, content, about in [*spoilt, (others, body, headers)]:
        with pytest.raises(WebhookVerificationError):
            judge.verify(content, about)


async def test_user_and_password_may_hold_any_letter(
    receiver: Receiver, hook: Callable[..., WebhookChannel]
) -> None:
    await hook(url=receiver.url.replace("://", "://ada:%C4%B8%3Aa%40%2F@")).publish([message()])
    [(headers, _)] = receiver.got
    scheme, _, told = headers["Authorization"].partition(" ")
    assert (scheme, base64.b64decode(told).decode()) == ("Basic", "ada:\u0138:a@/")


async def test_the_clock_is_signed_too(receiver: Receiver, hook: Callable[..., WebhookChannel]) -> None:
    await hook(secret=SECRET, clock=lambda: time.time() - 3600).publish([message()])
    [(headers, body)] = receiver.got
    with pytest.raises(WebhookVerificationError, match="too old"):
        verifier(SECRET).verify(body, {name.lower(): value for name, value in headers.items()})


async def test_the_picture_goes_along_where_it_is_wanted_and_not_too_large(
    receiver: Receiver, hook: Callable[..., WebhookChannel], tmp_path: Path
) -> None:
    small, large = tmp_path / "annotated.jpg", tmp_path / "large.jpg"
    small.write_bytes(b"\xff\xd8small")
    large.write_bytes(b"\xff\xd8" * 1_000)
    evidence = {"picture": None, "annotated": str(small), "heatmap": None, "clip": None, "report": None}
    channel = hook(picture_bytes=1_000, secret=SECRET)
    for found in (evidence, evidence | {"annotated": str(large)}, evidence | {"annotated": "/gone"}):
        await channel.publish([message(evidence=found)])
    pictures = [body["data"]["picture"] for body in receiver.bodies()]
    assert base64.b64decode(pictures[0]["base64"]) == small.read_bytes()
    assert (pictures[0]["content_type"], pictures[0]["problem"]) == ("image/jpeg", None)
    assert pictures[1] == {
        "content_type": "image/jpeg", "base64": None, "problem": "the picture is larger than 1 kB"
    }  # fmt: skip
    assert pictures[2]["problem"] == "the picture is no longer there"
    headers, body = receiver.got[0]
    assert verifier(SECRET).verify(body, {name.lower(): value for name, value in headers.items()})


@pytest.mark.parametrize(
    ("status", "permanent", "words"),
    [
        (400, True, "does not take this message: 400: no such field"),
        (413, True, "does not take this message: 413: no such field"),
        (422, True, "does not take this message: 422: no such field"),
        (401, False, "does not know us: is the secret or authorization right? It answers 401: no such field"),
        (403, False, "does not let us send there: is the secret or authorization right? It answers 403: no"),
        (404, False, "has nothing at this path: is url right? It answers 404: no such field"),
        (408, False, "cannot take it now: 408: no such field"),
        (425, False, "cannot take it now: 425: no such field"),
        (429, False, "cannot take it now: 429: no such field"),
        (500, False, "cannot take it now: 500: no such field"),
        (503, False, "cannot take it now: 503: no such field"),
        (302, False, "sends us on to https://evil.example (302): put the final address into url"),
    ],
)
async def test_every_answer_has_its_words(
    receiver: Receiver, hook: Callable[..., WebhookChannel], status: int, permanent: bool, words: str
) -> None:
    headers = {"Location": "https://u:p@evil.example/tok?en=1"} if status == 302 else {"Retry-After": "7"}
    receiver.answers = [web.Response(status=status, text="no such field", headers=headers)]
    error = await refusal(hook(authorization="Bearer f0f0f0f0"))
    assert str(error).startswith(f"{origin(receiver.url)} {words}")
    assert error.permanent is permanent
    assert error.retry_after == (None if permanent or status == 302 else 7)
    assert len(receiver.got) == 1, "nothing is sent on to elsewhere"


async def test_a_server_that_is_not_there_or_hangs(
    receiver: Receiver, hook: Callable[..., WebhookChannel]
) -> None:
    port = free_port()
    error = await refusal(hook(url=f"http://user:geheim@127.0.0.1:{port}/path/token-123"))
    assert str(error) == (
        f"http://127.0.0.1:{port} cannot be reached (Connection refused): is it running, "
        "and is the address right?"
    )
    receiver.delay = 5
    error = await refusal(hook(timeout=0.1))
    assert str(error) == f"{origin(receiver.url)} does not answer within 0.1 s: is it overloaded?"
    error = await refusal(hook(url="http://no-such-host.invalid/"))
    assert str(error).startswith("http://no-such-host.invalid is not known by that name")
    assert not error.permanent


async def test_what_does_not_speak_http_is_said(hook: Callable[..., WebhookChannel]) -> None:
    words = b""

    async def mumble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(words)
        writer.close()

    port = free_port()
    async with await asyncio.start_server(mumble, "127.0.0.1", port):
        assert "hung up before it answered" in str(await refusal(hook(url=f"http://127.0.0.1:{port}/")))
        words = b"220 mail.example ESMTP\r\n"
        assert "does it speak HTTP?" in str(await refusal(hook(url=f"http://127.0.0.1:{port}/")))


async def test_tls_is_checked_against_the_system_or_the_ca_that_is_named(
    tmp_path: Path, own_certificate: tuple[Path, Path, Path]
) -> None:
    authority, certificate, key = own_certificate
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    async with serving(Receiver(), context) as receiver:
        good = WebhookChannel(receiver.url, ca_file=authority)
        await good.publish([message()])
        bad = WebhookChannel(receiver.url)
        assert "shows a certificate that is not good (unable to get local issuer certificate)" in str(
            await refusal(bad)
        )
        plain = WebhookChannel(receiver.url.replace("https", "http"))
        error = str(await refusal(plain))
        assert "does it speak HTTP" in error or "hung up" in error or "400" in error
        gone = WebhookChannel(receiver.url, ca_file=tmp_path / "gone.pem")
        assert "gone.pem cannot be read (No such file or directory)" in str(await refusal(gone))
        key_only = WebhookChannel(receiver.url, ca_file=key)
        assert "ca_file" in str(await refusal(key_only))
        for channel in (good, bad, plain, gone, key_only):
            await channel.close()
    assert len(receiver.got) == 1


async def test_through_the_outbox_each_arrives_in_order_however_the_receiver_behaves(
    tmp_path: Path, receiver: Receiver, hook: Callable[..., WebhookChannel]
) -> None:
    def answer(status: int) -> web.Response:
        return web.Response(status=status)

    receiver.answers = [answer(status) for status in (503, 200, 429, 500, 200, 502, 404, 200, 401, 204)]
    channel = hook(secret=SECRET)
    async with Outbox(tmp_path / "outbox", ["webhook"]) as outbox:
        delivery = deliver(outbox, channel)
        async with running(delivery):
            await put_many(outbox, 30)
            await until_delivered(delivery)
    numbers = [body["data"]["sequence"] for body in receiver.bodies()]
    assert numbers == sorted(numbers)
    assert set(numbers) == set(range(1, 31))
    assert len(numbers) == 30 + 6, "sent again is only what was refused"
    ids = {headers["webhook-id"] for headers, _ in receiver.got}
    assert len(ids) == 30, "what is sent again has the same id"


@pytest.mark.parametrize(
    ("said", "seconds"), [("120", 120), ("0", 0), ("-5", 0), ("", None), ("soon", None), ("99-99", None)]
)
def test_retry_after(said: str, seconds: float | None) -> None:
    assert retry_after(said) == seconds


def test_retry_after_may_be_a_date() -> None:
    later = retry_after(formatdate(time.time() + 60, usegmt=True))
    assert later is not None
    assert 50 < later <= 61
    assert retry_after(formatdate(time.time() - 60, usegmt=True)) == 0


@given(st.text())
def test_an_origin_has_no_credentials_whatever_the_address_is(text: str) -> None:
    assert "geheim" not in origin(f"https://user:geheim@{text}")


async def test_a_message_that_is_none_is_sent_as_it_is(
    receiver: Receiver, hook: Callable[..., WebhookChannel]
) -> None:
    await hook().publish([renderer()(3)])
    assert len(receiver.got) == 1
    with pytest.raises(PublishError) as caught:
        await hook(picture_bytes=10).publish([Message("x", "gate", "anomaly", 1, "[]")])
    assert caught.value.permanent
