"""What is wrong with a configuration: every problem at once, each with its line."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that the operator can mend."""

    file: str
    line: int | None  # from 1; None where the whole file is meant
    where: str  # "stream 'gate': detectors"; empty for the whole file
    text: str  # what is wrong and what to do, without credentials

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        return ": ".join(part for part in (place, self.where, self.text) if part)


class ConfigError(Exception):
    """A configuration that cannot be used; `problems` holds everything that is wrong with it."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__(problems)
        self.problems = problems

    def __str__(self) -> str:
        return "\n".join(map(str, self.problems))


def no_recording(path: Path) -> ConfigError:
    """Of what was named as a recording and is no file."""
    text = "is no recording, but a folder" if path.is_dir() else "there is no such file"
    return ConfigError((Problem(str(path), None, "", text),))
