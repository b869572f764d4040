"""`framewarden evaluate`: a command for each detector, with the options that it has."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from daemon.ending import BAD_USAGE, fail, finish

evaluate = typer.Typer(
    help="How well a detector does on labelled clips, faces or photos, or on your camera's footage.",
    no_args_is_help=True,
)

AsJson = Annotated[bool, typer.Option("--json", help="One JSON object instead of a table.")]
Plot = Annotated[Path | None, typer.Option(help="Draw the curves, an SVG.")]


@evaluate.command()
def anomaly(
    data: Annotated[
        Path,
        typer.Argument(
            help="A labelled folder (train/, test/ with labels.csv), a folder of recordings, or a recording.",
            show_default=False,
        ),
    ],
    as_json: AsJson = False,
    plot: Annotated[Path | None, typer.Option(help="Labelled: draw the curves, an SVG.")] = None,
    every: Annotated[int, typer.Option(help="Labelled: look at every so many pictures.", min=1)] = 1,
    fps: Annotated[float, typer.Option(help="Own footage: pictures a second.", min=1, max=60)] = 5,
    learn_minutes: Annotated[float, typer.Option(help="Own footage: learn from so much.", min=0.1)] = 2,
    false_alarms_per_day: Annotated[float, typer.Option(help="The budget.", min=0.001, max=1000)] = 1,
    config: Annotated[
        Path | None, typer.Option(help="The daemon's configuration, for its backbone or reconstruction.")
    ] = None,
) -> None:
    """On labelled clips, or on your camera's footage with events planted into it."""
    from daemon.evaluate import evaluate_anomaly

    finish(
        lambda: evaluate_anomaly(data, as_json, plot, every, fps, learn_minutes, false_alarms_per_day, config)
    )


@evaluate.command()
def deepfake(
    data: Annotated[
        Path,
        typer.Argument(help="A folder with real/ and fake/, pictures or videos.", show_default=False),
    ],
    as_json: AsJson = False,
    plot: Plot = None,
    every: Annotated[int, typer.Option(help="Look at every so many pictures.", min=1)] = 1,
    fps: Annotated[float, typer.Option(help="Of videos: pictures a second.", min=1, max=60)] = 5,
    split: Annotated[
        Literal["all", "train", "test"],
        typer.Option(help="Test clips are those that weights made from DATA have not seen."),
    ] = "all",
    curves: Annotated[
        bool, typer.Option("--curves", help="Also of pictures that were made worse. Minutes.")
    ] = False,
    config: Annotated[
        Path | None, typer.Option(help="The daemon's configuration, for its limits and weights.")
    ] = None,
) -> None:
    """On labelled faces, real and fake."""
    from daemon.evaluate_deepfake import evaluate_deepfake

    finish(lambda: evaluate_deepfake(data, as_json, plot, every, fps, split, curves, config))


@evaluate.command()
def objects(
    data: Annotated[
        Path,
        typer.Argument(help="A folder with instances_*.json and photos, as COCO's.", show_default=False),
    ],
    as_json: AsJson = False,
    plot: Plot = None,
    model: Annotated[
        str | None, typer.Option(help="In the model store. Default: detectors.objects.model of CONFIG.")
    ] = None,
    photos: Annotated[int | None, typer.Option(help="Only the first so many.", min=1)] = None,
    damages: Annotated[
        str, typer.Option(help="Which, with commas: clean,sigma 25,low light,camera... Default: all.")
    ] = "",
    ways: Annotated[
        str,
        typer.Option(help="With commas: none, gated, settled, always, bilateral, nlm (slow), sliced..."),
    ] = "",
    small: Annotated[
        int, typer.Option(help="Put so many times so many photos into each frame.", min=1, max=6)
    ] = 1,
    keep: Annotated[Path | None, typer.Option(help="A folder for what was found: a run can go on.")] = None,
    config: Annotated[Path | None, typer.Option(help="The daemon's configuration.")] = None,
) -> None:
    """On photos with objects, damaged by noise, darkness, codecs and fog; with and without it taken out."""
    from daemon.evaluate_objects import evaluate_objects
    from daemon.evaluate_objects_ways import DAMAGES, USUAL, WAYS

    asked = {}
    choices = (("--damages", damages, tuple(DAMAGES), tuple(DAMAGES)), ("--ways", ways, WAYS, USUAL))
    for option, given, known, usual in choices:
        names = [each.strip() for each in given.split(",") if each.strip()]
        if unknown := [name for name in names if name not in known]:
            fail(f"{option}: '{unknown[0]}' is none of {', '.join(known)}", BAD_USAGE)
        asked[option] = [name for name in known if name in (names or usual)]
    finish(
        lambda: evaluate_objects(
            data, as_json, plot, photos, asked["--damages"], asked["--ways"], small, keep, model, config
        )
    )
