"""Alerts on a real mosquitto, seen by its own subscriber."""

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from alerts.channel import Message, PublishError
from alerts.mqtt_channel import MqttChannel
from alerts.outbox import Outbox
from tests.alert_body import alert_body
from tests.alerts.samples import renderer, verdict
from tests.alerts.test_delivery import deliver, running, until_delivered
from tests.mosquitto import Listener, Mosquitto, retained
from tests.real import require
from tests.redis_server import free_port

pytestmark = pytest.mark.real("mosquitto")
pytest_plugins = ["tests.own_certificate"]

Opened = Callable[..., MqttChannel]


@pytest.fixture
def server(tmp_path: Path) -> Any:
    with Mosquitto(require("mosquitto"), tmp_path / "mosquitto") as server:
        yield server


@pytest.fixture
async def opened(tmp_path: Path, server: Mosquitto) -> AsyncIterator[Opened]:
    made: list[MqttChannel] = []

    def make(**options: Any) -> MqttChannel:
        url = options.pop("url", server.url)
        made.append(MqttChannel(url, tmp_path / "memory.json", **options))
        return made[-1]

    yield make
    for channel in made:
        await channel.close()


def message(change: str = "opened", sequence: int = 1, stream: str = "gate", **data: Any) -> Message:
    body = alert_body(change, stream, sequence, **data)
    return Message(f"m{sequence}", stream, data.get("kind", "anomaly"), sequence, body)


async def kept(server: Mosquitto, *options: str) -> dict[str, Any]:
    return await asyncio.to_thread(retained, require("mosquitto_sub"), server, *options)


async def test_a_subscriber_gets_each_message_as_it_is_and_the_state_stays(
    server: Mosquitto, opened: Opened, tmp_path: Path
) -> None:
    listener = Listener(require("mosquitto_sub"), server, "framewarden/alerts/+/anomaly")
    picture = tmp_path / "annotated.jpg"
    picture.write_bytes(b"\xff\xd8 a picture")
    try:
        await asyncio.sleep(0.3)
        channel = opened(streams={"gate": ["stream", "anomaly"], "lobby": ["anomaly"]})
        batch = [message(evidence={"picture": None, "annotated": str(picture)}), message("updated", 2)]
        await channel.publish(batch)
        heard = [await asyncio.to_thread(listener.next) for _ in batch]
    finally:
        listener.end()
    assert heard == [("framewarden/alerts/gate/anomaly", False, each.body) for each in batch]
    found = await kept(server)
    assert found["framewarden/status"] == b"online"
    assert found["framewarden/picture/gate"] == picture.read_bytes()
    assert found["framewarden/state/gate/anomaly"] == {
        "state": "ON", "open": 1, "severity": "warning", "label": "motion", "subject": "", "reason": "a car",
        "since": "2026-11-23T15:04:05.278Z", "alert_id": "a1",
    }  # fmt: skip
    off = {"state": "OFF", "open": 0}
    assert (found["framewarden/state/gate/stream"], found["framewarden/state/lobby/anomaly"]) == (off, off)
    await channel.publish([message("closed", 3)])
    await channel.close()
    found = await kept(server)
    assert (found["framewarden/state/gate/anomaly"], found["framewarden/status"]) == (off, b"offline")


async def test_a_kind_is_on_until_its_last_alert_has_closed(server: Mosquitto, opened: Opened) -> None:
    channel = opened()
    await channel.publish([message(alert_id="a", label="frozen"), message(alert_id="b", label="moved")])
    await channel.publish([message("closed", 3, alert_id="b", label="moved")])
    state = (await kept(server))["framewarden/state/gate/anomaly"]
    assert (state["state"], state["open"], state["label"]) == ("ON", 1, "frozen")
    again = opened(client_id="after-a-restart")
    await again.publish([message("closed", 4, alert_id="a", label="frozen")])
    assert (await kept(server))["framewarden/state/gate/anomaly"] == {"state": "OFF", "open": 0}


async def test_of_two_faces_the_worse_is_shown_until_both_have_closed(
    server: Mosquitto, opened: Opened
) -> None:
    channel = opened()

    async def told(change: str, sequence: int, face: str, severity: str) -> dict[str, Any]:
        facts = {"alert_id": f"alert-{face}", "label": "swapped", "subject": face, "severity": severity}
        await channel.publish([message(change, sequence, kind="deepfake", **facts)])
        state = (await kept(server))["framewarden/state/gate/deepfake"]
        return {name: state.get(name) for name in ("state", "open", "subject", "severity")}

    one = {"state": "ON", "open": 1, "subject": "face 1", "severity": "critical"}
    assert await told("opened", 1, "face 1", "critical") == one
    assert await told("opened", 2, "face 2", "warning") == one | {"open": 2}
    assert await told("updated", 3, "face 2", "critical") == one | {"open": 2, "subject": "face 2"}
    assert await told("closed", 4, "face 2", "critical") == one
    off = {"state": "OFF", "open": 0, "subject": None, "severity": None}
    assert await told("closed", 5, "face 1", "critical") == off


async def test_a_dead_letter_that_comes_late_opens_nothing_anew(server: Mosquitto, opened: Opened) -> None:
    channel = opened()
    await channel.publish([message("closed", 2), message("opened", 1, late=True)])
    assert (await kept(server))["framewarden/state/gate/anomaly"] == {"state": "OFF", "open": 0}


async def test_home_assistant_finds_a_device_for_each_stream(server: Mosquitto, opened: Opened) -> None:
    await opened(topic="site/fw", discovery="ha", streams={"gate": ["quality"]}).tend()
    found = await kept(server)
    sensor = found["ha/binary_sensor/site_fw_gate_quality/config"]
    picture = found["ha/image/site_fw_gate_picture/config"]
    assert sensor["state_topic"] in found, "what it points to is there"
    assert found[sensor["availability_topic"]] == b"online", "Home Assistant's default for available"
    assert sensor["device"] == picture["device"]
    assert sensor["device"]["identifiers"] == ["site_fw_gate"]
    assert (sensor["device_class"], sensor["name"]) == ("problem", "Picture quality")
    assert found[sensor["state_topic"]]["state"] == "OFF", "Home Assistant's default for off"
    assert len({sensor["unique_id"], picture["unique_id"]}) == 2
    assert picture["image_topic"] == "site/fw/picture/gate"


async def test_without_discovery_nothing_is_written_there(server: Mosquitto, opened: Opened) -> None:
    await opened(discovery=None, streams={"gate": ["quality"]}).tend()
    assert set(await kept(server)) == {"framewarden/status", "framewarden/state/gate/quality"}


async def test_the_broker_says_when_we_died(server: Mosquitto, tmp_path: Path) -> None:
    script = f"""
import asyncio, os
from pathlib import Path
from alerts.mqtt_channel import MqttChannel
async def main():
    await MqttChannel({server.url!r}, Path({str(tmp_path / "m.json")!r})).tend()
    os._exit(9)
asyncio.run(main())
"""
    listener = Listener(require("mosquitto_sub"), server, "framewarden/status")
    try:
        root = Path(__file__).parents[2]
        ended = await asyncio.to_thread(subprocess.run, [sys.executable, "-c", script], cwd=root)
        assert ended.returncode == 9
        said = [(await asyncio.to_thread(listener.next))[2] for _ in range(3)]
    finally:
        listener.end()
    assert said == ["online", "online", "offline"]


async def test_a_test_message_leaves_nothing_behind(server: Mosquitto, opened: Opened) -> None:
    await opened().publish([message(stream="channel-test", test=True)])
    assert set(await kept(server)) == {"framewarden/status"}


async def test_through_the_outbox_while_the_broker_comes_and_goes(
    server: Mosquitto, opened: Opened, tmp_path: Path
) -> None:
    channel = opened(timeout=1)
    async with Outbox(tmp_path / "outbox", ["mqtt"]) as outbox:
        delivery = deliver(outbox, channel, tend_every=0.1)
        async with running(delivery):
            await outbox.put(verdict(), lambda n: message(sequence=n))
            await until_delivered(delivery)
            await asyncio.to_thread(server.kill)
            async with asyncio.timeout(5):
                while delivery.connected:  # noqa: ASYNC110 - a quiet channel sees it, too
                    await asyncio.sleep(0.02)
            for _ in range(39):
                await outbox.put(verdict(), lambda n: message("updated", n))
            assert "is it running" in delivery.last_error
        await asyncio.to_thread(server.start)
        listener = Listener(require("mosquitto_sub"), server, "framewarden/alerts/#")
        try:
            await asyncio.sleep(0.5)  # nobody misses what comes while they are away, but for subscribers
            async with running(delivery):
                await until_delivered(delivery)
                bodies = [(await asyncio.to_thread(listener.next))[2] for _ in range(39)]
        finally:
            listener.end()
    assert [json.loads(body)["data"]["sequence"] for body in bodies] == list(range(2, 41))
    found = await kept(server)
    assert found["framewarden/state/gate/anomaly"]["state"] == "ON", "a broker that forgot is told again"
    assert found["framewarden/status"] == b"online"


async def test_user_password_and_tls(tmp_path: Path, own_certificate: tuple[Path, Path, Path]) -> None:
    authority, certificate, key = own_certificate
    folder = tmp_path / "secure"
    folder.mkdir()
    passwords = folder / "passwords"
    passwords.touch(mode=0o600)
    secret = "ge:h@im/1"
    made: list[str | Path] = [require("mosquitto_passwd"), "-b", passwords, "fw", secret]
    assert await asyncio.to_thread(subprocess.call, made) == 0
    for file in (passwords, certificate, key):
        file.chmod(0o644)  # mosquitto gives up being root
    options = (f"cafile {authority}", f"certfile {certificate}", f"keyfile {key}", "allow_anonymous false",
               f"password_file {passwords}", "user root")  # fmt: skip
    with Mosquitto(require("mosquitto"), folder, *options) as server:
        where = f"127.0.0.1:{server.port}"
        login = "fw:ge%3Ah%40im%2F1"

        async def trouble(url: str, **more: Any) -> str:
            channel = MqttChannel(url, tmp_path / "m.json", timeout=2, **more)
            with pytest.raises(PublishError) as caught:
                await channel.tend()
            assert secret not in str(caught.value) and login not in str(caught.value)
            return str(caught.value)

        good = MqttChannel(f"mqtts://{login}@{where}", tmp_path / "m.json", ca_file=authority)
        await good.publish([message()])
        await good.close()
        assert "refuses the user name or the password" in await trouble(
            f"mqtts://fw:wrong@{where}", ca_file=authority
        )
        assert "certificate that is not good" in await trouble(f"mqtts://{login}@{where}")
        assert "cannot be read (No such file" in await trouble(
            f"mqtts://{login}@{where}", ca_file=tmp_path / "gone"
        )
        assert f"The broker at {where}" in await trouble(f"mqtt://{login}@{where}")


async def test_what_goes_wrong_is_said(server: Mosquitto, opened: Opened, tmp_path: Path) -> None:
    port = free_port()
    with pytest.raises(PublishError, match="Connection refused") as caught:
        await opened(url=f"mqtt://fw:geheim@127.0.0.1:{port}").publish([message()])
    assert str(caught.value) == (
        f"The broker at 127.0.0.1:{port} cannot be reached ([Errno 111] Connection refused): "
        "is it running, and is url right?"
    )
    with pytest.raises(PublishError, match="not an alert message") as caught:
        await opened().publish([renderer()(1)])
    assert caught.value.permanent
    locked = Mosquitto(require("mosquitto"), tmp_path / "locked", "allow_anonymous false")
    with locked, pytest.raises(PublishError, match="refuses the user name or the password in url, or lets"):
        await opened(url=locked.url).tend()


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


async def test_a_broker_that_hangs_or_refuses_costs_neither_sockets_nor_tasks(tmp_path: Path) -> None:
    script = """
import socket
server = socket.create_server(("127.0.0.1", 0))
print(server.getsockname()[1], flush=True)
kept = []
while True:
    kept.append(server.accept())
"""
    broker = await asyncio.create_subprocess_exec(sys.executable, "-c", script, stdout=subprocess.PIPE)
    try:
        assert broker.stdout
        port = int(await broker.stdout.readline())
        before = open_files(), len(asyncio.all_tasks())
        channels = [
            MqttChannel(f"{scheme}://127.0.0.1:{port}", tmp_path / "memory.json", timeout=0.2)
            for scheme in ("mqtt", "mqtts")
        ]
        for channel in channels * 4:
            with pytest.raises(PublishError, match="does not answer within"):
                await channel.tend()
        await channels[0].close()
        await asyncio.sleep(0.5)
        # mqtts: a single one is under way, as the thread of the TLS handshake cannot be interrupted
        assert open_files() <= before[0] + 1
        assert len(asyncio.all_tasks()) <= before[1] + 2
    finally:
        broker.kill()
        await broker.wait()
    await asyncio.sleep(0.5)
    assert (open_files(), len(asyncio.all_tasks())) <= before
