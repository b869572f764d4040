"""Pydantic's errors in the words of the file: where, what is wrong, what was probably meant."""

import difflib
import re
import types
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import yaml
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from config.document import Document, Place, is_text, written
from config.references import refers
from config.settings import Settings

_WANTED = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_parsing_size": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "finite_number": "a number that is not infinite",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "tuple_type": "a list",
    "path_type": "a path",
    "model_type": "a section",
    "model_attributes_type": "a section",
}
_BOUNDS = {
    "greater_than": "must be above {gt:g}",
    "greater_than_equal": "must be at least {ge:g}",
    "less_than": "must be below {lt:g}",
    "less_than_equal": "must be at most {le:g}",
}
# What people write who know other systems: no likeness of letters leads from these to our words.
_SYNONYMS = {
    "gpu": "cuda",
    "nvidia": "cuda",
    "cameras": "streams",
    "sources": "streams",
    "camera": "name",
    "id": "name",
    "source": "url",
    "path": "url",
    "file": "url",
    "address": "url",
    "host": "url",
    "fps": "sample_fps",
    "protocol": "transport",
    "bind": "listen",
    "stdout": "log",
    "console": "log",
    "pubsub": "redis",
    "json": "file",
    "jsonl": "file",
    "hook": "webhook",
    "http": "webhook",
    "https": "webhook",
    "post": "webhook",
    "mosquitto": "mqtt",
    "homeassistant": "mqtt",
    "home_assistant": "mqtt",
    "prometheus": "alertmanager",
    "telegram": "apprise",
    "slack": "apprise",
    "discord": "apprise",
    "email": "apprise",
    "mail": "apprise",
    "ntfy": "apprise",
    "pushover": "apprise",
    "filter": "only",
    "severity": "min_severity",
    "offline": "stream",
}


def explain(error: ErrorDetails, document: Document) -> tuple[Place, int, str]:
    """Where the error stands in the file, its line, and words for it."""
    place, field, model = _follow(error["loc"])
    kind = error["type"]
    if kind == "extra_forbidden":
        return place[:-1], document.line(place), _unknown_key(str(place[-1]), model)
    line = document.line(place)
    if kind == "missing":
        if isinstance(place[-1], int):  # of a list that has a length
            return place[:-1], document.line(place[:-1]), "is too short: it takes exactly two"
        key = str(place[-1])
        return place[:-1], document.line(place[:-1]), f"'{key}' is missing{_example(key, field)}"
    return place, line, _words(error, document.node(place), place, field)


def named(place: Place, data: Any) -> str:
    """The place as people say it: "stream 'gate': detectors"."""
    words: list[str] = []
    for step in place:
        data = data[step] if isinstance(data, list) and isinstance(step, int) else _get(data, step)
        if not isinstance(step, int):
            words.append(str(step))
        elif words == ["streams"]:
            name = _get(data, "name")
            words = [f"stream '{name}'" if isinstance(name, str) and name else f"stream {step + 1}"]
        else:
            words.append(f"item {step + 1}")
    return ": ".join(words)


def _words(error: ErrorDetails, node: yaml.Node, place: Place, field: FieldInfo | None) -> str:
    kind, context = error["type"], error.get("ctx", {})
    key = str(next((step for step in reversed(place) if isinstance(step, str)), ""))
    found = written(node)
    if field is not None and not field.repr and isinstance(node, yaml.ScalarNode) and found != "nothing":
        found = "what stands there"  # it may be an address with a password, spoilt so that nobody can tell
    elif isinstance(node, yaml.ScalarNode) and refers(node.value):
        found = f"what {found} stands for"
    if kind == "string_type" and _is_unquoted(node):
        if _may_be(node.value, field):
            return f"expected text, and YAML does not take {found} for text: put it in quotes"
        kind = "string_pattern_mismatch"  # quotes alone would not mend it
    if kind in _WANTED:
        if found == "nothing" and kind.startswith("model"):
            return f"'{key}' is empty: put something under it, or leave it out"
        return f"expected {_WANTED[kind]}, found {found}{_example(key, field)}"
    if kind in _BOUNDS:
        return f"{_BOUNDS[kind].format(**context)}, found {found}"
    if kind == "literal_error":
        choices = _choices(field)
        return f"expected {_either(choices)}, found {found}{_meant(node.value, choices)}"
    if kind == "union_tag_invalid":
        choices = [tag.strip("'") for tag in context["expected_tags"].split(", ")]
        tag = context["tag"]
        return f"kind '{tag}' is not known: {_either(choices)}{_meant(tag, choices, '; ')}"
    if kind == "union_tag_not_found":
        return "'kind' is missing: every channel says what it is, for example kind: redis"
    if kind == "string_pattern_mismatch":
        about = f" ({field.description.rstrip('.')})" if field and field.description else ""
        return f"{found} does not fit here{about}{_example(key, field)}"
    if kind in ("too_short", "string_too_short"):
        if context.get("min_length", 1) > 1:
            least, found = context["min_length"], context["actual_length"]
            return f"needs at least {least}, found {found}{_example(key, field)}"
        return f"must not be empty{_example(key, field)}"
    if kind == "too_long":
        return f"takes at most {context['max_length']}, found {context['actual_length']}"
    if kind == "value_error":
        return str(context["error"])
    return error["msg"][:1].lower() + error["msg"][1:]


def _follow(loc: Iterable[str | int]) -> tuple[Place, FieldInfo | None, Any]:
    """Walks an error's location, to which pydantic adds union tags: place in the file, field, section."""
    here: Any = Settings
    around: Any = None
    field: FieldInfo | None = None
    place: list[str | int] = []
    for step in loc:
        here = _bare(here)
        if get_origin(here) in (
            Union,
            types.UnionType,
        ):  # a step that only says which of several sections it is
            here = next(
                (model for model in get_args(here) if model.model_fields["kind"].default == step), None
            )
            continue
        place.append(step)
        around = here
        if _is_model(here):
            field = here.model_fields.get(str(step))
            here = field.annotation if field else None
        else:
            here = next(iter(get_args(here)), None)
    return tuple(place), field, around


def _is_unquoted(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and not is_text(node) and written(node) != "nothing"


def _may_be(text: str, field: FieldInfo | None) -> bool:
    """Whether the text has the form that the field wants."""
    patterns = (getattr(each, "pattern", None) for each in (field.metadata if field else ()))
    return all(re.search(pattern, text) for pattern in patterns if pattern)


def _bare(annotation: Any) -> Any:
    """The annotation without Annotated[...] and without None."""
    while get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    if get_origin(annotation) in (Union, types.UnionType):
        others = [part for part in get_args(annotation) if part is not type(None)]
        return _bare(others[0]) if len(others) == 1 else annotation
    return annotation


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _unknown_key(key: str, model: Any) -> str:
    known = list(model.model_fields) if _is_model(model) else []
    if meant := _meant(key, known):
        return f"unknown key '{key}'{meant}"
    if homes := [where for where in _homes(Settings, key) if where]:
        return f"unknown key '{key}': it belongs under {_either(homes)}"
    return f"unknown key '{key}': known here: {', '.join(known)}"


def _homes(model: type[BaseModel], key: str, where: str = "") -> list[str]:
    """The sections that do know the key."""
    found = [where] if key in model.model_fields else []
    for name, field in model.model_fields.items():
        inner = _bare(field.annotation)
        if get_origin(inner) is tuple:
            inner = _bare(get_args(inner)[0])
        if _is_model(inner):
            found += _homes(inner, key, f"{where}.{name}".strip("."))
    return found


def _example(key: str, field: FieldInfo | None) -> str:
    if field is None:
        return ""
    examples = [*(field.examples or ()), *([] if field.is_required() else [field.get_default()])]
    example = next((one for one in examples if one is not None and not _has_model(one)), None)
    if example is None:
        return ""
    plain = list(example) if isinstance(example, tuple) else example
    text = yaml.safe_dump({key: plain}, default_flow_style=True, width=1000).strip()
    return f"; for example {text.removeprefix('{').removesuffix('}')}"


def _has_model(value: object) -> bool:
    """Whether it is, or lists, what has no short form to show."""
    return any(isinstance(each, BaseModel) for each in (value if isinstance(value, tuple) else (value,)))


def _choices(field: FieldInfo | None) -> list[str]:
    here = _bare(field.annotation) if field else None
    if get_origin(here) is tuple:
        here = _bare(get_args(here)[0])
    return [str(choice) for choice in get_args(here)] if get_origin(here) is Literal else []


def _either(choices: list[str]) -> str:
    return " or ".join(filter(None, (", ".join(choices[:-1]), choices[-1])))


def _meant(word: object, choices: Iterable[str], lead: str = ", ") -> str:
    choices = list(choices)
    synonym = _SYNONYMS.get(str(word).lower())
    near = [synonym] if synonym in choices else difflib.get_close_matches(str(word), choices, n=1)
    quoted = f"'{near[0]}'" if near and lead == ", " else (near[0] if near else "")
    return f"{lead}did you mean {quoted}?" if near else ""


def _get(data: Any, step: str | int) -> Any:
    return data.get(step) if isinstance(data, Mapping) else None
