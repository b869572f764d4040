"""What quality knew of a stream before it looked at a picture: kept beside an alert, to score it again."""

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from config.detectors import QualitySettings
from detectors.detection import Doubt, Region
from detectors.quality.checks import Checks
from detectors.quality.comb import Comb
from detectors.quality.finding import Fault, Finding
from detectors.quality.glare import Glare
from detectors.quality.grain import Grain
from detectors.quality.light import Light
from detectors.quality.likeness import Likeness
from detectors.quality.loop import Loop
from detectors.quality.sharpness import Sharpness
from detectors.quality.smear import Smear
from detectors.quality.stillness import Stillness
from detectors.quality.tint import Tint
from detectors.quality.tremor import Tremor
from detectors.quality.view import View
from detectors.snapshot import pack, unpack
from streams.frame import Frame

FILE: Final = "quality-before.zip"
_CLASSES: Final = (
    Checks, Light, Glare, Sharpness, Grain, Tint, Comb, Smear, Stillness, Loop, Tremor, View, Likeness,
    Finding, Fault, Doubt, Region,
)  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Before:
    """A copy of all checks of one stream."""

    checks: Checks
    settings: QualitySettings

    @classmethod
    def of(cls, checks: Checks, settings: QualitySettings) -> "Before":
        """Less than a millisecond."""
        return cls(copy.deepcopy(checks, {id(settings): settings}), settings)

    def pack(self) -> Mapping[str, bytes]:
        """Files by name."""
        return {
            FILE: pack(self.checks, {"settings": self.settings}),
            "quality-settings.json": self.settings.model_dump_json().encode(),
        }


def score_again(files: Mapping[str, bytes], frame: Frame, label: str) -> float:
    """The score that the label gets on the frame. Raises SnapshotError, KeyError where a file is missing,
    ValueError for another detector's settings or label."""
    settings = QualitySettings.model_validate_json(files["quality-settings.json"])
    checks: Checks = unpack(files[FILE], _CLASSES, {"settings": settings})
    return checks.examine(frame)[Fault(label)].score
