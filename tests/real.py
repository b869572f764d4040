"""Real parts that tests need: programs and footage, skipped with a reason where absent, required in CI."""

import os
import shutil
from pathlib import Path
from typing import NoReturn

import pytest

REQUIRED = os.environ.get("FRAMEWARDEN_REQUIRE_REAL") == "1"
SHARED = Path(os.environ.get("FRAMEWARDEN_SHARED", Path(__file__).parents[2] / "shared"))


def absent(what: str) -> NoReturn:
    """Skips the test, or fails it where every real part must be there."""
    if REQUIRED:
        pytest.fail(f"a real part is missing and FRAMEWARDEN_REQUIRE_REAL=1: {what}")
    pytest.skip(what)


def require(program: str) -> str:
    """The path of a program on PATH."""
    path = shutil.which(program)
    return path or absent(f"the program {program} is not installed")


def shared(relative: str) -> Path:
    """The path of footage or data that is not part of the repository."""
    path = SHARED / relative
    return path if path.exists() else absent(f"no {relative} (FRAMEWARDEN_SHARED names its folder)")
