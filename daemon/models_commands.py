"""`framewarden models`: lists weights, checks them, and gets them from a hub."""

from pathlib import Path
from typing import Annotated

import typer

from daemon.ending import finish

models = typer.Typer(
    help="Weights on this machine: what there is, whether it is whole.", no_args_is_help=True
)


@models.command("list")
def models_list(
    config: Annotated[Path | None, typer.Option(help="The daemon's configuration.")] = None,
) -> None:
    """List weights with size, licence and hash."""
    from daemon.models import show

    finish(lambda: show(config))


@models.command("verify")
def models_verify(
    name: Annotated[str | None, typer.Argument(help="Only this one.", show_default=False)] = None,
    config: Annotated[Path | None, typer.Option(help="The daemon's configuration.")] = None,
) -> None:
    """Check that weights have the hashes that their names, or SHA256SUMS beside them, say."""
    from daemon.models import verify

    finish(lambda: verify(config, name))


@models.command("pull")
def models_pull(
    name: Annotated[str, typer.Argument(help="OWNER/NAME on the hub.", show_default=False)],
    revision: Annotated[str, typer.Option(help="A branch, a tag, or best a commit.")] = "main",
    only: Annotated[
        list[str] | None, typer.Option(help="Only files of this pattern; more than once.")
    ] = None,
    endpoint: Annotated[
        str | None, typer.Option(help="Another hub. Default: $HF_ENDPOINT, else huggingface.co.")
    ] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="What is there under that name may go, if it is another.")
    ] = False,
    config: Annotated[Path | None, typer.Option(help="The daemon's configuration: whose store.")] = None,
) -> None:
    """Download weights into the store and check them; a token may be in $HF_TOKEN. Nothing else does."""
    from daemon.pull import pull

    finish(lambda: pull(name, revision, only or [], config, endpoint, replace))
