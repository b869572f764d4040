"""Half precision only where a processor has it: elsewhere teaching a head would take hours for minutes."""

import pytest
import torch

from detectors.deepfake.precision import quick


@pytest.mark.parametrize(
    ("able", "wanted"),
    [
        ({"avx2": True, "avx512_bf16": False}, torch.float32),
        ({"avx2": True, "avx512_bf16": True}, torch.bfloat16),
        ({"neon": True, "bf16": True}, torch.bfloat16),
        ({}, torch.float32),
    ],
)
def test_numbers_are_halved_where_the_processor_can(
    monkeypatch: pytest.MonkeyPatch, able: dict[str, bool], wanted: torch.dtype
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: able, raising=False)
    with quick():
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == wanted


def test_a_torch_that_cannot_tell_computes_in_single_precision(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(torch.cpu, "get_capabilities", raising=False)
    with quick():
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == torch.float32
