"""How files of strangers are taken: from watched folders, over HTTP, and as jobs on Redis."""

from typing import Annotated, Final

from pydantic import Field

from config.channels import Hidden
from config.section import BesideFile, Seconds, Section

# Endings that HTTP takes. What a file really is shows when it is opened, whatever it is called.
TYPES: Final = (
    "mp4", "m4v", "mov", "mkv", "webm", "avi", "ts", "mts", "mpg", "mpeg", "flv", "wmv", "ogv", "mxf",
    "h264", "h265", "mjpeg", "gif", "webp", "jpg", "jpeg", "png", "bmp",
)  # fmt: skip


class HttpUploadSettings(Section):
    """PUT and POST of files at service.listen: they go into the folder of a stream, and are judged there."""

    enabled: bool = Field(default=False, description="true: files are taken at /uploads/STREAM/NAME.")
    token: Hidden | None = Field(
        default=None,
        repr=False,
        examples=["file:upload.token"],
        description="What Authorization: Bearer must carry; from a file or variable. Only on a loopback "
        "address it may be left out.",
    )
    types: tuple[str, ...] | None = Field(
        default=None,
        min_length=1,
        examples=[["mp4", "jpg"]],
        description="Endings of names that are taken. null: those of all that can be read.",
    )
    at_once: int = Field(default=4, ge=1, le=100, description="Uploads that may be under way together.")
    idle_timeout: Seconds = Field(
        default=30, description="Seconds in which at least 64 kB must come, else it is broken off."
    )


class JobsSettings(Section):
    """Jobs from the Redis Stream framewarden:jobs: files by path or url, told of on the normal channels."""

    enabled: bool = Field(default=False, description="true: jobs are read from the server of redis.")
    folders: tuple[BesideFile, ...] = Field(
        default=(), examples=[["/srv/archive"]], description="Where the path of a job may lead."
    )
    hosts: tuple[Annotated[str, Field(min_length=1)], ...] = Field(
        default=(), examples=[["media.example"]], description="Hosts, or HOST:PORT, that a url may name."
    )
    group: str = Field(default="framewarden", min_length=1, description="The consumer group.")
    consumer: str | None = Field(
        default=None, min_length=1, examples=["judge-2"], description="Our name in it. null: this host's."
    )
    claim_after: Seconds = Field(
        default=900, description="Seconds after which a job of a consumer that is gone is taken over."
    )


class UploadsSettings(Section):
    """How files are taken, whatever the way they came."""

    at_once: int = Field(
        default=1, ge=1, le=16, description="Files judged side by side, of all folders together."
    )
    rest: Seconds = Field(
        default=2, description="Seconds that a file's size and time stand still until it counts as whole."
    )
    wait: float = Field(
        default=600,
        ge=0,
        description="Seconds that a file without an index (moov) is waited for, as it may go on growing.",
    )
    megabytes: float = Field(default=4000, gt=0, description="Larger files are not judged.")
    hours: float = Field(default=12, gt=0, le=240, description="So much of one file is judged, at most.")
    keep_days: float = Field(
        default=90, gt=0, description="How long reports, and what is known of files that are gone, are kept."
    )
    keep_gigabytes: float = Field(default=5, gt=0, description="The oldest reports go first above this size.")
    keep_free_gigabytes: float = Field(
        default=1, ge=0, description="Where less is free, nothing is taken over HTTP or from a url."
    )
    http: HttpUploadSettings = HttpUploadSettings()
    jobs: JobsSettings = JobsSettings()
