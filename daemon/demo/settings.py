"""The configuration that the demo hands to the daemon: what a user would write, with one camera."""

import json
from pathlib import Path

LEARN_MINUTES = 1.0
SAMPLE_FPS = 5
FALSE_ALARMS_PER_DAY = 96  # four an hour


def write_settings(path: Path, stream: str, url: str, listen: str, state: Path) -> None:
    """Writes it, with comments: it is there to be read. JSON strings are YAML strings."""
    path.write_text(
        f"""\
# Written by `framewarden demo`. config/example.yaml says what else there is.
defaults: {{sample_fps: {SAMPLE_FPS}, detectors: [quality, anomaly]}}
streams:
  - {{name: {stream}, url: {json.dumps(url)}, transport: tcp}}
detectors:
  # Usually longer, and 1 a day; but you are waiting, and a minute of footage is little proof of what is rare.
  anomaly: {{learn_minutes: {LEARN_MINUTES}, false_alarms_per_day: {FALSE_ALARMS_PER_DAY}}}
  # No looking for loops: the demo's film goes round and round.
  quality: {{frozen_after: 4, loop_minutes: 0}}
alerts: {{cooldown: 3}} # usually longer: the demo plants one event after another
service:
  listen: {json.dumps(listen)}
  state_dir: {json.dumps(str(state))}
"""
    )
