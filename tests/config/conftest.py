"""Each test begins with nothing remembered: what one calls a secret is another's ordinary word."""

import pytest

from config import secrets


@pytest.fixture(autouse=True)
def nothing_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secrets, "_remembered", set())
    monkeypatch.setattr(secrets, "_pattern", None)
