"""What several of these tests need: a camera that was learned, and a disk that is full."""

import resource
import signal
from collections.abc import Callable, Iterator

import pytest

from tests.detectors.anomaly.learned import LearnedOnce, learn_once


@pytest.fixture
def full_disk() -> Iterator[Callable[[int], None]]:
    """Lets files be made, and grow to so many bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    yield lambda size: resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    signal.signal(signal.SIGXFSZ, before)


@pytest.fixture(scope="session")
def learned_once(tmp_path_factory: pytest.TempPathFactory) -> LearnedOnce:
    """A street that was watched for half a minute."""
    return learn_once(tmp_path_factory.mktemp("state"))
