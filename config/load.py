"""From a YAML file to Settings, or to everything that is wrong with it."""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from config.contradictions import contradictions
from config.document import Trouble, read
from config.explain import explain, named
from config.printable import printable
from config.problem import ConfigError, Problem
from config.secrets import hide, never_hide
from config.settings import Settings

__all__ = ["ConfigError", "Problem", "load"]


def load(path: Path, environ: Mapping[str, str] = os.environ) -> Settings:
    """Reads the file, fills in variables and secrets, checks it.

    A recording's relative path is taken from the file's own folder. Raises ConfigError with every problem at
    once.
    """
    document = read(path, environ)
    troubles = [*document.troubles, *contradictions(document)]
    told = {trouble.place for trouble in troubles}
    settings = None
    try:
        settings = Settings.model_validate(document.data, context={"folder": path.parent.absolute()})
    except ValidationError as error:
        details = error.errors()
        for detail in details:
            place, line, text = explain(detail, document)
            if place in told and detail["type"] != "extra_forbidden":
                continue
            if detail["type"] == "too_short" and _has_inner(detail, details):
                continue  # only short because its items are wrong
            troubles.append(Trouble(place, line, text))
    if settings is None or troubles:
        raise ConfigError(
            tuple(
                Problem(
                    document.file,
                    trouble.line,
                    _safe(named(trouble.place, document.data)),
                    _safe(trouble.text),
                )
                for trouble in sorted(troubles, key=lambda trouble: trouble.line)
            )
        )
    never_hide([stream.name for stream in settings.streams])
    return settings


def _safe(text: str) -> str:
    """Without credentials, and without what a terminal would obey."""
    return printable(hide(text))


def _has_inner(outer: ErrorDetails, details: Iterable[ErrorDetails]) -> bool:
    loc = outer["loc"]
    return any(len(detail["loc"]) > len(loc) and detail["loc"][: len(loc)] == loc for detail in details)
