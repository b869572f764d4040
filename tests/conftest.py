"""What holds for every test: none inherits what another one made the process hide, or never hide."""

import pytest

from config import secrets


@pytest.fixture(autouse=True)
def _nothing_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    """The process remembers secrets for ever; a random one of a property test would blot out other texts."""
    monkeypatch.setattr(secrets, "_remembered", set())
    monkeypatch.setattr(secrets, "_pattern", None)
    monkeypatch.setattr(secrets, "_names", frozenset())
