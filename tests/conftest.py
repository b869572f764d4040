"""What holds for every test: none inherits what another one, or the shell, made the process do."""

import signal

import pytest
from hypothesis import HealthCheck, settings

from config import secrets

# A shell starts what runs in its background deaf to Ctrl-C, and children inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)


# How long an example takes says how busy the machine is, and nothing of what is tested.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")


@pytest.fixture(autouse=True)
def _nothing_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    """The process remembers secrets for ever; a random one of a property test would blot out other texts."""
    monkeypatch.setattr(secrets, "_remembered", set())
    monkeypatch.setattr(secrets, "_pattern", None)
    monkeypatch.setattr(secrets, "_names", frozenset())
