"""In which precision heads are taught: bfloat16 where the processor has it, single precision elsewhere."""

from collections.abc import Mapping
from typing import Any, Final

import torch

CAPABLE: Final = ("avx512_bf16", "amx_bf16", "bf16")  # any of them, by torch's names


def quick() -> torch.autocast:
    """A context to compute in.

    A processor without such instructions emulates bfloat16, many times as slowly as single precision.
    """
    able: Mapping[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()  # an older torch cannot tell
    return torch.autocast("cpu", torch.bfloat16, enabled=any(able.get(name, False) for name in CAPABLE))
