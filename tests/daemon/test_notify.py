"""What arrives at systemd's socket."""

import asyncio
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from daemon.notify import Notifier


@pytest.fixture(params=["path", "abstract"])
def systemd(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[socket.socket, str]]:
    """The end that systemd reads, and what it would put into $NOTIFY_SOCKET."""
    name = str(tmp_path / "notify") if request.param == "path" else f"@framewarden-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as end:
        end.bind(name.replace("@", "\0", 1))
        end.settimeout(5)
        yield end, name


def test_the_life_of_a_service(systemd: tuple[socket.socket, str]) -> None:
    end, name = systemd
    notifier = Notifier({"NOTIFY_SOCKET": name})
    notifier.ready("watching 2 streams")
    notifier.status("rtsp://ann:pw@cam/1\nis away")
    notifier.stopping()
    assert [end.recv(1000).decode() for _ in range(3)] == [
        "READY=1\nSTATUS=watching 2 streams",
        "STATUS=rtsp://***@cam/1 is away",
        "STOPPING=1",
    ]


async def test_signs_of_life_come_twice_as_often_and_only_while_well(
    systemd: tuple[socket.socket, str],
) -> None:
    end, name = systemd
    end.setblocking(False)
    notifier = Notifier({"NOTIFY_SOCKET": name, "WATCHDOG_USEC": "100000", "WATCHDOG_PID": str(os.getpid())})
    well = True
    beating = asyncio.create_task(notifier.beat(lambda: well))
    loop = asyncio.get_running_loop()
    began = loop.time()
    assert [await loop.sock_recv(end, 100) for _ in range(5)] == [b"WATCHDOG=1"] * 5
    assert 0.15 < loop.time() - began < 2
    well = False
    await asyncio.sleep(0.06)
    while True:  # what was on its way
        try:
            end.recv(100)
        except BlockingIOError:
            break
    await asyncio.sleep(0.2)
    with pytest.raises(BlockingIOError):
        end.recv(100)
    well = True
    assert await asyncio.wait_for(loop.sock_recv(end, 100), 5) == b"WATCHDOG=1"
    beating.cancel()


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"WATCHDOG_USEC": "0"},
        {"WATCHDOG_USEC": "soon"},
        {"WATCHDOG_USEC": "1000000", "WATCHDOG_PID": "1"},
    ],
)
async def test_where_no_signs_are_wanted_beating_ends(environ: dict[str, str]) -> None:
    await asyncio.wait_for(Notifier(environ).beat(lambda: True), 1)


def test_without_systemd_or_with_it_gone_nothing_happens(tmp_path: Path) -> None:
    for environ in ({}, {"NOTIFY_SOCKET": str(tmp_path / "gone")}, {"NOTIFY_SOCKET": "vsock:2:9"}):
        notifier = Notifier(environ)
        notifier.ready("here")
        notifier.stopping()
