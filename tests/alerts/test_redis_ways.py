"""The ways to a Redis server: TLS, client certificates, Sentinel and its fail-overs, replicas, a cluster."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import trustme

from alerts.channel import Message, PublishError
from alerts.delivery import Delivery
from alerts.outbox import Outbox
from alerts.redis_channel import ALERTS, RedisChannel
from alerts.redis_link import RedisLink
from tests.alerts.samples import put_many, renderer, sequences, verdict
from tests.alerts.test_delivery import running, until_delivered
from tests.redis_server import RedisServer, free_port

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.real("redis-server")


def messages(number: int, first: int = 1) -> list[Message]:
    return [renderer()(sequence) for sequence in range(first, first + number)]


def in_stream(server: RedisServer, **login: str) -> list[int]:
    return [int(fields["sequence"]) for _, fields in server.client(**login).xrange(ALERTS)]


async def told(url: str, **options: Any) -> str:
    """What a channel says that cannot publish there; '' where it can."""
    channel = RedisChannel(url, **{"timeout": 2, **options})
    try:
        await channel.publish(messages(1))
    except PublishError as error:
        return str(error)
    finally:
        await channel.close()
    return ""


# ---- TLS


class Papers:
    """A certificate authority of our own, and what it vouches for, as files."""

    def __init__(self, folder: Path) -> None:
        authority = trustme.CA()
        self.authority = folder / "ca.pem"
        authority.cert_pem.write_to_path(self.authority)
        self.server = self._issue(authority, folder / "server", "127.0.0.1")
        self.client = self._issue(authority, folder / "client", "warden.example")
        self.elsewhere = self._issue(authority, folder / "elsewhere", "redis.example")

    def _issue(self, authority: trustme.CA, path: Path, name: str) -> tuple[Path, Path]:
        paper = authority.issue_cert(name)
        certificate, key = path.with_suffix(".pem"), path.with_suffix(".key")
        paper.cert_chain_pems[0].write_to_path(certificate)
        paper.private_key_pem.write_to_path(key)
        return certificate, key


@pytest.fixture(scope="module")
def papers(tmp_path_factory: pytest.TempPathFactory) -> Papers:
    return Papers(tmp_path_factory.mktemp("papers"))


@contextmanager
def tls_server(
    program: str, folder: Path, papers: Papers, *options: str, paper: str = "server"
) -> Iterator[tuple[RedisServer, str]]:
    """A server with TLS, and its host and port."""
    port = free_port()
    certificate, key = getattr(papers, paper)
    with RedisServer(
        program, folder, "--tls-port", str(port), "--tls-ca-cert-file", str(papers.authority),
        "--tls-cert-file", str(certificate), "--tls-key-file", str(key), *options,
    ) as server:  # fmt: skip
        yield server, f"127.0.0.1:{port}"


async def test_tls_with_an_authority_of_ones_own_and_a_password(
    system_redis: str, tmp_path: Path, papers: Papers
) -> None:
    options = ("--tls-auth-clients", "no", "--requirepass", "geh/eim")
    with tls_server(system_redis, tmp_path / "redis", papers, *options) as (server, at):
        trusting = f"?ssl_ca_certs={papers.authority}"
        assert await told(f"rediss://:geh/eim@{at}{trusting}") == ""
        assert in_stream(server, password="geh/eim") == [1]
        refused = await told(f"rediss://:geh%2Feim@{at}")
        assert refused.startswith(f"Redis at {at} shows a certificate that is not trusted (")
        assert refused.endswith("name its authority in redis.url, as in ?ssl_ca_certs=FILE")
        assert await told(f"rediss://:wrong@{at}{trusting}") == (
            f"Redis at {at} refuses the user name or the password in redis.url"
        )
        assert "a file named in redis.url cannot be read (No such file or directory)" in await told(
            f"rediss://:geh%2Feim@{at}?ssl_ca_certs={tmp_path}/nowhere.pem"
        )
        assert await told(f"redis://:geh%2Feim@{at}", timeout=0.5)  # no TLS, to a port that wants it


async def test_tls_to_a_server_of_another_name_or_without_tls(
    system_redis: str, tmp_path: Path, papers: Papers
) -> None:
    trusting = f"?ssl_ca_certs={papers.authority}"
    options = ("--tls-auth-clients", "no")
    with tls_server(system_redis, tmp_path / "redis", papers, *options, paper="elsewhere") as (_, at):
        refused = await told(f"rediss://{at}{trusting}")
        assert "shows a certificate that is not trusted (" in refused
        assert "127.0.0.1" in refused.partition("(")[2]
        assert await told(f"rediss://{at}{trusting}&ssl_check_hostname=false") == ""
    with RedisServer(system_redis, tmp_path / "plain", port=True) as plain:
        words = "does not answer within 0.5 s: is it overloaded or stopped, or without TLS there?"
        assert words in await told(f"rediss://127.0.0.1:{plain.port}{trusting}", timeout=0.5)


async def test_a_server_that_wants_our_certificate_too(
    system_redis: str, tmp_path: Path, papers: Papers
) -> None:
    with tls_server(system_redis, tmp_path / "redis", papers) as (server, at):
        trusting = f"?ssl_ca_certs={papers.authority}"
        certificate, key = papers.client
        assert await told(f"rediss://{at}{trusting}&ssl_certfile={certificate}&ssl_keyfile={key}") == ""
        assert in_stream(server) == [1]
        refused = await told(f"rediss://{at}{trusting}")
        assert "wants a certificate that it trusts from us" in refused or "cannot be reached" in refused
        strange = Papers(tmp_path).client
        assert await told(f"rediss://{at}{trusting}&ssl_certfile={strange[0]}&ssl_keyfile={strange[1]}")


# ---- Sentinel, replicas


class Watched:
    """A primary, a replica, and a Sentinel that watches them as `main`; a context manager."""

    def __init__(self, program: str, folder: Path, *options: str, sentinel_options: str = "") -> None:
        self.primary = RedisServer(program, folder / "1", "--appendonly", "yes", *options, port=True)
        self.replica = RedisServer(
            program, folder / "2", "--appendonly", "yes", *options, port=True,
        )  # fmt: skip
        config = folder / "sentinel.conf"
        port = free_port()
        config.write_text(
            f"port {port}\nbind 127.0.0.1\nsentinel monitor main 127.0.0.1 {self.primary.port} 1\n"
            "sentinel down-after-milliseconds main 300\nsentinel failover-timeout main 1000\n"
            + sentinel_options
        )
        self.sentinel = RedisServer(program, folder / "s", config=config, at=port)

    def __enter__(self) -> "Watched":
        self.primary.start()
        self.replica.start()
        self.follow(self.replica, self.primary)
        self.sentinel.start()
        return self

    def __exit__(self, *_: object) -> None:
        for server in (self.sentinel, self.replica, self.primary):
            server.__exit__(None, None, None)

    def follow(self, one: RedisServer, other: RedisServer) -> None:
        one.client().execute_command("REPLICAOF", "127.0.0.1", str(other.port))

    async def until_followed(self) -> None:
        """The Sentinel knows the replica, which has all that the primary has."""
        async with asyncio.timeout(20):
            while True:
                link = self.replica.client().info("replication")
                known = self.sentinel.client().execute_command("SENTINEL", "REPLICAS", "main")
                if link.get("master_link_status") == "up" and known:
                    return
                await asyncio.sleep(0.05)

    @property
    def url(self) -> str:
        """A Sentinel that is not there stands first: one that does not answer must not stop us."""
        return f"redis+sentinel://127.0.0.1:1,127.0.0.1:{self.sentinel.port}/main"


async def test_a_fail_over_loses_nothing_and_keeps_the_order(system_redis: str, tmp_path: Path) -> None:
    """The primary is killed while alerts come; with `replicas`, what was delivered survives it."""
    with Watched(system_redis, tmp_path) as watched:
        await watched.until_followed()
        channel = RedisChannel(watched.url, timeout=0.5, replicas=1)
        channel.batch = 10
        async with Outbox(tmp_path / "outbox", ["redis"]) as outbox:
            delivery = Delivery(outbox, channel, first_retry=0.05, longest_retry=0.2)
            async with running(delivery):
                for number in range(300):
                    await outbox.put(verdict("gate", f"a{number}"), renderer())
                    if number == 150:
                        watched.primary.kill()
                    await asyncio.sleep(0.002)
                async with asyncio.timeout(20):  # the old primary is gone, the new one has no replica yet
                    while "asks for 1" not in delivery.last_error:  # noqa: ASYNC110 - seen from outside
                        await asyncio.sleep(0.02)
                assert delivery.last_error == (
                    f"Redis at main behind Sentinel at 127.0.0.1:1, 127.0.0.1:{watched.sentinel.port} "
                    "has 0 replica(s) that follow, and redis.replicas asks for 1"
                )
                assert (await sequences(outbox))[-1] == 300
                await asyncio.to_thread(watched.primary.start)
                watched.follow(watched.primary, watched.replica)  # Sentinel would, 10 s later
                await until_delivered(delivery, seconds=30)
        await channel.close()
        assert in_stream(watched.replica) == list(range(1, 301))
        assert watched.replica.client().info("replication")["role"] == "master"


async def test_a_primary_that_was_replaced_is_left_though_it_still_takes_messages(
    system_redis: str, tmp_path: Path
) -> None:
    """An operator's fail-over: the old primary goes on for ten seconds more, and forgets them in the end."""
    with Watched(system_redis, tmp_path) as watched:
        await watched.until_followed()
        channel = RedisChannel(watched.url, timeout=1)
        async with Outbox(tmp_path / "outbox", ["redis"]) as outbox:
            delivery = Delivery(outbox, channel, first_retry=0.05, longest_retry=0.2)
            async with running(delivery):
                await put_many(outbox, 50)
                await until_delivered(delivery)
                watched.sentinel.client().execute_command("SENTINEL", "FAILOVER", "main")
                async with asyncio.timeout(20):
                    while watched.replica.client().info("replication")["role"] != "master":
                        await outbox.put(verdict(), renderer())
                        await asyncio.sleep(0.02)
                for _ in range(30):
                    await outbox.put(verdict(), renderer())
                    await asyncio.sleep(0.1)
                await until_delivered(delivery)
                last = outbox.counts["put"]
        await channel.close()
        arrived = in_stream(watched.replica)
        assert watched.primary.client().info("replication")["role"] == "master"  # it does not know yet
        assert arrived == sorted(set(arrived))
        assert arrived[-1] == last
        assert len(arrived) >= last - 20  # about a second's; a reader sees the gap in the numbers


async def test_sentinel_trouble_in_words(system_redis: str, tmp_path: Path) -> None:
    with Watched(system_redis, tmp_path, sentinel_options="requirepass hush\n") as watched:
        at = f"127.0.0.1:{watched.sentinel.port}"
        nowhere = "is nowhere to be found: no Sentinel answers that knows a healthy primary of that name"
        assert await told(f"redis+sentinel://{at}/main?sentinel_password=hush") == ""
        words = await told(f"redis+sentinel://{at}/other?sentinel_password=hush")
        assert words == f"Redis at other behind Sentinel at {at} {nowhere}"
        assert nowhere in await told("redis+sentinel://127.0.0.1:1/main")
        asks = "is not told to us: Sentinel asks for another ?sentinel_password= in redis.url"
        assert asks in await told(f"redis+sentinel://{at}/main")
        assert asks in (words := await told(f"redis+sentinel://{at}/main?sentinel_password=hushhush"))
        assert "hush" not in words
        least = ("on", ">least", "resetchannels", "-@all", "+sentinel|masters")  # as docs/alerts.md says
        watched.sentinel.client(password="hush").execute_command("ACL", "SETUSER", "warden", *least)
        login = "?sentinel_username=warden&sentinel_password=least"
        assert await told(f"redis+sentinel://{at}/main{login}") == ""


async def test_a_sentinel_that_hangs_is_not_asked_first_for_ever(system_redis: str, tmp_path: Path) -> None:
    with Watched(system_redis, tmp_path) as watched:
        silent = await asyncio.start_server(lambda *_: asyncio.sleep(60), "127.0.0.1", 0)
        port = silent.sockets[0].getsockname()[1]
        url = f"redis+sentinel://127.0.0.1:{port},127.0.0.1:{watched.sentinel.port}/main"
        channel = RedisChannel(url, timeout=0.5)
        with pytest.raises(PublishError, match="does not answer within"):
            await channel.publish(messages(1))
        await channel.publish(messages(1))
        await channel.close()
        silent.close()


async def test_a_plain_address_is_looked_up_again_after_readonly(system_redis: str, tmp_path: Path) -> None:
    """Behind a name or a virtual address that moves, the old connection would say READONLY for ever."""
    servers = [RedisServer(system_redis, tmp_path / name, port=True) for name in "ab"]
    with servers[0] as old, servers[1] as new:
        target = old.port

        async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            there = await asyncio.open_connection("127.0.0.1", target)

            async def pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
                while data := await source.read(65536):
                    sink.write(data)
                sink.close()

            await asyncio.gather(pump(reader, there[1]), pump(there[0], writer))

        address = await asyncio.start_server(forward, "127.0.0.1", 0)
        channel = RedisChannel(f"redis://127.0.0.1:{address.sockets[0].getsockname()[1]}")
        await channel.publish(messages(1))
        old.client().execute_command("REPLICAOF", "127.0.0.1", str(new.port))
        target = new.port
        with pytest.raises(PublishError, match="is a read-only replica"):
            await channel.publish(messages(1, first=2))
        await channel.publish(messages(1, first=2))
        assert in_stream(new) == [2]
        await channel.close()
        address.close()


async def test_replicas_that_are_not_there_are_said_and_make_no_doubles(
    system_redis: str, tmp_path: Path
) -> None:
    with RedisServer(system_redis, tmp_path / "redis", port=True) as server:
        words = "has 0 replica(s) that follow, and redis.replicas asks for 1"
        url = f"redis://warden:pw@127.0.0.1:{server.port}"
        rules = ("on", "resetchannels", ">pw", *acl().split(), "+wait")
        server.client().execute_command("ACL", "SETUSER", "warden", *rules)
        for _ in range(2):
            assert words in await told(url, replicas=1, timeout=0.5)
        assert await told(url) == ""
        assert in_stream(server) == [1]
        server.client().execute_command("ACL", "SETUSER", "warden", "-wait")
        assert "does not let this user publish" in await told(url, replicas=1)
        server.client().config_set("min-replicas-to-write", "1")
        assert "takes nothing without replicas that follow (min-replicas-to-write)" in await told(url)


def acl() -> str:
    """The access list that docstring and documentation name."""
    assert RedisChannel.__doc__
    needs = " ".join(RedisChannel.__doc__.split()).partition("needs: ")[2].partition(";")[0]
    assert f"user warden on >PASSWORD resetchannels {needs}\n" in (ROOT / "docs" / "alerts.md").read_text()
    return needs


async def test_a_cluster_is_refused_in_words(system_redis: str, tmp_path: Path) -> None:
    with RedisServer(
        system_redis,
        tmp_path / "redis",
        "--cluster-enabled",
        "yes",
        "--cluster-port",
        str(free_port()),
        port=True,
    ) as server:
        words = "is a Redis Cluster, which keeps no order over several keys: name a server that is none"
        assert words in await told(server.url)  # before it has slots
        server.client().execute_command("CLUSTER", "ADDSLOTS", *range(16384))
        async with asyncio.timeout(10):
            while "cluster_state:ok" not in str(server.client().execute_command("CLUSTER", "INFO")):  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        assert words in await told(server.url)


async def test_no_time_limit_of_redis_py_is_in_the_way() -> None:
    """With one, redis-py sends under asyncio.wait_for, which may swallow a cancellation (Python 3.11)."""
    link = RedisLink("redis+sentinel://127.0.0.1:1/main")
    pools = [link.redis.connection_pool, *(each.connection_pool for each in link._sentinel.sentinels)]  # type: ignore[union-attr]
    for pool in pools:
        assert pool.connection_kwargs["socket_timeout"] is None
        assert pool.connection_kwargs["socket_connect_timeout"] is None
    await link.close()
