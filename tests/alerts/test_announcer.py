"""Announcing: evidence first, then the outbox, in order, whatever the disk does."""

import asyncio
import hashlib
import json
import threading
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from alerts.announcer import Announcer
from alerts.client import Alert, read
from alerts.evidence import Evidence, EvidenceStore
from alerts.manifest import read as read_manifest
from alerts.manifest import unlike
from alerts.outbox import Outbox
from alerts.verdict import Change, Verdict
from detectors.detection import Kind
from streams.frame import Frame
from tests.alerts.test_evidence import AT, a_frame, a_verdict


@pytest.fixture
async def outbox(tmp_path: Path) -> AsyncIterator[Outbox]:
    async with Outbox(tmp_path / "outbox.sqlite", ["redis"]) as outbox:
        yield outbox


async def waiting(outbox: Outbox) -> list[Alert]:
    return [read(each.message.body) for each in await outbox.waiting("redis", 10_000)]


def announcer(outbox: Outbox, evidence: EvidenceStore, patience: float = 5.0) -> Announcer:
    return Announcer(
        outbox, evidence, lambda: AT + timedelta(milliseconds=40), "//here/framewarden", patience
    )


class HungStore(EvidenceStore):
    """A disk that hangs until it is let go."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, 30, 5)
        self.let_go = threading.Event()

    def save(self, verdict: Verdict, frame: Frame) -> Evidence:
        self.let_go.wait(30)
        return super().save(verdict, frame)


async def test_a_life_is_told_with_its_pictures(outbox: Outbox, tmp_path: Path) -> None:
    announce_all = announcer(outbox, EvidenceStore(tmp_path / "evidence", 30, 5)).announce_all
    await announce_all([a_verdict()], a_frame())
    assert await outbox.open_verdicts("gate") == [replace(a_verdict(), detection=None)]
    updated = replace(a_verdict(), change=Change.UPDATED)
    await announce_all([updated, replace(a_verdict(), change=Change.CLOSED, detection=None)], a_frame())
    told = await waiting(outbox)
    assert [each.id for each in told] == [f"{'ab' * 16}.{number}" for number in (1, 2, 3)]
    assert [each.state for each in told] == [Change.OPENED, Change.UPDATED, Change.CLOSED]
    assert [Path(each.data["evidence"]["picture"]).name for each in told] == [
        "picture.jpg",
        "picture-2.jpg",
        "picture.jpg",
    ]
    kept = [path.name for path in (tmp_path / "evidence").rglob("annotated*")]
    assert sorted(kept) == ["annotated-2.jpg", "annotated.jpg"]
    assert [each.age_ms for each in told] == [40, 40, 40]
    (first, *_) = await outbox.waiting("redis", 1)
    assert json.loads(first.message.body)["source"] == "//here/framewarden"
    assert await outbox.open_verdicts("gate") == []


async def test_an_outage_has_no_picture(outbox: Outbox, tmp_path: Path) -> None:
    offline = replace(a_verdict(), kind=Kind.STREAM, label="offline", detection=None)
    await announcer(outbox, EvidenceStore(tmp_path / "evidence", 30, 5)).announce_all([offline], None)
    (told,) = await waiting(outbox)
    assert set(told.data["evidence"].values()) == {None}


async def test_trouble_with_the_pictures_is_told_with_the_alert(outbox: Outbox, tmp_path: Path) -> None:
    (tmp_path / "evidence").write_text("in the way")
    await announcer(outbox, EvidenceStore(tmp_path / "evidence", 30, 5)).announce_all(
        [a_verdict()], a_frame()
    )
    (told,) = await waiting(outbox)
    assert told.data["evidence"]["problem"].startswith("Pictures could not be kept. Not a directory")


async def test_a_disk_that_hangs_holds_no_alert_up_for_long(outbox: Outbox, tmp_path: Path) -> None:
    hung = HungStore(tmp_path / "evidence")
    announcing = announcer(outbox, hung, patience=0.1)
    try:
        async with asyncio.timeout(5):
            for number in range(5):
                await announcing.announce_all([a_verdict(alert_id=f"{number:032x}")], a_frame())
    finally:
        hung.let_go.set()
        announcing.close()
    told = await waiting(outbox)
    assert [each.sequence for each in told] == [1, 2, 3, 4, 5]
    assert {each.data["evidence"]["problem"] for each in told} == {
        "The disk took longer than 0.1 s to keep the pictures."
    }
    assert hung.counts["evidence_late"] == 5


async def test_drawing_does_not_hold_up_the_event_loop(outbox: Outbox, tmp_path: Path) -> None:
    hung = HungStore(tmp_path / "evidence")
    announcing = announcer(outbox, hung)
    task = asyncio.create_task(announcing.announce_all([a_verdict()], a_frame()))
    for _ in range(10):
        await asyncio.sleep(0.005)
    assert not task.done()
    hung.let_go.set()
    await task
    assert [each.sequence for each in await waiting(outbox)] == [1]


async def test_one_stream_stays_in_order_while_another_overtakes(outbox: Outbox, tmp_path: Path) -> None:
    hung = HungStore(tmp_path / "evidence")
    announcing = announcer(outbox, hung)
    opened = asyncio.create_task(announcing.announce_all([a_verdict()], a_frame()))
    await asyncio.sleep(0)
    closed = asyncio.create_task(announcing.announce_all([replace(a_verdict(), change=Change.CLOSED)], None))
    other = replace(a_verdict(alert_id="cd" * 16), stream="yard", change=Change.CLOSED)
    async with asyncio.timeout(5):
        await announcing.announce_all([other], None)
    assert not opened.done() and not closed.done()
    hung.let_go.set()
    await asyncio.gather(opened, closed)
    assert [(each.stream, each.state) for each in await waiting(outbox)] == [
        ("yard", Change.CLOSED),
        ("gate", Change.OPENED),
        ("gate", Change.CLOSED),
    ]


async def test_what_was_decided_is_told_though_the_caller_is_cancelled(
    outbox: Outbox, tmp_path: Path
) -> None:
    hung = HungStore(tmp_path / "evidence")
    announcing = Announcer(outbox, hung, patience=30, last_patience=0.1)
    ids = [f"{number:032x}" for number in range(5)]
    writing = asyncio.create_task(
        announcing.announce_all([a_verdict(alert_id=each) for each in ids[:3]], a_frame())
    )
    in_line = asyncio.create_task(
        announcing.announce_all([a_verdict(alert_id=each) for each in ids[3:]], a_frame())
    )
    await asyncio.sleep(0.05)
    assert await waiting(outbox) == []
    for task in (writing, in_line):
        task.cancel()
    await asyncio.sleep(0)
    writing.cancel()  # twice, as a reload followed by a stop may do
    try:
        async with asyncio.timeout(5):
            ended = await asyncio.gather(writing, in_line, return_exceptions=True)
    finally:
        hung.let_go.set()
        announcing.close()
    assert [type(each) for each in ended] == [asyncio.CancelledError] * 2
    told = await waiting(outbox)
    assert [each.alert_id for each in told] == ids
    assert {each.data["evidence"]["problem"] for each in told} == {
        "The watch ended before the disk had taken the pictures."
    }


async def test_a_cancelled_caller_still_gets_quick_pictures(outbox: Outbox, tmp_path: Path) -> None:
    hung = HungStore(tmp_path / "evidence")
    announcing = announcer(outbox, hung)
    task = asyncio.create_task(announcing.announce_all([a_verdict()], a_frame()))
    await asyncio.sleep(0.05)
    task.cancel()
    await asyncio.sleep(0.05)
    hung.let_go.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    (told,) = await waiting(outbox)
    assert told.data["evidence"]["problem"] is None
    assert Path(told.data["evidence"]["picture"]).name == "picture.jpg"


async def test_a_cancelled_caller_hears_when_the_outbox_is_gone(tmp_path: Path) -> None:
    hung = HungStore(tmp_path / "evidence")
    announcing = announcer(Outbox(tmp_path / "never opened", ["redis"]), hung)
    task = asyncio.create_task(announcing.announce_all([a_verdict()], a_frame()))
    await asyncio.sleep(0.05)
    task.cancel()
    await asyncio.sleep(0)
    hung.let_go.set()
    with pytest.raises(RuntimeError, match="the outbox is not open"):
        await task


async def test_a_cancellation_as_the_pictures_are_done_is_not_swallowed(
    outbox: Outbox, tmp_path: Path
) -> None:
    """Stopping the daemon cancels whoever announces, at whatever moment: it must end."""
    announcing = announcer(outbox, EvidenceStore(tmp_path / "evidence", 30, 5))

    async def announce_for_ever() -> None:
        while True:
            await announcing.announce_all([replace(a_verdict(), change=Change.CLOSED)], None)

    for number in range(60):
        task = asyncio.create_task(announce_for_ever())
        await asyncio.sleep(0.0007 * (number % 9))
        task.cancel()
        done, _ = await asyncio.wait([task], timeout=2)
        assert done, f"cancellation {number} was lost"


# --- what an alert does not wait for


async def test_the_clip_is_named_before_it_comes_and_put_to_the_rest(outbox: Outbox, tmp_path: Path) -> None:
    store = EvidenceStore(tmp_path / "evidence", 30, 5)
    wanted: list[tuple[str, Callable[[bytes], None]]] = []

    def film(stream: str, take: Callable[[bytes], None]) -> bool:
        wanted.append((stream, take))
        return True

    announcing = Announcer(outbox, store, film=film)
    await announcing.announce_all([a_verdict()], a_frame())
    await announcing.announce_all([replace(a_verdict(), change=Change.UPDATED)], a_frame())
    opened, updated = await waiting(outbox)
    clip = Path(opened.data["evidence"]["clip"])
    assert clip == Path(opened.data["evidence"]["picture"]).with_name("clip.mp4")
    assert Path(opened.data["evidence"]["report"]).name == "report.html"
    assert updated.data["evidence"]["clip"] is None
    ((stream, take),) = wanted
    assert stream == "gate"
    take(b"a film")
    announcing.close()  # waits for what is being written
    manifest = read_manifest(clip.parent)
    assert manifest.files["clip.mp4"] == hashlib.sha256(b"a film").hexdigest()
    assert unlike(clip.parent, manifest) == []
    report = await asyncio.to_thread(clip.with_name("report.html").read_text)
    assert 'src="clip.mp4"' in report
    assert store.find(a_verdict()).clip == clip


async def test_no_clip_is_named_where_none_may_come(outbox: Outbox, tmp_path: Path) -> None:
    store = EvidenceStore(tmp_path / "evidence", 30, 5)
    announcing = Announcer(outbox, store, film=lambda _stream, _take: False)
    await announcing.announce_all([a_verdict()], a_frame())
    (told,) = await waiting(outbox)
    assert told.data["evidence"]["clip"] is None


class SlowStore(EvidenceStore):
    """Everything but the pictures hangs until it is let go."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, 30, 5)
        self.let_go = threading.Event()

    def complete(self, verdict: Verdict, frame: Frame | None) -> None:
        self.let_go.wait(30)
        super().complete(verdict, frame)


async def test_alerts_do_not_wait_for_the_rest_of_the_evidence(outbox: Outbox, tmp_path: Path) -> None:
    store = SlowStore(tmp_path / "evidence")
    announcing = announcer(outbox, store)
    for number in range(40):
        await announcing.announce_all([a_verdict(alert_id=f"{number:032x}")], a_frame())
    assert len(await waiting(outbox)) == 40
    assert store.counts["evidence_incomplete"] == 8
    store.let_go.set()
    async with asyncio.timeout(30):
        while store.counts["evidence_completed"] < 32:  # noqa: ASYNC110 - seen from outside
            await asyncio.sleep(0.01)
    announcing.close()
