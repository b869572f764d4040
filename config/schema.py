"""The settings as JSON Schema, for editors that complete and check while typing."""

import json
from typing import Any

from config.settings import Settings

_OUTSIDE = {
    "type": "string",
    "pattern": r"\$\{.+\}|^file:(?!//)",
    "description": "A value from outside: ${NAME}, ${NAME:-default}, ${file:PATH} or file:PATH.",
}
_PLAIN = {"string", "number", "integer", "boolean"}
_OUTER = ("title", "description", "default", "examples")  # say something of the key, whatever its value


def schema_text() -> str:
    """What config/framewarden.schema.json holds."""
    schema = _open(Settings.model_json_schema())
    schema["$defs"]["Outside"] = _OUTSIDE
    return json.dumps({"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}, indent=2) + "\n"


def _open(schema: Any) -> Any:
    """Lets a value from outside stand where a number, a choice or a certain text is wanted."""
    if isinstance(schema, list):
        return [_open(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    if schema.get("type") in _PLAIN and schema.keys() - {"type", *_OUTER} and "const" not in schema:
        return _or_outside(schema)
    if schema.get("type") in _PLAIN - {"string"}:
        return _or_outside(schema)
    return {key: part if key in ("default", "examples") else _open(part) for key, part in schema.items()}


def _or_outside(schema: dict[str, Any]) -> dict[str, Any]:
    inner = {key: part for key, part in schema.items() if key not in _OUTER}
    outer = {key: part for key, part in schema.items() if key in _OUTER}
    return {**outer, "anyOf": [inner, {"$ref": "#/$defs/Outside"}]}
