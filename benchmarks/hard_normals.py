"""What drawn cells tell of a threshold, beside real ones: the shipped network as a sampler, on four cameras.

    python -m benchmarks.hard_normals [--cameras vtest,cars] [--json]

Each camera's footage is cut into two halves in time. A normal of one half judges 20,000 cells that a normal
of the other half draws, and the real cells of that other half; and, so as to see how good the draws are,
whether a small network tells drawn from real ones of the same half (area under the ROC curve: .5 is not at
all), how far their covariance is away, and how strange the model that drew them finds both.
"""

import json
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from benchmarks.planted import CAMERAS, asking, camera
from detectors.anomaly.baselines import Features
from detectors.anomaly.cells import Cells as Method
from detectors.anomaly.features import Cells
from detectors.anomaly.hard_normals import drawn, scores, stress
from detectors.anomaly.method import Seen
from detectors.anomaly.normal import Normal
from detectors.anomaly.threshold import threshold_for
from detectors.device import limit_threads, limit_torch_threads
from detectors.roc import auc
from streams.stretch import Stretch

MOST = 6000  # cells that the small network looks at, of each kind
STEPS = 300
Numbers = NDArray[np.float64]


def halves(stretches: Sequence[Stretch]) -> tuple[list[Stretch], list[Stretch]]:
    """Cut in the middle of all their pictures."""
    left = sum(len(one.pictures) for one in stretches) // 2
    parts: tuple[list[Stretch], list[Stretch]] = [], []
    for one in stretches:
        here = min(left, len(one.pictures))
        left -= here
        for part, pictures in zip(parts, (one.pictures[:here], one.pictures[here:]), strict=True):
            part += [Stretch(pictures, one.rate)] if len(pictures) > 1 else []
    return parts


def normal_of(stretches: Sequence[Stretch]) -> tuple[Normal, int]:
    """What they teach, and of how many pictures."""
    method, seen = Method(), []
    for number, one in enumerate(stretches):
        for index, picture in enumerate(one.pictures):
            seen.append(Seen(method.view(picture), 1000.0 * number + index / one.rate, index == 0))
    return method.learn(seen, None, lambda share: None, lambda: False), len(seen)


def cells_of(stretches: Sequence[Stretch]) -> Cells:
    """All that can be seen in them."""
    features = Features(stretches)
    some = [cells for one in stretches for _, cells in features.described(one)]
    return Cells(
        *(np.concatenate([getattr(one, part) for one in some]) for part in ("rows", "cols", "values"))
    )


def told_apart(one: Numbers, other: Numbers) -> float:
    """How well a small network tells them apart, on halves of both that it has not learned from."""
    chance = torch.Generator().manual_seed(1)
    torch.manual_seed(1)
    data = torch.from_numpy(np.concatenate([one, other]).astype(np.float32)).clamp(-8, 8)
    truth = torch.cat([torch.ones(len(one)), torch.zeros(len(other))])
    order = torch.randperm(len(data), generator=chance)
    train, test = order.chunk(2)
    wide = 64
    net = torch.nn.Sequential(
        torch.nn.Linear(data.shape[1], wide), torch.nn.SiLU(),
        torch.nn.Linear(wide, wide), torch.nn.SiLU(), torch.nn.Linear(wide, 1),
    )  # fmt: skip
    optimizer = torch.optim.AdamW(net.parameters(), 3e-3, weight_decay=1e-2)
    for _ in range(STEPS):
        picked = train[torch.randint(len(train), (256,), generator=chance)]
        loss = functional.binary_cross_entropy_with_logits(net(data[picked])[:, 0], truth[picked])
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        optimizer.zero_grad()
    with torch.no_grad():
        return auc(net(data[test])[:, 0].numpy().astype(float), truth[test].numpy() > 0.5)


def compared(own: Sequence[Stretch], other: Sequence[Stretch]) -> dict[str, Any]:
    """A normal of `own` judges what one of `other` draws, and what `other` shows."""
    judge, _ = normal_of(own)
    theirs, pictures = normal_of(other)
    threshold = threshold_for(1.0)
    began = time.process_time()
    told = stress(judge, theirs.expectation, threshold, pictures)
    seconds = time.process_time() - began
    real = cells_of(other)
    seen = scores(judge, real)
    some = np.random.default_rng(1).choice(len(real.rows), min(MOST, len(real.rows)), replace=False)
    few = Cells(real.rows[some], real.cols[some], real.values[some])
    made = drawn(theirs.expectation, pictures, len(some))
    white = [theirs.expectation.white(one).numpy() for one in (made, few)]
    away = np.cov(white[0].T) - np.cov(white[1].T)
    by_itself = [theirs.expectation.strangeness(one) for one in (made, few)]
    return {
        "drawn_reached": told.reached, "drawn_highest": told.highest, "seconds": seconds,
        "real": len(seen), "real_reached": int((seen >= threshold).sum()), "real_highest": float(seen.max()),
        "told_apart": told_apart(*white),
        "mean_away": float(np.abs(white[0].mean(0) - white[1].mean(0)).max()),
        "covariance_away": float(np.linalg.norm(away) / np.linalg.norm(np.cov(white[1].T))),
        "drawn_by_itself": float(np.quantile(by_itself[0], 0.999)),
        "real_by_itself": float(np.quantile(by_itself[1], 0.999)), "threshold": threshold,
    }  # fmt: skip


def main() -> None:
    parser = asking(__doc__)
    parser.add_argument("--cameras", default=",".join(CAMERAS))
    asked = parser.parse_args()
    limit_threads()
    limit_torch_threads()
    result: dict[str, Any] = {}
    for name in asked.cameras.split(","):
        parts = halves(camera(name, asked.data, "test").learn)
        for judge, (own, other) in {"first": parts, "second": parts[::-1]}.items():
            result[f"{name}, judged by the {judge} half"] = told = compared(own, other)
            if not asked.json:
                show(f"{name}, judged by the {judge} half", told)
    if asked.json:
        print(json.dumps(result))


def show(name: str, told: dict[str, Any]) -> None:
    print(
        f"{name}: drawn {told['drawn_reached']} of 20,000 reach {told['threshold']:.1f}, highest "
        f"{told['drawn_highest']:.2f}; real {told['real_reached']} of {told['real']:,}, highest "
        f"{told['real_highest']:.2f}\n  told apart {told['told_apart']:.3f}, mean away "
        f"{told['mean_away']:.2f} deviations, covariance {told['covariance_away']:.0%}; raw score at 99.9 % "
        f"by the model that drew: drawn {told['drawn_by_itself']:.2f}, real {told['real_by_itself']:.2f}; "
        f"drawn and judged in {told['seconds']:.1f} s",
        flush=True,
    )


if __name__ == "__main__":
    main()
