"""What `framewarden channels test` does: a message that says it is a test, through every channel."""

import asyncio
import difflib
import json
import tempfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from alerts.channel import Message, PublishError
from alerts.embedded_redis import running_url
from alerts.message import render
from alerts.verdict import Change, Severity, Verdict
from config.channels import ChannelSettings, name_of
from config.load import load
from config.problem import ConfigError, Problem
from config.secrets import hide
from config.settings import Settings
from config.state import state_folder
from daemon.channels import open_channel
from detectors.detection import DetectorCard, Kind

STREAM = "channel-test"
SECONDS = 30.0  # as long as the daemon gives a channel


async def try_channels(config: Path, name: str | None) -> int:
    """Prints a line for each channel, or the one named; 0 where all took the message, else 1.

    Filters are passed by, and the outbox too. Raises ConfigError.
    """
    settings = load(config)
    wanted = _wanted(settings, config, name)
    troubles = await asyncio.gather(*(_try(channel, settings) for channel in wanted))
    for channel, trouble in zip(wanted, troubles, strict=True):
        kind = "" if name_of(channel) == channel.kind else f" ({channel.kind})"
        print(
            f"{name_of(channel)}{kind}: {f'failed: {hide(trouble)}' if trouble else 'took the test message'}"
        )
    return int(any(troubles))


def trial_message(now: datetime) -> Message:
    """An opened alert of a stream that there is not; with `test` set in its data, nothing keeps it open."""
    verdict = Verdict(
        change=Change.OPENED,
        alert_id=uuid4().hex,
        stream=STREAM,
        kind=Kind.STREAM,
        label="test",
        subject="",
        severity=Severity.INFO,
        score=0.0,
        threshold=1.0,
        reason="This is a test message of `framewarden channels test`. Nothing has happened.",
        regions=(),
        first_frame_at=now,
        captured_at=now,
        made_by=DetectorCard("channels", "test"),
    )
    message = render(verdict, 1, now, None, "/framewarden/channels/test")
    event = json.loads(message.body)
    event["data"]["test"] = True
    return replace(message, body=json.dumps(event, ensure_ascii=False, separators=(",", ":")))


def _wanted(settings: Settings, config: Path, name: str | None) -> list[ChannelSettings]:
    channels = {name_of(channel): channel for channel in settings.alerts.channels}
    if name is None:
        return list(channels.values())
    if name in channels:
        return [channels[name]]
    near = difflib.get_close_matches(name, channels, n=1)
    meant = f"did you mean '{near[0]}'?" if near else f"there are: {', '.join(channels)}"
    raise ConfigError((Problem(str(config), None, "", f"no channel is called '{name}', {meant}"),))


async def _try(wanted: ChannelSettings, settings: Settings) -> str:
    """What went wrong, in words; empty where the message was taken."""

    async def redis_url() -> str:
        url = settings.redis.url or running_url(state_folder(settings) / "redis")
        if url is None:
            raise PublishError("the embedded Redis runs with the daemon: start `framewarden run` first")
        return url

    with tempfile.TemporaryDirectory(prefix="framewarden-") as folder:
        try:
            async with asyncio.timeout(SECONDS):
                channel = await open_channel(wanted, settings, Path(folder), redis_url, visiting=True)
                try:
                    await channel.publish([trial_message(datetime.now(UTC))])
                finally:
                    await channel.close()
        except PublishError as error:
            return str(error)
        except TimeoutError:
            return f"did not take it within {SECONDS:g} s: is it reachable from here?"
    return ""
