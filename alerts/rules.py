"""The rules an alert opens and closes by: for each kind, and for what hides the view of the others."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from fnmatch import fnmatchcase
from types import MappingProxyType
from typing import Final

from alerts.verdict import Severity
from config.hours import ALWAYS, Hours
from detectors.detection import Detection, Kind


@dataclass(frozen=True, slots=True)
class Rule:
    """How one kind of alert opens and closes. Frames on which the detector cannot tell do not count."""

    # Opens when `alarming` of the last `of` frames are alarming, the first and the last of them at least
    # `over` seconds apart. Where frames come faster the window grows with them: the share stays the same.
    alarming: int = 3
    of: int = 5
    over: float = 0.35
    # Closes when `calm_frames` frames in a row, over at least `calm` seconds, score below `release` of the
    # threshold. A doubt that lasts longer than `calm` wipes out what was gathered for opening or closing.
    release: float = 0.8
    calm: float = 2.5
    calm_frames: int = 3
    # From this many times the threshold on, it is critical.
    critical: float = 2.0
    severity: Severity = Severity.WARNING
    # One alert for each label, or one alert whose label says what was seen first.
    by_label: bool = True
    # None: as for all kinds, in Rules.
    cooldown: float | None = None
    update_every: float | None = None

    @property
    def window(self) -> float:
        """Seconds of frames that are looked at together, where `of` frames do not fill them."""
        return self.over * self.of / self.alarming

    def severity_of(
        self, score: float, threshold: float, provisional: bool, base: Severity | None = None
    ) -> Severity:
        """How much a score matters, `base` where it is not critical.

        A threshold that stands on little footage makes nothing critical.
        """
        if threshold > 0 and score >= self.critical * threshold and not provisional:
            return Severity.CRITICAL
        return base or self.severity


RULES: Final[Mapping[Kind, Rule]] = MappingProxyType(
    {
        # The picture's own faults are slow and sure, and a flash or a passing lorry is none of them.
        Kind.QUALITY: Rule(alarming=4, of=5, over=0.55),
        # The label says in what way it is not normal, and may change while the event goes on.
        Kind.ANOMALY: Rule(by_label=False),
        # Single crops prove little: several of one face say more than the worst of them.
        Kind.DEEPFAKE: Rule(alarming=6, of=10, over=1.0, critical=1.5, by_label=False),
        Kind.OBJECT: Rule(calm=5.0, severity=Severity.INFO, critical=float("inf")),
        # An outage has a length of its own, so one report of it is enough; a camera that delivers
        # for a second is back.
        Kind.STREAM: Rule(alarming=1, of=1, over=0.0, calm=1.0, critical=60.0),
    }
)

OFFLINE: Final = "offline"
DEGRADED: Final = "degraded"  # pictures come, but slowly, damaged, or never for long: see flow.py

# While one of these is alarming or open, nobody can tell anything by the picture.
_PICTURE: Final = frozenset({Kind.ANOMALY, Kind.DEEPFAKE, Kind.OBJECT})
HOLDS: Final[Mapping[tuple[Kind, str], frozenset[Kind]]] = MappingProxyType(
    {
        (Kind.STREAM, OFFLINE): _PICTURE | {Kind.QUALITY},
        (Kind.QUALITY, "frozen"): _PICTURE,
        (Kind.QUALITY, "black"): _PICTURE,
        (Kind.QUALITY, "covered"): _PICTURE,
        (Kind.QUALITY, "smeared"): _PICTURE,
        (Kind.QUALITY, "moved"): _PICTURE,
        (Kind.QUALITY, "looped"): _PICTURE,  # what it shows is not what happens
        # All of the picture is changed, and nothing that happens before the camera changed it.
        (Kind.QUALITY, "shaken"): frozenset({Kind.ANOMALY}),
        (Kind.QUALITY, "noisy"): frozenset({Kind.ANOMALY}),
        (Kind.QUALITY, "tinted"): frozenset({Kind.ANOMALY}),
    }
)


@dataclass(frozen=True, slots=True)
class Case:
    """Alerts of one stream that are treated differently: by what they are about, and by the time."""

    kind: Kind | None = None  # None: any
    label: str = "*"  # a pattern, with * and ?
    hours: Hours = ALWAYS
    severity: Severity | None = None  # how much it matters at least; None: as the kind's rule says
    tell: bool | None = None  # False: judged and counted, and told to nobody; None: as before

    def fits(self, kind: Kind, label: str, at: datetime) -> bool:
        """Whether it is about such an alert at that time."""
        return self.kind in (None, kind) and fnmatchcase(label, self.label) and self.hours.include(at)


@dataclass(frozen=True, slots=True)
class Rules:
    """All that the alerts of one stream go by. Durations in seconds."""

    cooldown: float = 30.0  # after closing, the same alert does not open again for so long
    update_every: float = (
        30.0  # between two updates of one alert, at least; it doubles with each, up to an hour
    )
    offline_after: float = 5.0
    offline_after_degraded: float = 60.0  # at least, while it is told already that it hardly delivers
    give_up_after: float = 600.0  # no alert outlives its last alarming frame by more than this
    of_kind: Mapping[Kind, Rule] = field(default_factory=lambda: RULES)
    holds: Mapping[tuple[Kind, str], frozenset[Kind]] = field(default_factory=lambda: HOLDS)
    cases: tuple[Case, ...] = ()  # the last one that fits and says something has the word
    shadow: frozenset[Kind] = frozenset()  # kinds on trial: judged and counted, and told to nobody

    def cooldown_of(self, kind: Kind) -> float:
        """Seconds after closing."""
        own = self.of_kind[kind].cooldown
        return self.cooldown if own is None else own

    def update_every_of(self, kind: Kind) -> float:
        """Seconds between two updates, at first."""
        own = self.of_kind[kind].update_every
        return self.update_every if own is None else own

    def severity_of(self, seen: Detection, label: str, at: datetime) -> Severity:
        """How much it matters by its score, its label and the time."""
        rule = self.of_kind[seen.kind]
        said = [c.severity for c in self.cases if c.severity is not None and c.fits(seen.kind, label, at)]
        base = said[-1] if said else rule.severity
        return rule.severity_of(seen.score, seen.threshold, seen.provisional, base)

    def may_tell(self, kind: Kind, label: str, at: datetime) -> bool:
        """Whether the cases let such an alert be told at that time."""
        said = [case.tell for case in self.cases if case.tell is not None and case.fits(kind, label, at)]
        return said[-1] if said else True
