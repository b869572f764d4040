"""One thing that may be wrong with one stream: from fine to alarming and back, one alert after the other."""

import math
from collections import Counter, deque
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum, auto
from hashlib import blake2b
from typing import Final

from alerts.rules import Rule, Rules
from alerts.verdict import Change, Severity, Verdict
from detectors.detection import Detection, Doubt, Kind

_LONGEST_UPDATE: Final = 3600.0  # seconds: a camera that is away for a week is not told of every minute
_ROUNDING: Final = 1e-6  # seconds: what adding up the times of frames may lose
_MOST_FRAMES: Final = 256  # in a window, should the clock stand still


class Word(Enum):
    """What one frame says of one thing."""

    ALARMING = auto()
    BETWEEN = auto()  # no longer alarming, and not fine yet
    CALM = auto()
    DOUBT = auto()


@dataclass(frozen=True, slots=True)
class Moment:
    """When a frame was captured."""

    at: datetime  # by the clock, which may be set back
    now: float  # seconds since the judge's first frame: never goes back
    steps: int  # how often the clock was set back before


def word_of(detection: Detection, rule: Rule) -> Word:
    """Puts a score into words. A score that is no number is a doubt, never fine."""
    score, threshold = detection.score, detection.threshold
    if detection.doubt is not None or math.isnan(score) or math.isnan(threshold):
        return Word.DOUBT
    if detection.alarming:
        return Word.ALARMING
    if score >= rule.release * threshold:
        return Word.BETWEEN
    return Word.CALM


class Track:
    """What is remembered of one thing, and the verdicts on it."""

    def __init__(
        self,
        stream: str,
        seen: Detection,
        rules: Rules,
        counts: Counter[str],
        cooled_at: float = -math.inf,
    ) -> None:
        """`cooled_at`: until when it does not open, by the judge's seconds."""
        self.kind = seen.kind
        self.seen = seen  # the last detection that could tell
        self.word = Word.DOUBT
        self.doubt = ""  # in a word or two, while the word is DOUBT
        self.alert: Verdict | None = None  # its last verdict, while an alert is open
        self._stream = stream
        self._rules = rules
        self._rule = rules.of_kind[seen.kind]
        self._counts = counts
        self._window: deque[tuple[Moment, bool]] = deque(maxlen=_MOST_FRAMES)
        self._calm_since: float | None = None
        self._calm_frames = 0
        self._doubt_since: float | None = None
        self._doubt_told = False
        self._last_alarming = 0.0
        self._quiet_frames = 0  # since then
        self._told_at = 0.0
        self._update_every = rules.update_every_of(seen.kind)
        self._update_after = self._update_every
        self._cooled_at = cooled_at
        self._kept_back = ""  # why what would have opened did not, so that it is counted once

    @property
    def idle(self) -> bool:
        """Nothing is open, under way or cooling down: it may be forgotten."""
        return self.alert is None and not self._window and self._cooled_at == -math.inf

    def resume(self, verdict: Verdict) -> None:
        """Goes on with an alert that was open when the daemon ended, as if it had just been told."""
        self.alert = verdict

    def weigh(
        self,
        moment: Moment,
        word: Word,
        detection: Detection,
        held_by: str = "",
        first_at: datetime | None = None,
    ) -> list[Verdict]:
        """The verdicts, none or one, that a frame leads to.

        While `held_by` names what hides the view, nothing opens, and what is open can neither be confirmed
        nor closed. `first_at` is when it began, where that is known better than by the frames.
        """
        held_back = bool(held_by) and word is Word.ALARMING
        self.word = Word.DOUBT if held_by else word
        self._note(moment, detection, held_by)
        if self.alert is None:
            return self._weigh_closed(moment, detection, held_by if held_back else "", first_at)
        return self._weigh_open(self.alert, moment, detection)

    def finish(self, moment: Moment, reason: str) -> list[Verdict]:
        """Closes what is open."""
        if self.alert is None:
            return []
        self.word, self.doubt = Word.DOUBT, Doubt.STREAM_DOWN
        gone = replace(self.seen, doubt=Doubt.STREAM_DOWN, regions=(), heatmap=None)
        return [self._close(self.alert, moment, gone, reason)]

    def _note(self, moment: Moment, detection: Detection, held_by: str) -> None:
        """Keeps the times by which doubt, calm and alarm are measured."""
        if self.word is Word.DOUBT:
            self.doubt = held_by or _doubt(detection)
            if self._doubt_since is None:
                self._doubt_since = moment.now
            if held_by or moment.now - self._doubt_since > self._rule.calm:
                self._window.clear()
                self._calm_since, self._calm_frames = None, 0
        else:
            self.seen, self._doubt_since, self._doubt_told = detection, None, False
            self._window.append((moment, self.word is Word.ALARMING))
            oldest = moment.now - self._rule.window
            while len(self._window) > self._rule.of and self._window[0][0].now < oldest:
                self._window.popleft()
            if self.word is Word.CALM:
                self._calm_since = moment.now if self._calm_since is None else self._calm_since
                self._calm_frames += 1
            else:
                self._calm_since, self._calm_frames = None, 0
        if self.word is Word.ALARMING:
            self._last_alarming, self._quiet_frames = moment.now, 0
        else:
            self._quiet_frames += 1

    def _weigh_closed(
        self, moment: Moment, detection: Detection, held_by: str, first_at: datetime | None
    ) -> list[Verdict]:
        while self._window and not self._window[0][1]:
            self._window.popleft()
        hits = [each for each, alarming in self._window if alarming]
        rule = self._rule
        kept_back = ""
        if held_by:
            kept_back = "held"
        elif (
            self.word is Word.ALARMING
            and len(hits) >= rule.alarming
            and len(hits) * rule.of >= rule.alarming * len(self._window)
            and hits[-1].now - hits[0].now >= rule.over - _ROUNDING
        ):
            if moment.now >= self._cooled_at:
                return [self._open(moment, hits[0], first_at or hits[0].at, detection)]
            kept_back = "cooldown"
        elif self.word is not Word.CALM:
            kept_back = self._kept_back
        if kept_back and kept_back != self._kept_back:
            self._counts[f"{kept_back}:{self.kind}"] += 1
        self._kept_back = kept_back
        if moment.now >= self._cooled_at:
            self._cooled_at = -math.inf
        return []

    def _weigh_open(self, alert: Verdict, moment: Moment, detection: Detection) -> list[Verdict]:
        rule, rules = self._rule, self._rules
        quiet = moment.now - self._last_alarming
        if self.word is Word.ALARMING:
            rises = self._severity(detection, alert.label, moment).above(alert.severity)
            if rises or moment.now - self._told_at >= self._update_after:
                self._update_after = min(2 * self._update_after, max(_LONGEST_UPDATE, self._update_every))
                return [self._update(alert, moment, detection, _reason(detection))]
            return []
        if self.word is Word.CALM and self._calm_since is not None:
            calm = moment.now - self._calm_since
            if calm >= rule.calm and self._calm_frames >= rule.calm_frames:
                fine = f"Fine for {calm:.1f} s: {detection.reason or _numbers(detection)}"
                return [self._close(alert, moment, detection, fine)]
        doubting = 0.0 if self._doubt_since is None else moment.now - self._doubt_since
        if quiet >= rules.give_up_after and self._quiet_frames >= rule.calm_frames:
            minutes = f"{quiet / 60:.0f} min"
            if self.word is Word.DOUBT:
                reason = f"Given up after {minutes}, not an all-clear: cannot tell whether it goes on: "
                return [self._close(alert, moment, detection, reason + self._doubt_reason(detection))]
            reason = f"Nothing alarming for {minutes}, though never quite fine: {_reason(detection)}"
            return [self._close(alert, moment, detection, reason)]
        if doubting >= self._update_every and not self._doubt_told:
            self._doubt_told = True
            reason = f"Cannot tell for {doubting:.0f} s whether it goes on: {self._doubt_reason(detection)}"
            return [self._update(alert, moment, detection, reason)]
        return []

    def _open(self, moment: Moment, first: Moment, first_at: datetime, detection: Detection) -> Verdict:
        self._kept_back = ""
        self._told_at = moment.now
        self._update_after = self._update_every
        self.alert = Verdict(
            change=Change.OPENED,
            alert_id=_alert_id(self._stream, detection, first_at, first.steps),
            stream=self._stream,
            kind=self.kind,
            label=detection.label,
            subject=detection.subject,
            severity=self._severity(detection, detection.label, moment),
            score=detection.score,
            threshold=detection.threshold,
            reason=_reason(detection),
            regions=detection.regions,
            first_frame_at=first_at,
            captured_at=moment.at,
            made_by=detection.made_by,
            provisional=detection.provisional,
            detection=_evidence(detection),
        )
        self._counts[f"opened:{self.kind}"] += 1
        return self.alert

    def _update(self, alert: Verdict, moment: Moment, detection: Detection, reason: str) -> Verdict:
        self._told_at = moment.now
        self.alert = self._changed(alert, Change.UPDATED, moment, detection, reason)
        self._counts[f"updated:{self.kind}"] += 1
        return self.alert

    def _close(self, alert: Verdict, moment: Moment, detection: Detection, reason: str) -> Verdict:
        self._window.clear()
        self._cooled_at = moment.now + self._rules.cooldown_of(self.kind)
        self.alert = None
        self._counts[f"closed:{self.kind}"] += 1
        return self._changed(alert, Change.CLOSED, moment, detection, reason)

    def _changed(
        self, alert: Verdict, change: Change, moment: Moment, detection: Detection, reason: str
    ) -> Verdict:
        """The alert's next verdict. In doubt, the last score that meant something stays."""
        if self.word is Word.DOUBT:
            doubtful = replace(detection, doubt=detection.doubt or Doubt.DETECTOR_DEGRADED)
            return replace(
                alert,
                change=change,
                captured_at=moment.at,
                reason=reason,
                regions=(),
                detection=_evidence(doubtful),
            )
        return replace(
            alert,
            change=change,
            captured_at=moment.at,
            reason=reason,
            severity=self._severity(detection, alert.label, moment).or_higher(alert.severity),
            score=detection.score,
            threshold=detection.threshold,
            regions=detection.regions,
            made_by=detection.made_by,
            provisional=detection.provisional,
            detection=_evidence(detection),
        )

    def _severity(self, detection: Detection, label: str, moment: Moment) -> Severity:
        return self._rules.severity_of(detection, label, moment.at)

    def _doubt_reason(self, detection: Detection) -> str:
        return detection.reason if detection.doubt is not None and detection.reason else self.doubt


def _doubt(detection: Detection) -> str:
    doubt = "no_number" if detection.doubt is None else str(detection.doubt)
    return doubt if detection.progress is None else f"{doubt} {detection.progress:.0%}"


def _reason(detection: Detection) -> str:
    return detection.reason or f"{detection.label}: {_numbers(detection)}"


def _numbers(detection: Detection) -> str:
    return f"score {detection.score:.3g}, alarming from {detection.threshold:.3g}"


def _evidence(detection: Detection) -> Detection | None:
    """What was seen on the frame. There is no frame in an outage."""
    return None if detection.kind is Kind.STREAM else detection


def _alert_id(stream: str, detection: Detection, first_at: datetime, steps: int) -> str:
    """The same for the same footage. The steps keep two alerts apart where the clock was set back."""
    parts = (stream, detection.kind, detection.label, detection.subject, first_at.isoformat(), str(steps))
    return blake2b("\0".join(parts).encode(), digest_size=16).hexdigest()
