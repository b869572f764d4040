"""A hub of models on loopback: what huggingface_hub asks of one, with faults that can be switched on."""

import hashlib
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, Final
from urllib.parse import unquote, urlsplit

COMMIT: Final = "0123456789abcdef0123456789abcdef01234567"
LARGE: Final = ".safetensors"  # what the hub keeps apart, and knows the SHA-256 of


@dataclass
class Hub:
    """One model, `owner/name`, and what was asked of it."""

    files: dict[str, bytes]
    owner: str = "someone"
    name: str = "tiny-clip"
    token: str = ""  # wanted of everybody, where it is set
    gated: bool = False
    breaks_after: int = 0  # bytes of a large file after which the connection breaks, once
    spoiled: set[str] = field(default_factory=set)  # files that arrive with another content
    slow: float = 0.0  # seconds for each mebibyte of a large file
    ranges: bool = True  # whether a download can be gone on with
    elsewhere: str = ""  # an address that large files are redirected to
    asked: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)  # method, path, headers
    url: str = ""

    @property
    def repository(self) -> str:
        return f"{self.owner}/{self.name}"

    def asked_for(self, ending: str, method: str = "GET") -> list[dict[str, str]]:
        """The headers of each request for such a path."""
        return [headers for how, path, headers in self.asked if how == method and path.endswith(ending)]


@contextmanager
def running(hub: Hub) -> Iterator[Hub]:
    """Serves it on a port of its own."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_HEAD(self) -> None:
            self._answer()

        def do_GET(self) -> None:
            self._answer()

        def log_message(self, *_: Any) -> None:
            """Silent."""

        def _answer(self) -> None:
            path = unquote(urlsplit(self.path).path)
            hub.asked.append((self.command, path, {k.lower(): v for k, v in self.headers.items()}))
            known = not hub.token or self.headers.get("Authorization") == f"Bearer {hub.token}"
            if path.startswith("/blobs/"):
                self._content(path.removeprefix("/blobs/"))
            elif not known:
                self._refuse(401, "RepoNotFound")
            elif hub.gated:
                self._refuse(403, "GatedRepo")
            elif path.startswith(f"/api/models/{hub.repository}"):
                self._api(path)
            elif path.startswith(f"/{hub.repository}/resolve/{COMMIT}/"):
                self._file(path.partition(f"/resolve/{COMMIT}/")[2])
            else:
                self._refuse(404, "RepoNotFound")

        def _refuse(self, status: int, code: str) -> None:
            self._send(status, {"X-Error-Code": code, "X-Error-Message": code})

        def _api(self, path: str) -> None:
            revision = path.partition("/revision/")[2] or "main"
            if revision not in ("main", COMMIT):
                self._refuse(404, "RevisionNotFound")
                return
            siblings = []
            for name, content in hub.files.items():
                one: dict[str, Any] = {"rfilename": name, "size": len(content), "blobId": _blob(content)}
                if name.endswith(LARGE):
                    sha256 = hashlib.sha256(content).hexdigest()
                    one["lfs"] = {"size": len(content), "sha256": sha256, "pointerSize": 134}
                siblings.append(one)
            body = json.dumps(
                {"id": hub.repository, "modelId": hub.repository, "sha": COMMIT, "siblings": siblings,
                 "private": False, "tags": [], "downloads": 0, "likes": 0}
            ).encode()  # fmt: skip
            self._send(200, {"Content-Type": "application/json"}, body)

        def _file(self, name: str) -> None:
            if name not in hub.files:
                self._refuse(404, "EntryNotFound")
                return
            content = hub.files[name]
            told = {"X-Repo-Commit": COMMIT, "ETag": f'"{_blob(content)}"'}
            if name.endswith(LARGE):
                told["X-Linked-Etag"] = f'"{hashlib.sha256(content).hexdigest()}"'
                told["X-Linked-Size"] = str(len(content))
                if hub.elsewhere:
                    told["Location"] = f"{hub.elsewhere}/blobs/{name}?signature=secret-signature"
                    self._send(302, told)
                    return
            self._content(name, told)

        def _content(self, name: str, told: dict[str, str] | None = None) -> None:
            content, status = hub.files[name], 200
            told = told or {}
            if name in hub.spoiled:
                content = bytes(len(content))
            asked = self.headers.get("Range", "")
            if asked.startswith("bytes=") and hub.ranges and self.command == "GET":
                first = int(asked.removeprefix("bytes=").partition("-")[0])
                told["Content-Range"] = f"bytes {first}-{len(content) - 1}/{len(content)}"
                content, status = content[first:], 206
            cut = hub.breaks_after if name.endswith(LARGE) and self.command == "GET" else 0
            hub.breaks_after = 0 if cut else hub.breaks_after
            self._send(status, told, content, cut)

        def _send(self, status: int, told: dict[str, str], body: bytes = b"", cut: int = 0) -> None:
            self.send_response(status)
            for name, value in told.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command == "GET":
                self._write(body[:cut] if cut else body)
            if cut:
                self.wfile.flush()
                self.close_connection = True

        def _write(self, body: bytes) -> None:
            for first in range(0, len(body), 1 << 20):
                with suppress(OSError):  # whoever asked has gone
                    self.wfile.write(body[first : first + (1 << 20)])
                time.sleep(hub.slow)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    hub.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()


def _blob(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
