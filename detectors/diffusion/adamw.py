"""AdamW and its learning rate, by hand: torch's own pulls in its compiler, 159 MB that a daemon would keep.

Loshchilov and Hutter, Decoupled Weight Decay Regularization, ICLR 2019; Smith and Topin, Super-Convergence,
2018.
"""

import math
from collections.abc import Iterable

import torch
from torch import Tensor


class AdamW:
    """The numbers of torch.optim.AdamW, for parameters that all have a gradient."""

    def __init__(
        self,
        parameters: Iterable[Tensor],
        betas: tuple[float, float] = (0.9, 0.999),
        weight_decay: float = 1e-4,
        epsilon: float = 1e-8,
    ) -> None:
        self._parameters = list(parameters)
        self._first = [
            torch.zeros_like(parameter) for parameter in self._parameters
        ]  # moment of the gradient
        self._second = [torch.zeros_like(parameter) for parameter in self._parameters]
        self._betas = betas
        self._decay = weight_decay
        self._epsilon = epsilon
        self._steps = 0

    @torch.no_grad()
    def step(self, rate: float) -> None:
        """One step at a learning rate; takes the gradients away."""
        self._steps += 1
        beta1, beta2 = self._betas
        unbias1, unbias2 = 1 - beta1**self._steps, 1 - beta2**self._steps
        for parameter, first, second in zip(self._parameters, self._first, self._second, strict=True):
            gradient = parameter.grad
            if gradient is None:
                raise ValueError("a parameter without a gradient")
            parameter.grad = None
            first.lerp_(gradient, 1 - beta1)
            second.mul_(beta2).addcmul_(gradient, gradient, value=1 - beta2)
            parameter.mul_(1 - rate * self._decay)
            scale = (second / unbias2).sqrt_().add_(self._epsilon)
            parameter.addcdiv_(first, scale, value=-rate / unbias1)


def one_cycle(step: int, steps: int, peak: float, warm: float = 0.3) -> float:
    """The learning rate of a step: up from peak / 25 over the first `warm` share of steps, then down to 0."""
    up = max(warm * steps - 1, 1e-9)
    if step <= up:
        return peak / 25 + (peak - peak / 25) * (1 - math.cos(math.pi * step / up)) / 2
    down = (step - up) / max(steps - 1 - up, 1e-9)
    return peak * (1 + math.cos(math.pi * down)) / 2
