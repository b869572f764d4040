"""`framewarden train`: makes the weights that ship with framewarden anew, each from pictures of your own."""

from pathlib import Path
from typing import Annotated

import typer

from daemon.ending import finish

train = typer.Typer(help="Make weights anew from pictures of your own.", no_args_is_help=True)


@train.command()
def deepfake(
    data: Annotated[
        Path,
        typer.Argument(help="A folder with real/ and fake/: faces, <clip>_<frame>.jpg.", show_default=False),
    ],
    out: Annotated[
        Path | None,
        typer.Option(help="Where it is written. Default: deepfake.safetensors; a head: where CONFIG has it."),
    ] = None,
    network: Annotated[
        str, typer.Option(help="In the model store: an auto-encoder that draws real faces anew.")
    ] = "taef2",
    backbone: Annotated[
        str, typer.Option(help="In the model store: torchvision's MobileNetV2.")
    ] = "mobilenet_v2",
    photos: Annotated[
        list[Path] | None,
        typer.Option(help="A folder of photos of anything: the faces in them are more real ones."),
    ] = None,
    seed: Annotated[int, typer.Option(help="The same seed and data, the same model.")] = 1,
    encoder: Annotated[
        str | None, typer.Option(help="In the model store: make a head over this encoder instead.")
    ] = None,
    reconstruction: Annotated[
        str | None, typer.Option(help="In the model store: a head over how well this one draws faces.")
    ] = None,
    contrast: Annotated[
        float, typer.Option(help="Of a head: the weight of the contrastive loss.", min=0)
    ] = 0.3,
    config: Annotated[Path | None, typer.Option(help="Whose model store is meant.")] = None,
) -> None:
    """Make the deepfake model anew from your own pictures. About half an hour on two cores.

    With --encoder or --reconstruction: a head over larger weights, which stay as they are.
    """
    if encoder or reconstruction:
        from daemon.train_head import train_head

        finish(lambda: train_head(data, out, encoder, reconstruction, network, contrast, seed, config))
    from daemon.train import train_deepfake

    path = out or Path("deepfake.safetensors")
    finish(lambda: train_deepfake(data, path, network, backbone, photos or (), seed, config))


@train.command()
def denoiser(
    photos: Annotated[
        list[Path], typer.Argument(help="Folders of photos without noise.", show_default=False)
    ],
    out: Annotated[Path, typer.Option(help="Where it is written.")] = Path("denoiser.safetensors"),
    steps: Annotated[int, typer.Option(help="How long it is trained.", min=1)] = 12_000,
    seed: Annotated[int, typer.Option(help="The same seed and photos, the same weights.")] = 1,
) -> None:
    """Make the denoiser anew that stands before object detectors. Some seventy minutes of one core.

    Interrupted, the same command goes on where it stopped.
    """
    from daemon.train_denoiser import train_denoiser

    finish(lambda: train_denoiser(photos, out, steps, seed))
