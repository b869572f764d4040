"""Where in one stream's picture objects matter, and which of them."""

from dataclasses import dataclass

from config.scene import Line, ObjectAlert, Zone


@dataclass(frozen=True, slots=True)
class View:
    """As the configuration of the stream has it; by itself: whatever moves, wherever it is."""

    zones: tuple[Zone, ...] = ()
    lines: tuple[Line, ...] = ()
    alert_on: tuple[ObjectAlert, ...] = (ObjectAlert(),)
