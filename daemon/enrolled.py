"""Which streams have their own people enrolled, and whether that can be used."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from config.secrets import source_identity
from config.settings import Settings
from config.state import enrolment_file, state_folder


@dataclass(frozen=True, slots=True)
class Standing:
    """In sentences."""

    good: list[str]
    doubts: list[str]


def enrolled(settings: Settings) -> Standing:
    """Of every stream that is looked at for deepfakes."""
    standing = Standing([], [])
    for stream in settings.streams:
        file = enrolment_file(state_folder(settings), stream.name)
        if "deepfake" not in settings.detectors_of(stream) or not file.exists():
            continue
        from detectors.deepfake.enrolment import load  # not before it is needed: it takes a moment
        from detectors.detection import DetectorError

        try:
            found = load(file, source_identity(stream.url), _weights(settings))
        except DetectorError as error:
            standing.doubts.append(f"stream {stream.name}: judged as if nobody were enrolled: {error}")
            continue
        if found is not None:
            standing.good.append(
                f"stream {stream.name}: {found.faces} faces were enrolled at {found.at}, "
                f"from {found.pictures} good pictures"
            )
    return standing


def stamp(state: Path, stream: str) -> tuple[int, int] | None:
    """Another one once somebody was enrolled; None where nobody is."""
    try:
        known = enrolment_file(state, stream).stat()
    except OSError:
        return None
    return known.st_mtime_ns, known.st_size


def _weights(settings: Settings) -> str | None:
    """The hash of the shipped ones; None where larger ones are named, which take long to read."""
    own = settings.detectors.deepfake
    if own.encoder or own.reconstruction:
        return None
    from detectors.deepfake.model import SHIPPED

    return hashlib.sha256(SHIPPED.read_bytes()).hexdigest() if SHIPPED.is_file() else None
