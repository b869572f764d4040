"""Alerts in a real Alertmanager: open as long as they are open here, over when they are over."""

import asyncio
import json
import subprocess
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from alerts.alertmanager_channel import AlertmanagerChannel
from alerts.channel import Message, PublishError
from alerts.outbox import Outbox
from tests.alert_body import alert_body
from tests.alertmanager import Alertmanager
from tests.alerts.samples import renderer, verdict
from tests.alerts.test_delivery import deliver, running, until_delivered
from tests.alerts.test_webhook_channel import Receiver, serving
from tests.real import require
from tests.redis_server import free_port

pytestmark = pytest.mark.real("prometheus-alertmanager")


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with serving(Receiver()) as receiver:
        yield receiver


@pytest.fixture
async def server(tmp_path: Path, receiver: Receiver) -> AsyncIterator[Alertmanager]:
    program = require("prometheus-alertmanager")
    server = Alertmanager(program, tmp_path / "alertmanager", receiver.url)
    await asyncio.to_thread(server.start)
    yield server
    await asyncio.to_thread(server.stop)


@pytest.fixture
async def opened(tmp_path: Path, server: Alertmanager) -> AsyncIterator[Callable[..., AlertmanagerChannel]]:
    made: list[AlertmanagerChannel] = []

    def make(**options: Any) -> AlertmanagerChannel:
        url = options.pop("url", server.url)
        made.append(AlertmanagerChannel(url, tmp_path / "memory" / "am.json", **options))
        return made[-1]

    yield make
    for channel in made:
        await channel.close()


def stamp(seconds: float) -> str:
    """So many seconds from now, as messages have it."""
    at = datetime.now(UTC) + timedelta(seconds=seconds)
    return at.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def message(change: str = "opened", sequence: int = 1, alert_id: str = "a1", **data: Any) -> Message:
    times = {"first_frame_at": stamp(-5), "captured_at": stamp(-0.1), "decided_at": stamp(0)}
    body = alert_body(change, sequence=sequence, alert_id=alert_id, **(times | data))
    return Message(f"{alert_id}.{sequence}", "gate", "anomaly", sequence, body)


async def firing(server: Alertmanager) -> list[dict[str, Any]]:
    return await asyncio.to_thread(server.alerts)


async def until(condition: Callable[[], bool], seconds: float = 8) -> None:
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - seen from outside
            await asyncio.sleep(0.05)


async def test_an_alert_opens_and_closes_and_its_receiver_hears_both(
    server: Alertmanager, receiver: Receiver, opened: Callable[..., AlertmanagerChannel]
) -> None:
    channel = opened(link="https://watch.example/{stream}/{alert_id}")
    sent = message()
    await channel.publish([sent])
    [alert] = await firing(server)
    assert alert["labels"] == {
        "alertname": "framewarden_anomaly", "stream": "gate", "kind": "anomaly", "label": "motion",
        "severity": "warning",
    }  # fmt: skip
    assert alert["annotations"]["summary"] == "WARNING: gate: something unusual (motion)"
    assert alert["annotations"]["alert_id"] == "a1"
    assert alert["generatorURL"] == "https://watch.example/gate/a1"
    assert alert["startsAt"] == json.loads(sent.body)["data"]["first_frame_at"]
    ends = datetime.fromisoformat(alert["endsAt"]) - datetime.now(UTC)
    assert timedelta(seconds=230) < ends <= timedelta(seconds=240)
    await until(lambda: len(receiver.got) == 1)
    await channel.publish([message("closed", 2)])
    assert await firing(server) == []
    await until(lambda: len(receiver.got) == 2)
    assert [told["status"] for told in receiver.bodies()] == ["firing", "resolved"]


async def test_a_severity_that_rises_makes_it_no_second_alert(
    server: Alertmanager, opened: Callable[..., AlertmanagerChannel]
) -> None:
    channel = opened()
    await channel.publish([message()])
    await channel.publish([message("updated", 2, severity="critical")])
    assert [alert["labels"]["severity"] for alert in await firing(server)] == ["critical"]
    await channel.publish([message("closed", 3, severity="critical")])
    assert await firing(server) == []


async def test_two_faces_are_two_alerts_and_one_ends_without_the_other(
    server: Alertmanager, opened: Callable[..., AlertmanagerChannel]
) -> None:
    channel = opened()
    for sequence, face in enumerate(("face 1", "face 2"), 1):
        await channel.publish([message("opened", sequence, face, kind="deepfake", subject=face)])
    assert {alert["labels"]["subject"] for alert in await firing(server)} == {"face 1", "face 2"}
    await channel.publish([message("closed", 3, "face 1", kind="deepfake", subject="face 1")])
    assert [alert["labels"]["subject"] for alert in await firing(server)] == ["face 2"]


async def test_a_dead_letter_that_comes_late_fires_no_more(
    server: Alertmanager, opened: Callable[..., AlertmanagerChannel]
) -> None:
    channel = opened()
    await channel.publish([message("closed", 2), message("opened", 1, late=True)])
    assert await firing(server) == []


async def test_what_is_open_is_sent_again_and_again_through_restarts_of_both(
    server: Alertmanager, opened: Callable[..., AlertmanagerChannel], tmp_path: Path
) -> None:
    first = opened(resend=0.5)
    await first.publish([message()])
    assert await first.tend()
    assert len(await firing(server)) == 1
    again = opened(resend=0.5)  # the daemon ended and began anew, for longer than Alertmanager waits
    await asyncio.sleep(2.2)
    assert await firing(server) == [], "a daemon that died does not fire for ever"
    assert await again.tend()
    assert not await again.tend(), "not before it is time"
    assert [alert["annotations"]["alert_id"] for alert in await firing(server)] == ["a1"]
    await again.publish([message("closed", 2)])
    await asyncio.sleep(0.5)
    assert await again.tend()
    assert await firing(server) == [], "what is over stays over"
    assert json.loads((tmp_path / "memory" / "am.json").read_text())["open"] == {}


async def test_a_recording_that_was_filmed_long_ago_fires_and_is_resolved(
    server: Alertmanager, receiver: Receiver, opened: Callable[..., AlertmanagerChannel]
) -> None:
    channel, old = opened(), "2020-01-01T00:00:00.000Z"
    await channel.publish([message(first_frame_at=old, captured_at=old, age_ms=None, position=1.5)])
    assert len(await firing(server)) == 1
    await until(lambda: len(receiver.got) == 1)
    await channel.publish([message("closed", 2, first_frame_at=old, captured_at=old)])
    assert await firing(server) == []
    await until(lambda: receiver.bodies()[-1]["status"] == "resolved")


async def test_a_clock_that_was_set_back_makes_no_refusal(
    server: Alertmanager, opened: Callable[..., AlertmanagerChannel]
) -> None:
    channel = opened()
    await channel.publish([message("closed", first_frame_at=stamp(60), decided_at=stamp(-60))])
    assert await firing(server) == []


async def test_the_next_alert_of_the_same_kind_takes_the_place_of_one_whose_end_was_dropped(
    server: Alertmanager, opened: Callable[..., AlertmanagerChannel]
) -> None:
    channel = opened(resend=0.01)
    await channel.publish([message(alert_id="lost")])
    await channel.publish([message(alert_id="next")])
    await channel.publish([message("closed", 3, alert_id="next")])
    await asyncio.sleep(0.02)
    assert await channel.tend()
    assert await firing(server) == []


async def test_a_test_message_ends_by_itself(
    server: Alertmanager, opened: Callable[..., AlertmanagerChannel], tmp_path: Path
) -> None:
    channel = opened(resend=1)
    await channel.publish([message(test=True)])
    [alert] = await firing(server)
    assert alert["labels"]["test"] == "true"
    await asyncio.sleep(1.1)
    assert await firing(server) == []
    assert not (tmp_path / "memory" / "am.json").exists()


@pytest.mark.real("amtool")
async def test_amtool_sees_it_and_can_silence_it(
    server: Alertmanager, opened: Callable[..., AlertmanagerChannel]
) -> None:
    amtool = [require("amtool"), f"--alertmanager.url={server.url}"]
    await opened().publish([message(label="", kind="stream")])

    def told(*words: str) -> str:
        done = subprocess.run([*amtool, *words], capture_output=True, text=True, timeout=20)
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert "WARNING: gate: something is wrong with the camera" in await asyncio.to_thread(told, "alert")
    await asyncio.to_thread(told, "silence", "add", "stream=gate", "--comment=known", "--author=test")
    assert "gate" not in await asyncio.to_thread(told, "alert")


async def test_what_goes_wrong_is_said(
    server: Alertmanager, opened: Callable[..., AlertmanagerChannel]
) -> None:
    nobody = f"http://127.0.0.1:{free_port()}"
    with pytest.raises(PublishError, match=r"cannot be reached \(Connection refused\)"):
        await opened(url=nobody).tend()
    with pytest.raises(PublishError, match="has nothing at this path: is url right"):
        await opened(url=f"{server.url}/elsewhere").publish([message()])
    with pytest.raises(PublishError, match="not an alert message") as caught:
        await opened().publish([renderer()(1)])
    assert caught.value.permanent


async def test_through_the_outbox_while_alertmanager_comes_and_goes(
    server: Alertmanager, opened: Callable[..., AlertmanagerChannel], tmp_path: Path
) -> None:
    channel = opened(resend=0.3)
    await asyncio.to_thread(server.stop)
    async with Outbox(tmp_path / "outbox", ["alertmanager"]) as outbox:
        delivery = deliver(outbox, channel, tend_every=0.1)
        async with running(delivery):
            for alert_id in ("a1", "a2", "a3"):
                now = verdict(alert_id=alert_id)
                await outbox.put(now, lambda n, a=alert_id: message(sequence=n, alert_id=a, label=a))  # type: ignore[misc]
            await outbox.put(verdict(), lambda n: message("closed", n, "a1", label="a1"))
            await asyncio.sleep(0.2)
            assert (delivery.connected, delivery.waiting) == (False, 4)
            await asyncio.to_thread(server.start)
            await until_delivered(delivery)
            assert [alert["labels"]["label"] for alert in await firing(server)] == ["a2", "a3"]
            await asyncio.sleep(2)
            assert len(await firing(server)) == 2, "it is told again before their time is over"


async def test_a_proxy_that_takes_no_large_request_gets_smaller_ones(
    receiver: Receiver, opened: Callable[..., AlertmanagerChannel]
) -> None:
    channel = opened(url=receiver.url, resend=0.01)
    wanted = [f"a{number}" for number in range(7)]
    for number, alert_id in enumerate(wanted):
        await channel.publish([message(sequence=number + 1, alert_id=alert_id, label=alert_id)])
    receiver.got.clear()
    receiver.most = 2
    await asyncio.sleep(0.02)
    assert await channel.tend()
    assert [
        each["labels"]["label"] for body in receiver.bodies() if len(body) <= 2 for each in body
    ] == wanted


async def test_one_alert_that_is_refused_is_left_out_and_the_others_are_told_again(
    receiver: Receiver, opened: Callable[..., AlertmanagerChannel], caplog: pytest.LogCaptureFixture
) -> None:
    channel = opened(url=receiver.url, resend=0.01)
    for number in range(7):
        await channel.publish([message(sequence=number + 1, alert_id=f"a{number}", label=f"a{number}")])
    receiver.dislikes = '"a3"'
    for _ in range(3):
        receiver.got.clear()
        await asyncio.sleep(0.02)
        assert await channel.tend()
    [body] = receiver.bodies()
    assert [each["annotations"]["alert_id"] for each in body] == ["a0", "a1", "a2", "a4", "a5", "a6"]
    [told] = [record.message for record in caplog.records]
    assert told.startswith("Channel 'alertmanager': alert a3 of gate is not told again while it is open: ")
    assert "does not take this message: 400" in told
    receiver.dislikes = ""
    await channel.publish([message("updated", 8, "a3", label="a3")])
    receiver.got.clear()
    await asyncio.sleep(0.02)
    assert await channel.tend()
    assert len(receiver.bodies()[0]) == 7, "there was news of it"


async def test_new_alerts_go_to_an_alertmanager_that_takes_none_again(
    receiver: Receiver, opened: Callable[..., AlertmanagerChannel], tmp_path: Path
) -> None:
    channel = opened(url=receiver.url, resend=0.01)
    async with Outbox(tmp_path / "outbox", ["alertmanager"]) as outbox:
        delivery = deliver(outbox, channel, tend_every=0.02)
        async with running(delivery):
            await outbox.put(verdict(), lambda n: message(sequence=n, alert_id="old", label="old"))
            await until_delivered(delivery)
            receiver.dislikes = '"old"'
            await asyncio.sleep(0.2)
            assert "does not take this message: 400" in delivery.last_error
            await outbox.put(verdict(), lambda n: message(sequence=n, alert_id="new", label="new"))
            await until_delivered(delivery)
            await asyncio.sleep(0.2)
            assert (delivery.connected, delivery.last_error) == (True, ""), "the old one is left out"
