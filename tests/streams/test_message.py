"""What a child may say: nothing but what it should, whoever has taken it over."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.message import Alive, Failed, Finished, Message, Picture, StreamInfo, Unchanged, pack, unpack

PICTURE = Picture(
    slot=1,
    width=64,
    height=36,
    planar=False,
    stride=192,
    turns=0,
    position=1.5,
    captured=12.25,
    late=0.0,
    keyframe=True,
    damaged=False,
    fresh=True,
)
INFO = StreamInfo(
    container="rtsp",
    codec="h264",
    profile="",
    width=64,
    height=36,
    fps=25.0,
    duration=0.0,
    transport="tcp",
    hardware=False,
    filmed_at=0.0,
)


@pytest.mark.parametrize(
    "message", [PICTURE, INFO, Unchanged(2.0, 3.5), Alive(), Failed("refused"), Finished()]
)
def test_what_is_packed_comes_out_again(message: Message) -> None:
    assert unpack(pack(message, {"decoded": 3})) == (message, {"decoded": 3})


@pytest.mark.parametrize(
    "change",
    [
        {"slot": -1},
        {"slot": "1"},
        {"slot": True},
        {"slot": 1.0},
        {"width": 2**60},
        {"position": float("nan")},
        {"position": float("inf")},
        {"position": 4e11},  # no calendar goes so far
        {"position": 4 * 10**11},
        {"captured": -5.0},
        {"keyframe": 1},
        {"surprise": 1},
        {"is": "Job"},
        {"is": ["Picture"]},
        {"counts": {"a b": 1}},
        {"counts": {"decoded": 1, "delivered": 1}},  # that is for the parent to count
        {"counts": {"decoded": -1}},
        {"counts": {"decoded": "many"}},
        {"counts": {"decoded_1": 1}},
        {"counts": None},
    ],
)
def test_what_cannot_be_is_not_believed(change: dict[str, object]) -> None:
    line = json.loads(pack(PICTURE, {}))
    with pytest.raises(ValueError, match=r".+"):
        unpack(json.dumps({**line, **change}).encode())


@pytest.mark.parametrize("name", ["filmed_at", "duration"])
def test_no_recording_is_of_a_time_that_no_calendar_holds(name: str) -> None:
    line = {**json.loads(pack(INFO, {})), name: 4e11}
    with pytest.raises(ValueError, match="out of range"):
        unpack(json.dumps(line).encode())


@pytest.mark.parametrize("codec", ["h264\n\x1b[2J", "x" * 1000, None, 7])
def test_names_are_short_and_printable(codec: object) -> None:
    line = {**json.loads(pack(INFO, {})), "codec": codec}
    with pytest.raises(ValueError, match=r".+"):
        unpack(json.dumps(line).encode())


@given(
    st.binary(max_size=200)
    | st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.sampled_from(["is", "counts"]), inner),
    ).map(lambda value: json.dumps(value).encode())
)
def test_no_line_does_worse_than_being_refused(line: bytes) -> None:
    with pytest.raises(ValueError, match=r".*"):
        unpack(line)
