"""A YAML file as plain data that still knows on which line each value stands, and what was written there."""

import codecs
import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from config.problem import ConfigError, Problem
from config.references import fill
from config.secrets import hide
from config.syntax import syntax

Place = tuple[str | int, ...]  # the keys and list positions that lead to a value

_TAG = "tag:yaml.org,2002:"
_KNOWN = {_TAG + name for name in ("str", "int", "float", "bool", "null", "timestamp", "map", "seq")}


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something wrong at a place, on a line counted from 1."""

    place: Place
    line: int
    text: str


@dataclass(slots=True)
class Document:
    """What the file says, with references filled in."""

    file: str
    root: yaml.Node
    data: Any = None
    troubles: list[Trouble] = field(default_factory=list)

    def node(self, place: Place) -> yaml.Node:
        """The node at the place, or the innermost one around it."""
        node = self.root
        for step in place:
            inner = _child(node, step)
            if inner is None:
                break
            node = inner
        return node

    def line(self, place: Place) -> int:
        """The line, from 1, of the place's key (or of the list's item)."""
        around = self.node(place[:-1])
        if place and isinstance(around, yaml.MappingNode):
            for key, _ in reversed(around.value):
                if key.value == place[-1]:
                    return int(key.start_mark.line) + 1
        return int(self.node(place).start_mark.line) + 1


def read(path: Path, environ: Mapping[str, str]) -> Document:
    """Reads the file. Raises ConfigError where there is no YAML mapping in it at all."""
    file = str(path)
    text = _text(path)
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        raise ConfigError((syntax(file, text, error),)) from None
    except RecursionError:
        raise ConfigError((Problem(file, None, "", "lists or sections are nested too deeply"),)) from None
    if root is None:
        raise ConfigError((Problem(file, None, "", "the file is empty; see config/example.yaml"),))
    if not isinstance(root, yaml.MappingNode):
        line = int(root.start_mark.line) + 1
        text = (
            f"the file must hold sections such as 'streams:', found {written(root)}; see config/example.yaml"
        )
        raise ConfigError((Problem(file, line, "", text),))
    document = Document(file, root)
    document.data = _Builder(document, environ, path.parent).value(root, ())
    return document


def written(node: yaml.Node) -> str:
    """What stands in the file, in words; a reference is shown as itself, never what it stands for."""
    if isinstance(node, yaml.MappingNode):
        return "a section"
    if isinstance(node, yaml.SequenceNode):
        return "a list"
    if node.tag == _TAG + "null" or node.value == "":
        return "nothing"
    shown = node.value if len(node.value) <= 60 else node.value[:57] + "..."
    return repr(hide(shown)) if node.tag == _TAG + "str" else hide(shown)


def is_text(node: yaml.Node) -> bool:
    """Whether YAML takes the node for text, and not for a number, yes, no, a date or nothing."""
    return isinstance(node, yaml.ScalarNode) and node.tag == _TAG + "str"


class _Builder:
    """Turns nodes into values; every node once, however often an alias points to it."""

    def __init__(self, document: Document, environ: Mapping[str, str], folder: Path) -> None:
        self._document, self._environ, self._folder = document, environ, folder
        self._constructor = yaml.constructor.SafeConstructor()
        self._built: dict[int, Any] = {}
        self._building: set[int] = set()

    def value(self, node: yaml.Node, place: Place) -> Any:
        if id(node) in self._building:
            self._trouble(place, node, "an alias must not stand inside what it points to")
            return None
        if id(node) not in self._built:
            self._building.add(id(node))
            self._built[id(node)] = self._build(node, place)
            self._building.remove(id(node))
        return self._built[id(node)]

    def _build(self, node: yaml.Node, place: Place) -> Any:
        if node.tag not in _KNOWN:
            text = f"the tag {node.tag.replace(_TAG, '!!')} is not known: leave it out"
            self._trouble(place, node, text)
            return None
        if isinstance(node, yaml.MappingNode):
            self._check_keys(node, place)
            return {key.value: self.value(value, (*place, key.value)) for key, value in node.value}
        if isinstance(node, yaml.SequenceNode):
            return [self.value(item, (*place, number)) for number, item in enumerate(node.value)]
        if is_text(node):
            filled = fill(node.value, self._environ, self._folder)
            for text in filled.troubles:
                self._trouble(place, node, text)
            return filled.value
        try:
            return self._constructor.construct_object(node)
        except (ValueError, yaml.YAMLError):
            self._trouble(
                place, node, f"{written(node)} looks like a number or date but is none: put it in quotes"
            )
            return None

    def _check_keys(self, node: yaml.MappingNode, place: Place) -> None:
        """Doubled keys are told and dropped before merging: there, one key over another is the purpose."""
        seen: dict[str, int] = {}
        kept = []
        for key, value in node.value:
            line = int(key.start_mark.line) + 1
            if not isinstance(key, yaml.ScalarNode):
                self._document.troubles.append(Trouble(place, line, "a key must be a plain word"))
            elif key.value in seen and key.tag != _TAG + "merge":
                text = f"the key '{key.value}' stands here a second time, first on line {seen[key.value]}"
                self._document.troubles.append(Trouble(place, line, text))
            else:
                seen[key.value] = line
                kept.append((key, value))
        node.value = kept
        try:
            self._constructor.flatten_mapping(node)
        except (yaml.YAMLError, RecursionError):
            self._trouble(place, node, "'<<' takes a section or a list of them (an alias such as *camera)")
            node.value = [(key, value) for key, value in kept if key.tag != _TAG + "merge"]

    def _trouble(self, place: Place, node: yaml.Node, text: str) -> None:
        self._document.troubles.append(Trouble(place, int(node.start_mark.line) + 1, text))


def _child(node: yaml.Node, step: str | int) -> yaml.Node | None:
    if isinstance(node, yaml.MappingNode):
        # From the end: after merging, a section's own keys stand behind those it took over.
        return next((value for key, value in reversed(node.value) if key.value == step), None)
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        child: yaml.Node = node.value[step]
        return child
    return None


def _text(path: Path) -> str:
    file = str(path)
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        near = difflib.get_close_matches(path.name, _names(path.parent), n=1)
        meant = (
            f", did you mean {path.parent / near[0]}?"
            if near
            else "; config/example.yaml is one to start from"
        )
        raise ConfigError((Problem(file, None, "", f"there is no such file{meant}"),)) from None
    except IsADirectoryError:
        raise ConfigError((Problem(file, None, "", "this is a folder: name the file in it"),)) from None
    except PermissionError:
        raise ConfigError((Problem(file, None, "", "this user may not read it"),)) from None
    except (OSError, ValueError) as error:
        raise ConfigError((Problem(file, None, "", f"cannot be read: {error}"),)) from None
    try:
        return content.removeprefix(codecs.BOM_UTF8).decode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        text = "not UTF-8 text: save the file with that encoding"
        raise ConfigError((Problem(file, line, "", text),)) from None


def _names(folder: Path) -> list[str]:
    try:
        return [entry.name for entry in folder.iterdir()]
    except OSError:
        return []
