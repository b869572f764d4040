"""What `framewarden probe` prints: a source in a few lines."""

from pathlib import Path
from typing import Final, Literal

import cv2

from alerts.drawing import ruled
from config.address import ENCODING, may_hide_password
from config.printable import printable
from config.secrets import hide
from config.settings import StreamSettings
from streams.frame import StreamError
from streams.probe import ProbeReport
from streams.probe import probe as look

Transport = Literal["auto", "tcp", "udp"]
LARGE: Final = 1920  # px of a picture that is to be looked at, at most


class PictureError(Exception):
    """A picture that cannot be written; says why."""


async def print_probe(url: str, transport: Transport, seconds: float, picture: Path | None) -> int:
    """Prints the report and returns 0. Raises StreamError where there is no picture.

    `picture`: where the last one is written, with lines at every tenth. Raises PictureError.
    """
    settings = StreamSettings(name="probe", url=url, transport=transport)
    try:
        report = await look(settings, seconds, LARGE) if picture else await look(settings, seconds)
    except StreamError as error:
        if may_hide_password(url):
            raise StreamError(error.fault, f"{error}; {ENCODING}") from None
        raise
    told = [("address", hide(url)), *lines(report)]
    if picture:
        _write(picture, report)
        told.append(("picture of it", str(picture)))
    for what, value in told:
        print(f"{what:<20} {printable(value)}")
    return 0


def _write(file: Path, report: ProbeReport) -> None:
    try:
        file.write_bytes(cv2.imencode(".jpg", ruled(report.picture))[1].tobytes())
    except OSError as error:
        raise PictureError(f"{file} cannot be written: {error.strerror}") from error


def lines(report: ProbeReport) -> list[tuple[str, str]]:
    """The report as pairs of words and values, with units; what could not be known is left out."""
    known: list[tuple[str, str | None]] = [
        ("source", f"{'camera' if report.live else 'recording'}, {report.container}"),
        ("transport", report.transport),
        ("codec", f"{report.codec} {report.profile or ''}".strip()),
        ("picture", f"{report.width} x {report.height}"),
        ("rate", _rate(report)),
        ("keyframe every", f"{report.keyframe_interval:.2f} s" if report.keyframe_interval else None),
        ("bitrate", f"{report.bitrate / 1e6:.2f} Mbit/s" if report.bitrate else None),
        ("duration", f"{report.duration:.1f} s" if report.duration else None),
        ("opened after", f"{report.open_seconds:.2f} s"),
        ("first picture after", f"{report.first_picture_seconds:.2f} s"),
        ("damaged", f"{report.damaged} pictures or packets" if report.damaged else None),
    ]
    return [(what, value) for what, value in known if value]


def _rate(report: ProbeReport) -> str | None:
    said = f"{report.nominal_fps:.2f} pictures a second" if report.nominal_fps else None
    seen = f"{report.measured_fps:.2f} seen" if report.measured_fps else None
    return ", ".join(filter(None, (said, seen))) or None
