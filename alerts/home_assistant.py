"""What Home Assistant's MQTT discovery wants to be told, so that streams appear there as devices."""

import re
from dataclasses import dataclass
from typing import Any, Final

_TITLE: Final = {
    "stream": "Camera",
    "quality": "Picture quality",
    "anomaly": "Anomaly",
    "deepfake": "Deepfake",
    "object": "Object",
}


@dataclass(frozen=True, slots=True)
class Entity:
    """One retained message: its topic after the prefix, and what is published there as JSON."""

    topic: str
    config: dict[str, Any]


def problem_sensor(base: str, stream: str, kind: str) -> Entity:
    """A binary sensor that is on while an alert of this kind is open. Our topics begin with `base`."""
    identity = _identity(base, stream, kind)
    return Entity(
        f"binary_sensor/{identity}/config",
        {
            "name": _TITLE.get(kind, kind.capitalize()),
            "unique_id": identity,
            "device_class": "problem",
            "state_topic": f"{base}/state/{stream}/{kind}",
            "value_template": "{{ value_json.state }}",
            "json_attributes_topic": f"{base}/state/{stream}/{kind}",
            **_common(base, stream),
        },
    )


def image(base: str, stream: str) -> Entity:
    """The picture of the last alert."""
    identity = _identity(base, stream, "picture")
    return Entity(
        f"image/{identity}/config",
        {
            "name": "Last alert",
            "unique_id": identity,
            "image_topic": f"{base}/picture/{stream}",
            "content_type": "image/jpeg",
            **_common(base, stream),
        },
    )


def _common(base: str, stream: str) -> dict[str, Any]:
    return {
        "availability_topic": f"{base}/status",
        "device": {
            "identifiers": [_identity(base, stream)],
            "name": stream,
            "manufacturer": "framewarden",
            "model": "Watched stream",
        },
        "origin": {"name": "framewarden"},
    }


def _identity(*parts: str) -> str:
    """Home Assistant takes letters, digits, '_' and '-'."""
    return re.sub(r"[^A-Za-z0-9_-]", "_", "_".join(parts))
