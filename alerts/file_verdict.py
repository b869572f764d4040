"""What is to be said of a file as a whole: fine, alarming, or that nobody can tell. Pure."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from alerts.rules import Rule, Rules
from alerts.verdict import Change, Severity, Verdict
from detectors.detection import Detection, Doubt, Kind, Region
from streams.frame import Frame

POINTS: Final = 600  # of one curve: a longer file is drawn coarser
WORST: Final = 3  # moments of each kind that are shown
APART: Final = 2.0  # seconds between two of them, at least
TOO_SHORT: Final = "too_short"  # some of its few pictures are alarming, and some are not
MOST_ALERTS: Final = 100  # that are named


class Answer(StrEnum):
    """Of a file, or of one kind in it. 'Cannot tell' is never 'fine'."""

    FINE = "fine"
    ALARMING = "alarming"
    CANNOT_TELL = "cannot_tell"


@dataclass(frozen=True, slots=True, eq=False)
class WorstMoment:
    """A picture on which a kind of detector was furthest from fine."""

    position: float  # seconds into the file
    times: float  # the score, in thresholds
    seen: Detection
    picture: NDArray[np.uint8]  # (H, W, 3) BGR

    @property
    def regions(self) -> tuple[Region, ...]:
        return self.seen.regions


@dataclass(frozen=True, slots=True)
class KindVerdict:
    """What one kind of detector has to say of the file."""

    kind: Kind
    answer: Answer
    pictures: int  # that it was asked about
    told: int  # on which it could tell
    doubts: dict[str, int]  # on how many it could not, by the word for why
    because: str  # in a sentence of its own, for the most frequent of these; may be empty
    opened: int  # alerts
    curve: tuple[tuple[float, float], ...]  # seconds into the file, score in thresholds; nan: could not tell
    worst: tuple[WorstMoment, ...]  # the worst first

    @property
    def doubt(self) -> str:
        """Why it could not tell most often; empty where it always could."""
        none = TOO_SHORT if self.answer is Answer.CANNOT_TELL else ""
        return max(self.doubts, key=lambda word: (self.doubts[word], word), default=none)


@dataclass(frozen=True, slots=True)
class FileVerdict:
    """The whole answer."""

    answer: Answer
    doubt: str  # a word; empty unless it cannot be told
    reason: str  # a sentence for people
    severity: Severity
    pictures: int
    seconds: float  # how far it was judged
    began_at: datetime | None  # UTC; when the first picture was most likely filmed
    ended_at: datetime | None
    kinds: tuple[KindVerdict, ...] = ()
    alerts: tuple[str, ...] = ()  # ids

    @property
    def worst(self) -> WorstMoment | None:
        """Of all kinds."""
        moments = [each.worst[0] for each in self.kinds if each.worst]
        return max(moments, key=lambda each: each.times, default=None)


def unreadable(reason: str, doubt: str = "unreadable") -> FileVerdict:
    """Of a file that nobody can look at."""
    return FileVerdict(Answer.CANNOT_TELL, doubt, reason, Severity.INFO, 0, 0.0, None, None)


class Tally:
    """Is told everything that is said of one file, and says at the end what came of it.

    A kind is fine where it could tell of enough pictures to have raised an alert, and raised none. Kinds in
    shadow are reported, and have no say.
    """

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._kinds: dict[Kind, _Tallied] = {}
        self._pictures = 0
        self._position = 0.0
        self._times: list[datetime] = []
        self._severity = Severity.INFO
        self._alerts: list[str] = []

    def note(self, frame: Frame, detections: Sequence[Detection]) -> None:
        """What was said of the next picture."""
        self._pictures += 1
        self._position = frame.position
        self._times = [*self._times[:1], frame.captured_at]
        for kind in dict.fromkeys(each.kind for each in detections):
            tallied = self._kinds.setdefault(kind, _Tallied(kind))
            tallied.note(frame, [each for each in detections if each.kind is kind])

    def decided(self, verdicts: Sequence[Verdict]) -> None:
        """What the judge made of it."""
        for each in verdicts:
            if each.change is Change.OPENED and each.kind in self._kinds:
                self._kinds[each.kind].opened += 1
                if len(self._alerts) < MOST_ALERTS:
                    self._alerts.append(each.alert_id)
            if each.kind not in self._rules.shadow:
                self._severity = self._severity.or_higher(each.severity)

    def verdict(self, lacking: str = "", doubt: str = Doubt.DAMAGED) -> FileVerdict:
        """`lacking`: a sentence on what of the file could not be looked at, and `doubt` the word for it."""
        kinds = tuple(tallied.verdict(self._rules) for _, tallied in sorted(self._kinds.items()))
        said = [each for each in kinds if each.kind not in self._rules.shadow]
        alarming = [each for each in said if each.answer is Answer.ALARMING]
        unsure = [each for each in said if each.answer is Answer.CANNOT_TELL]
        word, severity = "", Severity.INFO
        if alarming:
            answer, severity = Answer.ALARMING, self._severity.or_higher(Severity.WARNING)
            words = [_alarming(each) for each in alarming]
        elif unsure or not said:
            answer, word = Answer.CANNOT_TELL, unsure[0].doubt if unsure else str(Doubt.DETECTOR_DEGRADED)
            words = [_unsure(each) for each in unsure] or ["no detector said anything of it"]
        elif lacking:
            answer, word, words = Answer.CANNOT_TELL, doubt, ["what could be looked at is fine"]
        else:
            answer, words = Answer.FINE, [_fine(each) for each in said]
        return FileVerdict(
            answer=answer,
            doubt=word,
            reason=_sentence([*words, *([lacking] if lacking else [])]),
            severity=severity,
            pictures=self._pictures,
            seconds=self._position,
            began_at=self._times[0] if self._times else None,
            ended_at=self._times[-1] if self._times else None,
            kinds=kinds,
            alerts=tuple(self._alerts),
        )


@dataclass(slots=True)
class _Tallied:
    """One kind, so far."""

    kind: Kind
    pictures: int = 0
    told: int = 0
    hits: int = 0  # alarming pictures
    opened: int = 0
    doubts: Counter[str] = field(default_factory=Counter)
    sentences: dict[str, str] = field(default_factory=dict)  # what the detector said last, by doubt
    worst: list[WorstMoment] = field(default_factory=list)
    curve: "_Curve" = field(default_factory=lambda: _Curve())

    def note(self, frame: Frame, said: Sequence[Detection]) -> None:
        self.pictures += 1
        able = [each for each in said if each.doubt is None and not math.isnan(_times(each))]
        if not able:
            doubtful = next((each for each in said if each.doubt), None)
            word = str(doubtful.doubt) if doubtful else "no_number"
            self.doubts[word] += 1
            self.sentences[word] = doubtful.reason if doubtful else ""
            self.curve.add(frame.position, math.nan)
            return
        self.told += 1
        self.hits += any(each.alarming for each in able)
        worst = max(able, key=_times)
        self.curve.add(frame.position, _times(worst))
        self._keep(WorstMoment(frame.position, _times(worst), worst, frame.picture))

    def _keep(self, moment: WorstMoment) -> None:
        """Among the worst, if it is; of a bad stretch only its worst moment."""
        near = [each for each in self.worst if abs(each.position - moment.position) < APART]
        if any(each.times >= moment.times for each in near):
            return
        rest = [each for each in self.worst if each not in near]
        self.worst = sorted([*rest, moment], key=lambda each: -each.times)[:WORST]

    def verdict(self, rules: Rules) -> KindVerdict:
        rule = rules.of_kind[self.kind]
        return KindVerdict(
            kind=self.kind,
            answer=self._answer(rule),
            pictures=self.pictures,
            told=self.told,
            doubts=dict(self.doubts),
            because=self.sentences[max(self.doubts, key=lambda word: self.doubts[word])]
            if self.doubts
            else "",
            opened=self.opened,
            curve=self.curve.points,
            worst=tuple(self.worst),
        )

    def _answer(self, rule: Rule) -> Answer:
        if self.opened:
            return Answer.ALARMING
        if self.pictures < rule.of:  # too short for an alert, a still picture say: each picture has its word
            if self.hits * rule.of >= rule.alarming * max(self.told, 1):
                return Answer.ALARMING
            return Answer.FINE if self.told and not self.hits else Answer.CANNOT_TELL
        return Answer.FINE if self.told >= rule.of else Answer.CANNOT_TELL


class _Curve:
    """As many points as fit: of what is gathered into one, the worst."""

    def __init__(self) -> None:
        self._step = 0.0
        self._points: list[tuple[float, float]] = []

    def add(self, position: float, times: float) -> None:
        if self._points and position - self._points[-1][0] < self._step:
            at, before = self._points[-1]
            self._points[-1] = at, _worse(before, times)
            return
        self._points.append((position, times))
        if len(self._points) > POINTS:
            self._halve()

    def _halve(self) -> None:
        pairs = zip(self._points[::2], [*self._points[1::2], (0.0, math.nan)], strict=False)
        self._points = [(at, _worse(one, other)) for (at, one), (_, other) in pairs]
        span = self._points[-1][0] - self._points[0][0]
        self._step = max(2 * self._step, 2 * span / POINTS)

    @property
    def points(self) -> tuple[tuple[float, float], ...]:
        return tuple(self._points)


def _worse(one: float, other: float) -> float:
    return one if math.isnan(other) else other if math.isnan(one) else max(one, other)


def _times(seen: Detection) -> float:
    """The score in thresholds: alarming from 1 on, whatever the detector's scale."""
    if seen.threshold > 0:
        return seen.score / seen.threshold
    return 1 + seen.score - seen.threshold


def _alarming(said: KindVerdict) -> str:
    worst = said.worst[0] if said.worst else None
    alerts = f"{said.opened} alert{'' if said.opened == 1 else 's'}" if said.opened else "alarming"
    if worst is None:
        return f"{said.kind}: {alerts}"
    why = (worst.seen.reason or worst.seen.label).rstrip(".")
    where = f"the worst at {worst.position:.1f} s ({worst.times:.2g} times the threshold)"
    return f"{said.kind}: {alerts}, {where}: {why}"


def _unsure(said: KindVerdict) -> str:
    words = ", ".join(f"{word.replace('_', ' ')} on {count}" for word, count in sorted(said.doubts.items()))
    words = words or "too few pictures were alarming, and too few fine"
    because = f": {said.because[:1].lower()}{said.because[1:].rstrip('.')}" if said.because else ""
    return (
        f"{said.kind} cannot tell: it could judge {said.told} of {said.pictures} pictures ({words}){because}"
    )


def _fine(said: KindVerdict) -> str:
    return f"{said.kind}: nothing alarming on the {said.told} of {said.pictures} pictures that it could judge"


def _sentence(parts: Sequence[str]) -> str:
    text = "; ".join(part.rstrip(".") for part in parts)
    return f"{text[:1].upper()}{text[1:]}."
