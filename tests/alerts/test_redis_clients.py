"""No Redis client has redis-py's time limit, under which it sends with asyncio.wait_for (Python 3.11)."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = [path for floor in ("alerts", "daemon") for path in (ROOT / floor).rglob("*.py")]
CLIENTS = [
    pytest.param(node, id=f"{path.relative_to(ROOT)}:{node.lineno}")
    for path in SOURCES
    for node in ast.walk(ast.parse(path.read_text()))
    if isinstance(node, ast.Call) and ast.unparse(node.func) in ("Redis", "Redis.from_url")
]


@pytest.mark.parametrize("client", CLIENTS)
def test_a_client_sends_without_wait_for(client: ast.Call) -> None:
    options = {each.arg: ast.unparse(each.value) for each in client.keywords}
    assert options.get("socket_timeout") == "None", "its default is a number: use asyncio.timeout"
