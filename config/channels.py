"""Where alerts may go: the settings of each kind of channel. docs/channels.md shows one of each."""

import base64
import binascii
import re
from fnmatch import fnmatchcase
from typing import Annotated, Final, Literal
from urllib.parse import unquote

from pydantic import AfterValidator, Field, field_validator

from config.address import service_address
from config.secrets import remember, understand_url
from config.section import BesideFile, Seconds, Section

AlertKind = Literal["anomaly", "deepfake", "object", "quality", "stream"]
ToldKind = Literal["anomaly", "deepfake", "object", "quality", "stream", "verdict"]  # on files
AlertState = Literal["opened", "updated", "closed", "judged"]
SeverityName = Literal["info", "warning", "critical"]

# Keys of channels whose value has to come from a file or a variable: whoever reads the configuration, or
# finds it in a repository, shall not be able to speak in the daemon's name.
OUTSIDE: Final = {
    "webhook": ("secret", "authorization"),
    "alertmanager": ("authorization",),
    "apprise": ("url",),
}

# Kinds of channels that show an alert as long as it is open, and so have to hear of its end.
STANDING: Final = ("mqtt", "alertmanager")


def _hidden(secret: str) -> str:
    remember(secret)
    return secret


Hidden = Annotated[str, Field(min_length=1), AfterValidator(_hidden)]  # with repr=False where it stands
Pattern = Annotated[str, Field(min_length=1)]
Authorization = Annotated[
    Hidden | None,
    Field(
        repr=False,
        examples=["file:hook.authorization"],
        description="The Authorization header, such as 'Bearer ...'; from a file or variable.",
    ),
]
CaFile = Annotated[
    BesideFile | None,
    Field(
        examples=["/etc/framewarden/ca.pem"],
        description="Certificates (PEM) that are trusted instead of the system's.",
    ),
]
PictureKilobytes = Annotated[
    int, Field(ge=0, le=10_000, description="Pictures up to this size go along; 0: none.")
]


class Only(Section):
    """Which messages a channel gets: those that fit everything that is said here."""

    streams: tuple[Pattern, ...] | None = Field(
        default=None, min_length=1, examples=[["gate*"]], description="Names; * and ? stand for others."
    )
    kinds: tuple[ToldKind, ...] | None = Field(
        default=None,
        min_length=1,
        examples=[["stream", "deepfake"]],
        description="Kinds of alerts; verdict: on files.",
    )
    labels: tuple[Pattern, ...] | None = Field(
        default=None,
        min_length=1,
        examples=[["frozen", "cover*"]],
        description="What precisely; * and ? work.",
    )
    states: tuple[AlertState, ...] | None = Field(
        default=None, min_length=1, examples=[["opened", "closed"]], description="Which changes are told."
    )
    min_severity: SeverityName = Field(default="info", description="What matters less is not told.")

    def lets_stream(self, name: str) -> bool:
        """Whether messages of this stream may come through."""
        return self.streams is None or any(fnmatchcase(name, pattern) for pattern in self.streams)


class ChannelSection(Section):
    """What all channels have."""

    name: str | None = Field(
        default=None,
        pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$",
        examples=["pager"],
        description="Its name in the outbox, in logs and metrics. Empty: its kind.",
    )
    only: Only = Only()


class RedisChannelSettings(ChannelSection):
    """Pub/sub framewarden:alerts:<stream>:<kind> and the Redis Stream framewarden:alerts."""

    kind: Literal["redis"] = "redis"


class LogChannelSettings(ChannelSection):
    """One line in the service's log for each message."""

    kind: Literal["log"] = "log"


class FileChannelSettings(ChannelSection):
    """One JSON object a line, for whatever reads files."""

    kind: Literal["file"] = "file"
    path: BesideFile = Field(
        examples=["/var/log/framewarden/alerts.jsonl"], description="A relative path is beside this file."
    )
    rotate_megabytes: float = Field(
        default=100, ge=0, description="A larger file becomes PATH.1, and so on. 0: logrotate does that."
    )
    keep: int = Field(default=5, ge=1, le=100, description="How many older files stay.")


class WebhookChannelSettings(ChannelSection):
    """A POST of each message as it is (CloudEvents, structured mode), signed by Standard Webhooks."""

    kind: Literal["webhook"] = "webhook"
    url: str = Field(
        repr=False,  # may carry a password or a token
        pattern="^https?://",
        examples=["https://hooks.example/framewarden"],
        description="http:// or https://.",
    )
    secret: Hidden | None = Field(
        default=None,
        repr=False,
        examples=["file:hook.secret"],
        description="Signs each message: whsec_ and 24 to 64 bytes in base64; from a file or variable.",
    )
    authorization: Authorization = None
    ca_file: CaFile = None
    timeout: Seconds = Field(default=10, description="Seconds that an answer may take.")
    picture_kilobytes: PictureKilobytes = 0

    @field_validator("url")
    @classmethod
    def _can_be_reached(cls, url: str) -> str:
        _remember_tokens(url.partition("://")[2].partition("/")[2])
        return service_address(url)

    @field_validator("secret")
    @classmethod
    def _is_a_key(cls, secret: str | None) -> str | None:
        if secret is None:
            return None
        remember(secret.removeprefix("whsec_"))
        try:
            size = len(base64.b64decode(secret.removeprefix("whsec_"), validate=True))
        except binascii.Error:
            size = 0
        if not 24 <= size <= 64:
            raise ValueError(
                "is no key: write one with: echo whsec_$(openssl rand -base64 32) > FILE, and here file:FILE"
            )
        return secret


class MqttChannelSettings(ChannelSection):
    """Alert topics, a retained state for each stream and kind, and Home Assistant's discovery."""

    kind: Literal["mqtt"] = "mqtt"
    url: str = Field(
        repr=False,  # may carry a password
        pattern="^mqtts?://",
        examples=["mqtt://${MQTT_USER}:${MQTT_PASSWORD}@broker.example:1883"],
        description="mqtt:// or mqtts:// (TLS), with user and password where the broker wants them.",
    )
    topic: str = Field(
        default="framewarden",
        pattern=r"^[^/#+$\s\x00][^#+\s\x00]*[^/#+\s\x00]$",
        description="What all topics begin with.",
    )
    discovery: str | None = Field(
        default="homeassistant",
        pattern=r"^[^/#+$\s\x00][^#+\s\x00]*[^/#+\s\x00]$",
        description="Where Home Assistant looks for devices. null: nothing is written there.",
    )
    client_id: str | None = Field(
        default=None,
        min_length=1,
        max_length=64,
        examples=["framewarden-cellar"],
        description="Empty: framewarden-, this host's name and the channel's.",
    )
    ca_file: CaFile = None
    picture_kilobytes: PictureKilobytes = 500

    @field_validator("url")
    @classmethod
    def _can_be_reached(cls, url: str) -> str:
        return service_address(url, with_path=False)


class AlertmanagerChannelSettings(ChannelSection):
    """Alerts in Prometheus' Alertmanager (API v2), with its routes, groups, silences and receivers."""

    kind: Literal["alertmanager"] = "alertmanager"
    url: str = Field(
        repr=False,  # may carry a password
        pattern="^https?://",
        examples=["http://alertmanager.example:9093"],
        description="Without /api/v2/alerts; with the path of --web.route-prefix.",
    )
    authorization: Authorization = None
    ca_file: CaFile = None
    timeout: Seconds = Field(default=10, description="Seconds that an answer may take.")
    resend: Seconds = Field(
        default=60,
        description="Seconds after which open alerts are sent again; after four times as long without, "
        "Alertmanager takes them for over.",
    )

    @field_validator("url")
    @classmethod
    def _can_be_reached(cls, url: str) -> str:
        return service_address(url)


class AppriseChannelSettings(ChannelSection):
    """A message for people, through one of the services that Apprise knows: chat, mail, push, texts."""

    kind: Literal["apprise"] = "apprise"
    url: Hidden = Field(
        repr=False,
        examples=["file:telegram.url"],
        description="The service as Apprise writes it; from a file or variable.",
    )
    picture: bool = Field(default=True, description="Sends the picture too, where the service takes one.")

    @field_validator("url")
    @classmethod
    def _has_a_scheme(cls, url: str) -> str:
        _remember_tokens(url.partition("://")[2])
        understand_url(url)  # remembers the password; Apprise reads the address by rules of its own
        if not re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", url):
            raise ValueError("is no address of a service, such as tgram://TOKEN/CHAT or mailto://...")
        return url


ChannelSettings = Annotated[
    RedisChannelSettings
    | LogChannelSettings
    | FileChannelSettings
    | WebhookChannelSettings
    | MqttChannelSettings
    | AlertmanagerChannelSettings
    | AppriseChannelSettings,
    Field(discriminator="kind"),
]


def name_of(channel: ChannelSettings) -> str:
    """What the channel is called everywhere."""
    return channel.name or channel.kind


_HOST: Final = re.compile(r"\d{1,3}(\.\d{1,3}){3}|([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}")


def _remember_tokens(text: str) -> None:
    """Many receivers put a token into the path, and some services one where others have a host."""
    for piece in re.split(r"[/?&=;,@:]", text):
        word = unquote(piece)
        # What is shorter, or may stand in any sentence, is no token: hiding it would blot out plain words.
        # Nor is a host: a service on the cameras' network would have their addresses blotted out everywhere.
        if _HOST.fullmatch(word):
            continue
        if len(word) >= 16 or (len(word) >= 8 and re.search(r"\d", word)):
            remember(word)
