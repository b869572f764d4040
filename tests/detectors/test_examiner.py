"""The examiner: batches across streams, order, staleness, detectors that fail, and closing."""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.detection import Detection, DetectorError, Doubt, Kind
from detectors.examiner import BATCH, PATIENCE, Examiner
from tests.fakes import FakeDetector, ManualClock, frame


def reasons(said: Sequence[Detection]) -> list[str]:
    return [each.reason for each in said]


def examiner(
    *detectors: FakeDetector, streams: str = "abc", clock: Callable[[], float] | None = None
) -> Examiner:
    by_name: Mapping[str, FakeDetector] = {each.name: each for each in detectors}
    plan = {stream: tuple(by_name) for stream in streams}
    return Examiner(by_name, plan, stale_after=2, clock=clock or ManualClock())


async def until(held: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not held():  # noqa: ASYNC110 - what is waited for happens on the device thread
            await asyncio.sleep(0.001)


async def test_what_waits_while_the_device_is_busy_becomes_one_batch_with_a_stream_at_most_once() -> None:
    fake = FakeDetector()
    fake.gate.clear()
    async with examiner(fake) as ours:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(ours.examine(frame("a", 0)))]
            await until(lambda: len(fake.batches) == 1)
            for stream, number in [("a", 1), ("b", 0), ("a", 2), ("c", 0), ("b", 1)]:
                tasks.append(group.create_task(ours.examine(frame(stream, number))))
            await asyncio.sleep(0.01)
            fake.gate.set()
        assert fake.batches == [[("a", 0)], [("a", 1), ("b", 0), ("c", 0)], [("a", 2), ("b", 1)]]
        assert [reasons(task.result()) for task in tasks] == [
            ["a 0"], ["a 1"], ["b 0"], ["a 2"], ["c 0"], ["b 1"],
        ]  # fmt: skip
        assert ours.counts["batches"] == 3
        assert ours.frames["quality"] == 6
        assert ours.seconds["quality"] > 0
    assert {name.rsplit("_", 1)[0] for name in fake.threads} == {"device"}
    assert fake.closed == 1


async def test_a_recording_is_in_no_cameras_batch_and_is_not_starved() -> None:
    fake, clock = FakeDetector(), ManualClock()
    fake.gate.clear()
    async with examiner(fake, clock=clock) as ours, asyncio.TaskGroup() as group:
        group.create_task(ours.examine(frame("a", 0)))
        await until(lambda: len(fake.batches) == 1)
        group.create_task(ours.examine(frame("c", 0, live=False)))
        for stream, number in [("a", 1), ("b", 0), ("b", 1)]:
            group.create_task(ours.examine(frame(stream, number)))
        await asyncio.sleep(0.01)
        fake.gate.set()
    assert fake.batches == [[("a", 0)], [("a", 1), ("b", 0)], [("b", 1)], [("c", 0)]]
    fake, clock = FakeDetector(), ManualClock()
    fake.gate.clear()
    async with examiner(fake, clock=clock) as ours, asyncio.TaskGroup() as group:
        group.create_task(ours.examine(frame("a", 0)))
        await until(lambda: len(fake.batches) == 1)
        group.create_task(ours.examine(frame("c", 0, live=False)))
        group.create_task(ours.examine(frame("a", 1, captured=PATIENCE)))
        await asyncio.sleep(0.01)
        clock.now = PATIENCE + 0.01
        fake.gate.set()
    assert fake.batches == [[("a", 0)], [("c", 0)], [("a", 1)]]


@given(st.lists(st.sampled_from("abcdefghijkl"), min_size=1, max_size=60))
def test_every_frame_is_answered_once_and_each_stream_in_its_order(streams: list[str]) -> None:
    async def run() -> None:
        fake = FakeDetector()
        async with examiner(fake, streams="abcdefghijkl") as ours:
            frames = [frame(stream, number) for number, stream in enumerate(streams)]
            said = await asyncio.gather(*(ours.examine(each) for each in frames))
            assert [reasons(each) for each in said] == [[f"{each.stream} {each.number}"] for each in frames]
        seen = [each for batch in fake.batches for each in batch]
        assert sorted(number for _, number in seen) == list(range(len(streams)))
        for stream in set(streams):
            numbers = [number for name, number in seen if name == stream]
            assert numbers == sorted(numbers)
        for batch in fake.batches:
            assert len(batch) <= BATCH
            assert len({stream for stream, _ in batch}) == len(batch)

    asyncio.run(run())


async def test_where_more_wait_than_a_batch_holds_turns_go_by_weight_and_nobody_starves() -> None:
    fake = FakeDetector()
    streams = [f"c{number:02}" for number in range(6 * BATCH)]
    weights = {"c00": 2.0, "c01": 0.25}
    plan = dict.fromkeys(streams, ("quality",))

    async def watch(stream: str, ours: Examiner) -> None:
        for number in range(10_000):
            await ours.examine(frame(stream, number))

    async with Examiner({"quality": fake}, plan, 2, ManualClock(), weights) as ours:
        watches = [asyncio.create_task(watch(stream, ours)) for stream in streams]
        await until(lambda: ours.counts["batches"] > 300)
        for each in watches:
            each.cancel()
        await asyncio.gather(*watches, return_exceptions=True)
    turns = Counter(stream for batch in fake.batches for stream, _ in batch)
    others = [turns[stream] for stream in streams[2:]]
    assert max(others) - min(others) <= 3
    assert turns["c00"] == pytest.approx(2 * others[0], rel=0.1)
    assert turns["c01"] == pytest.approx(others[0] / 4, rel=0.2)


async def test_what_was_spent_on_a_stream_and_how_long_it_waited_is_counted() -> None:
    clock, fake = ManualClock(), FakeDetector()
    fake.gate.clear()
    async with examiner(fake, clock=clock) as ours:
        first = asyncio.create_task(ours.examine(frame("a")))
        await until(lambda: len(fake.batches) == 1)
        waits = [asyncio.create_task(ours.examine(frame(stream, captured=0.5))) for stream in "ab"]
        stale = asyncio.create_task(ours.examine(frame("c", captured=-5)))
        await asyncio.sleep(0)
        clock.now = 1.5
        fake.gate.set()
        await asyncio.gather(first, stale, *waits)
        efforts = ours.efforts
        assert [efforts[stream].frames for stream in "abc"] == [2, 1, 0]
        assert [efforts[stream].waited for stream in "abc"] == [1.5, 1.5, 0]
        assert [efforts[stream].dropped_stale for stream in "abc"] == [0, 0, 1]
        assert sum(each.seconds for each in efforts.values()) == pytest.approx(ours.seconds["quality"])
        assert efforts["a"].seconds > efforts["b"].seconds > efforts["c"].seconds == 0


async def test_each_stream_is_shown_only_to_the_detectors_planned_for_it() -> None:
    quality, anomaly = FakeDetector("quality"), FakeDetector("anomaly")
    plan = {"a": ("quality", "anomaly"), "b": ("anomaly",), "c": ()}
    async with Examiner({"quality": quality, "anomaly": anomaly}, plan, 2, ManualClock()) as ours:
        said = await asyncio.gather(*(ours.examine(frame(stream)) for stream in "abcd"))
    assert [[each.kind for each in one] for one in said] == [["quality", "anomaly"], ["anomaly"], [], []]


async def test_a_frame_is_answered_once_its_own_detectors_are_done() -> None:
    quick, slow = FakeDetector("quality"), FakeDetector("anomaly")
    slow.gate.clear()
    plan = {"a": ("anomaly", "quality"), "b": ("quality",)}
    async with Examiner({"quality": quick, "anomaly": slow}, plan, 2, ManualClock()) as ours:
        waits = asyncio.create_task(ours.examine(frame("a")))
        only_quick = asyncio.create_task(ours.examine(frame("b")))
        async with asyncio.timeout(5):
            assert reasons(await only_quick) == ["b 0"]
        assert not waits.done()
        slow.gate.set()
        assert [each.kind for each in await waits] == ["anomaly", "quality"]
    assert quick.batches == [[("a", 0), ("b", 0)]]


async def test_a_recording_waits_for_a_detector_that_says_not_yet_and_nobody_else_does() -> None:
    quality, anomaly = FakeDetector("quality"), FakeDetector("anomaly")
    anomaly.not_yet = {"a"}
    async with examiner(quality, anomaly) as ours:
        waits = asyncio.create_task(ours.examine(frame("a", 0, live=False)))
        after = asyncio.create_task(ours.examine(frame("a", 1, live=False)))
        for number in range(50):
            assert reasons(await ours.examine(frame("b", number))) == [f"b {number}"] * 2
        await until(lambda: sum(("a", 0) in batch for batch in anomaly.batches) == 2)
        assert not waits.done()
        assert ours.busy_seconds == 0
        assert ours.frames["anomaly"] == 50
        anomaly.not_yet = set()
        assert reasons(await waits) == ["a 0", "a 0"]
        assert reasons(await after) == ["a 1", "a 1"]
    shown_once, shown_again = (
        [number for batch in fake.batches for stream, number in batch if stream == "a"]
        for fake in (quality, anomaly)
    )
    assert shown_once == [0, 1]
    assert shown_again == [0, 0, 0, 1]


async def test_closing_does_not_wait_for_a_frame_that_is_not_answered_yet() -> None:
    fake = FakeDetector()
    fake.not_yet = {"a"}
    async with asyncio.timeout(5), examiner(fake) as ours:
        waits = asyncio.create_task(ours.examine(frame("a", live=False)))
        await until(lambda: len(fake.batches) == 1)
    assert await waits == ()
    assert ours.counts["dropped_closing"] == 1


async def test_a_live_frame_that_waited_too_long_is_dropped_and_a_recording_is_not() -> None:
    clock = ManualClock()
    fake = FakeDetector()
    fake.gate.clear()
    async with examiner(fake, clock=clock) as ours:
        first = asyncio.create_task(ours.examine(frame("a")))
        await until(lambda: len(fake.batches) == 1)
        late = asyncio.create_task(ours.examine(frame("b")))
        recorded = asyncio.create_task(ours.examine(frame("c", live=False)))
        await asyncio.sleep(0)
        clock.now = 2.5
        assert ours.busy_seconds == 2.5
        fake.gate.set()
        assert reasons(await first) == ["a 0"]  # it was young when its turn came
        assert await late == ()
        assert reasons(await recorded) == ["c 0"]
        assert ours.counts["dropped_stale"] == 1
        assert ours.busy_seconds == 0


async def test_a_detector_that_fails_is_doubted_left_alone_for_longer_and_longer_and_recovers(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO", "detectors.panel")
    clock = ManualClock()
    broken, well = FakeDetector("anomaly"), FakeDetector("quality")
    broken.failing = DetectorError("the weights are missing: run framewarden models pull")
    asked_at: list[float] = []
    async with examiner(broken, well, clock=clock) as ours:
        for tick in range(400):
            clock.now = tick / 5
            before = len(broken.batches)
            doubt, fine = await ours.examine(frame("a", tick, captured=clock.now))
            assert doubt.doubt is Doubt.DETECTOR_DEGRADED
            assert doubt.kind == "anomaly"
            assert doubt.reason == "the weights are missing: run framewarden models pull"
            assert not doubt.alarming
            assert fine.doubt is None
            if len(broken.batches) > before:
                asked_at.append(clock.now)
        assert asked_at == [0, 1, 3, 7, 15, 31, 63]
        words = "the weights are missing: run framewarden models pull"
        assert caplog.messages == [f"anomaly cannot judge: {words}"], "said once, not at every attempt"
        assert ours.troubles == {"anomaly": words}
        assert ours.counts["degraded_anomaly"] == 400
        assert ours.frames["quality"] == 400
        broken.failing = None
        clock.now = 130
        again, _ = await ours.examine(frame("a", 400, captured=130))
        assert again.doubt is None
        assert ours.troubles == {}
        assert caplog.messages[1:] == ["anomaly can judge again"]
        clock.now = 130.2
        broken.failing = DetectorError("again")
        await ours.examine(frame("a", 401, captured=130.2))
        broken.failing = None
        clock.now = 131.3  # the pause began anew, at a second
        again, _ = await ours.examine(frame("a", 402, captured=131.3))
        assert again.doubt is None


async def test_the_doubt_of_a_failing_detector_is_of_its_own_kind_whatever_its_name() -> None:
    broken = FakeDetector("faces", Kind.DEEPFAKE)
    broken.failing = DetectorError("the card is lost")
    async with examiner(broken) as ours:
        (doubt,) = await ours.examine(frame("a"))
    assert (doubt.kind, doubt.made_by.name) == (Kind.DEEPFAKE, "faces")


async def test_one_bad_frame_does_not_blind_the_detector_to_the_others_of_its_batch() -> None:
    fake = FakeDetector()
    fake.disliked = {7}
    async with examiner(fake) as ours:
        good, bad, other = await asyncio.gather(
            ours.examine(frame("a", 1)), ours.examine(frame("b", 7)), ours.examine(frame("c", 2))
        )
        assert reasons(good) == ["a 1"] and reasons(other) == ["c 2"]
        assert bad[0].doubt is Doubt.DETECTOR_DEGRADED and bad[0].reason == "cannot look at frame 7"
        assert ours.counts["degraded_quality"] == 1
        assert reasons(await ours.examine(frame("a", 3))) == ["a 3"]  # at once: it is no failing detector


async def test_a_mistake_comes_out_of_the_frames_concerned_and_of_no_others() -> None:
    wrong, well = FakeDetector("anomaly"), FakeDetector("quality")
    wrong.failing = ZeroDivisionError("a mistake of ours")
    plan = {"a": ("anomaly", "quality"), "b": ("quality",)}
    async with Examiner({"anomaly": wrong, "quality": well}, plan, 2, ManualClock()) as ours:
        outcomes = await asyncio.gather(
            ours.examine(frame("a")), ours.examine(frame("b")), return_exceptions=True
        )
        assert isinstance(outcomes[0], ZeroDivisionError)
        assert not isinstance(outcomes[1], BaseException) and reasons(outcomes[1]) == ["b 0"]
        assert reasons(await ours.examine(frame("b", 1))) == ["b 1"]


async def test_one_who_stops_waiting_does_not_break_the_batch() -> None:
    fake = FakeDetector()
    fake.gate.clear()
    async with examiner(fake) as ours:
        in_hand = asyncio.create_task(ours.examine(frame("a")))
        await until(lambda: len(fake.batches) == 1)
        waiting = asyncio.create_task(ours.examine(frame("b")))
        stays = asyncio.create_task(ours.examine(frame("c")))
        await asyncio.sleep(0)
        in_hand.cancel()
        waiting.cancel()
        await asyncio.gather(in_hand, waiting, return_exceptions=True)
        fake.gate.set()
        assert reasons(await stays) == ["c 0"]
    assert fake.batches == [[("a", 0)], [("c", 0)]]


async def test_closing_ends_the_batch_at_hand_and_drops_what_waits() -> None:
    fake = FakeDetector()
    fake.gate.clear()
    ours = examiner(fake)
    in_hand = asyncio.create_task(ours.examine(frame("a")))
    await until(lambda: len(fake.batches) == 1)
    waiting = asyncio.create_task(ours.examine(frame("b")))
    await asyncio.sleep(0)
    closing = asyncio.create_task(ours.close())
    await asyncio.sleep(0.01)
    assert not closing.done()
    fake.gate.set()
    await closing
    await ours.close()
    assert reasons(await in_hand) == ["a 0"]
    assert await waiting == ()
    assert ours.counts["dropped_closing"] == 1
    assert fake.closed == 1
    with pytest.raises(RuntimeError, match="after it was closed"):
        await ours.examine(frame("a", 1))


async def test_forgetting_reaches_every_detector_after_the_batch_at_hand() -> None:
    first, second = FakeDetector("quality"), FakeDetector("anomaly")
    async with examiner(first, second) as ours:
        await ours.examine(frame("a"))
        await ours.forget("a")
    assert first.forgotten == second.forgotten == ["a"]


async def test_one_that_was_never_used_can_be_closed() -> None:
    fake = FakeDetector()
    async with examiner(fake):
        pass
    assert fake.closed == 1
