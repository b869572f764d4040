"""Alerts for people, through Apprise's own json:// to a real HTTP server."""

import asyncio
import base64
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from apprise.decorators import notify

from alerts.apprise_channel import AppriseChannel
from alerts.channel import Message, PublishError
from alerts.outbox import Outbox
from config import secrets
from config.channels import AppriseChannelSettings
from tests.alert_body import alert_body
from tests.alerts.samples import renderer, verdict
from tests.alerts.test_delivery import deliver, running, until_delivered
from tests.alerts.test_webhook_channel import Receiver, serving
from tests.redis_server import free_port

SECRETS = ("geheim-pass", "T0kenT0kenT0ken", "s3cret-path-1")


@pytest.fixture(autouse=True)
def nothing_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secrets, "_remembered", set())
    monkeypatch.setattr(secrets, "_pattern", None)


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with serving(Receiver()) as receiver:
        yield receiver


def service(receiver: Receiver) -> str:
    """As an operator writes it, with secrets wherever they can be; loaded, so that they are known as such."""
    where = receiver.url.removeprefix("http://").removesuffix("/hook")
    url = f"json://ada:{SECRETS[0]}@{where}/{SECRETS[2]}?+X-Token={SECRETS[1]}"
    return AppriseChannelSettings(url=url).url


def message(change: str = "opened", sequence: int = 1, **data: Any) -> Message:
    return Message(f"m{sequence}", "gate", "anomaly", sequence, alert_body(change, sequence=sequence, **data))


async def refusal(channel: AppriseChannel, sent: Message) -> PublishError:
    with pytest.raises(PublishError) as caught:
        await channel.publish([sent])
    assert not any(secret in str(caught.value) for secret in SECRETS)
    return caught.value


async def test_a_person_gets_title_text_and_picture(receiver: Receiver, tmp_path: Path) -> None:
    picture = tmp_path / "annotated.jpg"
    picture.write_bytes(b"\xff\xd8\xff\xe0 a picture")
    evidence = {"picture": None, "annotated": str(picture)}
    channel = AppriseChannel(service(receiver), link="https://watch.example/{alert_id}")
    await channel.publish([message(evidence=evidence, severity="critical"), message("closed", 2)])
    opened, closed = receiver.bodies()
    assert opened["title"] == "CRITICAL: gate: something unusual (motion)"
    assert "Look: https://watch.example/a1" in opened["message"]
    assert opened["type"] == "failure"
    [attached] = opened["attachments"]
    assert base64.b64decode(attached["base64"]) == picture.read_bytes()
    assert closed["title"].startswith("OVER: gate: ")
    assert closed["attachments"] == []
    assert receiver.got[0][0]["X-Token"] == SECRETS[1], "it really is a secret that is used"


async def test_a_picture_that_is_gone_or_not_wanted(receiver: Receiver) -> None:
    evidence = {"picture": "/gone.jpg", "annotated": None}
    await AppriseChannel(service(receiver)).publish([message(evidence=evidence)])
    await AppriseChannel(service(receiver), picture=False).publish([message(evidence=evidence)])
    gone, unwanted = receiver.bodies()
    assert gone["message"].endswith("\nNo picture: the picture is no longer there")
    assert "No picture" not in unwanted["message"]


@pytest.mark.parametrize("status", [401, 404, 500])
async def test_why_it_was_not_taken_is_said_without_secrets(
    receiver: Receiver, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    receiver.answers = [web.Response(status=status, text=" ".join(SECRETS))]
    error = await refusal(AppriseChannel(service(receiver)), message())
    assert str(error).startswith("JSON did not take it: Failed to send JSON ")
    assert str(status) in str(error)
    assert not error.permanent
    assert not any(secret in secrets.hide(caplog.text) for secret in SECRETS), "as the daemon's log has it"


async def test_a_service_that_is_away_or_unknown(
    receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    away = AppriseChannelSettings(url=f"json://ada:{SECRETS[0]}@127.0.0.1:{free_port()}/{SECRETS[2]}").url
    error = await refusal(AppriseChannel(away), message())
    assert "Connection" in str(error)
    assert not error.permanent
    for url in (f"telegramm://{SECRETS[1]}/1", f"tgram://{SECRETS[0]}"):
        error = await refusal(AppriseChannel(AppriseChannelSettings(url=url).url), message())
        assert "Apprise does not understand the address in url (it begins with t" in str(error)
    assert not any(secret in secrets.hide(caplog.text) for secret in SECRETS), "as the daemon's log has it"
    assert (await refusal(AppriseChannel(service(receiver)), renderer()(1))).permanent


async def test_a_picture_that_is_not_taken_holds_up_no_alert(receiver: Receiver, tmp_path: Path) -> None:
    picture = tmp_path / "annotated.jpg"
    picture.write_bytes(b"\xff\xd8\xff\xe0 too large a picture")
    receiver.dislikes = base64.b64encode(picture.read_bytes()).decode()
    evidence = {"picture": None, "annotated": str(picture)}
    await AppriseChannel(service(receiver)).publish([message(evidence=evidence)])
    with_it, without = receiver.bodies()
    assert with_it["attachments"]
    assert without["attachments"] == []
    assert without["message"] == with_it["message"] + "\nNo picture: JSON did not take it"


async def test_a_message_that_is_refused_becomes_a_dead_letter(receiver: Receiver, tmp_path: Path) -> None:
    receiver.dislikes = "message 2 of gate"
    async with Outbox(tmp_path / "outbox", ["apprise"]) as outbox:
        delivery = deliver(outbox, AppriseChannel(service(receiver)))
        async with running(delivery):
            for _ in range(3):
                await outbox.put(verdict(), lambda n: message(sequence=n))
            await until_delivered(delivery, seconds=10)
        assert outbox.standing("apprise").dead == 1
    assert [body["message"].splitlines()[-1] for body in receiver.bodies()] == [
        f"Alert a1, message {number} of gate" for number in (1, 2, 2, 3)
    ]


async def test_one_that_hangs_delays_no_other(receiver: Receiver, tmp_path: Path) -> None:
    slow = Receiver()
    slow.delay = 1.5
    async with serving(slow), Outbox(tmp_path / "outbox", ["slow", "quick"]) as outbox:
        hanging = deliver(outbox, AppriseChannel(service(slow) + "&rto=1", name="slow"), patience=0.5)
        alive = deliver(outbox, AppriseChannel(service(receiver), name="quick"))
        async with running(hanging, alive):
            for _ in range(3):
                await outbox.put(verdict(), lambda n: message(sequence=n))
            await until_delivered(alive, seconds=10)
            await asyncio.sleep(0.6)
            assert hanging.waiting == 3
            assert hanging.last_error.startswith("did not take 1 messages within 0.5 s")
    assert [body["message"].splitlines()[-1] for body in receiver.bodies()] == [
        f"Alert a1, message {number} of gate" for number in (1, 2, 3)
    ]


async def test_what_a_service_s_library_says_goes_through_without_secrets() -> None:
    @notify(on="talkative")  # type: ignore[untyped-decorator, no-untyped-call]
    def talk(*_: Any, **__: Any) -> bool:
        logging.getLogger("apprise").warning("no\nservice at talkative://%s/%s", SECRETS[1], SECRETS[2])
        return False

    url = AppriseChannelSettings(url=f"talkative://{SECRETS[1]}/{SECRETS[2]}").url
    error = await refusal(AppriseChannel(url), message())
    assert "did not take it: no service at ***" in str(error)
