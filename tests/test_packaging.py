"""Our five packages are flat, so nobody else in the environment may bring one of these names."""

from importlib.metadata import packages_distributions

import pytest


@pytest.mark.parametrize("name", ["config", "streams", "detectors", "alerts", "daemon"])
def test_nobody_else_brings_our_names(name: str) -> None:
    assert set(packages_distributions().get(name, [])) <= {"framewarden"}
