"""Does the jobs of framewarden:jobs: a file by its path, or fetched from a url, judged and answered."""

import asyncio
import logging
import re
import socket
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Final
from urllib.parse import SplitResult, unquote, urljoin, urlsplit

import aiohttp

from alerts.jobs import Job, Jobs
from config.printable import printable
from config.secrets import hide
from config.uploads import UploadsSettings
from daemon.file_watch import NotNowError
from daemon.ledger import LedgerError
from daemon.upload_folder import UploadFolder
from streams.beside import beside
from streams.digest import ChangedError
from streams.incoming import Incoming, NoRoomError, plain_name

log = logging.getLogger(__name__)

RETRY: Final = 5.0  # seconds
_HOPS: Final = 3  # redirects that are followed
_PIECE: Final = 1 << 18  # bytes
_AHEAD: Final = 4  # jobs under way for each that is judged: some wait for a network
_FIELDS: Final = frozenset({"path", "url", "stream", "name"})


_PASSING: Final = (
    NotNowError,
    ChangedError,
    NoRoomError,
    FileNotFoundError,
    PermissionError,
    aiohttp.ClientError,
    TimeoutError,
)


class RefusedError(Exception):
    """The job cannot be done, now or later; says why."""


class UploadJobs:
    """A job is acknowledged when its answer is told."""

    def __init__(
        self, settings: UploadsSettings, jobs: Jobs, folders: Mapping[str, UploadFolder], retry: float = RETRY
    ) -> None:
        self._settings = settings
        self._jobs = jobs
        self._folders = folders
        self._retry = retry
        self._allowed = [folder.resolve() for folder in settings.jobs.folders]
        self._hosts = {each.lower() for each in settings.jobs.hosts}

    async def run(self) -> None:
        """Until cancelled. What is not answered then comes again."""
        turns = asyncio.Semaphore(_AHEAD * self._settings.at_once)
        try:
            async with asyncio.TaskGroup() as group:
                while True:
                    await turns.acquire()
                    job = await self._jobs.next()
                    task = group.create_task(self._do(job), name=f"job {job.id}")
                    task.add_done_callback(lambda _: turns.release())
        finally:
            await self._jobs.close()

    async def _do(self, job: Job) -> None:
        keeping = asyncio.create_task(self._keep(job), name=f"keep job {job.id}")
        try:
            await self._answer(job)
            await self._jobs.done(job)
        finally:
            keeping.cancel()
            await asyncio.wait([keeping])

    async def _keep(self, job: Job) -> None:
        while True:
            await asyncio.sleep(self._settings.jobs.claim_after / 3)
            await self._jobs.keep(job)

    async def _answer(self, job: Job) -> None:
        """Returns when its message is in the outbox."""
        while not self._folders:  # noqa: ASYNC110 - a start or a reload is under way
            await asyncio.sleep(self._retry)
        began = asyncio.get_running_loop().time()
        path: Path | None = None
        folder = self._folder(job)
        while True:
            waited = asyncio.get_running_loop().time() - began
            try:
                try:
                    if path is None:
                        path = await self._path(job, folder)
                    await folder.take(path, job.id, ours="url" in job.fields)
                except RefusedError as refused:
                    log.warning("%s: job %s is refused: %s", folder.stream.name, job.id, refused)
                    await folder.refuse(_name(job), str(refused), job.id)
            except _PASSING as error:
                if waited >= self._settings.wait:
                    reason = f"{_words(error)}; it was tried for {waited:.0f} s in vain (uploads.wait)"
                    await folder.refuse(_name(job), reason, job.id)
                    return
                log.info("%s: job %s waits: %s", folder.stream.name, job.id, _words(error))
            except (LedgerError, OSError) as error:
                log.error("job %s waits: %s", job.id, error)  # noqa: TRY400 - words for the user
            else:
                return
            await asyncio.sleep(self._retry)

    def _folder(self, job: Job) -> UploadFolder:
        """Where it is judged: the one asked for, or the only one; the first where that cannot be told."""
        first = next(iter(self._folders.values()))
        return self._folders.get(job.fields.get("stream", ""), first)

    async def _path(self, job: Job, folder: UploadFolder) -> Path:
        """The file itself, fetched if need be. Raises RefusedError, aiohttp's ClientError, OSError."""
        fields = job.fields
        if unknown := sorted(fields.keys() - _FIELDS):
            known = ", ".join(sorted(_FIELDS))
            raise RefusedError(f"no job has the field '{printable(unknown[0][:40])}': known are {known}")
        if ("stream" in fields or len(self._folders) > 1) and fields.get("stream") not in self._folders:
            raise RefusedError(f"stream must be one of {', '.join(self._folders)}")
        if ("path" in fields) == ("url" in fields):
            raise RefusedError("a job has either a path or a url")
        if "path" in fields:
            return await beside(self._allowed_path, fields["path"])
        return await self._fetch(fields["url"], _name(job), folder)

    def _allowed_path(self, text: str) -> Path:
        """With all links followed, so that none leads out of the folders."""
        try:
            path = Path(text).resolve(strict=True)
        except (OSError, ValueError, RuntimeError):
            path = None
        # Whether a file elsewhere exists is nobody's business.
        if path is None or not any(path.is_relative_to(each) for each in self._allowed) or not path.is_file():
            raise RefusedError("there is no such file in the folders that jobs may lead to (uploads.jobs)")
        return path

    async def _fetch(self, url: str, name: str, folder: UploadFolder) -> Path:
        timeout = aiohttp.ClientTimeout(
            total=None, sock_connect=30, sock_read=self._settings.http.idle_timeout
        )
        async with aiohttp.ClientSession(timeout=timeout, trust_env=False, auto_decompress=False) as session:
            for _ in range(_HOPS + 1):
                self._check_host(url)
                async with await _asked(session, url) as answer:
                    if answer.status in (301, 302, 303, 307, 308):
                        url = urljoin(url, answer.headers.get("Location", ""))
                        continue
                    if answer.status >= 500 or answer.status in (408, 425, 429):
                        raise aiohttp.ClientError(f"{_host(url)} answers with {answer.status}")
                    if answer.status != 200:
                        raise RefusedError(f"{_host(url)} answers with {answer.status}")
                    return await self._save(answer, name, folder)
        raise RefusedError(f"{_host(url)} leads from one address to the next, more than {_HOPS} times")

    def _check_host(self, url: str) -> None:
        parts = _split(url)
        try:
            port = parts.port
        except ValueError:
            port = 0
        if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
            raise RefusedError("the url must begin with http:// or https:// and a host")
        standard = {"http": 80, "https": 443}[parts.scheme]
        allowed = {f"{parts.hostname}:{port or standard}"}
        if port in (None, standard):
            allowed.add(parts.hostname)
        if not allowed & self._hosts:
            raise RefusedError(
                f"{_host(url)} is none of the hosts that jobs may lead to (uploads.jobs.hosts)"
            )

    async def _save(self, answer: aiohttp.ClientResponse, name: str, folder: UploadFolder) -> Path:
        most = int(self._settings.megabytes * 1e6)
        with ExitStack() as stack:
            incoming = Incoming(folder.folder, self._settings.keep_free_gigabytes * 1e9)
            await beside(stack.enter_context, incoming)
            await beside(incoming.room_for, answer.content_length or 0)
            async for piece in answer.content.iter_chunked(_PIECE):
                if incoming.size + len(piece) > most:
                    raise RefusedError(
                        f"it is larger than {self._settings.megabytes:g} MB (uploads.megabytes)"
                    )
                await beside(incoming.write, piece)
            if not incoming.size:
                raise RefusedError("there is nothing at that address")
            return await beside(incoming.keep, name)


def _name(job: Job) -> str:
    """What the file is called: as the job says, or as its address does; a plain name, whatever it says."""
    given = job.fields.get("name") or unquote(_split(job.fields.get("url", "")).path)
    given = given or job.fields.get("path", "")
    last = re.sub(r"[^\w.,+=@() -]", "_", given.replace("\\", "/").rpartition("/")[2])[-80:].lstrip(". ")
    try:
        return plain_name(last)
    except ValueError:
        return f"job-{job.id}"


async def _asked(session: aiohttp.ClientSession, url: str) -> aiohttp.ClientResponse:
    try:
        return await session.get(url, allow_redirects=False)
    except (aiohttp.InvalidURL, ValueError):
        raise RefusedError("the url is no address") from None


def _split(url: str) -> SplitResult:
    try:
        return urlsplit(url)
    except ValueError:
        return SplitResult("", "", "", "", "")


def _host(url: str) -> str:
    parts = _split(url)
    return hide(f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}")


def _words(error: Exception) -> str:
    return hide(str(error)) or (
        "nothing came for too long" if isinstance(error, TimeoutError) else "it broke off"
    )


def consumer_name(settings: UploadsSettings) -> str:
    """Our name in the group: the same after a restart, so that what we had comes back to us."""
    return settings.jobs.consumer or socket.gethostname()
