"""The redis-server of our own starts, comes back, keeps its data, and goes when we go."""

# ruff: noqa: ASYNC220, ASYNC240 - nothing else runs on these loops

import asyncio
import os
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
from redis import Redis

from alerts.embedded_redis import EmbeddedRedis, running_url
from alerts.lock import InUseError
from alerts.redis_channel import ALERTS, RedisChannel
from alerts.redis_program import EmbeddedRedisError, find_server, server_version, socket_path
from tests.alerts.samples import renderer
from tests.redis_server import free_port

pytestmark = pytest.mark.real("redis-server")


def length(server: EmbeddedRedis) -> int:
    return int(Redis.from_url(server.url).xlen(ALERTS))


async def publish(server: EmbeddedRedis, number: int) -> None:
    channel = RedisChannel(server.url)
    await channel.publish([renderer(mark=f"{time.monotonic_ns()}")(n) for n in range(number)])
    await channel.close()


async def test_it_starts_keeps_its_stream_and_stops(redis_program: str, tmp_path: Path) -> None:
    folder = tmp_path / "state" / "re dis"
    async with EmbeddedRedis(folder, program=redis_program) as server:
        assert server.url == f"unix://{folder}/redis.sock"
        assert running_url(folder) == server.url
        assert (folder.stat().st_mode & 0o777, (folder / "redis.sock").stat().st_mode & 0o777) == (
            0o700,
            0o700,
        )
        await publish(server, 5)
        pid = server.pid
    assert pid is not None
    assert not psutil.pid_exists(pid)
    assert server.pid is None
    assert running_url(folder) is None
    async with EmbeddedRedis(folder, program=redis_program) as server:
        assert length(server) == 5


async def test_it_listens_on_loopback_alone_and_only_when_asked(redis_program: str, tmp_path: Path) -> None:
    port = free_port()
    async with EmbeddedRedis(tmp_path, port, program=redis_program) as server:
        assert server.pid is not None
        sockets = psutil.Process(server.pid).net_connections("inet")
        listening = [one.laddr for one in sockets if one.status == psutil.CONN_LISTEN]
        assert listening == [("127.0.0.1", port)]
        assert Redis(port=port).ping()
    async with EmbeddedRedis(tmp_path, program=redis_program) as server:
        assert not psutil.Process(server.pid).net_connections("inet")


async def test_it_is_started_again_when_it_dies(
    redis_program: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with EmbeddedRedis(tmp_path, program=redis_program) as server:
        await publish(server, 5)
        for death in (1, 2):
            assert server.pid is not None
            os.kill(server.pid, signal.SIGKILL)
            async with asyncio.timeout(5):
                while server.counts["started"] <= death:  # noqa: ASYNC110 - seen from outside
                    await asyncio.sleep(0.01)
        assert length(server) == 5
        assert server.counts == {"started": 3, "died": 2}
    assert "The embedded redis-server died (killed by signal 9); starting it again" in caplog.text


@pytest.mark.parametrize(("length", "megabytes"), [(100, 256), (100_000, 464), (1_000_000, 4064)])
async def test_a_longer_stream_gets_more_memory(
    system_redis: str, tmp_path: Path, length: int, megabytes: int
) -> None:
    async with EmbeddedRedis(tmp_path, program=system_redis, stream_length=length) as server:
        asked: Any = Redis.from_url(server.url).config_get("maxmemory")
    assert asked == {"maxmemory": str(megabytes * 1_000_000)}


async def test_a_taken_port_is_said(redis_program: str, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(EmbeddedRedisError, match=f"Port {port} on 127.0.0.1 is taken: choose another"):
            await EmbeddedRedis(tmp_path, port, program=redis_program).__aenter__()
    async with EmbeddedRedis(tmp_path, port, program=redis_program):
        pass


async def test_the_second_process_is_told_who_has_it(system_redis: str, tmp_path: Path) -> None:
    async with EmbeddedRedis(tmp_path, program=system_redis) as server:
        with pytest.raises(InUseError, match=f"another framewarden .process {os.getpid()}.: stop that one"):
            await EmbeddedRedis(tmp_path, program=system_redis).__aenter__()
        assert Redis.from_url(server.url).ping()


def test_no_server_anywhere_is_said(monkeypatch: pytest.MonkeyPatch, wheel_redis: str) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert find_server() == wheel_redis
    monkeypatch.setattr(sys, "path", [])
    with pytest.raises(EmbeddedRedisError, match="No redis-server was found: install one"):
        find_server()


async def test_a_program_that_is_no_server_is_said(tmp_path: Path) -> None:
    with pytest.raises(EmbeddedRedisError, match="does not say which version it is"):
        await EmbeddedRedis(tmp_path, program="/bin/echo").__aenter__()
    with pytest.raises(EmbeddedRedisError, match=r"/nowhere/redis does not run on this machine"):
        await EmbeddedRedis(tmp_path, program="/nowhere/redis").__aenter__()


async def test_versions_keep_apart_what_the_older_cannot_read(
    system_redis: str, wheel_redis: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    if server_version(system_redis) <= server_version(wheel_redis):
        pytest.skip("the system's redis-server is not newer than the wheel's")
    async with EmbeddedRedis(tmp_path, program=wheel_redis) as server:
        await publish(server, 3)
    async with EmbeddedRedis(tmp_path, program=system_redis) as server:  # takes over what the older one left
        assert length(server) == 3
        await publish(server, 3)
    async with EmbeddedRedis(tmp_path, program=wheel_redis) as server:
        assert length(server) == 0
        await publish(server, 1)
    assert "but this is 6.2 and cannot read it" in caplog.text
    async with EmbeddedRedis(tmp_path, program=system_redis) as server:
        assert length(server) == 6


async def test_unreadable_data_is_set_aside_and_alerts_go_on(
    redis_program: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with EmbeddedRedis(tmp_path, program=redis_program) as server:
        await publish(server, 3)
    for path in tmp_path.glob("data-*/**/*.aof"):
        path.write_bytes(b"*9\r\nthis is no append-only file\r\n" * 20)
    async with EmbeddedRedis(tmp_path, program=redis_program) as server:
        assert length(server) == 0
        assert server.counts["set_aside"] == 1
    assert "cannot read its data" in caplog.text
    assert "the Redis Stream begins anew" in caplog.text
    assert len(list(tmp_path.glob("data-*.unreadable-*"))) == 1


async def test_a_cut_tail_is_read_up_to_the_cut(redis_program: str, tmp_path: Path) -> None:
    async with EmbeddedRedis(tmp_path, program=redis_program) as server:
        await publish(server, 3)
        await publish(server, 3)
    longest = max(tmp_path.glob("data-*/**/*.aof"), key=lambda path: path.stat().st_size)
    longest.write_bytes(longest.read_bytes()[:-20])
    async with EmbeddedRedis(tmp_path, program=redis_program) as server:
        assert length(server) == 3  # a script is in the file whole, or not at all
        assert not server.counts["set_aside"]


def test_a_long_path_gets_a_short_socket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deep = tmp_path / ("d" * 120)
    with tempfile.TemporaryDirectory() as runtime:
        monkeypatch.setenv("XDG_RUNTIME_DIR", runtime)
        first = socket_path(deep)
        assert first.is_relative_to(runtime)
        assert socket_path(deep) == first
        assert socket_path(deep / "other") != first
        assert first.parent.stat().st_mode & 0o777 == 0o700
        monkeypatch.delenv("XDG_RUNTIME_DIR")
        monkeypatch.setattr(tempfile, "tempdir", runtime)
        assert socket_path(deep).parent.stat().st_mode & 0o777 == 0o700
    assert socket_path(tmp_path) == tmp_path / "redis.sock"


async def test_it_works_under_a_long_path(system_redis: str, tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 120)
    async with EmbeddedRedis(deep, program=system_redis) as server:
        assert running_url(deep) == server.url
        await publish(server, 1)
        assert length(server) == 1


DAEMON = textwrap.dedent("""
    import asyncio, signal, sys
    from pathlib import Path
    from alerts.embedded_redis import EmbeddedRedis

    async def main():
        async with EmbeddedRedis(Path(sys.argv[1]), program=sys.argv[2]) as server:
            print(server.pid, flush=True)
            await asyncio.sleep(60)

    # Whoever starts the tests in the background may have had it ignored, and children inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    asyncio.run(main())
""")


@contextmanager
def a_daemon(folder: Path, program: str) -> Iterator[tuple[subprocess.Popen[str], psutil.Process]]:
    """A process with an embedded server in it, and that server."""
    daemon = subprocess.Popen(
        [sys.executable, "-c", DAEMON, str(folder), program],
        stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2], start_new_session=True,
    )  # fmt: skip
    assert daemon.stdout is not None
    server = psutil.Process(int(daemon.stdout.readline()))
    try:
        yield daemon, server
    finally:
        daemon.kill()
        daemon.wait()
        with suppress(psutil.NoSuchProcess):
            server.kill()


def test_it_dies_when_the_daemon_is_killed(redis_program: str, tmp_path: Path) -> None:
    with a_daemon(tmp_path, redis_program) as (daemon, server):
        daemon.kill()
        daemon.wait()
        server.wait(timeout=5)


def test_ctrl_c_is_for_the_daemon_not_for_redis(system_redis: str, tmp_path: Path) -> None:
    with a_daemon(tmp_path, system_redis) as (daemon, server):
        assert os.getpgid(server.pid) != os.getpgid(daemon.pid)
        os.killpg(daemon.pid, signal.SIGINT)
        daemon.wait(timeout=10)
        server.wait(timeout=5)


async def test_a_server_that_outlived_its_daemon_is_ended(
    system_redis: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with EmbeddedRedis(tmp_path, program=system_redis) as server:
        await publish(server, 2)
    (data,) = tmp_path.glob("data-*")
    leftover = subprocess.Popen(
        [system_redis, "--dir", str(data), "--unixsocket", str(tmp_path / "redis.sock"), "--port", "0",
         "--pidfile", str(tmp_path / "redis.pid"), "--appendonly", "yes", "--save", ""],
        stdout=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        async with asyncio.timeout(5):
            while not (tmp_path / "redis.pid").exists():  # noqa: ASYNC110 - seen from outside
                await asyncio.sleep(0.01)
        async with EmbeddedRedis(tmp_path, program=system_redis) as server:
            assert length(server) == 2
            assert leftover.poll() is not None
    finally:
        leftover.kill()
        leftover.wait()
    assert (
        f"A redis-server of an earlier run is still there (process {leftover.pid}): ending it" in caplog.text
    )


async def test_a_folder_that_cannot_be_used_is_said(system_redis: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(EmbeddedRedisError, match=r"cannot be used for Redis .*check owner"):
        await EmbeddedRedis(tmp_path / "file" / "redis", program=system_redis).__aenter__()


async def test_a_disk_that_refuses_is_no_damage(system_redis: str, tmp_path: Path) -> None:
    async with EmbeddedRedis(tmp_path, program=system_redis) as server:
        await publish(server, 3)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))  # what a full disk does, for the child as well
    try:
        with pytest.raises(EmbeddedRedisError):
            await EmbeddedRedis(tmp_path, program=system_redis).__aenter__()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    async with EmbeddedRedis(tmp_path, program=system_redis) as server:
        assert length(server) == 3


async def test_a_strangers_process_number_is_left_alone(system_redis: str, tmp_path: Path) -> None:
    (tmp_path / "redis.pid").write_text(f"{os.getpid()}\n")
    async with EmbeddedRedis(tmp_path, program=system_redis):
        pass
