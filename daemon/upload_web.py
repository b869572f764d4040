"""Uploads over HTTP: a PUT becomes a file in a watched folder, and a GET tells what came of it."""

import asyncio
import hmac
import json
import logging
from collections import OrderedDict
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final, NoReturn

from aiohttp import web

from alerts.report import POLICY
from config.address import is_loopback
from config.uploads import TYPES, UploadsSettings
from daemon.ledger import LedgerError
from daemon.upload_folder import UploadFolder
from streams.beside import beside
from streams.incoming import Incoming, NoRoomError, plain_name

log = logging.getLogger(__name__)

_LEAST: Final = 1 << 16  # bytes that must come within idle_timeout
_REMEMBERED: Final = 10_000  # files that came and are not judged yet
_DIGEST: Final = r"{sha256:[0-9a-f]{64}}"
_HEADERS: Final = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}


def upload_routes(settings: UploadsSettings, folders: Mapping[str, UploadFolder]) -> list[web.RouteDef]:
    """For the web server; none where nobody wants uploads."""
    return UploadWeb(settings, folders).routes() if settings.http.enabled else []


class UploadWeb:
    """PUT only: a page in somebody's browser cannot send one to this machine without being asked first.

    Who may upload holds the token. Without one (on a loopback address only), the Host must be this machine's
    own, or a page could reach it under a name of its own.
    """

    def __init__(self, settings: UploadsSettings, folders: Mapping[str, UploadFolder]) -> None:
        self._http = settings.http
        self._most = int(settings.megabytes * 1e6)
        self._keep_free = settings.keep_free_gigabytes * 1e9
        self._types = frozenset(self._http.types or TYPES)
        self._folders = folders
        self._under_way = 0
        self._came: OrderedDict[tuple[str, str], str] = OrderedDict()  # names, by stream and hash

    def routes(self) -> list[web.RouteDef]:
        """For the web server."""
        return [
            web.put("/uploads/{stream}/{name}", self._put, expect_handler=self._expect),
            web.get(f"/uploads/{{stream}}/{_DIGEST}", self._get),
            web.get(f"/uploads/{{stream}}/{_DIGEST}/report", self._report),
        ]

    async def _expect(self, request: web.Request) -> None:
        """Before the body is sent (curl asks where it is large): is it any use?"""
        if request.headers.get("Expect", "").lower() == "100-continue":
            self._admit(request)
            if request.transport is not None:
                request.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    async def _put(self, request: web.Request) -> web.Response:
        folder, name = self._admit(request)
        self._under_way += 1
        try:
            return await self._take(request, folder, name)
        finally:
            self._under_way -= 1

    def _admit(self, request: web.Request) -> tuple[UploadFolder, str]:
        folder = self._folder(request)
        try:
            name = plain_name(request.match_info["name"])
        except ValueError as error:
            _refuse(web.HTTPBadRequest, f"the name {error}")
        ending = Path(name).suffix.removeprefix(".").lower()
        if ending not in self._types:
            _refuse(web.HTTPUnsupportedMediaType, f"'.{ending}' is none of {', '.join(sorted(self._types))}")
        if (request.content_length or 0) > self._most:
            self._too_large()
        if self._under_way >= self._http.at_once:
            _refuse(web.HTTPServiceUnavailable, "too many uploads are under way", {"Retry-After": "10"})
        return folder, name

    async def _take(self, request: web.Request, folder: UploadFolder, name: str) -> web.Response:
        with ExitStack() as stack:
            try:
                incoming = Incoming(folder.folder, self._keep_free)
                await beside(stack.enter_context, incoming)
                await beside(incoming.room_for, request.content_length or 0)
                await self._stream(request, incoming)
                if not incoming.size:
                    _refuse(web.HTTPBadRequest, "nothing was sent")
                known = await self._known(folder, incoming.sha256)
                if known is None:
                    self._note(folder.stream.name, incoming.sha256, name)
                    path = await beside(incoming.keep, name)
                    folder.counts["uploaded"] += 1
                    folder.ring()
                    log.info("%s: %s came over HTTP, %d bytes", folder.stream.name, path.name, incoming.size)
            except NoRoomError:
                self._full(folder)
            except TimeoutError:
                folder.counts["broken_off"] += 1
                _refuse(web.HTTPRequestTimeout, "too little came for too long")
            except (ConnectionError, web.RequestPayloadError):
                folder.counts["broken_off"] += 1
                _refuse(web.HTTPBadRequest, "it ended in the middle")
            except OSError as error:
                log.error("%s: an upload could not be kept: %s", folder.stream.name, error)  # noqa: TRY400
                self._full(folder)
        return _answer(folder, incoming.sha256, known, 202 if known is None else 200)

    async def _stream(self, request: web.Request, incoming: Incoming) -> None:
        """To disk, piece by piece. Raises TimeoutError where it comes too slowly, OSError."""
        gathered = bytearray()
        ended = False
        while not ended:
            gathered.clear()
            async with asyncio.timeout(self._http.idle_timeout):
                while len(gathered) < _LEAST and not ended:
                    piece = await request.content.readany()
                    ended = not piece
                    gathered += piece
            if incoming.size + len(gathered) > self._most:
                self._too_large()
            if gathered:
                await beside(incoming.write, bytes(gathered))

    async def _get(self, request: web.Request) -> web.Response:
        folder, digest = self._folder(request), request.match_info["sha256"]
        known = await self._known(folder, digest)
        if known is None and (folder.stream.name, digest) not in self._came:
            _refuse(web.HTTPNotFound, "no such file came, or its report is no longer kept")
        return _answer(folder, digest, known, 200)

    async def _report(self, request: web.Request) -> web.StreamResponse:
        folder, digest = self._folder(request), request.match_info["sha256"]
        known = await self._known(folder, digest)
        path = Path((known or {}).get("evidence", {}).get("report") or "/")
        if not await beside(path.is_file):
            _refuse(web.HTTPNotFound, "there is no report, or not yet")
        return web.FileResponse(path, headers={**_HEADERS, "Content-Security-Policy": POLICY})

    def _folder(self, request: web.Request) -> UploadFolder:
        self._let_in(request)
        folder = self._folders.get(request.match_info["stream"])
        if folder is None:
            _refuse(web.HTTPNotFound, "no stream of this name has a folder")
        return folder

    def _let_in(self, request: web.Request) -> None:
        token = self._http.token
        if token is None:
            if not is_loopback(request.headers.get("Host", "")):
                _refuse(web.HTTPForbidden, "name this machine as 127.0.0.1 or localhost")
            return
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not hmac.compare_digest(given.strip().encode(), token.encode()):
            _refuse(web.HTTPUnauthorized, "Authorization: Bearer TOKEN", {"WWW-Authenticate": "Bearer"})

    async def _known(self, folder: UploadFolder, digest: str) -> Mapping[str, Any] | None:
        try:
            judged = await folder.uploads.ledger.find(folder.stream.name, digest)
        except LedgerError:
            _refuse(web.HTTPServiceUnavailable, "what is known of files cannot be read now")
        if judged:
            self._came.pop((folder.stream.name, digest), None)
        return judged.facts if judged else None

    def _note(self, stream: str, digest: str, name: str) -> None:
        self._came[stream, digest] = name
        if len(self._came) > _REMEMBERED:
            self._came.popitem(last=False)

    def _too_large(self) -> NoReturn:
        size = self._most
        raise web.HTTPRequestEntityTooLarge(
            size, size + 1, text=_json(f"more than {size} bytes"), headers=_SENT
        )

    def _full(self, folder: UploadFolder) -> NoReturn:
        folder.counts["no_room"] += 1
        _refuse(web.HTTPInsufficientStorage, "the disk is too full, or cannot be written")


def _answer(folder: UploadFolder, digest: str, known: Mapping[str, Any] | None, status: int) -> web.Response:
    where = f"/uploads/{folder.stream.name}/{digest}"
    said = {**known, "evidence": None} if known else {"verdict": None}
    body = {
        "sha256": digest,
        "stream": folder.stream.name,
        "status": where,
        "report": f"{where}/report",
        **said,
    }
    return web.json_response(body, status=status, headers={**_HEADERS, "Location": where})


_SENT: Final = {**_HEADERS, "Content-Type": "application/json"}


def _refuse(how: type[web.HTTPException], why: str, headers: Mapping[str, str] | None = None) -> NoReturn:
    raise how(text=_json(why), headers={**_SENT, **(headers or {})})


def _json(why: str) -> str:
    return json.dumps({"error": why}) + "\n"
