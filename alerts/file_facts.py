"""What is known of a file once it was judged, as plain data: for its report, its message, and who asks."""

import math
from collections.abc import Mapping
from datetime import datetime
from hashlib import blake2b
from typing import Any, Final

from alerts.file_verdict import FileVerdict, KindVerdict, WorstMoment
from alerts.utc import stamp
from alerts.verdict import UploadedFile
from config.secrets import hide

VERSION: Final = 1
Facts = Mapping[str, Any]


def facts_of(
    verdict: FileVerdict, file: UploadedFile, size: int, stream: str, decided_at: datetime
) -> dict[str, Any]:
    """JSON's own types only. `stream` is the folder's; `size` is in bytes. No pictures and no curves."""
    return {
        "version": VERSION,
        "id": file_id(stream, file.sha256 or f"{file.name}\0{size}\0{stamp(decided_at)}"),
        "stream": stream,
        "verdict": str(verdict.answer),
        "doubt": verdict.doubt or None,
        "reason": hide(verdict.reason),
        "severity": str(verdict.severity),
        "file": {"name": file.name, "sha256": file.sha256, "job": file.job, "size": size},
        "pictures": verdict.pictures,
        "seconds": round(verdict.seconds, 3),
        "began_at": stamp(verdict.began_at or decided_at),
        "ended_at": stamp(verdict.ended_at or decided_at),
        "decided_at": stamp(decided_at),
        "kinds": {str(each.kind): _kind(each) for each in verdict.kinds},
        "alerts": list(verdict.alerts),
        "score": None if verdict.worst is None else number(verdict.worst.times),
        "position": None if verdict.worst is None else round(verdict.worst.position, 3),
    }


def curves_of(verdict: FileVerdict) -> dict[str, list[list[float | None]]]:
    """By kind: pairs of seconds into the file, and the score in thresholds; null where it could not tell."""
    return {
        str(each.kind): [[round(at, 3), number(times)] for at, times in each.curve] for each in verdict.kinds
    }


def file_id(stream: str, sha256: str) -> str:
    """32 hex digits: the same for the same content in the same folder."""
    return blake2b(f"{stream}\0{sha256}".encode(), digest_size=16).hexdigest()


def number(value: float) -> float | None:
    """JSON has no word for what is none."""
    return round(float(value), 6) if math.isfinite(value) else None


def _kind(said: KindVerdict) -> dict[str, Any]:
    return {
        "verdict": str(said.answer),
        "doubt": said.doubt or None,
        "pictures": said.pictures,
        "told": said.told,
        "doubts": dict(sorted(said.doubts.items())),
        "alerts": said.opened,
        "worst": [_moment(each) for each in said.worst],
    }


def _moment(moment: WorstMoment) -> dict[str, Any]:
    seen = moment.seen
    return {
        "position": round(moment.position, 3),
        "times_threshold": number(moment.times),
        "score": number(seen.score),
        "threshold": number(seen.threshold),
        "label": seen.label,
        "subject": seen.subject,
        "reason": hide(seen.reason),
        "detector": seen.made_by.name,
        "model": seen.made_by.model,
        "provisional": bool(seen.provisional),
    }
