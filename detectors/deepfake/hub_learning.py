"""Learns a head for larger weights, which stay as they are: two linear ones, for swapped and generated faces.

Clips are learned from and scored in turn (cross-validated): what real faces get is told by weights that never
saw their clip, and the head is the mean of these weights. Fakes that the user does not have are made from the
real faces.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
import torch
from numpy.random import Generator
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

from detectors.deepfake.blending import self_blend
from detectors.deepfake.calibration import facts_of
from detectors.deepfake.examples import Examples, ExamplesError
from detectors.deepfake.hub_head import HubHead, Line, Yardstick
from detectors.deepfake.model import Facts, Floats
from detectors.deepfake.network import EMBEDDING, contrastive_loss
from detectors.deepfake.wear import HARD, Picture, Wear
from detectors.diffusion.adamw import AdamW, one_cycle
from detectors.roc import auc

KINDS: Final = ("swapped", "generated")  # of fakes
FOLDS: Final = 4
FEWEST: Final = 2 * FOLDS  # clips of real faces, and of fakes that are given
VIEWS: Final = 2  # of each picture, worn in different ways
NARROWEST: Final = 0.75  # of a picture, that a view shows
EACH: Final = 12  # pictures of each clip, at most
STEPS: Final = 200
BATCH: Final = 128
RATE: Final = 2e-3
DECAY: Final = 0.1
SOME: Final = 32  # pictures described at once, between two tellings of progress


class Describes(Protocol):
    """Sources, as far as learning needs them."""

    @property
    def side(self) -> int: ...

    @property
    def either_way(self) -> NDArray[np.bool_]: ...

    @property
    def words(self) -> str: ...

    @property
    def hashes(self) -> dict[str, str]: ...

    def describe(self, crops: Sequence[Picture]) -> NDArray[np.float32]: ...


@dataclass(frozen=True, slots=True)
class Report:
    """How well it does on clips that it did not learn from."""

    crop_auc: Mapping[str, float]  # of the fused score, by kind of fake
    clip_auc: Mapping[str, float]
    made: tuple[str, ...]  # kinds of fakes that were made from the real faces
    clips: int
    views: int  # of pictures, worn in different ways


@dataclass(frozen=True, slots=True, eq=False)
class _Seen:
    """Views of one class."""

    clips: list[str]  # of each view
    numbers: NDArray[np.float32]  # (N, F)


def learn(
    sources: Describes,
    real: Examples,
    fakes: Mapping[str, Examples],
    redraw: Callable[[Sequence[Picture]], list[Picture]] | None = None,
    *,
    contrast: float = 0.3,
    seed: int = 1,
    done: Callable[[float], None] = lambda share: None,
) -> tuple[HubHead, Report]:
    """A head from faces that fill their pictures.

    `fakes`: of KINDS, as far as there are any. Missing swapped ones are blended from real ones, missing
    generated ones are drawn anew by `redraw`. `contrast`: the weight of the supervised contrastive loss
    beside the cross entropy, 0 for none. done(share) is called again and again.
    Raises ExamplesError where there is too little to learn from.
    """
    chance = np.random.default_rng(seed)
    pairs = _pairs(real, fakes, redraw, chance)
    seen = _see(sources, pairs, chance, done)
    folds = _folds(seen)
    yardstick = Yardstick(
        mean=seen["real"].numbers.mean(axis=0, dtype=np.float64),
        spread=seen["real"].numbers.std(axis=0, dtype=np.float64) + 1e-6,
        either_way=sources.either_way,
    )
    inputs = {name: yardstick.inputs(each.numbers) for name, each in seen.items()}
    logits = {name: np.zeros((len(each.clips), len(KINDS))) for name, each in seen.items()}
    lines = []
    for column, kind in enumerate(KINDS):
        parts = []
        for fold in range(FOLDS):
            own = [inputs[name][folds[name] != fold] for name in ("real", kind)]
            line = _fit(own[0], own[1], contrast, seed + fold)
            for name, told in logits.items():
                left = folds[name] == fold
                told[left, column] = line.of(inputs[name][left])
            parts.append(line)
        lines.append(_mean(parts))
    made = [kind for kind in KINDS if kind not in fakes]
    words = _words(sources, seen, made, contrast, seed)
    by_clip = {name: _by_clip(told, seen[name].clips) for name, told in logits.items()}
    facts = facts_of(by_clip["real"], by_clip["swapped"], by_clip["generated"], words)
    head = HubHead(yardstick, lines[0], lines[1], facts, sources.hashes)
    return head, _report(facts, by_clip, made)


def _pairs(
    real: Examples,
    fakes: Mapping[str, Examples],
    redraw: Callable[[Sequence[Picture]], list[Picture]] | None,
    chance: Generator,
) -> dict[str, Examples]:
    """Real faces, and fakes of every kind."""
    for name, given in {"real": real, **fakes}.items():
        if (many := len(set(given.clips))) < FEWEST:
            raise ExamplesError(
                f"there are {many} clips of {name} faces, and at least {FEWEST} are needed: pictures are "
                "named <clip>_<frame>.jpg, and those of one clip prove little more than one does"
            )
    some = real.some(EACH)
    pairs = {"real": some, **{kind: given.some(EACH) for kind, given in fakes.items()}}
    if "swapped" not in fakes:
        blends = np.stack([self_blend(picture, chance) for picture in some.pictures])
        pairs["swapped"] = Examples(blends, some.clips)
    if "generated" not in fakes:
        if redraw is None:
            raise ExamplesError(
                "there are no generated/ faces, and nothing to make them with: name an auto-encoder of the "
                "model store with --reconstruction or --network, or put such faces there"
            )
        pairs["generated"] = Examples(np.stack(redraw(list(some.pictures))), some.clips)
    return pairs


def _see(
    sources: Describes, pairs: Mapping[str, Examples], chance: Generator, done: Callable[[float], None]
) -> dict[str, _Seen]:
    """Describes views of all pictures, of every class worn in the same ways."""
    total = VIEWS * sum(len(each.clips) for each in pairs.values())
    seen, finished = {}, 0
    for name, each in pairs.items():
        clips: list[str] = []
        numbers = []
        for first in range(0, len(each.clips), SOME):
            some = each.pictures[first : first + SOME]
            views = [
                Wear.drawn(HARD, chance).of(_part(one, chance), sources.side)
                for one in some
                for _ in range(VIEWS)
            ]
            clips += [clip for clip in each.clips[first : first + SOME] for _ in range(VIEWS)]
            numbers.append(sources.describe(views))
            finished += len(views)
            done(finished / total)
        seen[name] = _Seen(clips, np.concatenate(numbers))
    return seen


def _part(picture: Picture, chance: Generator) -> Picture:
    """A square of it: faces are never cut the same twice."""
    side = round(len(picture) * chance.uniform(NARROWEST, 1))
    top, left = (int(chance.integers(0, len(picture) - side + 1)) for _ in range(2))
    return picture[top : top + side, left : left + side]


def _folds(seen: Mapping[str, _Seen]) -> dict[str, NDArray[np.intp]]:
    """Which fold each view is in; a clip is in one only, in all classes."""
    fold: dict[str, int] = {}
    for each in seen.values():
        fresh = [clip for clip in dict.fromkeys(each.clips) if clip not in fold]
        fold |= {clip: number % FOLDS for number, clip in enumerate(fresh)}
    return {name: np.array([fold[clip] for clip in each.clips]) for name, each in seen.items()}


def _fit(real: Floats, fake: Floats, contrast: float, seed: int) -> Line:
    """Both kinds weigh the same. An embedding is learned for the contrast's sake; what is kept is one sum."""
    torch.manual_seed(seed)
    chance = torch.Generator().manual_seed(seed)
    classes = [torch.from_numpy(each.astype(np.float32)) for each in (real, fake)]
    embed, decide = nn.Linear(real.shape[1], EMBEDDING), nn.Linear(EMBEDDING, 1)
    flags = torch.arange(BATCH) >= BATCH // 2
    optimizer = AdamW([*embed.parameters(), *decide.parameters()], weight_decay=DECAY)
    for step in range(STEPS):
        rows = [one[torch.randint(len(one), (BATCH // 2,), generator=chance)] for one in classes]
        embedding = embed(torch.cat(rows))
        loss = functional.binary_cross_entropy_with_logits(decide(embedding)[:, 0], flags.float())
        if contrast:
            loss = loss + contrast * contrastive_loss(functional.normalize(embedding, dim=1), flags)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step(one_cycle(step, STEPS, RATE))
    with torch.inference_mode():
        weight = (decide.weight @ embed.weight)[0]
        bias = decide.weight[0] @ embed.bias + decide.bias[0]
    return Line(weight.double().numpy(), float(bias))


def _mean(lines: Sequence[Line]) -> Line:
    return Line(np.mean([one.weight for one in lines], axis=0), float(np.mean([one.bias for one in lines])))


def _by_clip(logits: Floats, clips: Sequence[str]) -> list[Floats]:
    names = np.array(clips)
    return [logits[names == clip] for clip in dict.fromkeys(clips)]


def _report(facts: Facts, by_clip: Mapping[str, Sequence[Floats]], made: Sequence[str]) -> Report:
    fused = {
        name: [facts.scores(clip[:, 0], clip[:, 1]).fused for clip in clips]
        for name, clips in by_clip.items()
    }

    def area(kind: str, told: Callable[[Sequence[Floats]], Floats]) -> float:
        real, fake = told(fused["real"]), told(fused[kind])
        return auc(np.concatenate([real, fake]), np.arange(len(real) + len(fake)) >= len(real))

    def means(clips: Sequence[Floats]) -> Floats:
        return np.array([clip.mean() for clip in clips])

    return Report(
        crop_auc={kind: area(kind, np.concatenate) for kind in KINDS},
        clip_auc={kind: area(kind, means) for kind in KINDS},
        made=tuple(made),
        clips=sum(len(clips) for clips in fused.values()),
        views=sum(len(clip) for clips in fused.values() for clip in clips),
    )


def _words(
    sources: Describes, seen: Mapping[str, _Seen], made: Sequence[str], contrast: float, seed: int
) -> str:
    data = ", ".join(
        f"{len(each.clips)} views of {len(set(each.clips))} {name} clips{' (made)' if name in made else ''}"
        for name, each in seen.items()
    )
    return f"{sources.words}; {data}; contrast {contrast:g}, seed {seed}"
