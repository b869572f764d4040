"""A quiet camera decoded at keyframes only: nothing that moves is lost, and nothing is said twice."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import aclosing
from itertools import groupby, pairwise
from pathlib import Path
from typing import Literal

import av
import numpy as np
import pytest
from av.video.stream import VideoStream
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from config.detectors import QualitySettings
from config.settings import StreamSettings
from detectors.quality.detector import QualityDetector
from streams.frame import Frame, Outage
from streams.gate import Gate
from streams.glance import Glance
from streams.message import LONGEST_GROUP
from streams.rank import rank_of
from streams.recording import Recording
from streams.source import source_for
from streams.waiting import BACKLOG, Waiting
from tests.clips import scene
from tests.fakes import frame
from tests.rtsp import RtspServer

Picture = NDArray[np.uint8]
Decode = Literal["all", "keyframes", "gated"]
FPS, SIZE = 25, (320, 180)
STILL, MOVES, AFTER = 10.5, 2.0, 6.5  # seconds
CODECS = {
    "h264": ("libx264", {"preset": "veryfast", "crf": "24", "bf": "0"}),
    "h264 with B pictures": ("libx264", {"preset": "veryfast", "crf": "24", "bf": "3"}),
    "h264 at a constant rate": (
        "libx264",
        {"preset": "veryfast", "b": "400k", "minrate": "400k", "maxrate": "400k", "bufsize": "200k"},
    ),
    "played by a server": (
        "libx264",
        {"preset": "ultrafast", "x264-params": "aud=1:keyint=25:bframes=0:scenecut=0"},
    ),
    "h265": ("libx265", {"preset": "ultrafast", "x265-params": "pools=1:frame-threads=1:log-level=none"}),
}


def film(count: int, box: Callable[[int], tuple[int, int] | None]) -> Iterable[Picture]:
    """A still scene with a sensor's noise, and a box where `box` says."""
    chance = np.random.default_rng(0)
    ground = scene(0, *SIZE)
    noisy = [
        np.clip(ground + chance.normal(0, 2, (*ground.shape[:2], 1)), 0, 255).astype(np.uint8)
        for _ in range(11)
    ]
    for number in range(count):
        picture = noisy[number % len(noisy)].copy()
        if (place := box(number)) is not None:
            picture[place[1] : place[1] + 24, place[0] : place[0] + 14] = (30, 40, 220)
        yield picture


def passes_by(number: int) -> tuple[int, int] | None:
    at = number / FPS - STILL
    return (round(40 + 100 * at), 120) if 0 <= at < MOVES else None


def write(path: Path, pictures: Iterable[Picture], codec: str, group: float = 2.0) -> Path:
    name, options = CODECS[codec]
    with av.open(str(path), "w") as container:
        stream = container.add_stream(name, rate=FPS, options=dict(options))
        assert isinstance(stream, VideoStream)
        stream.width, stream.height = SIZE
        stream.pix_fmt, stream.thread_count = "yuv420p", 1
        stream.codec_context.gop_size = round(group * FPS)
        for picture in pictures:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, "bgr24")))
        container.mux(stream.encode())
    return path


async def watched(
    path: Path, decode: Literal["all", "keyframes", "gated"]
) -> tuple[list[Frame], Counter[str]]:
    source = source_for(StreamSettings(name="gate", url=str(path), decode=decode), 5, 320)
    assert isinstance(source, Recording)
    async with aclosing(source.sights()) as sights:
        return [sight async for sight in sights if isinstance(sight, Frame)], source.counts


@pytest.mark.parametrize("codec", [codec for codec in CODECS if codec != "played by a server"])
async def test_what_moves_is_seen_from_its_beginning_and_what_is_still_is_not_decoded(
    tmp_path: Path, codec: str
) -> None:
    count = round((STILL + MOVES + AFTER) * FPS)
    path = write(tmp_path / "a.mp4", film(count, passes_by), codec)
    everything, _ = await watched(path, "all")
    gated, counts = await watched(path, "gated")
    positions = [each.position for each in gated]
    assert positions == sorted(positions)
    assert max(there - here for here, there in pairwise(positions)) < 0.32, "the pace stays"
    assert positions[-1] == pytest.approx(everything[-1].position, abs=0.2)
    moving = [each for each in gated if STILL < each.position < STILL + MOVES - 0.05]
    assert len(moving) >= MOVES * 5 - 1
    assert not any(each.unchanged for each in moving)
    for each in moving:
        (drawn,) = film(1, lambda _, at=each.position: passes_by(round(at * FPS)))  # type: ignore[misc]
        assert np.abs(each.picture.astype(int) - drawn).mean() < 8, f"{each.position} shows another moment"
    still = [each for each in gated if 7 < each.position < STILL - 0.7]
    assert sum(each.unchanged for each in still) > 0.6 * len(still)
    assert counts["decoded"] < 0.75 * count
    assert counts["unchanged"] == sum(each.unchanged for each in gated)
    assert counts["gate_opened_sizes"] + counts["gate_opened_picture"] >= 1


@pytest.mark.real("GStreamer RTSP server")
async def test_a_live_camera_hands_what_was_kept_back_over_in_order(tmp_path: Path) -> None:
    """A loop of eight seconds: the box passes in the last one and a half."""
    clip = write(
        tmp_path / "a.h264",
        film(8 * FPS, lambda number: (40 + 5 * (number - 162), 100) if number >= 162 else None),
        "played by a server",
    )
    seen: list[Frame] = []
    with RtspServer({"/gate": clip}) as server:
        source = source_for(StreamSettings(name="gate", url=server.url("/gate"), decode="gated"), 5, 320)
        async with asyncio.timeout(40), aclosing(source.sights()) as sights:
            async for sight in sights:
                if isinstance(sight, Outage):
                    assert "connecting" in sight.text
                    continue
                seen.append(sight)
                if sight.position > 18:
                    break
    assert [each.position for each in seen] == sorted(each.position for each in seen)
    assert [each.captured_at for each in seen] == sorted(each.captured_at for each in seen)
    assert [each.number for each in seen] == list(range(len(seen)))
    assert sum(each.unchanged for each in seen) > 15
    red = [int(((each.picture[..., 2] > 180) & (each.picture[..., 0] < 80)).sum()) for each in seen]
    shows = [count > min(red) + 200 for count in red]
    assert not any(each.unchanged for each, box in zip(seen, shows, strict=True) if box)
    passes = [len(list(run)) for box, run in groupby(shows) if box]
    assert len(passes) >= 2, "on a busy machine newer pictures replace some, but never all of them"
    begins = [
        each.position % 8 for each, *box in zip(seen[1:], shows[1:], shows, strict=False) if box == [1, 0]
    ]
    assert max(begins) - min(begins) < 0.7, "the packets of its beginning were kept"


async def test_what_was_said_to_be_unchanged_is_the_picture_before(tmp_path: Path) -> None:
    gated, _ = await watched(write(tmp_path / "a.mp4", film(12 * FPS, lambda _: None), "h264"), "gated")
    assert any(each.unchanged for each in gated)
    for before, after in pairwise(gated):
        if after.unchanged:
            assert after.picture is before.picture and not after.keyframe and not after.fresh
            assert after.captured_at > before.captured_at


async def test_something_that_only_the_next_keyframe_shows_is_not_lost(tmp_path: Path) -> None:
    """It comes so slowly that no packet is larger than usual."""

    def fades_in(pictures: Iterable[Picture]) -> Iterable[Picture]:
        for number, picture in enumerate(pictures):
            much = np.clip((number / FPS - 10.0) / 4, 0, 0.5)
            picture[100:140, 100:160] = (picture[100:140, 100:160] * (1 - much)).astype(np.uint8)
            yield picture

    path = write(tmp_path / "a.mp4", fades_in(film(18 * FPS, lambda _: None)), "h264 at a constant rate")
    everything, _ = await watched(path, "all")
    gated, counts = await watched(path, "gated")
    assert counts["gate_groups"] > 0
    by_position = {round(each.position, 1): each.picture for each in everything}
    for each in gated:
        true = by_position.get(round(each.position, 1))
        if true is not None:
            off = np.abs(each.picture[100:140, 100:160].mean() - true[100:140, 100:160].mean())
            assert off < 7, f"at {each.position} another picture is shown than there was"


async def test_keyframes_alone(tmp_path: Path) -> None:
    path = write(tmp_path / "a.mp4", film(9 * FPS, passes_by), "h264 with B pictures")
    seen, counts = await watched(path, "keyframes")
    assert [each.position for each in seen] == pytest.approx([0, 2, 4, 6, 8], abs=0.1)
    assert all(each.keyframe and not each.damaged for each in seen) and counts["decoded"] == 5


async def test_groups_that_are_too_long_are_never_kept_back(tmp_path: Path) -> None:
    path = write(tmp_path / "a.mp4", film(25 * FPS, lambda _: None), "h264", group=LONGEST_GROUP + 2)
    seen, counts = await watched(path, "gated")
    assert counts["unchanged"] == 0 and counts["decoded"] == 25 * FPS and len(seen) == 125


@pytest.mark.parametrize("fault", ["black", "frozen"])
async def test_the_same_faults_of_the_picture_are_told(tmp_path: Path, fault: str) -> None:
    def broken(pictures: Iterable[Picture]) -> Iterable[Picture]:
        last = None
        for number, picture in enumerate(pictures):
            if number < 14 * FPS:
                last = picture
                yield picture
            else:
                assert last is not None
                yield last if fault == "frozen" else np.zeros_like(picture)

    path = write(tmp_path / "a.mp4", broken(film(34 * FPS, lambda _: None)), "h264")
    told = {}
    ways: tuple[Decode, ...] = ("all", "gated")
    for decode in ways:
        detector = QualityDetector(QualitySettings(frozen_after=5))
        frames, _ = await watched(path, decode)
        told[decode] = [
            each.position
            for each in frames
            if any(one.alarming and one.label == fault for one in detector.examine([each])[0])
        ]
    assert told["all"] and told["gated"], told
    # Where pictures between keyframes repeat, looking at keyframes alone even tells sooner.
    assert 14 <= told["gated"][0] < told["all"][0] + 2.1, "a group later at most"
    assert fault == "black" or told["gated"][0] >= 18.9
    assert told["gated"][-1] == pytest.approx(told["all"][-1], abs=1)


def quiet_gate(counts: Counter[str]) -> tuple[Gate, float]:
    """One that has closed, and the time."""
    gate, at = Gate(counts), 0.0
    chance = np.random.default_rng(0)
    for group in range(6):
        gate.keyframe(at)
        if gate.open and gate.may_close:
            gate.close()
        elif not gate.open:
            gate.passed()
        for number in range(49):
            gate.packet(int(4000 * chance.normal(1, 0.05)), 2, at + number / FPS)
            if gate.open and number % 8 == 0:
                gate.looked(False, at + number / FPS)
        at += 2.0
        assert group < 2 or not gate.open
    return gate, at


def test_packets_that_grow_or_vanish_open_the_gate_in_a_moment() -> None:
    for size in (6500, 300):
        gate, at = quiet_gate(Counter())
        gate.keyframe(at)
        for number in range(12):
            gate.packet(size, 2, at + number / FPS)
        assert gate.open


def test_packets_of_a_kind_that_is_new_are_compared_with_all_others() -> None:
    gate, at = quiet_gate(Counter())
    gate.keyframe(at)
    for number in range(20):
        gate.packet(4000, 3, at + number / FPS)
    assert not gate.open


@given(
    steps=st.lists(
        st.tuples(
            st.sampled_from(["key", "packet", "still", "changed", "other"]),
            st.integers(0, 200_000),
            st.integers(0, 7),
            st.floats(-1, 3),
        ),
        max_size=300,
    )
)
def test_no_packets_bring_the_gate_into_trouble(steps: Sequence[tuple[str, int, int, float]]) -> None:
    """Whatever comes, it closes with a keyframe only, and only where pictures were still before."""
    counts: Counter[str] = Counter()
    gate, at, still = Gate(counts), 0.0, False
    for what, size, rank, passed in steps:
        at += passed
        match what:
            case "key":
                gate.keyframe(at)
                if gate.open and gate.may_close:
                    assert still
                    gate.close()
                elif not gate.open:
                    gate.passed()
            case "packet":
                before = gate.open
                gate.packet(size, rank, at)
                assert gate.open or not before
            case "still" | "changed" if gate.open:
                gate.looked(what == "changed", at)
                still = what == "still"
            case "other":
                gate.opens("other")
                still = False
    assert counts["gate_opened_vain"] <= counts["gate_opened_sizes"]


@pytest.mark.parametrize(("codec", "ending"), [("libx264", "mp4"), ("libx264", "h264"), ("libx265", "mp4")])
def test_ranks_tell_which_packets_others_build_upon(tmp_path: Path, codec: str, ending: str) -> None:
    name = "h264 with B pictures" if codec == "libx264" else "h265"
    path = write(tmp_path / f"a.{ending}", film(30, passes_by), name)
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        ranks = [
            rank_of(bytes(packet), stream.codec_context.name)
            for packet in container.demux(stream)
            if packet.size and not packet.is_keyframe
        ]
    assert len(set(ranks)) >= 2 and all(0 <= rank <= 15 for rank in ranks)


@given(head=st.binary(max_size=64), codec=st.sampled_from(["h264", "hevc", "mjpeg"]))
def test_no_bytes_bring_ranking_into_trouble(head: bytes, codec: str) -> None:
    assert 0 <= rank_of(head, codec) <= 15


def glimpses(*pictures: Picture) -> tuple[Glance, list[bytes]]:
    glance = Glance()
    return glance, [glance.at(av.VideoFrame.from_ndarray(picture, "bgr24")) for picture in pictures]


def test_a_glance_sees_small_things_and_no_noise() -> None:
    empty, again = film(2, lambda _: None)
    (small,) = film(1, lambda _: (100, 100))
    glance, (one, two, three) = glimpses(empty, again, small)
    assert not glance.differs(two, one)
    assert glance.differs(three, one)


def test_a_lamp_is_seen_and_a_little_exposure_is_not() -> None:
    (picture,) = film(1, lambda _: None)
    brighter = [np.clip(picture.astype(int) + more, 0, 255).astype(np.uint8) for more in (5, 20)]
    glance, (one, exposed, lit) = glimpses(picture, *brighter)
    assert not glance.differs(exposed, one)
    assert glance.differs(lit, one)


def test_a_clock_in_the_picture_is_left_out_after_a_while_and_nothing_else() -> None:
    times = list(film(2, lambda number: (4 + 2 * number, 4)))
    (thief,) = film(1, lambda _: (200, 100))
    glance, (one, two, three) = glimpses(*times, thief)
    looks = [glance.differs(two, one) for _ in range(300)]
    assert all(looks[:60]) and not any(looks[200:])
    assert glance.differs(three, one)


def test_late_pictures_wait_for_their_turn_and_others_replace_each_other() -> None:
    counts: Counter[str] = Counter()
    waiting = Waiting(counts)
    for number in range(3):
        waiting.put(frame(number=number))
    for number in range(3, 6):
        waiting.put(frame(number=number), late=True)
    waiting.put(frame(number=6))
    waiting.put(frame(number=7))
    taken = [each.number for each in iter(waiting.take, None)]
    assert taken == [2, 3, 4, 5, 7] and counts["dropped_replaced"] == 3
    waiting.put(frame(number=0), late=True)
    for number in range(1, BACKLOG + 3):
        waiting.put(frame(number=number), late=True)
    first = waiting.take()
    assert first is not None and first.number == 3 and first.fresh, "what was fresh stays fresh"
