"""The hand-written optimiser has torch's numbers, and does not bring torch's compiler into the process."""

import subprocess
import sys

import pytest
import torch
from torch import nn

from detectors.diffusion.adamw import AdamW, one_cycle


def test_it_steps_as_torch_does() -> None:
    torch.manual_seed(0)
    ours = nn.Sequential(nn.Linear(4, 16), nn.SiLU(), nn.Linear(16, 2))
    theirs = nn.Sequential(nn.Linear(4, 16), nn.SiLU(), nn.Linear(16, 2))
    theirs.load_state_dict(ours.state_dict())
    optimizer = torch.optim.AdamW(theirs.parameters(), lr=3e-3, weight_decay=0.05)
    own = AdamW(ours.parameters(), weight_decay=0.05)
    for number in range(60):
        x = torch.randn(32, 4)
        y = torch.stack([x.sum(1), x[:, 0] * number / 60], dim=1)
        for group in optimizer.param_groups:
            group["lr"] = 3e-3 / (1 + number)
        for network in (ours, theirs):
            ((network(x) - y) ** 2).mean().backward()
        optimizer.step()
        optimizer.zero_grad()
        own.step(3e-3 / (1 + number))
    for mine, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        assert torch.allclose(mine, other, rtol=1e-5, atol=1e-7)
        assert mine.grad is None


def test_a_parameter_that_nothing_was_computed_for_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="without a gradient"):
        AdamW([torch.zeros(3)]).step(1e-3)


def test_the_learning_rate_is_torchs_one_cycle() -> None:
    parameter = nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([parameter], lr=2e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 2e-3, total_steps=200, cycle_momentum=False)
    for step in range(200):
        assert one_cycle(step, 200, 2e-3) == pytest.approx(schedule.get_last_lr()[0], abs=1e-8)
        optimizer.step()
        schedule.step()


def test_learning_keeps_torchs_compiler_out() -> None:
    """159 MB, in a process that runs for months."""
    code = (
        "import sys, torch\n"
        "from detectors.diffusion.adamw import AdamW\n"
        "weight = torch.ones(3, requires_grad=True)\n"
        "(weight ** 2).sum().backward()\n"
        "AdamW([weight]).step(0.1)\n"
        "assert abs(weight[0].item() - 0.9) < 1e-3, weight\n"
        "print('torch._dynamo' in sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.stdout.strip() == "False", done.stderr
