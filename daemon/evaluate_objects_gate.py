"""What the gate would have had the finder see, from looks at the same photos in each way that it knows."""

from collections.abc import Mapping, Sequence
from typing import Final

from daemon.evaluate_objects_seen import Look
from detectors.denoising.gate import Gate, Way
from detectors.objects.denoised import sure

APART: Final = 60.0  # seconds between photos that stand for one camera's pictures: each may be compared


def chosen(
    told: Sequence[tuple[float, float]], looks: Mapping[Way, Sequence[Look]], one_camera: bool
) -> list[Look]:
    """One look at each photo. `told`: of each, the log odds of its being noisy, and the ms to tell them.

    `one_camera`: the photos are one camera's, in their order, so that the gate learns what helps; otherwise
    each is the first picture of a camera of its own.
    """
    answers, gate = [], Gate()
    for number, (logit, gate_ms) in enumerate(told):
        if not one_camera:
            gate = Gate()
        way = gate.see(logit, number * APART)
        if gate.due():
            gate.compare({each: sure(one.confidence for one in looks[each][number].found) for each in Way})
            way = gate.way
        look = looks[way][number]
        answers.append(Look(look.found, gate_ms + look.restore_ms, look.find_ms))
    return answers
