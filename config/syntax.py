"""What is wrong with a file that is no YAML, in words that say what to mend."""

import re
from typing import Final

import yaml

from config.problem import Problem
from config.secrets import hide

# What PyYAML says, and what it means to somebody who does not know its grammar.
UNCLOSED: Final = "'{opened}' on this line is never closed"
MEANT: Final = (
    (
        "mapping values are not allowed",
        "a ':' too many: put a value that holds ': ' in quotes, or begin this line under the one above",
    ),
    (
        "expected <block end>",
        "this line begins in another column than its neighbours: what belongs together is indented alike",
    ),
    (
        "could not find expected ':'",
        "here a ':' is missing, or a value that goes over several lines its quotes",
    ),
    ("cannot start any token", "a value that begins with {character} is put in quotes"),
    ("undefined alias", "*{alias} stands for nothing: name it before, with &{alias}, or put it in quotes"),
)
_CHARACTER: Final = re.compile(r"found character ('.*?')")
_ALIAS: Final = re.compile(r"alias '(.*?)'")


def syntax(file: str, text: str, error: yaml.YAMLError) -> Problem:
    """A syntax error as a problem; `text` is the file's. Other errors of PyYAML are told as it says them."""
    if isinstance(error, yaml.reader.ReaderError):
        place = text.count("\n", 0, error.position) + 1
        return Problem(file, place, "", f"the character U+{error.character:04X} is not allowed in YAML")
    assert isinstance(error, yaml.MarkedYAMLError)  # noqa: S101 - PyYAML raises nothing else while composing
    mark = error.problem_mark or error.context_mark
    said = " ".join(part for part in (error.context, error.problem) if part)
    opened = _opened(text, error)
    if opened and error.context_mark:
        return Problem(file, error.context_mark.line + 1, "", f"not valid YAML: {opened}")
    lines = text.splitlines()
    source = lines[mark.line] if mark and mark.line < len(lines) else ""
    return Problem(file, mark.line + 1 if mark else None, "", f"not valid YAML: {_words(said, source)}")


def _opened(text: str, error: yaml.MarkedYAMLError) -> str:
    """A bracket or a quote that nothing closes; empty where it is something else."""
    mark = error.context_mark
    ended = any(
        each in (error.problem or "") for each in ("<stream end>", "end of stream", "document separator")
    )
    if mark is None or not ended:
        return ""
    first = text[mark.index : mark.index + 1]
    return UNCLOSED.format(opened=first) if first in "{['\"" else ""


def _words(said: str, source: str) -> str:
    if "\t" in source[: len(source) - len(source.lstrip())] or "'\\t'" in said:
        return "YAML is indented with spaces, here stands a tab"
    if "${" in source and "{" in source.replace("${", ""):
        return "inside { } a value with ${...} stands in quotes"
    if "single document" in said:
        return "a second document begins here ('---'): one file holds one configuration"
    character, alias = _CHARACTER.search(said), _ALIAS.search(said)
    for fragment, words in MEANT:
        if fragment in said:
            return words.format(character=character and character[1], alias=alias and alias[1])
    return hide(said)
