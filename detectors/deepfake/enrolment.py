"""What a stream's own people score: measured anew on few of them, and kept in a file of the state folder.

Few people prove little. What the model was shipped with counts as so many of them, so that a mean moves and a
spread narrows only as far as there is evidence. Fakes are taken to score what they did. The heads stay as
they are: tuning them on real people alone was tried, and found fewer fakes (docs/deepfake.md).
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from config.whole_file import write_whole
from detectors.deepfake.likelihood import Clips, Floats
from detectors.detection import DetectorError

VERSION: Final = 1
SHORT: Final = 12  # digits of a hash that people are shown
OF_STREAMS: Final = 0.7  # share of the variance of real clips that lies between streams (docs/deepfake.md)
PRIOR: Final = 8.0  # degrees of freedom that the shipped variances count as


@dataclass(frozen=True, slots=True)
class Enrolment:
    """Belongs to one file of weights and one source."""

    weights_sha256: str
    source: str  # a hash of the stream's address
    clips: Clips  # what fused scores of its real people do, and of fakes
    faces: int  # that were followed
    pictures: int  # good ones
    at: str  # when it was made: UTC, ISO 8601

    @property
    def sha256(self) -> str:
        """Of all of it."""
        return hashlib.sha256(self.to_bytes()).hexdigest()

    def to_bytes(self) -> bytes:
        """A JSON file."""
        return json.dumps({"version": VERSION, **asdict(self)}, indent=1, sort_keys=True).encode()


def measured(shipped: Clips, scores: Sequence[Floats], faces: Sequence[int]) -> Clips:
    """Of two sittings or more: the fused scores of each (n,), and whose they are.

    A stream's mean is one of many that streams have, known from `faces` people (a random effect; Searle et
    al., Variance Components, 1992). The variance is that of a person of this stream whom nobody has seen.
    """
    found = Clips.of(scores, [np.array([shipped.fake])])
    many = len(set(faces))
    within = _between(shipped.within, found.within, len(scores))
    own = _between((1 - OF_STREAMS) * shipped.between, found.between, many - 1)
    others = OF_STREAMS * shipped.between
    trust = many * others / (own + many * others)
    return Clips(
        real=shipped.real + trust * (found.real - shipped.real),
        fake=shipped.fake,
        between=own + (1 - trust) * others,
        within=within,
    )


def _between(shipped: float, found: float, freedom: int) -> float:
    """A variance between what was shipped and what was found, by what each is worth (inverse chi squared)."""
    return (PRIOR * shipped + freedom * found) / (PRIOR + freedom)


def read(blob: bytes) -> Enrolment:
    """Raises DetectorError where it is none of this version."""
    try:
        told: dict[str, Any] = json.loads(blob)
        version, clips = told.pop("version"), Clips(**told.pop("clips"))
        found = Enrolment(clips=clips, **told)
        sound = np.isfinite(list(asdict(clips).values())).all() and clips.between > 0 <= clips.within
    except (KeyError, ValueError, TypeError, AttributeError, RecursionError) as error:
        raise DetectorError(f"it is no enrolment of this version ({error}): enrol anew") from error
    if version != VERSION or not sound:
        raise DetectorError(f"it is of version {version}, or its figures are none: enrol anew")
    return found


def load(path: Path, source: str, weights_sha256: str | None) -> Enrolment | None:
    """None where there is none. Raises DetectorError where it is of another source or of other weights.

    `weights_sha256`: None where nobody knows.
    """
    try:
        found = read(path.read_bytes())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise DetectorError(f"{path} cannot be read: {error.strerror or error}") from error
    except DetectorError as error:
        raise DetectorError(f"{path}: {error}") from error
    if found.source != source:
        raise DetectorError(f"{path} was made when the stream had another address: enrol anew")
    if weights_sha256 is not None and found.weights_sha256 != weights_sha256:
        raise DetectorError(
            f"{path} belongs to the weights {found.weights_sha256[:SHORT]}, and here are "
            f"{weights_sha256[:SHORT]}: enrol anew"
        )
    return found


def save(path: Path, enrolment: Enrolment) -> None:
    """Whole or not at all. Raises DetectorError."""
    try:
        path.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
        write_whole(path, enrolment.to_bytes())
    except OSError as error:
        raise DetectorError(f"cannot write {path}: {error.strerror or error}") from error
