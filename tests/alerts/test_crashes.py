"""Every alert arrives, in order, though the daemon is killed and Redis is down, slow or full."""

import os
import random
from pathlib import Path

import pytest

from tests.alerts.crashes import TROUBLES, crash


@pytest.mark.real("redis-server")
@pytest.mark.timeout(180)
def test_1000_alerts_arrive_through_kills_and_every_trouble_of_redis(
    system_redis: str, tmp_path: Path
) -> None:
    """Another seed each time; FRAMEWARDEN_SEED repeats one. Many seeds: python -m benchmarks.delivery."""
    seed = int(os.environ.get("FRAMEWARDEN_SEED", random.randrange(10**6)))
    outcome = crash(system_redis, tmp_path, seed, TROUBLES, kills=8)
    assert outcome.kills >= 3, "it was over before it was killed"
    assert outcome.heard > 100
