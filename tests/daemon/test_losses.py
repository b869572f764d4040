"""The real daemon with more waiting than it may keep: it drops, says so everywhere, and recovers."""

from pathlib import Path

import pytest

from alerts.outbox import Outbox
from tests.alerts.samples import put_many
from tests.daemon.daemon_process import Daemon, eventually
from tests.real import require
from tests.redis_server import RedisServer

CONFIG = """
streams: [{name: gate, url: 'rtsp://127.0.0.1:1/x', detectors: [quality]}]
alerts: {outbox: {megabytes: 1}}
"""


@pytest.mark.real("redis-server")
async def test_drops_are_told_on_every_way_that_still_works(tmp_path: Path) -> None:
    state = tmp_path / "state"
    async with Outbox(state / "outbox.sqlite", ["redis", "log"]) as outbox:
        await put_many(outbox, 3000)
        await outbox.delivered("log", (await outbox.waiting("log", 3000))[-1].position)
    redis = RedisServer(require("redis-server"), tmp_path / "redis", port=True)
    with redis, Daemon(tmp_path, CONFIG, redis_url=redis.url) as daemon:
        redis.kill()
        eventually("the health page tells it", lambda: "messages were dropped" in str(daemon.health()))
        eventually(
            "the log channel tells it",
            lambda: "_outbox: stream messages_dropped redis opened: Channel 'redis' is away" in daemon.log,
        )
        assert "message(s) were dropped before channel 'redis' had them" in daemon.log
        page = daemon.health()
        assert page and page["status"] == "degraded"
        dropped = page["channels"]["redis"]["dropped"]
        assert dropped > 100
        assert (
            f'framewarden_channel_events_total{{channel="redis",event="dropped"}} {dropped}.0'
            in daemon.get("metrics")
        )
        redis.start()
        eventually(
            "it is over",
            lambda: (
                "_outbox: stream messages_dropped redis closed: Channel 'redis' has what was left"
                in daemon.log
            ),
            seconds=40,
        )
        assert daemon.stop() < 5
