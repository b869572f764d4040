"""Files of a folder, of HTTP and of jobs, through the real daemon: one verdict each, and nothing twice."""

import asyncio
import gc
import hashlib
import json
import os
import shutil
import signal
import socket
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import psutil
import pytest

from alerts.file_verdict import Tally
from alerts.judge import Judge
from alerts.rules import Rules
from config.alerts import AlertsSettings
from config.channels import LogChannelSettings
from config.settings import ServiceSettings, Settings, StreamSettings
from config.uploads import UploadsSettings
from daemon.assembly import assembled
from daemon.file_watch import FileWatch
from detectors.detection import Detection
from streams.frame import Frame
from streams.inbox import sign_of
from streams.recording import Recording
from tests.clips import write_clip
from tests.daemon.daemon_process import Daemon, eventually
from tests.daemon.test_run import clip_that_freezes
from tests.hostile import campaign, write
from tests.real import require
from tests.redis_server import RedisServer

TOKEN = "s3cret-upload-token"
SETTINGS = """
streams:
  - {{name: uploads, folder: in, detectors: [quality]}}
uploads: {{rest: 0.3, wait: {wait}, {more}}}
"""


def body(wait: float = 0, more: str = "at_once: 1") -> str:
    return SETTINGS.format(wait=wait, more=more)


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Made once: good.mp4, frozen.mp4, cut.mp4 (no index), notes.mp4 (no video)."""
    folder = tmp_path_factory.mktemp("clips")
    good = write_clip(folder / "good.mp4", seconds=4, noise=12)
    clip_that_freezes(folder / "frozen.mp4", lively=8, still=11)
    (folder / "cut.mp4").write_bytes(good.read_bytes()[:50_000])
    (folder / "notes.mp4").write_text("no video at all")
    return folder


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    (tmp_path / "in").mkdir()
    return tmp_path / "in"


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    with RedisServer(require("redis-server"), tmp_path / "redis") as server:
        yield server


def told(server: RedisServer) -> list[dict[str, Any]]:
    """The data of every message, oldest first."""
    entries: Any = server.client().xrange("framewarden:alerts")
    return [json.loads(fields["body"])["data"] for _, fields in entries]


def verdicts(server: RedisServer) -> dict[str, str]:
    """By name of the file; fails where one was told of twice."""
    found: dict[str, str] = {}
    for data in told(server):
        if data["kind"] == "verdict":
            assert data["file"]["name"] not in found, "told twice"
            found[data["file"]["name"]] = data["label"]
    return found


def dealt_with(daemon: Daemon, count: int) -> bool:
    """Whether so many files were, and none waits."""
    words = ("fine", "alarming", "cannot_tell", "unreadable", "too_large", "known")
    fields = daemon.stream("uploads")
    return (
        bool(fields) and sum(int(fields.get(word, 0)) for word in words) >= count and fields["waiting"] == "0"
    )


# ---- a folder


def test_each_file_of_a_folder_gets_one_verdict_and_a_report(
    tmp_path: Path, inbox: Path, clips: Path, redis: RedisServer
) -> None:
    for name in ("good.mp4", "frozen.mp4", "notes.mp4", "cut.mp4"):
        shutil.copy(clips / name, inbox)
    shutil.copy(clips / "good.mp4", inbox / "the same.mp4")
    with Daemon(tmp_path, body(), redis_url=redis.url) as daemon:
        eventually("all files are dealt with", lambda: dealt_with(daemon, 5), 100)
        found = verdicts(redis)
        one = "good.mp4" if "good.mp4" in found else "the same.mp4"
        wanted = {one: "fine", "frozen.mp4": "alarming", "notes.mp4": "cannot_tell", "cut.mp4": "cannot_tell"}
        assert found == wanted
        assert daemon.stream("uploads")["known"] == "1", "what holds the same is judged once"
        metrics = daemon.get("metrics")
        daemon.stop()
    assert 'framewarden_upload_files_total{outcome="quarantined",stream="uploads"} 2.0' in metrics
    assert 'stream="uploads/' not in metrics, "no file is a label"
    aside = inbox / "quarantine"
    assert sorted(each.name for each in inbox.glob("*.mp4")) == ["frozen.mp4", "good.mp4", "the same.mp4"]
    assert "is not a video that can be read" in (aside / "notes.mp4.reason.txt").read_text()
    assert "lacks its index (moov)" in (aside / "cut.mp4.reason.txt").read_text()
    data = {each["file"]["name"]: each for each in told(redis) if each["kind"] == "verdict"}["frozen.mp4"]
    alert = next(each for each in told(redis) if each["kind"] == "quality" and each["state"] == "opened")
    assert alert["label"] == "frozen" and alert["stream"] == "uploads"
    digest = hashlib.sha256((inbox / "frozen.mp4").read_bytes()).hexdigest()
    assert alert["file"] == {"name": "frozen.mp4", "sha256": digest, "job": ""}
    assert data["alerts"] == [alert["alert_id"]]
    report = Path(data["evidence"]["report"])
    assert "<h1>frozen.mp4</h1>" in report.read_text() and "<svg" in report.read_text()
    assert json.loads(report.with_name("report.json").read_text())["curves"]["quality"]
    assert report.stat().st_mode & 0o077 == 0, "pictures of people are for this user alone"


def test_nothing_is_judged_twice_and_what_was_under_way_is_judged_after_a_crash(
    tmp_path: Path, inbox: Path, clips: Path, redis: RedisServer
) -> None:
    shutil.copy(clips / "good.mp4", inbox / "first.mp4")
    with Daemon(tmp_path, body(), redis_url=redis.url) as daemon:
        eventually("the first is judged", lambda: "first.mp4" in verdicts(redis), 40)
        shutil.copy(clips / "frozen.mp4", inbox / "second.mp4")
        eventually("the second is looked at", lambda: "second.mp4 is looked at" in daemon.log)
        daemon.signal(signal.SIGKILL)
        daemon.wait()
        assert "second.mp4" not in verdicts(redis)
        daemon.start()
        eventually("the second is judged", lambda: "second.mp4" in verdicts(redis), 40)
        time.sleep(1)
        assert verdicts(redis) == {"first.mp4": "fine", "second.mp4": "alarming"}
        assert daemon.log.count("first.mp4 is looked at") == 1
        assert daemon.log.count("second.mp4 is looked at") == 2
        assert psutil.Process(daemon.pid).is_running()


def test_a_file_that_is_still_being_copied_is_waited_for(
    tmp_path: Path, inbox: Path, clips: Path, redis: RedisServer
) -> None:
    content = (clips / "good.mp4").read_bytes()
    with Daemon(tmp_path, body(wait=60), redis_url=redis.url) as daemon:
        with (inbox / "slow.mp4").open("wb", buffering=0) as file:
            file.write(content[: len(content) // 2])
            eventually("it is waited for", lambda: "slow.mp4 is waited for" in daemon.log, 40)
            assert "lacks its index (moov)" in daemon.log
            file.write(content[len(content) // 2 :])
        eventually("it is judged", lambda: verdicts(redis), 40)
        assert verdicts(redis) == {"slow.mp4": "fine"} and not (inbox / "quarantine").exists()


def test_a_folder_that_may_not_be_written_is_judged_all_the_same(
    tmp_path: Path, inbox: Path, clips: Path, redis: RedisServer
) -> None:
    if os.geteuid() == 0:
        pytest.skip("this user may write everything")
    shutil.copy(clips / "notes.mp4", inbox)
    inbox.chmod(0o555)
    try:
        with Daemon(tmp_path, body(), redis_url=redis.url) as daemon:
            eventually("it is judged", lambda: verdicts(redis), 40)
            eventually("and said", lambda: "cannot be moved to quarantine" in daemon.log)
            assert (inbox / "notes.mp4").exists()
    finally:
        inbox.chmod(0o755)


@pytest.mark.timeout(300)
def test_hostile_files_harm_nobody_and_none_is_lost(tmp_path: Path, inbox: Path, redis: RedisServer) -> None:
    """A small part of benchmarks/fuzz.py."""
    files = write(inbox, campaign(0, 60))
    with Daemon(tmp_path, body(more="at_once: 2"), redis_url=redis.url) as daemon:
        eventually("all are dealt with", lambda: dealt_with(daemon, len(files)), 240)
        answered = {each["file"]["name"] for each in told(redis) if each["kind"] == "verdict"}
        hashes = {each["file"]["sha256"] for each in told(redis) if each["kind"] == "verdict"}
        for name in files:
            aside = inbox / "quarantine" / name
            here = aside if aside.exists() else inbox / name
            known = hashlib.sha256(here.read_bytes()).hexdigest() in hashes
            assert name in answered or known, f"{name} is lost"
            assert here is not aside or aside.with_name(f"{name}.reason.txt").exists()
        health = daemon.health()
        assert health and health["status"] == "ok"
        daemon.stop()


def test_what_cannot_be_noted_is_not_told_again_and_again(
    tmp_path: Path, inbox: Path, clips: Path, redis: RedisServer
) -> None:
    shutil.copy(clips / "good.mp4", inbox)
    in_the_way = tmp_path / "state" / "uploads.sqlite"
    in_the_way.mkdir(parents=True)
    with Daemon(tmp_path, body(), redis_url=redis.url) as daemon:
        eventually("it is said", lambda: "uploads wait. Free space on that disk" in daemon.log, 40)
        health = daemon.health()
        assert health and health["status"] == "degraded"
        assert any("uploads wait" in each for each in health["problems"])
        assert not told(redis)
        in_the_way.rmdir()
        eventually("it is judged", lambda: verdicts(redis), 40)
        assert verdicts(redis) == {"good.mp4": "fine"}
        eventually("all is well", lambda: (daemon.health() or {}).get("status") == "ok", 20)


# ---- HTTP


def put(
    daemon: Daemon, name: str, content: bytes, token: str | None = TOKEN, **headers: str
) -> tuple[int, dict[str, Any]]:
    """The status and the answer."""
    return ask(daemon, f"uploads/uploads/{name}", token, content, **headers)


def ask(
    daemon: Daemon, page: str, token: str | None = TOKEN, content: bytes | None = None, **headers: str
) -> tuple[int, dict[str, Any]]:
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    request = urllib.request.Request(
        f"http://127.0.0.1:{daemon.port}/{page}",
        content,
        headers,
        method="PUT" if content is not None else "GET",
    )
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310 - our own daemon
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as refusal:
        return refusal.code, json.loads(refusal.read())


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A daemon that takes uploads of up to a megabyte, two at a time."""
    folder = tmp_path_factory.mktemp("web")
    (folder / "in").mkdir()
    (folder / "token").write_text(f"{TOKEN}\n")
    http = "http: {enabled: true, token: 'file:token', at_once: 2, idle_timeout: 1}"
    text = body(more=f"megabytes: 1, {http}") + "alerts: {channels: [{kind: log}]}\n"
    with Daemon(folder, text) as daemon:
        eventually("the daemon answers", daemon.health, 40)
        eventually("the folder is watched", lambda: daemon.stream("uploads"), 20)
        yield daemon


def test_an_upload_is_judged_and_answered(web: Daemon, clips: Path) -> None:
    content = (clips / "good.mp4").read_bytes()
    status, answer = put(web, "a%20clip.mp4", content)
    digest = hashlib.sha256(content).hexdigest()
    assert (status, answer["sha256"], answer["verdict"]) == (202, digest, None)
    where = answer["status"].removeprefix("/")
    eventually("it is judged", lambda: ask(web, where)[1]["verdict"] == "fine", 30)
    assert (web.folder / "in" / "a clip.mp4").read_bytes() == content
    status, again = put(web, "another%20name.mp4", content)
    assert (status, again["verdict"], again["file"]["name"]) == (200, "fine", "a clip.mp4")
    assert not (web.folder / "in" / "another name.mp4").exists(), "what is known is not kept twice"
    request = urllib.request.Request(
        f"http://127.0.0.1:{web.port}{again['report']}", headers={"Authorization": f"Bearer {TOKEN}"}
    )
    with urllib.request.urlopen(request, timeout=10) as page:  # noqa: S310 - our own daemon
        assert "default-src 'none'" in page.headers["Content-Security-Policy"]
        assert b"<h1>a clip.mp4</h1>" in page.read()


@pytest.mark.parametrize(
    ("name", "status", "words"),
    [
        ("a.exe", 415, "'.exe' is none of"),
        (".a.mp4", 400, "no plain name"),
        ("..%2f..%2fa.mp4", 400, "no plain name"),
        ("a%00.mp4", 400, "no plain name"),
        ("x" * 300 + ".mp4", 400, "longer than"),
    ],
)
def test_a_name_that_is_no_good_is_refused(web: Daemon, name: str, status: int, words: str) -> None:
    code, answer = put(web, name, b"content")
    assert code == status and words in answer["error"]


def test_only_who_has_the_token_may_upload_or_look(web: Daemon) -> None:
    for token in (None, "", "wrong", f"{TOKEN}x"):
        assert put(web, "a.mp4", b"x", token)[0] == 401
        assert ask(web, f"uploads/uploads/{'0' * 64}", token)[0] == 401
    assert ask(web, f"uploads/uploads/{'0' * 64}")[0] == 404
    assert ask(web, f"uploads/gate/{'0' * 64}")[0] == 404
    assert TOKEN not in web.log


def test_what_is_too_large_is_refused_however_it_says_its_size(web: Daemon) -> None:
    assert put(web, "large.mp4", bytes(1_000_001))[0] == 413
    request = urllib.request.Request(
        f"http://127.0.0.1:{web.port}/uploads/uploads/large.mp4",
        (bytes(100_000) for _ in range(50)),
        {"Authorization": f"Bearer {TOKEN}", "Transfer-Encoding": "chunked"},
        method="PUT",
    )
    with pytest.raises((urllib.error.HTTPError, urllib.error.URLError)) as refused:
        urllib.request.urlopen(request, timeout=20)  # noqa: S310 - our own daemon
    assert getattr(refused.value, "code", 413) == 413
    eventually("nothing is left", lambda: not list((web.folder / "in").glob(".upload-*")))
    assert not (web.folder / "in" / "large.mp4").exists()


def slow(daemon: Daemon, size: int = 500_000) -> socket.socket:
    """Begins an upload and says nothing more."""
    line = socket.create_connection(("127.0.0.1", daemon.port), timeout=20)
    head = f"PUT /uploads/uploads/slow.mp4 HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer {TOKEN}\r\n"
    line.sendall(f"{head}Content-Length: {size}\r\n\r\nbegin".encode())
    return line


def test_who_sends_too_slowly_is_cut_off_and_too_many_are_sent_away(web: Daemon) -> None:
    lines = [slow(web), slow(web)]
    eventually("both are under way", lambda: len(list((web.folder / "in").glob(".upload-*"))) == 2)
    status, answer = put(web, "a.mp4", b"x")
    assert (status, answer["error"]) == (503, "too many uploads are under way")
    for line in lines:
        assert b" 408 " in line.recv(4096).splitlines()[0]
        line.close()
    eventually("nothing is left", lambda: not list((web.folder / "in").glob(".upload-*")))
    gone = slow(web)
    eventually("one is under way", lambda: list((web.folder / "in").glob(".upload-*")))
    gone.close()
    eventually("nothing is left of one who left", lambda: not list((web.folder / "in").glob(".upload-*")))
    assert put(web, "notes.mp4", b"still here")[0] == 202


def test_without_a_token_no_page_in_a_browser_can_upload(tmp_path: Path, inbox: Path) -> None:
    text = body(more="http: {enabled: true}") + "alerts: {channels: [{kind: log}]}\n"
    with Daemon(tmp_path, text) as daemon:
        eventually("the folder is watched", lambda: daemon.stream("uploads"), 40)
        assert put(daemon, "a.mp4", b"x", None, Host="evil.example")[0] == 403, "by a name of its own"
        assert put(daemon, "a.mp4", b"x", None, Host="[")[0] == 403, "by what is no name"
        request = urllib.request.Request(
            f"http://127.0.0.1:{daemon.port}/uploads/uploads/a.mp4", b"x", method="POST"
        )
        with pytest.raises(urllib.error.HTTPError, match="405"):  # which a form could send
            urllib.request.urlopen(request, timeout=10)  # noqa: S310 - our own daemon
        assert put(daemon, "a.mp4", b"x", None)[0] == 202


def test_a_full_disk_is_said(tmp_path: Path, inbox: Path) -> None:
    more = "keep_free_gigabytes: 1000000, http: {enabled: true}"
    with Daemon(tmp_path, body(more=more) + "alerts: {channels: [{kind: log}]}\n") as daemon:
        eventually("the folder is watched", lambda: daemon.stream("uploads"), 40)
        status, answer = put(daemon, "a.mp4", b"x", None)
        assert (status, answer["error"]) == (507, "the disk is too full, or cannot be written")
        assert not list(inbox.iterdir())


# ---- jobs


def test_jobs_are_done_once_each_within_what_is_allowed(
    tmp_path: Path, inbox: Path, clips: Path, redis: RedisServer
) -> None:
    archive = tmp_path / "archive"
    archive.mkdir()
    shutil.copy(clips / "good.mp4", archive)
    shutil.copy(clips / "notes.mp4", archive)
    (tmp_path / "secret.mp4").write_bytes((clips / "good.mp4").read_bytes())
    (archive / "way out.mp4").symlink_to(tmp_path / "secret.mp4")
    handler = partial(SimpleHTTPRequestHandler, directory=str(clips))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        host = f"127.0.0.1:{server.server_port}"
        more = f"jobs: {{enabled: true, folders: [archive], hosts: ['{host}'], claim_after: 1}}"
        client = redis.client()
        orders = {
            "good": {"path": f"{archive}/good.mp4"},
            "again": {"path": f"{archive}/good.mp4", "stream": "uploads"},
            "no video": {"path": f"{archive}/notes.mp4"},
            "link": {"path": f"{archive}/way out.mp4"},
            "elsewhere": {"path": f"{archive}/../secret.mp4"},
            "relative": {"path": "archive/good.mp4"},
            "fetched": {"url": f"http://{host}/frozen.mp4"},
            "missing": {"url": f"http://{host}/none.mp4"},
            "this machine": {"url": "http://127.0.0.1:1/a.mp4"},
            "a file's url": {"url": f"file://{archive}/good.mp4"},
            "no address": {"url": "http://[::1"},
            "both": {"url": f"http://{host}/frozen.mp4", "path": f"{archive}/good.mp4"},
            "unknown": {"pth": "x"},
            "no such stream": {"path": f"{archive}/good.mp4", "stream": "gate"},
        }
        entries = {client.xadd("framewarden:jobs", fields): name for name, fields in orders.items()}
        with Daemon(tmp_path, body(more=more), redis_url=redis.url) as daemon:
            eventually(
                "all are answered", lambda: len([e for e in told(redis) if e["kind"] == "verdict"]) >= 14, 60
            )
            answers = {entries[e["file"]["job"]]: e for e in told(redis) if e["kind"] == "verdict"}
            eventually(
                "all are done", lambda: not client.xpending("framewarden:jobs", "framewarden")["pending"]
            )
            assert daemon.log.count("good.mp4 is looked at") == 1, "and what is known is told again"
            daemon.stop()
        server.shutdown()
    said = {name: (e["label"], e["doubt"]) for name, e in answers.items()}
    assert said.pop("good") == said.pop("again") == ("fine", None)
    assert said.pop("fetched") == ("alarming", None)
    assert said.pop("no video") == ("cannot_tell", "unreadable")
    assert set(said.values()) == {("cannot_tell", "refused")}
    hidden = {answers[name]["reason"] for name in ("link", "elsewhere", "relative")}
    assert hidden == {"there is no such file in the folders that jobs may lead to (uploads.jobs)"}
    assert "none of the hosts" in answers["this machine"]["reason"]
    assert "known are name, path, stream, url" in answers["unknown"]["reason"]
    assert (archive / "notes.mp4").exists(), "what is not ours is left where it is"
    assert (inbox / "frozen.mp4").read_bytes() == (clips / "frozen.mp4").read_bytes()


def test_a_job_that_was_under_way_is_done_after_a_crash_and_while_redis_was_away(
    tmp_path: Path, inbox: Path, clips: Path
) -> None:
    archive = tmp_path / "archive"
    archive.mkdir()
    shutil.copy(clips / "frozen.mp4", archive)
    options = ("--appendonly", "yes", "--appendfsync", "always")
    with RedisServer(require("redis-server"), tmp_path / "redis", *options) as redis:
        client = redis.client()
        entry = client.xadd("framewarden:jobs", {"path": f"{archive}/frozen.mp4"})
        more = "jobs: {enabled: true, folders: [archive]}"
        with Daemon(tmp_path, body(more=more), redis_url=redis.url) as daemon:
            eventually("it is looked at", lambda: "frozen.mp4 is looked at" in daemon.log, 40)
            daemon.signal(signal.SIGKILL)
            daemon.wait()
            daemon.start()
            eventually("it is looked at again", lambda: daemon.log.count("frozen.mp4 is looked at") == 2, 40)
            redis.restart()
            eventually("it is answered", lambda: verdicts(redis), 40)
            (data,) = [each for each in told(redis) if each["kind"] == "verdict"]
            assert (data["label"], data["file"]["job"]) == ("alarming", entry)
            eventually(
                "it is done", lambda: not client.xpending("framewarden:jobs", "framewarden")["pending"], 60
            )


# ---- over months


def one_folder(folder: Path) -> Settings:
    """A house that watches it, and tells the log."""
    return Settings(
        streams=(StreamSettings(name="uploads", folder=folder, detectors=("quality",)),),
        alerts=AlertsSettings(channels=(LogChannelSettings(),)),
        service=ServiceSettings(listen=None, state_dir=folder / "state"),
    )


async def test_nothing_of_a_file_stays_in_memory(tmp_path: Path, clips: Path) -> None:
    settings = one_folder(tmp_path)
    (stream,) = settings.streams
    content = (clips / "good.mp4").read_bytes()

    async def judge(number: int) -> None:
        path = tmp_path / f"{number}.mp4"
        await asyncio.to_thread(path.write_bytes, content + bytes([number]))
        await house.uploads.judge(settings, stream, path, sign_of(path.lstat()))

    def alive() -> Counter[str]:
        """What there is of each thing that belongs to one file."""
        gc.collect()
        kinds = (FileWatch, Recording, Judge, Rules, Tally, Frame, Detection, asyncio.Task, asyncio.Lock)
        return Counter(type(each).__name__ for each in gc.get_objects() if isinstance(each, kinds))

    async with assembled(settings, judged=lambda _: None) as house:
        for number in range(3):
            await judge(number)
        before = alive()
        for number in range(3, 12):
            await judge(number)
        assert alive() - before == Counter()
        assert house.plan == {} == house.weights and house.uploads.judging == {"uploads": {}}
        assert house.uploads.counts["uploads"] == {"fine": 12}
        assert len(list(house.uploads.reports.glob("uploads/*/*/report.html"))) == 12
        one = await house.uploads.ledger.find("uploads", hashlib.sha256(content + bytes([0])).hexdigest())
        assert one and Path(one.facts["evidence"]["report"]).is_file()  # noqa: ASYNC240 - a test
        house.uploads.settings = UploadsSettings(keep_days=1e-9)
        await house.sweep()
        assert not list(house.uploads.reports.glob("uploads/*/*")), "and what is old goes from the disk"


async def test_an_alert_that_was_open_when_we_ended_goes_on_under_its_id(tmp_path: Path, clips: Path) -> None:
    settings = one_folder(tmp_path)
    path = tmp_path / "frozen.mp4"
    shutil.copy(clips / "frozen.mp4", path)
    sign = sign_of(path.lstat())
    async with assembled(settings, judged=lambda _: None) as house:
        judging = asyncio.create_task(house.uploads.judge(settings, settings.streams[0], path, sign))
        while not house.gatekeeper.gate.open_alerts():  # noqa: ASYNC110 - to be there in the middle of it
            await asyncio.sleep(0)
        judging.cancel()
        await asyncio.wait([judging])
        await house.uploads.judge(settings, settings.streams[0], path, sign)
        told = [json.loads(each.message.body)["data"] for each in await house.outbox.waiting("log", 100)]
    states = [each["state"] for each in told]
    assert (states[0], states[-2:]) == ("opened", ["closed", "judged"])
    assert states.count("opened") == states.count("closed") == states.count("judged") == 1
    assert set(states[1:-2]) <= {"updated"}
    assert len({each["alert_id"] for each in told[:-1]}) == 1
