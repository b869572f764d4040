"""What packet-gated decoding misses and saves: events planted into the footage of real fixed cameras.

    python -m benchmarks.gate [--cameras vtest,cars] [--kinds too_slow] [--seeds 2] [--json]

Each camera is played three times. `busy`: its own footage. `quiet`: its empty scene with a sensor's noise and
a light that drifts, so that the gate has closed before each event. `still`: the same without events. All are
encoded in several ways. An event is seen where pictures that show it are decoded, and missed where, in place
of all of them, it was said that nothing changed. Truth is the same film with everything decoded.
"""

import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from benchmarks.planted import CAMERAS, SEEDS, Camera, Picture, asking, camera
from detectors.planting.events import EventKind, clip_length, plant
from detectors.planting.scene import Scene, observe
from streams.reading import Way, read
from streams.sampler import Sampler
from streams.steps import Alone, Seen, Unseen, decoded_alone, stamp_of

SAMPLE_FPS = 5.0
NOISE = 2.0  # grey levels of a sensor
CALM = 10.0  # seconds between two events
FIRST_CALM = 14.0  # seconds before the first
# name: encoder, seconds from keyframe to keyframe, its options
ENCODINGS: dict[str, tuple[str, float, dict[str, str]]] = {
    "h264 crf 24, keyframe every 2 s": ("libx264", 2, {"crf": "24", "preset": "veryfast"}),
    "h264 crf 24 without B, every 1 s": ("libx264", 1, {"crf": "24", "preset": "veryfast", "bf": "0"}),
    "h264 constant rate, every 2 s": (
        "libx264",
        2,
        {
            "preset": "veryfast",
            "b": "800k",
            "minrate": "800k",
            "maxrate": "800k",
            "bufsize": "400k",
            "bf": "0",
        },
    ),
    "h265 crf 26, every 4 s": (
        "libx265",
        4,
        {"crf": "26", "preset": "ultrafast", "x265-params": "pools=1:log-level=none"},
    ),
}


@dataclass(frozen=True, slots=True)
class Event:
    """Where in the film it can be seen."""

    kind: str
    pictures: tuple[int, ...]  # numbers


@dataclass(slots=True)
class Film:
    """Pictures that are made while they are encoded, and what is planted in them."""

    name: str
    rate: float
    events: list[Event]
    length: int = 0


def noisy(empty: Picture, count: int, seed: int) -> list[Picture]:
    """An empty scene as a camera shows it: noise of its own in each picture, light that drifts."""
    chance = np.random.default_rng(seed)
    height, width = empty.shape[:2]
    out = []
    for number in range(count):
        grain = chance.normal(0, NOISE, (height, width, 1)).astype(np.float32)
        gain = 1 + 0.02 * np.sin((number + 997 * seed) / 400)
        picture: Picture = np.clip(np.rint(empty * gain + grain), 0, 255).astype(np.uint8)
        out.append(picture)
    return out


def quiet_film(raw: Camera, scene: Scene, kinds: Sequence[str], seeds: int, film: Film) -> Iterator[Picture]:
    """One event after the other, with calm between them."""
    rate = film.rate

    def calm(seconds: float, seed: int) -> Iterator[Picture]:
        pictures = noisy(scene.empty, round(seconds * rate), seed)
        film.length += len(pictures)
        yield from pictures

    yield from calm(FIRST_CALM, 1)
    for seed in SEEDS["test"][:seeds]:
        for kind in kinds:
            host = noisy(scene.empty, clip_length(rate), seed)
            planted = plant(EventKind(kind), scene, host, rate, seed)
            if planted is None:
                continue
            numbers = tuple(int(number) + film.length for number in np.flatnonzero(planted.present))
            film.events.append(Event(kind, numbers))
            film.length += len(planted.pictures)
            yield from planted.pictures
            yield from calm(
                CALM + (len(film.events) * 0.37) % 4, seed + 50
            )  # events fall anywhere in a group


def still_film(raw: Camera, scene: Scene, kinds: Sequence[str], seeds: int, film: Film) -> Iterator[Picture]:
    """Nothing happens for a minute and a half."""
    film.length = round(90 * film.rate)
    yield from noisy(scene.empty, film.length, 1)


def busy_film(raw: Camera, scene: Scene, kinds: Sequence[str], seeds: int, film: Film) -> Iterator[Picture]:
    """The camera's own footage again and again, an event in each round."""
    pictures = max(raw.judged, key=lambda one: len(one.pictures)).pictures
    for seed in SEEDS["test"][:seeds]:
        for kind in kinds:
            first = max(0, len(pictures) - clip_length(film.rate))
            planted = plant(EventKind(kind), scene, pictures[first:], film.rate, seed)
            if planted is None:
                continue
            start = film.length + first
            numbers = tuple(int(number) + start for number in np.flatnonzero(planted.present))
            film.events.append(Event(kind, numbers))
            film.length += first + len(planted.pictures)
            yield from pictures[:first]
            yield from planted.pictures


HOSTS = {"still": still_film, "quiet": quiet_film, "busy": busy_film}


def encode(
    path: Path, pictures: Iterator[Picture], rate: float, how: tuple[str, float, dict[str, str]]
) -> None:
    """Writes a film."""
    codec, every, options = how
    with av.open(str(path), "w") as container:
        stream: Any = None
        for picture in pictures:
            height, width = (side // 2 * 2 for side in picture.shape[:2])
            if stream is None:
                stream = container.add_stream(
                    codec, rate=Fraction(rate).limit_denominator(1000), options=dict(options)
                )
                stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
                stream.thread_count = 1
                stream.codec_context.gop_size = round(every * rate)
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture[:height, :width]), "bgr24")
            container.mux(stream.encode(frame))
        assert stream is not None
        container.mux(stream.encode())


@dataclass(slots=True)
class Reading:
    """What one way of reading made of a film."""

    real: set[int]  # numbers of the pictures that were decoded and handed over
    unchanged: set[int]  # of those that were said to be unchanged
    seconds: float
    counts: Counter[str]


def watch(path: Path, way: Way, rate: float) -> Reading:
    """Reads a film as a child does, without converting anything."""
    counts: Counter[str] = Counter()
    real, unchanged = set(), set()
    sampler = Sampler(SAMPLE_FPS)
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        stream.thread_count = 1
        began = time.process_time()

        def packets() -> Iterator[tuple[Any, float]]:
            for number, packet in enumerate(container.demux(stream)):
                counts["packets"] += packet.size > 0
                yield packet, number / rate

        for step in read(way, packets(), stream, counts, live=False):
            match step:
                case Seen(picture, _, wanted):
                    counts["decoded"] += 1
                    at = float(picture.time or 0)
                    if sampler.keep(at) or wanted:
                        real.add(round(at * rate))
                case Unseen(stamp, _):
                    if sampler.keep(stamp or 0.0):
                        unchanged.add(round((stamp or 0.0) * rate))
                case Alone(packet, _):
                    at = stamp_of(packet) or 0.0
                    if sampler.keep(at) and decoded_alone(packet, counts):
                        real.add(round(at * rate))
    return Reading(real, unchanged, time.process_time() - began, counts)


def compared(film: Film, path: Path) -> dict[str, object]:
    """Gated against all."""
    everything, gated = watch(path, "all", film.rate), watch(path, "gated", film.rate)
    shares: list[tuple[str, float]] = []
    during: set[int] = set()
    for event in film.events:
        shows = set(event.pictures)
        during |= set(range(min(shows) - round(film.rate), max(shows) + round(film.rate)))
        wanted = sorted(shows & everything.real)
        if not wanted:
            continue
        # A picture is there where it, or one at most half a sample away, was decoded.
        near = round(film.rate / SAMPLE_FPS / 2)
        seen = [any(number + off in gated.real for off in range(-near, near + 1)) for number in wanted]
        shares.append((event.kind, sum(seen) / len(seen)))
    missed = [kind for kind, share in shares if share == 0]
    return {
        "events": len(shares),
        "missed": len(missed),
        "missed_kinds": dict(Counter(missed)),
        "under_half_seen": dict(Counter(kind for kind, share in shares if share < 0.5)),
        "pictures_seen": float(np.mean([share for _, share in shares])) if shares else None,
        "decoded_share": gated.counts["decoded"] / max(1, everything.counts["decoded"]),
        "cpu_ratio": gated.seconds / everything.seconds,
        "minutes": film.length / film.rate / 60,
        **{name: count for name, count in sorted(gated.counts.items()) if name.startswith("gate_")},
    }


def main() -> None:
    parser = asking(__doc__)
    parser.add_argument("--cameras", default=",".join(CAMERAS))
    parser.add_argument("--kinds", default=",".join(EventKind))
    parser.add_argument("--seeds", type=int, default=2, help="events of each kind, at most 5")
    parser.add_argument("--encodings", default="0,1,2,3", help="numbers of " + "; ".join(ENCODINGS))
    parser.add_argument("--hosts", default=",".join(HOSTS))
    asked = parser.parse_args()
    encodings = [list(ENCODINGS)[int(number)] for number in asked.encodings.split(",")]
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for name in asked.cameras.split(","):
            raw = camera(name, asked.data, "test")
            rate = raw.learn[0].rate
            scene = observe([picture for one in raw.learn for picture in one.pictures], rate)
            for host in asked.hosts.split(","):
                for encoding in encodings:
                    film = Film(f"{name} {host}", rate, [])
                    path = Path(folder) / "film.mkv"
                    pictures = HOSTS[host](raw, scene, asked.kinds.split(","), asked.seeds, film)
                    encode(path, pictures, rate, ENCODINGS[encoding])
                    rows.append({"camera": name, "host": host, "encoding": encoding, **compared(film, path)})
                    print(json.dumps(rows[-1]), file=sys.stderr, flush=True)
    if asked.json:
        print(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
