"""Which class stands behind each kind of channel: the one place that names them."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import assert_never

from alerts.channel import Channel
from alerts.file_channel import FileChannel
from alerts.filtered import Filtered
from alerts.log_channel import LogChannel
from alerts.redis_channel import RedisChannel
from config.channels import ChannelSettings, Only, name_of
from config.settings import Settings
from detectors.detection import Kind


async def open_channel(
    wanted: ChannelSettings,
    settings: Settings,
    folder: Path,
    redis_url: Callable[[], Awaitable[str]],
    *,
    visiting: bool = False,
) -> Channel:
    """One channel, without its filter. It connects when it is first used.

    `folder` holds what a channel has to remember; `redis_url` starts the embedded server if need be.
    `visiting`: for one message beside a daemon that may be running, whose presence is not to be disturbed.
    """
    name = name_of(wanted)
    match wanted.kind:
        case "redis":
            redis = settings.redis
            return RedisChannel(
                await redis_url(), name=name, stream_length=redis.stream_length, replicas=redis.replicas
            )
        case "log":
            return LogChannel(name)
        case "file":
            return FileChannel(
                wanted.path, name=name, rotate_megabytes=wanted.rotate_megabytes, keep=wanted.keep
            )
        case "webhook":
            from alerts.webhook_channel import WebhookChannel

            return WebhookChannel(
                wanted.url,
                name=name,
                secret=wanted.secret,
                authorization=wanted.authorization,
                ca_file=wanted.ca_file,
                timeout=wanted.timeout,
                picture_bytes=1_000 * wanted.picture_kilobytes,
            )
        case "mqtt":
            from alerts.mqtt_channel import MqttChannel

            return MqttChannel(
                wanted.url,
                folder / f"{name}.json",
                name=name,
                topic=wanted.topic,
                discovery=wanted.discovery,
                streams=_shown(settings, wanted.only),
                client_id=None if visiting else wanted.client_id,
                visiting=visiting,
                ca_file=wanted.ca_file,
                picture_bytes=1_000 * wanted.picture_kilobytes,
            )
        case "alertmanager":
            from alerts.alertmanager_channel import AlertmanagerChannel

            return AlertmanagerChannel(
                wanted.url,
                folder / f"{name}.json",
                name=name,
                authorization=wanted.authorization,
                ca_file=wanted.ca_file,
                timeout=wanted.timeout,
                resend=wanted.resend,
                link=settings.alerts.link or "",
            )
        case "apprise":
            from alerts.apprise_channel import AppriseChannel

            return AppriseChannel(
                wanted.url, name=name, picture=wanted.picture, link=settings.alerts.link or ""
            )
        case _:
            assert_never(wanted.kind)


def missing(settings: Settings) -> list[str]:
    """What has to be installed for the channels that are wanted, in words."""
    wanted = [name_of(channel) for channel in settings.alerts.channels if channel.kind == "apprise"]
    if not wanted:
        return []
    from alerts.apprise_channel import MISSING, is_installed

    return [] if is_installed() else [f"channel '{wanted[0]}': {MISSING}"]


def _shown(settings: Settings, only: Only) -> dict[str, list[str]]:
    """The streams that a channel is told of, and the kinds of alerts that may come from each."""
    return {
        stream.name: [
            kind
            for kind in (Kind.STREAM, *settings.detectors_of(stream))
            if only.kinds is None or kind in only.kinds
        ]
        for stream in settings.streams
        if only.lets_stream(stream.name)
    }


def filtered(channel: Channel, only: Only) -> Channel:
    """The channel as its deliveries see it."""
    return channel if only == Only() else Filtered(channel, only)
