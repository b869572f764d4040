"""`framewarden enrol`: what an operator's own, real people score, on the stream itself or on recordings."""

import asyncio
import math
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from rich.console import Console

from alerts.lock import Lock
from config.load import load
from config.problem import ConfigError, Problem, no_recording
from config.secrets import source_identity
from config.settings import Settings, StreamSettings
from config.state import enrolment_file, state_folder
from daemon.bar import Bar
from daemon.detector_for import scorer_of
from daemon.models import store_of
from detectors.deepfake.enrolment import Enrolment, measured, save
from detectors.deepfake.gathering import FEWEST, Gathering
from detectors.deepfake.scorer import Scorer
from detectors.detection import DetectorError
from detectors.device import choose_device, limit_torch_threads
from detectors.faces.finder import choose_finder
from streams.frame import Frame, Outage, StreamError
from streams.recording import Recording
from streams.source import is_live, source_for

WIDTH: Final = 1280  # px, as the detector looks at pictures
PATIENCE: Final = 60.0  # seconds without a picture after which a camera is given up
SITTINGS: Final = 4  # sightings of a face that are needed: of fewer, nobody can say how they differ
DONE: Final = 0


async def enrol(config: Path, stream: str, recordings: Sequence[Path], minutes: float) -> int:
    """Watches, measures, writes the enrolment and says what came of it; returns 0.

    Raises ConfigError, InUseError while another one enrols this stream, StreamError, DetectorError where too
    few faces were seen or the file cannot be written. Interrupted, it leaves what was there.
    """
    settings = load(config)
    one = _stream(settings, config, stream, recordings)
    state = state_folder(settings)
    file = enrolment_file(state, stream)
    limit_torch_threads()
    with ExitStack() as stack:
        try:
            stack.enter_context(Lock(file.with_name("enrol.lock")))
        except OSError as error:
            raise DetectorError(f"cannot work in {file.parent}: {error.strerror}") from error
        bar = stack.enter_context(Bar(Console(stderr=True)))
        bar.tell(f"{stream}: reading weights", 0.0)
        scorer = await asyncio.to_thread(scorer_of, settings, state)
        finder = choose_finder(store_of(settings), choose_device(settings.service.device))
        gathering = Gathering(settings.detectors.deepfake, finder, scorer)
        looked_at = [one.model_copy(update={"url": str(path.absolute())}) for path in recordings] or [one]
        enough = 60 * minutes if is_live(looked_at[0].url) else None
        await _gather(gathering, settings, looked_at, enough, bar)
        made = _enrolment(gathering, scorer, source_identity(one.url))
        save(file, made)
    out = Console(highlight=False, soft_wrap=True)
    for line in _words(stream, file, made, gathering, scorer, settings):
        out.print(line, markup=False)
    return DONE


def _stream(settings: Settings, config: Path, name: str, recordings: Sequence[Path]) -> StreamSettings:
    known = {one.name: one for one in settings.streams}
    if name not in known:
        text = f"there is no stream {name}; there are {', '.join(known)}"
        raise ConfigError((Problem(str(config), None, "", text),))
    if known[name].folder:
        text = f"{name} is a folder, whose files show anybody: only the people of a camera can be enrolled"
        raise ConfigError((Problem(str(config), None, "", text),))
    for path in recordings:
        if not path.is_file():
            raise no_recording(path)
    return known[name]


async def _gather(
    gathering: Gathering,
    settings: Settings,
    looked_at: Sequence[StreamSettings],
    enough: float | None,
    bar: Bar,
) -> None:
    """Looks at recordings to their ends, at a camera for `enough` seconds."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    for part, one in enumerate(looked_at):
        source = source_for(one, settings.sample_fps(one), WIDTH)
        try:
            async for sight in source.sights():
                match sight:
                    case Frame() as frame:
                        if frame.fresh:  # positions begin anew, and nobody is who was there before
                            gathering.begin_part()
                        await asyncio.to_thread(gathering.add, frame)
                        share = (
                            (loop.time() - began) / enough
                            if enough is not None
                            else (part + _share(source, frame)) / len(looked_at)
                        )
                        told = f"{gathering.faces} faces, {gathering.pictures} good pictures"
                        bar.tell(f"{one.name}: {told}", min(share, 1.0))
                    case Outage() as outage:
                        bar.tell(f"{one.name}: no picture: {outage.text}", 0.0)
                        if outage.lasted > PATIENCE:
                            raise StreamError(outage.fault, f"{one.name}: {outage.text}")
                if enough is not None and loop.time() - began >= enough:
                    return
        finally:
            await source.close()


def _share(source: object, frame: Frame) -> float:
    duration = getattr(source.opened, "duration", None) if isinstance(source, Recording) else None
    return min(frame.position / duration, 1.0) if duration else 0.0


def _enrolment(gathering: Gathering, scorer: Scorer, source: str) -> Enrolment:
    sittings = gathering.sittings
    if len(sittings) < SITTINGS:
        raise DetectorError(
            f"nobody is enrolled: at least {SITTINGS} sightings of a face with {FEWEST} good pictures each "
            f"are needed, and there were {len(sittings)}. In {gathering.frames} pictures a face was seen "
            f"{gathering.seen} times, {gathering.good} times well enough. Let people look into the camera, "
            "watch for longer (--minutes), or give more recordings"
        )
    clips = measured(scorer.clips, gathering.by_sitting, [one.face for one in sittings])
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return Enrolment(scorer.sha256, source, clips, gathering.faces, gathering.pictures, now)


def _words(
    stream: str, file: Path, made: Enrolment, gathering: Gathering, scorer: Scorer, settings: Settings
) -> Iterator[str]:
    before, now = scorer.clips, made.clips
    yield (
        f"{stream}: enrolled {made.faces} faces in {len(gathering.sittings)} sightings, {made.pictures} good "
        f"pictures: real faces here score {now.real:.2f}, with a deviation of {now.between**0.5:.2f}; "
        f"elsewhere {before.real:.2f} and {before.between**0.5:.2f}"
    )
    limit = math.log(1000 / settings.detectors.deepfake.false_alarms_per_thousand_faces)
    strange = sum(before.log_ratio(float(one.mean()), len(one)) >= limit for one in gathering.by_sitting)
    if strange:
        yield (
            f"{strange} of these sightings would have raised an alert. Be sure that these people are real: "
            f"fakes that are enrolled are not told any more. To undo it, delete {file}"
        )
    yield "a daemon that runs takes it at its next reload: systemctl reload framewarden"
