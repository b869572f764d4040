"""Makes real and fake faces worse: by codecs, smaller sizes, blur and noise; and what that does to scores."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from daemon.bar import Tell
from daemon.evaluate_faces import look_through
from daemon.evaluate_footage import FootageError
from daemon.evaluate_seen import WIDTH, Floats, Seen, Witness
from detectors.deepfake.crop import AROUND
from detectors.deepfake.likelihood import chance
from detectors.faces.face import Face
from detectors.roc import auc
from streams.recoding import decoded, encoded

MANY: Final = 120  # pictures of either half that are made worse
REACH: Final = 2 * AROUND  # times the face: more than a crop shows, wherever the face is
RATE: Final = 5.0  # pictures a second of the videos that are made
FORMATS: Final = {
    "png": (".png", []),
    "jpeg_90": (".jpg", [cv2.IMWRITE_JPEG_QUALITY, 90]),
    "webp_90": (".webp", [cv2.IMWRITE_WEBP_QUALITY, 90]),
}

Picture = NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """A face and what is around it, as it is in its picture."""

    picture: Picture
    face: Face


def _jpeg(picture: Picture, quality: float) -> Picture:
    return _through(picture, ".jpg", [cv2.IMWRITE_JPEG_QUALITY, round(quality)])


def _smaller(picture: Picture, scale: float) -> Picture:
    height, width = picture.shape[:2]
    small = cv2.resize(
        picture, (max(1, round(scale * width)), max(1, round(scale * height))), interpolation=cv2.INTER_AREA
    )
    return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)


def _blurred(picture: Picture, sigma: float) -> Picture:
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), sigma), np.uint8)


def _noisy(picture: Picture, sigma: float) -> Picture:
    noise = np.random.default_rng(0).normal(0, sigma, picture.shape)
    return np.clip(np.rint(picture + noise), 0, 255).astype(np.uint8)


@dataclass(frozen=True, slots=True)
class Way:
    """One way of making a picture worse, by levels that grow worse."""

    unit: str
    levels: tuple[float, ...]
    worsen: Callable[[Picture, float], Picture] | None  # None: H.264, which takes all pictures of a clip


WAYS: Final[Mapping[str, Way]] = {
    "h264": Way("CRF", (23, 28, 32, 36, 40), None),
    "jpeg": Way("quality", (90, 70, 50, 40, 30, 20, 15), _jpeg),
    "smaller": Way("of its size and back", (0.75, 0.5, 0.35, 0.25), _smaller),
    "blur": Way("px, sigma", (0.5, 1, 1.5, 2, 3), _blurred),
    "noise": Way("grey levels, sigma", (2, 4, 8, 16), _noisy),
}


def _through(picture: Picture, suffix: str, options: Sequence[int]) -> Picture:
    _, blob = cv2.imencode(suffix, picture, list(options))
    return np.asarray(cv2.imdecode(blob, cv2.IMREAD_COLOR), np.uint8)


async def measure(witness: Witness, seen: Sequence[Seen], fps: float, tell: Tell) -> dict[str, Any]:
    """`curves`, {way: [figures of each level, the first as it is]}, and `formats`: what the file format does.

    Of some pictures that were judged, the same for all ways. A face is not looked for again, but whether it
    can be judged is. Raises FootageError where of a half nothing was judged.
    """
    pieces = await _pieces(seen, fps, tell)
    if {fake for fake, some in pieces if some} != {False, True}:
        raise FootageError(
            "of the real or of the fake pictures none could be judged, so there is nothing to make worse: "
            "leave --curves out to see why"
        )
    flags = np.concatenate([np.full(len(some), fake) for fake, some in pieces])
    plain = _scores(witness, [one.picture for _, some in pieces for one in some], pieces)
    total = sum(len(way.levels) for way in WAYS.values()) + len(FORMATS)
    done = 0
    curves = {}
    for name, way in WAYS.items():
        levels = [_level(None, plain, plain, flags)]
        for level in way.levels:
            tell("making them worse", done / total)
            await asyncio.sleep(0)  # a way out for Ctrl-C
            worse = _worsened(way, level, pieces)
            levels.append(_level(level, _scores(witness, worse, pieces), plain, flags))
            done += 1
        curves[name] = levels
    formats = {}
    reals = [(fake, some) for fake, some in pieces if not fake]
    for name, (suffix, options) in FORMATS.items():
        tell("file formats", done / total)
        await asyncio.sleep(0)
        pictures = [_through(one.picture, suffix, options) for _, some in reals for one in some]
        scores = _scores(witness, pictures, reals)[0]
        formats[name] = {
            "median": float(np.median(scores)),
            "median_likelihood": chance(witness.model.clips.log_ratio(float(np.median(scores)), 1)),
        }
        done += 1
    return {
        "curves": curves,
        "curves_pictures": {"real": int((~flags).sum()), "fake": int(flags.sum())},
        "formats": formats,
        "formats_differ": _apart(formats, "median"),
        "formats_likelihood_differs": _apart(formats, "median_likelihood"),
    }


def _apart(formats: dict[str, dict[str, float]], key: str) -> float:
    values = [one[key] for one in formats.values()]
    return max(values) - min(values)


async def _pieces(seen: Sequence[Seen], fps: float, tell: Tell) -> list[tuple[bool, list[Piece]]]:
    """Of each clip that was chosen, whether it is fake, and some of its faces in their order."""
    found = []
    chosen = [one for fake in (False, True) for one in _chosen(seen, fake)]
    for number, (one, wanted) in enumerate(chosen):
        tell("reading again", number / len(chosen))
        faces = dict(zip(one.numbers, one.faces, strict=True))
        some = []
        async for at, frame in look_through(one.clip, fps, WIDTH, wanted):
            face = faces.get(at)
            if frame is not None and face is not None:
                some.append(_piece(frame.picture, face))
        found.append((one.clip.fake, some))
    return found


def _chosen(seen: Sequence[Seen], fake: bool) -> list[tuple[Seen, frozenset[int]]]:
    """Evenly from the clips of a half, and evenly from each."""
    clips = [one for one in seen if one.clip.fake == fake and one.judged.any()]
    clips = [clips[at] for at in np.unique(np.linspace(0, len(clips) - 1, MANY).astype(int))] if clips else []
    chosen = []
    for one in clips:
        judged = np.flatnonzero(one.judged)
        some = np.unique(np.linspace(0, len(judged) - 1, max(1, MANY // len(clips))).astype(int))
        chosen.append((one, frozenset(one.numbers[judged[at]] for at in some)))
    return chosen


def _piece(picture: Picture, face: Face) -> Piece:
    height, width = picture.shape[:2]
    reach = REACH * max(face.width, face.height) / 2
    x, y = face.centre
    left, top = max(0, int(x - reach)), max(0, int(y - reach))
    right, bottom = min(width, int(x + reach) + 1), min(height, int(y + reach) + 1)
    marks = face.landmarks - np.array((left, top), np.float32)
    moved = Face(face.left - left, face.top - top, face.width, face.height, marks, face.confidence)
    return Piece(picture[top:bottom, left:right].copy(), moved)


def _worsened(way: Way, level: float, pieces: Sequence[tuple[bool, list[Piece]]]) -> list[Picture]:
    if way.worsen is not None:
        return [way.worsen(one.picture, level) for _, some in pieces for one in some]
    return [picture for _, some in pieces for picture in _filmed([one.picture for one in some], round(level))]


def _filmed(pictures: Sequence[Picture], crf: int) -> list[Picture]:
    """Through H.264 as one video: smaller ones are set into the corner, their edges drawn out."""
    if not pictures:
        return []
    high, wide = (2 * -(-max(one.shape[axis] for one in pictures) // 2) for axis in (0, 1))
    set_in = [
        np.asarray(
            cv2.copyMakeBorder(one, 0, high - one.shape[0], 0, wide - one.shape[1], cv2.BORDER_REPLICATE),
            np.uint8,
        )
        for one in pictures
    ]
    back = decoded(encoded(set_in, RATE, crf))
    return [one[: was.shape[0], : was.shape[1]] for one, was in zip(back, pictures, strict=True)]


def _scores(
    witness: Witness, pictures: Sequence[Picture], pieces: Sequence[tuple[bool, list[Piece]]]
) -> tuple[Floats, NDArray[np.bool_]]:
    """Fused score of each picture, and whether it would be judged."""
    faces = [one.face for _, some in pieces for one in some]
    pairs = list(zip(pictures, faces, strict=True))
    judged = np.array([witness.doubt(picture, face) is None for picture, face in pairs], bool)
    return witness.score([witness.crop(picture, face) for picture, face in pairs]).fused, judged


def _level(
    level: float | None,
    worse: tuple[Floats, NDArray[np.bool_]],
    plain: tuple[Floats, NDArray[np.bool_]],
    fake: NDArray[np.bool_],
) -> dict[str, Any]:
    """`crop_auc` of those still judged, `crop_auc_all` of all; `shift` of the median of real ones, of all."""
    scores, judged = worse
    shift = np.median(scores[~fake]) - np.median(plain[0][~fake])
    return {
        "level": level,
        "crop_auc": auc(scores[judged], fake[judged]),
        "crop_auc_all": auc(scores, fake),
        "abstained": float(1 - judged.mean()),
        "shift": float(shift),
    }
