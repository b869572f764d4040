"""When alerts open and close, where they go, and how much is kept of them: waiting, and as evidence."""

from pydantic import Field

from config.alert_rules import AlertRule, StormSettings
from config.channels import ChannelSettings, LogChannelSettings, RedisChannelSettings
from config.section import Seconds, Section


class EvidenceSettings(Section):
    """What is kept beside the alerts: pictures, the score's curve, a report, and what scores it again."""

    keep_days: float = Field(default=30, gt=0, description="Evidence older than this is deleted.")
    keep_gigabytes: float = Field(
        default=5, gt=0, description="The oldest evidence goes first above this size."
    )
    keep_free_gigabytes: float = Field(
        default=1, ge=0, description="The oldest evidence also goes where less than this is free on the disk."
    )


class OutboxSettings(Section):
    """How much waits on disk for channels that are away. Beyond it messages are dropped, and that is told."""

    megabytes: float = Field(
        default=200,
        ge=1,
        description="Above this size messages are dropped; first of the channel with the most waiting, and "
        "of each alert its last message last.",
    )
    keep_days: float = Field(default=7, gt=0, description="What waits longer than this is dropped.")


class AlertsSettings(Section):
    """When an alert opens and closes, and where it goes."""

    channels: tuple[ChannelSettings, ...] = Field(
        default=(RedisChannelSettings(), LogChannelSettings()),
        min_length=1,
        examples=[[{"kind": "redis"}, {"kind": "log"}]],
        description="Where messages go, each with its own outbox; docs/channels.md shows all kinds.",
    )
    link: str | None = Field(
        default=None,
        pattern=r"^https?://\S+$",
        examples=["https://watch.example/alerts/{alert_id}"],
        description="Where people can look at an alert: {alert_id} and {stream} are filled in.",
    )
    cooldown: float = Field(
        default=30, ge=0, description="Seconds after closing in which the same alert does not open again."
    )
    update_every: Seconds = Field(
        default=30, description="Seconds between two updates of one open alert, at least."
    )
    offline_after: Seconds = Field(
        default=5, description="Seconds without a picture until a stream is offline."
    )
    rules: tuple[AlertRule, ...] = Field(
        default=(),
        examples=[[{"kind": "object", "label": "person", "between": "06:00-22:00", "tell": False}]],
        description="What holds for some alerts only; docs/alerts.md shows how.",
    )
    storm: StormSettings = StormSettings()
    outbox: OutboxSettings = OutboxSettings()
    evidence: EvidenceSettings = EvidenceSettings()
