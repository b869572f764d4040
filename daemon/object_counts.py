"""How many objects are where now, as a detector that finds objects counts them."""

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

from detectors.detection import Detector
from detectors.objects.found import ObjectFinder

There = dict[str, dict[str, int]]  # zone, '' for the whole picture: label: how many, never 0


@runtime_checkable
class Counts(Protocol):
    """What else a detector says that finds objects."""

    @property
    def there(self) -> Mapping[str, Mapping[tuple[str, str], int]]: ...

    @property
    def crossed(self) -> Mapping[str, Mapping[tuple[str, str, str], int]]: ...

    @property
    def finder(self) -> ObjectFinder | None: ...


def objects_there(detectors: Mapping[str, Detector], stream: str) -> There:
    """In the last picture of a stream; empty where nobody counts, or nothing is there."""
    found: There = {}
    for detector in detectors.values():
        if isinstance(detector, Counts):
            for (label, zone), count in sorted(detector.there.get(stream, {}).items()):
                if count:
                    found.setdefault(zone, {})[label] = count
    return found


def in_words(there: There) -> str:
    """Such as "2 person, 1 car; drive: 1 person"."""
    return "; ".join(
        (f"{zone}: " if zone else "") + ", ".join(f"{count} {label}" for label, count in labels.items())
        for zone, labels in sorted(there.items())
    )
