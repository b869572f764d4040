"""What anomaly knew of a stream before it looked at a picture: kept beside an alert, to score it again."""

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from detectors.anomaly.normal import Normal, blobs
from detectors.snapshot import pack

FILE: Final = "anomaly-before.zip"


class Scores(Protocol):
    """What is copied: a scorer of cells."""

    @property
    def unchanging(self) -> Mapping[str, object]:
        """What of it never changes, and need not be copied."""
        ...

    def learned(self) -> Normal:
        """What was learned, as it has followed the light."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Before:
    """A copy of one stream's scorer; what was learned is not copied, for it does not change."""

    scorer: Scores

    @classmethod
    def of(cls, scorer: Scores) -> "Before":
        """About a millisecond."""
        return cls(copy.deepcopy(scorer, {id(each): each for each in scorer.unchanging.values()}))

    def pack(self) -> Mapping[str, bytes]:
        """Files by name: what was learned, as it has followed the light, and what was seen last."""
        learned = self.scorer.learned()
        return {**blobs(learned), FILE: pack(self.scorer, {**self.scorer.unchanging, **parts(learned)})}


def parts(normal: Normal) -> dict[str, object]:
    """What a scorer holds of the files of what was learned."""
    held: dict[str, object] = {
        f"background.{name}": getattr(normal.background, name) for name in ("grey", "noise", "colour")
    }
    if normal.scenery:
        held["backdrop"] = normal.scenery.backdrop
    return held
