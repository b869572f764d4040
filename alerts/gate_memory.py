"""What the gate must not forget when the daemon ends, as text and back."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from alerts.open_alert import OpenAlert, Why
from alerts.verdict import Severity, Verdict
from alerts.verdict_text import verdict_from_json, verdict_to_json
from detectors.detection import Kind

VERSION: Final = 1  # of the text; another one where an older reader would take it wrongly

Thing = tuple[str, Kind, str, str]  # stream, kind, label, subject


class NewerError(ValueError):
    """Written by a newer framewarden, in a way that we do not know."""


@dataclass(frozen=True, slots=True)
class Memory:
    """Beside what was told, which the outbox remembers."""

    raging: bool  # a storm
    gathered: Mapping[str, int]  # alerts that each roll-up speaks for, by its subject
    opened: tuple[OpenAlert, ...]
    closed: tuple[tuple[Thing, datetime], ...]  # what may have to cool down


def memory_to_json(memory: Memory) -> str:
    """One object."""
    return json.dumps(
        {
            "version": VERSION,
            "raging": memory.raging,
            "gathered": dict(memory.gathered),
            "opened": [
                {
                    "verdict": json.loads(verdict_to_json(each.verdict)),
                    "told": each.told,
                    "why": each.why,
                    "acknowledged_by": each.acknowledged_by,
                    "gathered": each.gathered,
                    "admitted": each.admitted,
                }
                for each in memory.opened
            ],
            "closed": [[*thing, at.isoformat()] for thing, at in memory.closed],
        }
    )


def memory_from_json(text: str) -> Memory:
    """The opposite. Raises ValueError for a text that is none, NewerError for one of tomorrow."""
    try:
        kept = json.loads(text)
        if kept.get("version", 1) > VERSION:  # the first ones had none
            raise NewerError("it was written by a newer framewarden")
        return Memory(
            bool(kept["raging"]),
            {str(subject): int(count) for subject, count in kept["gathered"].items()},
            tuple(_open_alert(each) for each in kept["opened"]),
            tuple(
                ((stream, Kind(kind), label, subject), datetime.fromisoformat(at))
                for stream, kind, label, subject, at in kept["closed"]
            ),
        )
    except (KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"not a gate's memory: {error}") from error


def _open_alert(kept: dict[str, Any]) -> OpenAlert:
    verdict: Verdict = verdict_from_json(json.dumps(kept["verdict"]))
    return OpenAlert(
        verdict,
        0.0,
        told=Severity(kept["told"]) if kept["told"] else None,
        why=Why(kept["why"]) if kept["why"] else None,
        acknowledged_by=str(kept["acknowledged_by"]),
        gathered=Why(kept["gathered"]) if kept["gathered"] else None,
        admitted=bool(kept["admitted"]),
    )
