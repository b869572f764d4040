"""Turns what detectors say of one stream into verdicts: pure, by the frames' own times alone."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from alerts.blind_time import gravest
from alerts.rules import DEGRADED, OFFLINE, Rules
from alerts.track import Moment, Track, Word, word_of
from alerts.verdict import Verdict
from detectors.detection import Detection, DetectorCard, Doubt, Kind
from streams.frame import Frame, Outage

_Key = tuple[Kind, str, str]  # kind, label (where each has alerts of its own), subject

_OFFLINE_KEY: Final[_Key] = (Kind.STREAM, OFFLINE, "")
_DEGRADED_KEY: Final[_Key] = (Kind.STREAM, DEGRADED, "")
_WATCH: Final = DetectorCard(name="watch", model="outage timer")
_RANK: Final = {Word.CALM: 0, Word.BETWEEN: 1, Word.DOUBT: 2, Word.ALARMING: 3}


@dataclass(frozen=True, slots=True)
class Closed:
    """What closed not long ago, and may have to cool down."""

    kind: Kind
    label: str
    subject: str
    at: datetime  # UTC: the frame that closed it


class Judge:
    """One stream's judge. Tell it everything that is seen, in order; it says what is worth telling."""

    def __init__(self, stream: str, rules: Rules) -> None:
        self.counts: Counter[str] = Counter()  # "opened:anomaly"; also updated, closed, held, cooldown
        self._stream = stream
        self._rules = rules
        self._tracks: dict[_Key, Track] = {}
        self._hiding: list[tuple[Track, frozenset[Kind]]] = []  # those of them that hide the view of others
        self._moment: Moment | None = None
        self._watched_until: datetime | None = None
        self._closed: dict[_Key, datetime] = {}  # before the daemon started
        self._cooling: dict[_Key, float] = {}  # of those, until when they cool down, by our seconds

    @property
    def standing(self) -> Mapping[str, str]:
        """Each kind in words, as of the last sight: 'alarming:<labels>', 'cannot_tell:<why>' or 'fine'.

        'fine:except <label> (<why>)': what can be told is fine, and of these labels nothing can be told.
        """
        kinds = sorted({track.kind for track in self._tracks.values()})
        return {str(kind): _standing([t for t in self._tracks.values() if t.kind is kind]) for kind in kinds}

    @property
    def blind(self) -> str:
        """Why nobody can tell what happens there, one of blind_time.CAUSES; empty where all can be told."""
        seen = {track.kind for track in self._tracks.values()} - {Kind.STREAM}
        causes = [
            label
            for (holder, label), held in self._rules.holds.items()
            if (track := self._tracks.get((holder, label, "")))
            and (track.alert or track.word is Word.ALARMING)
            and (held & seen or len(held) > 1)  # what hides but the anomalies matters where these are wanted
        ]
        for kind in seen:
            tracks = [track for track in self._tracks.values() if track.kind is kind]
            if all(track.word is Word.DOUBT for track in tracks):
                causes += [track.doubt.partition(" ")[0] for track in tracks]
        return gravest(causes)

    @property
    def degraded(self) -> bool:
        """Whether it is told now that the camera hardly delivers."""
        track = self._tracks.get(_DEGRADED_KEY)
        return track is not None and track.alert is not None

    def resume(self, open_verdicts: Sequence[Verdict], closed: Sequence[Closed] = ()) -> None:
        """Goes on with what was open, and with what was cooling down, when the daemon ended.

        To be called before the first frame.
        """
        for each in closed:
            self._closed[self._key(each)] = each.at
        for verdict in open_verdicts:
            if verdict.stream != self._stream:
                raise ValueError(f"an alert of {verdict.stream} was given to the judge of {self._stream}")
            seen = Detection(
                verdict.kind,
                verdict.label,
                verdict.score,
                verdict.threshold,
                verdict.made_by,
                verdict.subject,
                provisional=verdict.provisional,
            )
            key = self._key(seen)
            if key in self._tracks:  # other rules than before: the second one closes when it is not mentioned
                key = (verdict.kind, verdict.alert_id, verdict.subject)
            self._track(key, seen).resume(verdict)

    def weigh(self, frame: Frame, detections: Sequence[Detection]) -> list[Verdict]:
        """What one frame, with all that was said of it, leads to."""
        moment = self._advance(frame.captured_at)
        self._watched_until = frame.captured_at
        said: dict[_Key, Detection] = {}
        mentioned: set[Kind] = set()
        doubtful: dict[Kind, Detection] = {}  # where it is about all of a kind, whatever its subject
        for detection in detections:
            mentioned.add(detection.kind)
            if detection.doubt is not None and not detection.subject:
                doubtful[detection.kind] = detection
            for each in self._meant(detection):
                key = self._key(each)
                if key not in said or self._rank(each) > self._rank(said[key]):
                    said[key] = each
        for key in [key for key, track in self._tracks.items() if not track.seen.label]:
            if key not in said and key[0] in mentioned:  # what it is about has names now
                del self._tracks[key]
        silent = [key for key in self._tracks if key not in said]
        for key in silent:
            said[key] = _not_mentioned(self._tracks[key], key[0] in mentioned, doubtful.get(key[0]))
        verdicts: list[Verdict] = []
        # What hides the view comes first.
        for key in sorted(said, key=lambda key: key[:2] not in self._rules.holds):
            detection = said[key]
            track = self._track(key, detection)
            word = word_of(detection, self._rules.of_kind[detection.kind])
            verdicts += track.weigh(moment, word, detection, self._held_by(detection.kind))
            if key in silent and detection.subject and track.idle:
                del self._tracks[key]
        return verdicts

    def weigh_outage(self, outage: Outage, flow: Detection | None = None) -> list[Verdict]:
        """What a moment without a picture leads to: 'offline', and nobody can tell about the rest.

        `flow` is how the camera delivers, as Flow says it; that can be told without a picture.
        """
        moment = self._advance(outage.at)
        after = self._rules.offline_after
        if self.degraded:  # each of many short outages would be an alert
            after = max(after, self._rules.offline_after_degraded)
        away = Detection(Kind.STREAM, OFFLINE, outage.lasted, after, _WATCH, reason=outage.text)
        word = Word.ALARMING if away.alarming else Word.BETWEEN
        track = self._track(_OFFLINE_KEY, away)
        verdicts = track.weigh(moment, word, away, first_at=self._began(outage))
        if flow is not None:
            track = self._track(_DEGRADED_KEY, flow)
            verdicts += track.weigh(moment, word_of(flow, self._rules.of_kind[flow.kind]), flow)
        unseen = replace(away, doubt=Doubt.STREAM_DOWN)
        for key, track in self._tracks.items():
            if key != _OFFLINE_KEY and (flow is None or key != _DEGRADED_KEY):
                doubt = unseen  # where nothing is open, only the doubt itself is looked at
                if track.alert:
                    doubt = replace(
                        track.seen, doubt=Doubt.STREAM_DOWN, reason=outage.text, regions=(), heatmap=None
                    )
                verdicts += track.weigh(moment, Word.DOUBT, doubt, self._held_by(track.kind))
        return verdicts

    def finish(self, at: datetime, reason: str = "No longer watched.") -> list[Verdict]:
        """Closes everything: the recording ended, or the stream is no longer watched."""
        moment = self._advance(at)
        self._watched_until = at
        return [verdict for track in self._tracks.values() for verdict in track.finish(moment, reason)]

    def _advance(self, at: datetime) -> Moment:
        """Time goes on, or stands still where the clock was set back."""
        last = self._moment
        if last is None:
            self._moment = Moment(at, 0.0, 0)
            for key, closed in self._closed.items():
                # A recording that is watched again begins before its alerts closed: nothing cools down then.
                if closed <= at:
                    ago = (at - closed).total_seconds()
                    self._cooling[key] = self._rules.cooldown_of(key[0]) - ago
        else:
            passed = (at - last.at).total_seconds()
            self._moment = Moment(at, last.now + max(0.0, passed), last.steps + (passed < 0))
        return self._moment

    def _began(self, outage: Outage) -> datetime:
        """When the picture was lost: not before a frame was weighed, whatever the report says."""
        began = outage.at - timedelta(seconds=outage.lasted)
        return min(outage.at, max(began, self._watched_until or began))

    def _key(self, detection: Detection | Closed) -> _Key:
        label = detection.label if self._rules.of_kind[detection.kind].by_label else ""
        return detection.kind, label, detection.subject

    def _meant(self, detection: Detection) -> Sequence[Detection]:
        """A doubt without a label is about all of its kind, or of its subject, that was ever told of."""
        if detection.doubt is None or detection.label:
            return (detection,)
        known = [
            track.seen
            for track in self._tracks.values()
            if track.kind is detection.kind and detection.subject in ("", track.seen.subject)
        ]
        return [
            replace(detection, label=seen.label, subject=seen.subject) for seen in known if seen.label
        ] or (detection,)

    def _track(self, key: _Key, seen: Detection) -> Track:
        track = self._tracks.get(key)
        if track is None:
            cooled_at = self._cooling.pop(key, -math.inf)
            track = self._tracks[key] = Track(self._stream, seen, self._rules, self.counts, cooled_at)
            if key[:2] in self._rules.holds and not key[2]:
                holds = self._rules.holds
                hiding = [known for known in self._tracks if known[:2] in holds and not known[2]]
                hiding.sort(key=lambda known: list(holds).index(known[:2]))
                self._hiding = [(self._tracks[known], holds[known[:2]]) for known in hiding]
        return track

    def _rank(self, detection: Detection) -> tuple[int, float]:
        """The worst has the word. A doubt outweighs what is fine: 'cannot tell' is never 'fine'."""
        score, threshold = detection.score, detection.threshold
        excess = score / threshold if threshold > 0 else score - threshold
        return _RANK[word_of(detection, self._rules.of_kind[detection.kind])], excess

    def _held_by(self, kind: Kind) -> str:
        """The label of what hides the view of this kind now, or nothing."""
        for track, held in self._hiding:
            if kind in held and (track.alert or track.word is Word.ALARMING):
                return track.seen.label
        return ""


def _standing(tracks: Sequence[Track]) -> str:
    """Of all tracks of one kind, at least one."""
    in_doubt = [track for track in tracks if track.word is Word.DOUBT]
    if labels := sorted({t.alert.label for t in tracks if t.alert and t.word is not Word.DOUBT}):
        return "alarming:" + ",".join(labels)
    if not in_doubt:
        return "fine"
    if len(in_doubt) == len(tracks):
        return "cannot_tell:" + ",".join(sorted({track.doubt for track in in_doubt}))
    return "fine:except " + ", ".join(sorted(f"{track.seen.label} ({track.doubt})" for track in in_doubt))


def _not_mentioned(track: Track, kind_is: bool, doubt: Detection | None) -> Detection:
    """What it means that a frame says nothing of something that was said before.

    `kind_is`: it speaks of others of its kind. `doubt`: of the kind as a whole nothing can be told.
    """
    if track.kind is Kind.STREAM:
        return _gone(track.seen, "Pictures come again.")
    if kind_is and doubt is None:
        return _gone(track.seen, "It is no longer seen.")
    silent = replace(track.seen, regions=(), heatmap=None, progress=None)
    if doubt is not None and track.seen.subject:
        return replace(silent, doubt=doubt.doubt, reason=doubt.reason)
    return replace(silent, doubt=Doubt.DETECTOR_DEGRADED, reason="Its detector said nothing of it.")


def _gone(seen: Detection, reason: str) -> Detection:
    if seen.reason == reason and seen.score == 0.0 and seen.doubt is None:
        return seen  # as it was on the last frame, and on most
    return replace(seen, doubt=None, score=0.0, reason=reason, regions=(), heatmap=None, progress=None)
