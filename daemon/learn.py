"""`framewarden learn`: a camera's normal, learned now, from the camera itself or from recordings of it."""

import asyncio
import hashlib
import threading
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from alerts.lock import Lock
from config.load import load
from config.problem import ConfigError, Problem, no_recording
from config.secrets import source_identity
from config.settings import NO_NORMAL, Settings, StreamSettings
from config.state import state_folder
from daemon.models import store_of
from detectors.anomaly.method import Stopped
from detectors.anomaly.teacher import Taught, Teacher
from detectors.anomaly.tier import method_for
from detectors.detection import DetectorError
from detectors.device import choose_device
from streams.frame import Frame, Outage, StreamError
from streams.recording import Recording
from streams.source import is_live, source_for

PATIENCE = 60.0  # seconds without a picture after which a camera is given up
DONE = 0


@dataclass(frozen=True, slots=True)
class _Bar:
    """Progress on the terminal; nothing where there is none."""

    progress: Progress
    task: TaskID

    def at(self, share: float, words: str) -> None:
        self.progress.update(self.task, completed=share, description=words)


async def learn(config: Path, stream: str, recordings: Sequence[Path], minutes: float | None) -> int:
    """Learns, says what came of it, and returns 0.

    Raises ConfigError, InUseError while a daemon works in the state folder, StreamError, DetectorError.
    Interrupted, it keeps what was gathered; the same command goes on from there.
    """
    settings = load(config)
    known = {one.name: one for one in settings.streams}
    if stream not in known:
        text = f"there is no stream {stream}; there are {', '.join(known)}"
        raise ConfigError((Problem(str(config), None, "", text),))
    if known[stream].folder:
        raise ConfigError((Problem(str(config), None, f"stream '{stream}'", NO_NORMAL),))
    for path in recordings:
        if not path.is_file():
            raise no_recording(path)
    folder = state_folder(settings)
    errors, out = (
        Console(stderr=True, highlight=False, soft_wrap=True),
        Console(highlight=False, soft_wrap=True),
    )
    with ExitStack() as stack:
        try:
            stack.enter_context(Lock(folder / "outbox.sqlite.lock"))  # the daemon's: both would write normals
        except OSError as error:
            raise DetectorError(f"cannot work in {folder}: {error.strerror}") from error
        bar = stack.enter_context(
            Progress(
                TextColumn("{task.description}"),
                BarColumn(),
                TimeRemainingColumn(),
                console=errors,
                transient=True,
                disable=not errors.is_terminal,
            )
        )
        one = known[stream]
        looked_at = [one.model_copy(update={"url": str(path.absolute())}) for path in recordings] or [one]
        device = choose_device(settings.service.device)
        teacher = Teacher(
            settings.detectors.anomaly,
            folder / "anomaly",
            stream,
            source_identity(one.url),
            _what(looked_at),
            method_for(settings.detectors.anomaly, store_of(settings), device),
        )
        stack.callback(teacher.close)
        seconds = 60 * (minutes or settings.detectors.anomaly.learn_minutes)
        told = _Bar(bar, bar.add_task(stream, total=1.0))
        try:
            await _gather(
                teacher, settings, looked_at, seconds if is_live(looked_at[0].url) else None, told, errors
            )
            taught = await _learn(stream, teacher, told)
        except (asyncio.CancelledError, StreamError):
            if teacher.seconds:
                errors.print(
                    f"{stream}: {teacher.seconds:.0f} s of footage are kept; the same command goes on",
                    markup=False,
                )
            raise
    out.print(_words(stream, taught), markup=False)
    return DONE


async def _gather(
    teacher: Teacher,
    settings: Settings,
    looked_at: Sequence[StreamSettings],
    enough: float | None,
    bar: _Bar,
    errors: Console,
) -> None:
    """Looks at recordings to their ends, at a camera until there are `enough` seconds."""
    for part, one in enumerate(looked_at):
        source = source_for(one, settings.sample_fps(one), teacher.width)
        resumed = False
        try:
            async for sight in source.sights():
                match sight:
                    case Frame() as frame:
                        # A live camera's positions begin anew: nothing of it was seen before.
                        await asyncio.to_thread(
                            teacher.add, frame, part if enough is None else teacher.came_to.part + 1
                        )
                        if not resumed and teacher.came_to.position >= 0 and teacher.seconds:
                            resumed = True
                            errors.print(
                                f"{one.name}: goes on after {teacher.seconds:.0f} s of footage", markup=False
                            )
                        share = _share(source.opened, frame) if isinstance(source, Recording) else 0.0
                        share = (
                            (part + share) / len(looked_at) if enough is None else teacher.seconds / enough
                        )
                        bar.at(0.5 * min(share, 1.0), f"{one.name}: {teacher.seconds:.0f} s watched")
                        if enough is not None and teacher.seconds >= enough:
                            return
                    case Outage() as outage:
                        bar.at(0.0, f"{one.name}: no picture: {outage.text}")
                        if outage.lasted > PATIENCE:
                            raise StreamError(outage.fault, f"{one.name}: {outage.text}")
        finally:
            await source.close()


async def _learn(stream: str, teacher: Teacher, bar: _Bar) -> Taught:
    """In a thread, so that Ctrl-C is heard; it ends soon after."""
    stop = threading.Event()

    def tell(share: float) -> None:
        bar.at(0.5 + 0.5 * share, f"{stream}: learning")

    work = asyncio.create_task(asyncio.to_thread(teacher.learn, tell, stop.is_set))
    try:
        return await asyncio.shield(work)
    except asyncio.CancelledError:
        stop.set()
        with suppress(Stopped, DetectorError):
            await work
        raise


def _share(opened: object, frame: Frame) -> float:
    duration = getattr(opened, "duration", None)
    return min(frame.position / duration, 1.0) if duration else 0.0


def _what(looked_at: Sequence[StreamSettings]) -> str:
    """The same for the same footage, so that an earlier attempt may be gone on with."""
    facts = []
    for one in looked_at:
        if is_live(one.url):
            facts.append(source_identity(one.url))
        else:
            path = Path(one.url.removeprefix("file://"))
            known = path.stat() if path.is_file() else None
            facts.append(f"{path} {known and (known.st_size, known.st_mtime_ns)}")
    return hashlib.sha256("\n".join(facts).encode()).hexdigest()


def _words(stream: str, taught: Taught) -> str:
    again = ", in place of what was known of this scene" if taught.anew else ""
    short = "" if taught.blocks >= 30 else " That is little: expect false alarms, and learn from more."
    return (
        f"{stream}: learned from {taught.pictures} pictures of {taught.seconds / 60:.1f} minutes{again}. "
        f"The threshold {taught.threshold:.2f} is provisional until "
        f"{taught.needed * 10 / 3600:.1f} hours were watched.{short}"
    )
