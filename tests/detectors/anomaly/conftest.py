"""What several of these tests need: a disk that is full."""

import resource
import signal
from collections.abc import Callable, Iterator

import pytest


@pytest.fixture
def full_disk() -> Iterator[Callable[[int], None]]:
    """Lets files be made, and grow to so many bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    yield lambda size: resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    signal.signal(signal.SIGXFSZ, before)
