"""The command line: reads what the user wants, calls the room that does it, says what went wrong in words."""

import os
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console

from config.address import source_address
from config.doubts import doubts
from config.load import load
from config.problem import ConfigError
from daemon.ending import BAD_USAGE, DONE, fail, finish, say
from daemon.evaluate_commands import evaluate
from daemon.models_commands import models
from daemon.order_commands import ack, silence, silences
from daemon.train_commands import train

app = typer.Typer(
    name="framewarden",
    help="Watches cameras and recordings, and tells when what they show is fake or not normal.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
channels = typer.Typer(help="Where alerts go: try it out.", no_args_is_help=True)
app.add_typer(channels, name="channels")
app.add_typer(models, name="models")
app.add_typer(evaluate, name="evaluate")
app.add_typer(train, name="train")

Config = Annotated[
    Path, typer.Argument(help="The configuration, see config/example.yaml.", show_default=False)
]
Stream = Annotated[str, typer.Argument(help="Its name in CONFIG.", show_default=False)]
Recordings = Annotated[
    list[Path] | None,
    typer.Argument(help="Recordings of this camera; without any, it is watched now.", show_default=False),
]


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"framewarden {version('framewarden')}")
        raise typer.Exit(DONE)


@app.callback()
def begin(
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print it, and end.")
    ] = False,
) -> None:
    """Watches cameras and recordings, and tells when what they show is fake or not normal."""


@app.command()
def run(
    config: Config, verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log details too.")] = False
) -> None:
    """Watch the streams of CONFIG until told to stop (what systemd starts)."""
    from daemon.journal import start_logging
    from daemon.run import run as run_daemon
    from daemon.stopping import end_within

    start_logging(verbose)
    finish(lambda: run_daemon(config, stopping=end_within))


@app.command()
def check(
    config: Annotated[Path | None, typer.Argument(help="The configuration to check.")] = None,
    schema: Annotated[bool, typer.Option("--schema", help="Print the JSON Schema for editors.")] = False,
) -> None:
    """Check CONFIG: every problem with its line, and what was probably meant."""
    if schema:
        from config.schema import schema_text

        print(schema_text(), end="")
        raise typer.Exit(DONE)
    if config is None:
        fail("name a configuration to check, or use --schema", BAD_USAGE)
    try:
        settings = load(config)
    except ConfigError as error:
        fail(str(error), BAD_USAGE)
    from daemon.channels import missing

    if lacking := missing(settings):
        fail("\n".join(f"{config}: {text}" for text in lacking), BAD_USAGE)
    from daemon.enrolled import enrolled
    from daemon.models import lacking as lacking_weights

    standing = enrolled(settings)
    doubtful = [*doubts(settings), *lacking_weights(settings), *standing.doubts]
    for doubt in doubtful:
        say.print(f"{config}: {doubt}", markup=False)
    for line in standing.good:
        print(f"{config}: {line}")
    streams = f"{len(settings.streams)} stream(s): {', '.join(each.name for each in settings.streams)}"
    many = f"{len(doubtful)} doubt{'' if len(doubtful) == 1 else 's'}"
    told = f"good, but for {many} above" if doubtful else "good"
    print(f"{config}: {told}; {streams}")


@app.command()
def probe(
    url: Annotated[str, typer.Argument(help="rtsp://..., or the path of a recording.")],
    transport: Annotated[Literal["auto", "tcp", "udp"], typer.Option(help="How RTSP carries it.")] = "auto",
    seconds: Annotated[float, typer.Option(help="How long to look.", min=0.5)] = 5.0,
    picture: Annotated[
        Path | None, typer.Option(help="Write a JPEG of it here, ruled in tenths: to read zones off.")
    ] = None,
) -> None:
    """Open a source and say what it is: codec, size, rate, keyframes, latency; or why it cannot be opened."""
    from daemon.probe import print_probe

    if not url.strip():
        fail("name a source: rtsp://..., or the path of a recording", BAD_USAGE)
    try:
        address = source_address(url)
    except ValueError as error:
        fail(f"url: {error}", BAD_USAGE)
    finish(lambda: print_probe(address, transport, seconds, picture))


@app.command()
def inspect(
    paths: Annotated[
        list[Path], typer.Argument(help="Videos and pictures, or an alert's evidence.", show_default=False)
    ],
    _verify: Annotated[
        bool, typer.Option("--verify", hidden=True, help="What is done anyway; once it had to be said.")
    ] = True,
    as_json: Annotated[bool, typer.Option("--json", help="A JSON list instead of words.")] = False,
    detectors: Annotated[
        str, typer.Option(help="Of files: quality, deepfake, objects, with commas. Default: the first two.")
    ] = "",
    report: Annotated[Path | None, typer.Option(help="Of files: the folder for a report on each.")] = None,
    config: Annotated[Path | None, typer.Option(help="Of files: settings of the detectors.")] = None,
) -> None:
    """A verdict on videos and pictures. Of an alert's evidence: is it as it was, and scored the same."""
    from daemon.inspect import inspect as run_inspect
    from daemon.inspect_files import BY_DEFAULT, DETECTORS

    names = [each.strip() for each in detectors.split(",") if each.strip()]
    if unknown := [name for name in names if name not in DETECTORS]:
        fail(f"--detectors: '{unknown[0]}' is none of {', '.join(DETECTORS)}", BAD_USAGE)
    asked = [each for each in DETECTORS if each in (names or BY_DEFAULT)]
    finish(lambda: run_inspect(paths, asked, as_json=as_json, reports=report, config=config))


@app.command()
def subscribe(
    pattern: Annotated[
        str, typer.Argument(help="stream:kind, either may be *: 'gate:*', '*:anomaly'.")
    ] = "*:*",
    url: Annotated[str | None, typer.Option(help="Redis. Default: the embedded server of --config.")] = None,
    config: Annotated[Path | None, typer.Option(help="The daemon's configuration.")] = None,
    since: Annotated[
        str | None,
        typer.Option(help="Begin 10m ago, at 2026-12-24T18:00, after this id; 0: with the oldest."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One CloudEvents JSON object a line.")] = False,
) -> None:
    """Print alerts as they come."""
    from daemon.subscribe import print_alerts

    finish(lambda: print_alerts(pattern, url, config, since, as_json))


@app.command()
def status(
    config: Annotated[
        Path | None, typer.Argument(help="The daemon's configuration.", show_default="its usual address")
    ] = None,
    at: Annotated[str | None, typer.Option(help="Where it listens, host:port, in place of CONFIG.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object instead of a table.")] = False,
) -> None:
    """How each stream of the running daemon does: its state, how much it is watched, its blind time."""
    from daemon.status_table import print_status

    finish(lambda: print_status(config, at, as_json))


@app.command()
def outbox(
    config: Config,
    action: Annotated[
        Literal["show", "retry", "drop"], typer.Argument(help="Dead letters can be tried again or dropped.")
    ] = "show",
    channel: Annotated[str | None, typer.Option(help="Only of this channel.")] = None,
    ids: Annotated[list[str] | None, typer.Option("--id", help="Only this message; more than once.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object instead of a table.")] = False,
) -> None:
    """What waits for each channel, and the dead letters: what a channel refused for good."""
    from daemon.outbox import outbox as run_outbox

    finish(lambda: run_outbox(config, action, channel, ids or (), as_json))


for order in (silence, silences, ack):
    app.command()(order)


@app.command()
def demo(
    video: Annotated[Path | None, typer.Option(help="A clip of yours, from a fixed camera.")] = None,
    state: Annotated[Path | None, typer.Option(help="Keep what it makes here.")] = None,
) -> None:
    """See the real job with nothing configured: a sample camera, planted events, alerts through Redis."""
    from daemon.demo import demo as run_demo

    forever = sys.stdout.isatty() and os.environ.get("CI") != "true"
    finish(lambda: run_demo(video, state, Console(highlight=False), forever))


@app.command()
def learn(
    config: Config,
    stream: Stream,
    recordings: Recordings = None,
    minutes: Annotated[
        float | None, typer.Option(help="Watch a camera so long. Default: learn_minutes of CONFIG.", min=0.05)
    ] = None,
) -> None:
    """Learn a camera's normal now (the daemon also does so by itself). Ctrl-C, and go on later."""
    from daemon.learn import learn as run_learn

    finish(lambda: run_learn(config, stream, recordings or [], minutes))


@app.command()
def enrol(
    config: Config,
    stream: Stream,
    recordings: Recordings = None,
    minutes: Annotated[float, typer.Option(help="Watch a camera so long.", min=0.05)] = 10,
) -> None:
    """Measure what your own, real people score on a stream, so that they are judged by that."""
    from daemon.enrol import enrol as run_enrol

    finish(lambda: run_enrol(config, stream, recordings or [], minutes))


@app.command()
def backtest(
    config: Config,
    stream: Stream,
    hours: Annotated[float, typer.Option(help="The last so many hours.", min=0.01)] = 24,
    false_alarms_per_day: Annotated[
        float | None, typer.Option(help="The threshold of this budget.", min=0.001, max=1000)
    ] = None,
    threshold: Annotated[float | None, typer.Option(help="This threshold.", min=0, max=12)] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object instead of a table.")] = False,
) -> None:
    """Which anomaly alerts another threshold would have raised (default: those that were in force)."""
    from daemon.backtest import backtest as run_backtest

    if false_alarms_per_day is not None and threshold is not None:
        fail("give --false-alarms-per-day or --threshold, not both", BAD_USAGE)
    finish(lambda: run_backtest(config, stream, hours, false_alarms_per_day, threshold, as_json))


@channels.command("test")
def channels_test(
    config: Config,
    name: Annotated[str | None, typer.Argument(help="Only this channel.", show_default=False)] = None,
) -> None:
    """Send a message that says it is a test through every channel of CONFIG, and say what happened."""
    from daemon.journal import start_logging
    from daemon.try_channels import try_channels

    start_logging(verbose=False)
    finish(lambda: try_channels(config, name))


def main() -> None:
    """The console script `framewarden`."""
    app()


if __name__ == "__main__":
    main()
