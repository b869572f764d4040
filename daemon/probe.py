"""What `framewarden probe` prints: a source in a few lines."""

from typing import Literal

import rich
from rich.table import Table
from rich.text import Text

from config.address import ENCODING, may_hide_password
from config.secrets import hide
from config.settings import StreamSettings
from streams.frame import StreamError
from streams.probe import ProbeReport
from streams.probe import probe as look

Transport = Literal["auto", "tcp", "udp"]


async def print_probe(url: str, transport: Transport, seconds: float) -> int:
    """Prints the report and returns 0. Raises StreamError where there is no picture."""
    try:
        report = await look(StreamSettings(name="probe", url=url, transport=transport), seconds)
    except StreamError as error:
        if may_hide_password(url):
            raise StreamError(error.fault, f"{error}; {ENCODING}") from None
        raise
    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_row("address", Text(hide(url), overflow="fold"))
    for what, value in lines(report):
        table.add_row(what, Text(value))
    rich.print(table)
    return 0


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
