"""One head of the deepfake detector: a small network from a picture to an embedding and a logit.

The trunk is MobileNetV2 (Sandler et al., CVPR 2018) as far as its 14th layer; the embedding lies on the unit
sphere, where supervised contrastive learning (Khosla et al., NeurIPS 2020) puts real ones beside each other.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

SIDE: Final = 128  # px of the pictures it looks at
EMBEDDING: Final = 64
STEM: Final = 32  # channels
# (widen, channels, blocks, stride) of the trunk's stages
STAGES: Final = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1))
DEEP: Final = STAGES[-1][1]
MEAN: Final = (0.485, 0.456, 0.406)  # red, green, blue of ImageNet
SPREAD: Final = (0.229, 0.224, 0.225)


class Told(NamedTuple):
    """What a head makes of N pictures."""

    logit: Tensor  # (N,) above 0: rather fake
    embedding: Tensor  # (N, EMBEDDING) of length 1


class Head(nn.Module):
    """Pictures (N, 3, SIDE, SIDE), RGB in 0..1, to Told.

    `folded`: batch normalisation is part of the convolutions, as it is in the files that are shipped.
    """

    def __init__(self, folded: bool = False) -> None:
        super().__init__()
        self.stem = Convolution(3, STEM, 3, stride=2, folded=folded)
        blocks, wide = [], STEM
        for widen, channels, many, stride in STAGES:
            for index in range(many):
                blocks.append(Block(wide, channels, widen, 1 if index else stride, folded))
                wide = channels
        self.blocks = nn.ModuleList(blocks)
        self.embed = nn.Linear(2 * DEEP, EMBEDDING)
        self.decide = nn.Linear(EMBEDDING, 1)
        self.mean: Tensor
        self.spread: Tensor
        self.register_buffer("mean", torch.tensor(MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("spread", torch.tensor(SPREAD).view(1, 3, 1, 1), persistent=False)

    def forward(self, pictures: Tensor) -> Told:
        """The logit is of the embedding before its length is taken away: there lies how sure it is."""
        maps = functional.relu6(self.stem((pictures - self.mean) / self.spread))
        for block in self.blocks:
            maps = block(maps)
        pooled = torch.cat([maps.mean(dim=(2, 3)), maps.amax(dim=(2, 3))], dim=1)  # (N, 2 DEEP)
        embedding = self.embed(pooled)
        return Told(self.decide(embedding)[:, 0], functional.normalize(embedding, dim=1))

    def begin_with(self, tensors: Mapping[str, Tensor]) -> None:
        """Takes the trunk of torchvision's MobileNetV2 by its names. Raises KeyError where one is missing."""
        self.stem.begin_with(tensors, "features.0.0", "features.0.1")
        for number, block in enumerate(self.blocks, 1):
            assert isinstance(block, Block)  # noqa: S101 - a ModuleList knows no types
            block.begin_with(tensors, f"features.{number}.conv")


class Convolution(nn.Module):
    """With its normalisation, which is part of it where it is folded."""

    def __init__(
        self, before: int, after: int, kernel: int, *, stride: int = 1, groups: int = 1, folded: bool
    ) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(before, after, kernel, stride, kernel // 2, groups=groups, bias=folded)
        self.norm = nn.Identity() if folded else nn.BatchNorm2d(after)

    def forward(self, values: Tensor) -> Tensor:
        out: Tensor = self.norm(self.convolution(values))
        return out

    def begin_with(self, tensors: Mapping[str, Tensor], convolution: str, norm: str) -> None:
        self.convolution.load_state_dict({"weight": tensors[f"{convolution}.weight"]})
        names = self.norm.state_dict()
        self.norm.load_state_dict({name: tensors[f"{norm}.{name}"] for name in names})

    def folded(self) -> tuple[Tensor, Tensor]:
        """Weight and bias that do the normalisation, too."""
        norm = self.norm
        if not isinstance(norm, nn.BatchNorm2d) or norm.running_var is None or norm.running_mean is None:
            raise TypeError("there is no normalisation to fold")
        gain = norm.weight / (norm.running_var + norm.eps).sqrt()
        return (
            self.convolution.weight * gain[:, None, None, None],
            norm.bias - gain * norm.running_mean,
        )


class Block(nn.Module):
    """An inverted residual."""

    def __init__(self, before: int, after: int, widen: int, stride: int, folded: bool) -> None:
        super().__init__()
        wide = before * widen
        self.widen = Convolution(before, wide, 1, folded=folded) if widen > 1 else None
        self.spread = Convolution(wide, wide, 3, stride=stride, groups=wide, folded=folded)
        self.narrow = Convolution(wide, after, 1, folded=folded)
        self.shortcut = stride == 1 and before == after

    def forward(self, values: Tensor) -> Tensor:
        inside = functional.relu6(self.widen(values)) if self.widen is not None else values
        inside = self.narrow(functional.relu6(self.spread(inside)))
        out: Tensor = values + inside if self.shortcut else inside
        return out

    def begin_with(self, tensors: Mapping[str, Tensor], name: str) -> None:
        if self.widen is None:
            self.spread.begin_with(tensors, f"{name}.0.0", f"{name}.0.1")
            self.narrow.begin_with(tensors, f"{name}.1", f"{name}.2")
        else:
            self.widen.begin_with(tensors, f"{name}.0.0", f"{name}.0.1")
            self.spread.begin_with(tensors, f"{name}.1.0", f"{name}.1.1")
            self.narrow.begin_with(tensors, f"{name}.2", f"{name}.3")


def folded(head: Head) -> Head:
    """The same head with its normalisation folded into the convolutions: half the layers to run."""
    plain = Head(folded=True)
    tensors = {name: value for name, value in head.state_dict().items() if ".norm." not in name}
    for name, module in head.named_modules():
        if isinstance(module, Convolution):
            weight, bias = module.folded()
            tensors[f"{name}.convolution.weight"], tensors[f"{name}.convolution.bias"] = weight, bias
    plain.load_state_dict(tensors)
    return plain.eval().requires_grad_(False)


def contrastive_loss(embedding: Tensor, fake: Tensor, temperature: float = 0.1) -> Tensor:
    """Of unit embeddings (N, D) with labels (N,): real beside real, fake beside fake, the two apart."""
    alike = embedding @ embedding.T / temperature
    own = torch.eye(len(fake), dtype=torch.bool)
    same = (fake[:, None] == fake[None]) & ~own
    share = alike - alike.masked_fill(own, -torch.inf).logsumexp(dim=1, keepdim=True)
    many = same.sum(dim=1)
    loss: Tensor = -((share * same).sum(dim=1) / many.clamp(min=1))[many > 0].mean()
    return loss
