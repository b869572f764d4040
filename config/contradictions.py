"""What cannot be right together, of values that are each fine; told whatever else is wrong."""

import difflib
import re
from collections.abc import Iterator
from typing import Any

import yaml

from config.channels import OUTSIDE, STANDING
from config.document import Document, Place, Trouble
from config.references import refers

_CHANNELS: Place = ("alerts", "channels")


def contradictions(document: Document) -> list[Trouble]:
    """Doubled names, secrets in the file itself, channels for no stream, and alerts that would never end."""
    return [
        *_doubled_names(document),
        *_open_secrets(document),
        *_unknown_streams(document),
        *_endless_alerts(document),
    ]


def _doubled_names(document: Document) -> Iterator[Trouble]:
    first: dict[tuple[str, str], int] = {}
    for what, place, section in [
        *(("stream", place, section) for place, section in _sections(document, ("streams",))),
        *(("channel", place, section) for place, section in _sections(document, _CHANNELS)),
    ]:
        name = section.get("name")
        if what == "channel" and name is None:
            name = section.get("kind")
        if not isinstance(name, str):
            continue
        here = (*place, "name") if "name" in section else place
        line = document.line(here)
        if (what, name) not in first:
            first[what, name] = line
            continue
        text = f"another {what} has this name on line {first[what, name]}; each needs its own"
        if "name" not in section:
            text = (
                f"another channel is called '{name}' on line {first[what, name]}: give this one a name, as in"
            )
            text += f" name: {name}-2"
        yield Trouble(here, line, text)


def _open_secrets(document: Document) -> Iterator[Trouble]:
    for place, section in _sections(document, _CHANNELS):
        for key in OUTSIDE.get(str(section.get("kind")), ()):
            node = document.node((*place, key))
            if section.get(key) and isinstance(node, yaml.ScalarNode) and not refers(node.value):
                text = (
                    "a secret must not stand in this file: put it into a file of its own, and here file:PATH"
                )
                yield Trouble((*place, key), document.line((*place, key)), text)


def _unknown_streams(document: Document) -> Iterator[Trouble]:
    named = [section.get("name") for _, section in _sections(document, ("streams",))]
    streams = [name for name in named if isinstance(name, str)]
    for place, section in _sections(document, _CHANNELS):
        only = section.get("only")
        wanted = only.get("streams") if isinstance(only, dict) else None
        for number, name in enumerate(wanted if isinstance(wanted, list) else ()):
            if not isinstance(name, str) or name in streams or re.search(r"[*?\[]", name):
                continue
            here = (*place, "only", "streams", number)
            near = difflib.get_close_matches(name, streams, n=1)
            meant = f"did you mean '{near[0]}'?" if near else f"there are: {', '.join(streams)}"
            yield Trouble(here, document.line(here), f"no stream is called '{name}', {meant}")


def _endless_alerts(document: Document) -> Iterator[Trouble]:
    for place, section in _sections(document, _CHANNELS):
        only = section.get("only")
        states = only.get("states") if isinstance(only, dict) else None
        if section.get("kind") not in STANDING or not isinstance(states, list) or not states:
            continue
        if "closed" not in states:
            here = (*place, "only", "states")
            text = f"without closed, no alert would ever end in {section['kind']}"
            text += ": add closed, or leave states out"
            yield Trouble(here, document.line(here), text)


def _sections(document: Document, place: Place) -> Iterator[tuple[Place, dict[str, Any]]]:
    """The sections of the list at the place; whatever else stands there is for others to tell."""
    data = document.data
    for step in place:
        data = data.get(step) if isinstance(data, dict) else None
    for number, section in enumerate(data if isinstance(data, list) else ()):
        if isinstance(section, dict):
            yield (*place, number), section
