"""What `framewarden status` asks for: how each stream does, and where nobody can see."""

import time
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

from alerts.utc import stamp, utc_now
from daemon.house import House
from daemon.object_counts import objects_there
from daemon.status import health
from daemon.watch import Watch

VERSION = 1  # of the page; keys may be added to it


def overview(house: House) -> dict[str, Any]:
    """One JSON object: seconds, pictures a second, shares 0..1; null where there is nothing to say."""
    _, page = health(house)
    return {
        "version": VERSION,
        "framewarden": version("framewarden"),
        "at": stamp(utc_now()),
        "status": page["status"],
        "problems": page["problems"],
        "room": house.load.shares.room,
        "streams": {
            **{name: _stream(house, name, watch) for name, watch in sorted(house.watches.items())},
            **{name: {"kind": "folder", **folder.fields()} for name, folder in sorted(house.folders.items())},
        },
        "channels": page["channels"],
    }


def _stream(house: House, name: str, watch: Watch) -> dict[str, Any]:
    attention = house.load.attention.get(name)
    last = getattr(watch.source, "last_frame", None)
    effort = house.examiner.efforts.get(name)
    totals = house.blind.totals().get(name, {})
    return {
        "kind": "camera" if watch.live else "recording",
        "state": watch.state,
        "since": stamp(attention.since) if attention else None,
        "trouble": watch.trouble,
        "priority": house.weights.get(name, 1.0),
        "last_frame_age": None if last is None else time.monotonic() - last,
        "wanted_fps": watch.sample_fps,
        "sample_fps": watch.sample_fps * house.load.shares.shares.get(name, 1.0),
        "judged_fps": attention.judged_fps if attention else 0.0,
        "watched": attention.share if attention and watch.live else None,
        "judged": watch.frames,
        "lost": {
            **{what: count for what, count in sorted(watch.source.counts.items()) if "dropped" in what},
            **({"dropped_stale": effort.dropped_stale} if effort and effort.dropped_stale else {}),
        },
        "blind_today": _rounded(house.blind.today(name)),
        "blind": _rounded(totals),
        "alerts": [
            {
                "alert_id": each.verdict.alert_id,
                "kind": str(each.verdict.kind),
                "label": each.verdict.label,
                "severity": str(each.verdict.severity),
                "since": stamp(each.verdict.first_frame_at),
                "held": str(each.why) if each.why and each.told is None else None,
            }
            for each in house.gatekeeper.gate.open_alerts(name)
        ],
        "detectors": {
            each: watch.judge.standing.get(house.detectors[each].kind, "not asked yet")
            for each in house.plan.get(name, ())
        },
        "there": objects_there(house.detectors, name),
    }


def _rounded(seconds: Mapping[str, float]) -> dict[str, float]:
    return {cause: round(each, 1) for cause, each in seconds.items() if each >= 0.05}
