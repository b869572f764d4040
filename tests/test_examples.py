"""The examples of docs/subscribe.md run: with real messages, over a server that goes away and comes back."""

import asyncio
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from alerts.client import MessageError, read
from alerts.verdict import Change
from tests.announcing import VERDICT, announcing
from tests.javascript import npm_packages
from tests.real import absent, require
from tests.redis_server import RedisServer

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "docs/examples"
REDIGO = Path(
    "/usr/share/gocode/src/github.com/gomodule/redigo"
)  # Debian's golang-github-gomodule-redigo-dev

pytestmark = pytest.mark.real("redis-server")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    options = ("--appendonly", "yes", "--appendfsync", "always")
    with RedisServer(require("redis-server"), tmp_path / "redis", *options, port=True) as one:
        yield one


def shell(folder: Path) -> list[str]:
    require("redis-cli")
    return [require("sh"), str(EXAMPLES / "follow.sh")]


def python(name: str) -> Callable[[Path], list[str]]:
    return lambda folder: [sys.executable, str(EXAMPLES / name)]


def node(name: str) -> Callable[[Path], list[str]]:
    def command(folder: Path) -> list[str]:
        shutil.copy(EXAMPLES / name, folder)
        (folder / "node_modules").symlink_to(npm_packages() / "node_modules")
        return [require("node"), str(folder / name)]

    return command


def go(folder: Path) -> list[str]:
    compiler = require("go")
    if not REDIGO.exists():
        absent("the Go package redigo is not installed (Debian: golang-github-gomodule-redigo-dev)")
    surroundings = {**os.environ, "GO111MODULE": "off", "GOPATH": "/usr/share/gocode", "GOFLAGS": ""}
    for command in ("vet", "build"):
        built = ["-o", str(folder / "alerts")] if command == "build" else []
        run = [compiler, command, *built, str(EXAMPLES / "follow.go")]
        done = subprocess.run(run, env=surroundings, capture_output=True, text=True, timeout=110, check=False)
        assert done.returncode == 0, done.stderr
    return [str(folder / "alerts")]


@asynccontextmanager
async def running(command: list[str], *arguments: str) -> AsyncIterator[Callable[[], "asyncio.Future[str]"]]:
    """Gives a function that waits for the program's next line."""
    program = await asyncio.create_subprocess_exec(
        *command, *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
        stdin=asyncio.subprocess.DEVNULL, env={**os.environ, "PYTHONPATH": str(ROOT)}, start_new_session=True,
    )  # fmt: skip
    assert program.stdout is not None
    out = program.stdout

    async def line() -> str:
        async with asyncio.timeout(30):
            return (await out.readline()).decode().rstrip("\n")

    try:
        yield lambda: asyncio.ensure_future(line())
    finally:
        with suppress(ProcessLookupError):  # it may have ended
            os.killpg(program.pid, signal.SIGKILL)
        await program.wait()


def as_line(text: str) -> str:
    """A message as all examples but the shell's print it; that prints the message."""
    try:
        alert = read(text)
    except MessageError:
        return text
    return f"{alert.stream} {alert.kind}/{alert.label} {alert.state}: {alert.reason}"


@pytest.mark.parametrize(
    ("prepare", "more"),
    [
        pytest.param(shell, (), id="follow.sh"),
        pytest.param(python("follow.py"), (), id="follow.py"),
        pytest.param(python("worker.py"), ("ann",), id="worker.py"),
        pytest.param(node("redis.mjs"), (), id="redis.mjs"),
        pytest.param(node("ioredis.mjs"), (), id="ioredis.mjs"),
        pytest.param(go, (), id="follow.go"),
    ],
)
async def test_an_example_reads_what_was_what_comes_and_what_came_while_redis_was_away(
    server: RedisServer, tmp_path: Path, prepare: Callable[[Path], list[str]], more: tuple[str, ...]
) -> None:
    command = prepare(tmp_path)
    async with announcing(server.url, tmp_path) as alerts:
        await alerts.tell(Change.OPENED)
        await alerts.tell(Change.OPENED, "yard")
        async with running(command, server.url, *more) as line:
            assert as_line(await line()) == f"gate anomaly/motion opened: {VERDICT.reason}"
            assert as_line(await line()).startswith("yard anomaly/motion opened")
            await alerts.tell(Change.UPDATED, reason="live")
            assert as_line(await line()) == "gate anomaly/motion updated: live"
            server.kill()
            await alerts.tell(Change.UPDATED, reason="while it was away")
            server.start()
            await alerts.tell(Change.CLOSED, "yard", reason="over")
            await alerts.tell(Change.CLOSED, reason="over")
            assert [as_line(await line()) for _ in range(3)] == [
                "gate anomaly/motion updated: while it was away",
                "yard anomaly/motion closed: over",
                "gate anomaly/motion closed: over",
            ]


async def test_ioredis_reads_from_the_stream_what_pub_sub_did_not_bring(
    server: RedisServer, tmp_path: Path
) -> None:
    command = node("ioredis.mjs")(tmp_path)
    async with announcing(server.url, tmp_path) as alerts, running(command, server.url) as line:
        await alerts.tell(reason="1")
        assert as_line(await line()).endswith(": 1")
        server.client().client_kill_filter(_type="pubsub")  # its listener is away for a moment
        await alerts.tell(reason="2")
        await alerts.tell(reason="3")
        assert [as_line(await line())[-1] for _ in range(2)] == ["2", "3"]


@pytest.mark.parametrize("command", ["psubscribe", "xrange", "hgetall"])
async def test_what_the_page_says_of_redis_cli(server: RedisServer, tmp_path: Path, command: str) -> None:
    require("redis-cli")
    page = (ROOT / "docs/subscribe.md").read_text()
    found = re.search(rf"^    (redis-cli -u redis://127\.0\.0\.1:6379 .*{command} .*)$", page, re.MULTILINE)
    assert found, f"docs/subscribe.md shows no {command}"
    shown = found[1].replace("redis://127.0.0.1:6379", server.url).partition("  #")[0]
    async with announcing(server.url, tmp_path) as alerts:
        if command != "psubscribe":
            await alerts.tell()
            async with asyncio.timeout(10):
                while not server.client().exists("framewarden:alerts"):  # noqa: ASYNC110
                    await asyncio.sleep(0.02)
        async with running(["sh", "-c", shown]) as line:
            if command == "psubscribe":
                async with asyncio.timeout(10):
                    while not server.client().pubsub_numpat():  # noqa: ASYNC110
                        await asyncio.sleep(0.02)
                await alerts.tell()
            text = ""
            while "framewarden.alert.opened" not in text:
                text = await line()


LANGUAGES = {".sh": "sh", ".mjs": "js", ".go": "go", ".py": "python"}


@pytest.mark.parametrize("example", sorted(EXAMPLES.iterdir()), ids=lambda path: path.name)
def test_the_page_shows_each_example_as_it_is(example: Path) -> None:
    shown = f"```{LANGUAGES[example.suffix]}\n{example.read_text()}```\n"
    assert shown in (ROOT / "docs/subscribe.md").read_text(), (
        f"docs/subscribe.md shows another {example.name}"
    )
