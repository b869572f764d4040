"""Everything an operator may set: frozen pydantic models, whose field texts are the reference."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator, model_validator

from config.address import LISTEN, PUSHED, is_loopback, source_address
from config.alerts import AlertsSettings
from config.detectors import DetectorName, DetectorsSettings
from config.redis_address import SCHEMES, redis_address
from config.scene import Line, ObjectAlert, Zone, check_places
from config.secrets import understand_url
from config.section import BesideFile, Seconds, Section
from config.uploads import UploadsSettings

NO_NORMAL = (
    "anomaly learns what one camera usually shows, and files of a folder are of many: name other detectors, "
    "or give a camera's recording a stream of its own, with url"
)
StreamName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")]


class RedisSettings(Section):
    """Where alerts are published."""

    url: str | None = Field(
        default=None,
        pattern=rf"^({'|'.join(each.replace('+', '[+]') for each in SCHEMES)})://",
        repr=False,  # may carry a password
        examples=["redis://127.0.0.1:6379/0"],
        description="redis://, rediss://, unix:// or redis+sentinel://. Empty: an embedded redis-server is "
        "started as a child.",
    )
    port: int | None = Field(
        default=None,
        ge=1,
        le=65535,
        examples=[6379],
        description="The embedded server also listens on this loopback port. Empty: on its unix socket only.",
    )
    stream_length: int = Field(
        default=100_000,
        ge=100,
        description="About how many messages the Redis Stream framewarden:alerts keeps.",
    )

    replicas: int = Field(
        default=0,
        ge=0,
        le=10,
        description="So many replicas must have an alert too before it counts as delivered.",
    )

    @field_validator("url")
    @classmethod
    def _can_be_a_server(cls, url: str | None) -> str | None:
        if url:
            redis_address(url)
            return understand_url(url)
        return None

    @model_validator(mode="after")
    def _one_server(self) -> "RedisSettings":
        if self.url and self.port:
            raise ValueError("'port' is for the embedded server, and 'url' names another: leave one out")
        if self.replicas and not self.url:
            raise ValueError("the embedded server has no replicas: leave 'replicas' out, or name a 'url'")
        return self


class Defaults(Section):
    """What holds for every stream that does not say otherwise."""

    sample_fps: float = Field(
        default=5, gt=0, le=60, description="Pictures a second that the detectors look at."
    )
    detectors: tuple[DetectorName, ...] = Field(
        default=("quality", "anomaly"), min_length=1, description="Which detectors look at a stream."
    )


class StreamSettings(Section):
    """One camera, one recording, or a folder whose files are judged one by one."""

    name: StreamName = Field(
        examples=["gate"], description="Lower-case letters, digits, '-' and '_': part of channel names."
    )
    url: str = Field(
        default="",
        min_length=1,
        repr=False,  # may carry a password
        examples=["rtsp://gate.example/stream1"],
        description="rtsp://, http:// and the like, or a recording's path (relative to this file).",
    )
    folder: BesideFile | None = Field(
        default=None,
        examples=["/srv/uploads"],
        description="In place of url: each file that comes into it is judged. Relative to this file.",
    )
    sample_fps: float | None = Field(
        default=None, gt=0, le=60, examples=[5], description="Overrides defaults.sample_fps."
    )
    detectors: tuple[DetectorName, ...] | None = Field(
        default=None, min_length=1, examples=[["quality"]], description="Overrides defaults.detectors."
    )
    priority: float = Field(
        default=1,
        ge=0.1,
        le=10,
        description="Its weight where there is more to look at than this machine can: 2 is looked at twice "
        "as often as 1.",
    )
    transport: Literal["auto", "tcp", "udp"] = Field(
        default="auto", description="How RTSP carries the picture. auto: TCP, and UDP where TCP is refused."
    )
    open_timeout: Seconds = Field(default=10, description="Seconds until opening the source is given up.")
    read_timeout: Seconds = Field(
        default=10, description="Seconds without a packet until the source counts as lost."
    )
    decode: Literal["all", "keyframes", "gated"] = Field(
        default="all",
        description="Which pictures are decoded. keyframes: those that stand alone, mostly far fewer "
        "than sample_fps. gated: keyframes while nothing moves, which packets and keyframes tell, else all.",
    )
    hardware: Literal["none", "auto", "cuda", "vaapi", "qsv", "drm"] = Field(
        default="none",
        description="Decode on a card of this kind, auto: of any. Where there is none, in software, and the "
        "log says so.",
    )
    listen: bool = Field(
        default=False,
        description="The camera comes to us: url is an address of this machine, rtsp:// or rtmp://, that it "
        "pushes to. Anybody who reaches that port can.",
    )
    clip_seconds: float = Field(
        default=4,
        ge=0,
        le=30,
        description="Seconds of a camera's clip before an alert opens, and as many after it. 0: no clips.",
    )
    clip_megabytes: float = Field(
        default=12, ge=1, le=100, description="Memory for the clip; where a camera needs more, it is shorter."
    )
    shadow: bool = Field(
        default=False, description="On trial: judged, counted and logged, but no alert is told to anybody."
    )
    zones: tuple[Zone, ...] = Field(
        default=(), description="Parts of the picture for alert_on; docs/objects.md shows how to find them."
    )
    lines: tuple[Line, ...] = Field(default=(), description="Lines that objects may cross, for alert_on.")
    alert_on: tuple[ObjectAlert, ...] = Field(
        default=(ObjectAlert(),),
        description="Which objects are worth an alert, where the detector 'objects' looks. Not given: "
        "whatever moves.",
    )

    @model_validator(mode="after")
    def _can_be_pushed(self) -> "StreamSettings":
        scheme = self.url.partition("://")[0]
        if self.listen and scheme not in PUSHED:
            raise ValueError(
                f"'listen' waits for a camera that pushes {' or '.join(PUSHED)}, not {scheme[:10]}"
            )
        return self

    @model_validator(mode="after")
    def _places_are_known(self) -> "StreamSettings":
        check_places(self.zones, self.lines, self.alert_on)
        return self

    @field_validator("url")
    @classmethod
    def _can_be_opened(cls, url: str, info: ValidationInfo) -> str:
        return source_address(url, (info.context or {}).get("folder"))

    @model_validator(mode="after")
    def _one_source(self) -> "StreamSettings":
        if not self.url and not self.folder:
            raise ValueError("'url' is missing; for example url: rtsp://gate.example/stream1, or a folder")
        if self.url and self.folder:
            raise ValueError("'url' and 'folder' are two sources: give the second one a stream of its own")
        if self.folder and "anomaly" in (self.detectors or ()):
            raise ValueError(f"detectors: {NO_NORMAL}")
        return self


class ModelsSettings(Section):
    """Weights that are not part of the package. Nothing is downloaded by itself."""

    folder: BesideFile | None = Field(
        default=None,
        examples=["/srv/models"],
        description="Where weights lie (relative to this file). They are also found in $FRAMEWARDEN_MODELS "
        "and in models/ of the state folder.",
    )


class ServiceSettings(Section):
    """The daemon itself."""

    listen: str | None = Field(
        default="127.0.0.1:8686",
        pattern=LISTEN,
        description="Where /metrics, /healthz and /status are served, host:port. null: nowhere.",
    )
    state_dir: Path | None = Field(
        default=None,
        examples=["/var/lib/framewarden"],
        description="Learned normals, outbox, evidence. Empty: $STATE_DIRECTORY, or the user's own.",
    )
    device: Literal["auto", "cpu", "cuda"] = Field(
        default="auto",
        description="Where detectors compute that can use a card: the anomaly detector's backbone or "
        "reconstruction; all else uses the processor. cuda without a card is refused.",
    )
    stale_after: Seconds = Field(
        default=2, description="Seconds after which a live picture is too old to judge: dropped, and counted."
    )


class Settings(Section):
    """The whole file."""

    redis: RedisSettings = RedisSettings()
    defaults: Defaults = Defaults()
    streams: tuple[StreamSettings, ...] = Field(
        min_length=1,
        examples=[[{"name": "gate", "url": "rtsp://gate.example/stream1"}]],
        description="The cameras and recordings to watch.",
    )
    detectors: DetectorsSettings = DetectorsSettings()
    models: ModelsSettings = ModelsSettings()
    alerts: AlertsSettings = AlertsSettings()
    uploads: UploadsSettings = UploadsSettings()
    service: ServiceSettings = ServiceSettings()

    @model_validator(mode="after")
    def _uploads_can_be_taken(self) -> "Settings":
        folders = [stream for stream in self.streams if stream.folder]
        for stream in folders:
            if not self.detectors_of(stream):
                raise ValueError(f"stream '{stream.name}': detectors: {NO_NORMAL}")
        http, jobs, listen = self.uploads.http, self.uploads.jobs, self.service.listen
        if (http.enabled or jobs.enabled) and not folders:
            raise ValueError("uploads: no stream has a folder that files could be judged in: add one")
        if http.enabled and listen is None:
            raise ValueError("uploads: http: service.listen is null, so nothing can be uploaded: set it")
        if http.enabled and listen and http.token is None and not is_loopback(listen):
            raise ValueError(
                f"uploads: http: anybody who reaches {listen} could upload: set token to file:PATH, "
                "or let service.listen be 127.0.0.1:PORT"
            )
        if jobs.enabled and not (jobs.folders or jobs.hosts):
            raise ValueError("uploads: jobs: name folders or hosts that jobs may lead to")
        return self

    def sample_fps(self, stream: StreamSettings) -> float:
        """Pictures a second that this stream's detectors look at."""
        return stream.sample_fps or self.defaults.sample_fps

    def detectors_of(self, stream: StreamSettings) -> tuple[DetectorName, ...]:
        """The names of the detectors that look at this stream.

        Of a folder's files no normal is known, so that anomaly, where it is only a default, is left out.
        """
        if stream.detectors or not stream.folder:
            return stream.detectors or self.defaults.detectors
        return tuple(name for name in self.defaults.detectors if name != "anomaly")
