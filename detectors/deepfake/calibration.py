"""From what two heads say of clips that neither has learned from, to what their scores mean."""

from collections.abc import Sequence

import numpy as np

from detectors.deepfake.likelihood import Clips
from detectors.deepfake.model import Facts, Faint, Floats, Scale


def facts_of(
    real: Sequence[Floats],
    swapped: Sequence[Floats],
    generated: Sequence[Floats],
    words: str,
) -> Facts:
    """Of clips of each kind, (n, 2) each: the logits of the heads for swapped and for generated faces."""
    every = [np.concatenate([clip[:, head] for clip in real]) for head in (0, 1)]
    scales = [
        Scale(
            float(one.mean()),
            float(one.std()),
            float((np.concatenate([clip[:, head] for clip in fakes]).mean() - one.mean()) / one.std()),
        )
        for head, (one, fakes) in enumerate(zip(every, (swapped, generated), strict=True))
    ]

    def faint(clips: Sequence[Floats]) -> Floats:
        return (scales[0].of(np.concatenate(clips)[:, 0]) + scales[1].of(np.concatenate(clips)[:, 1])) / 2

    shift = float((faint(swapped).mean() + faint(generated).mean()) / 2)
    unfinished = Facts(scales[0], scales[1], Faint(shift, float(faint(real).var())), Clips(0, 1, 1, 1), words)
    fused = [
        [unfinished.scores(clip[:, 0], clip[:, 1]).fused for clip in clips]
        for clips in (real, [*swapped, *generated])
    ]
    return Facts(unfinished.swapped, unfinished.generated, unfinished.faint, Clips.of(*fused), words)
