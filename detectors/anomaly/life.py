"""What is known of one camera's normal at a moment, for whoever watches the watcher."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Life:
    """A snapshot."""

    learning: bool  # a lesson is under way
    progress: float  # 0..1; 1 once it judges
    normals: int  # that are known of this camera
    lessons: int  # that made the one in force; 0: none is
    threshold: float
    provisional: bool  # the threshold does not yet stand on what was seen
    blocks: int  # of ten seconds that were seen for the threshold
    needed: int  # of them
    drift: float  # log10 of what a bet on rising scores has won
