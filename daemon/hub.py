"""The hub that models are got from: what it has of one, and its files; the only room that downloads weights.

The errors of huggingface_hub do not leave it: their texts hold signed addresses.
"""

import logging
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import Any, BinaryIO, Final, cast
from urllib.parse import urlsplit

from config.address import is_loopback
from config.secrets import remember
from daemon.pull_choice import Offered
from detectors.store import HUB

HOME: Final = "https://huggingface.co"
TOKEN: Final = "HF_TOKEN"  # noqa: S105 - the name of a variable
ENDPOINT: Final = "HF_ENDPOINT"
OFFLINE: Final = "HF_HUB_OFFLINE"
TIMEOUT: Final = 20.0  # seconds for an answer


class PullError(Exception):
    """A model that cannot be got; says why and what to do."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be got, and whence."""

    repository: str  # owner/name
    revision: str  # a branch, a tag, or a commit
    only: tuple[str, ...]  # patterns of files; empty: what detectors can read
    endpoint: str
    token: str | None

    @property
    def name(self) -> str:
        """What it is called in the store."""
        return self.repository.rpartition("/")[2]

    @property
    def host(self) -> str:
        """For people: an endpoint may carry a password."""
        return urlsplit(self.endpoint).hostname or "the hub"


def wish_for(
    repository: str, revision: str, only: Sequence[str], endpoint: str | None, environ: Mapping[str, str]
) -> Wish:
    """Raises PullError where nothing may be asked for."""
    if environ.get(OFFLINE, "").upper() in ("1", "ON", "YES", "TRUE"):
        raise PullError(f"{OFFLINE} is set, so nothing is downloaded: unset it for this command")
    owner, _, name = repository.partition("/")
    if not owner or not name or "/" in name or name.startswith(".") or owner.startswith("."):
        raise PullError(f"'{repository}' is no name on a hub: these are OWNER/NAME, as in the page's address")
    where = (endpoint or environ.get(ENDPOINT) or HOME).rstrip("/")
    parts = urlsplit(where)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise PullError("the endpoint is no address: give it as https://HOST")
    token = environ.get(TOKEN) or None
    if token:
        remember(token)
        if parts.scheme == "http" and not is_loopback(parts.netloc):
            raise PullError(f"the token in {TOKEN} would be readable by all on the way: use https://")
    return Wish(repository, revision, tuple(only), where, token)


class Hub:
    """One model of a hub."""

    def __init__(self, wish: Wish) -> None:
        os.environ["HF_HUB_DISABLE_XET"] = "1"  # plain HTTP, which can be gone on with, and is what is tested
        os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
        try:
            from huggingface_hub.utils.logging import set_verbosity
        except ImportError as error:
            raise PullError(
                f"this needs huggingface_hub, which cannot be imported ({error}): {HUB}"
            ) from error
        set_verbosity(logging.ERROR)
        self._wish = wish
        self._token = wish.token or False  # False: not that of another program's login either

    def files(self) -> tuple[str, list[Offered]]:
        """The commit that the revision stands for, and its files."""
        from huggingface_hub import HfApi

        wish = self._wish
        api = HfApi(endpoint=wish.endpoint, token=self._token)
        with self._in_words():
            told = api.model_info(
                wish.repository, revision=wish.revision, files_metadata=True, timeout=TIMEOUT
            )
        found = [
            Offered(one.rfilename, one.size or 0, one.lfs.sha256 if one.lfs else "", one.blob_id or "")
            for one in told.siblings or ()
        ]
        if not told.sha:
            raise PullError(f"{wish.host} does not say which commit '{wish.revision}' is: it is no such hub")
        return told.sha, found

    def get(self, one: Offered, commit: str, part: Path, more: Callable[[int], None]) -> None:
        """Appends to `part` what it lacks of a file."""
        from huggingface_hub import get_hf_file_metadata, hf_hub_url
        from huggingface_hub.file_download import http_get
        from huggingface_hub.utils._headers import build_hf_headers

        wish = self._wish
        url = hf_hub_url(wish.repository, one.name, revision=commit, endpoint=wish.endpoint)
        with self._in_words():
            told = get_hf_file_metadata(url, token=self._token, timeout=TIMEOUT, endpoint=wish.endpoint)
            own = urlsplit(told.location).netloc == urlsplit(url).netloc
            headers = build_hf_headers(token=self._token if own else False)  # no token for other hosts
            with _Counted(part, more) as file:
                http_get(
                    told.location,
                    cast("BinaryIO", file),
                    resume_size=file.tell(),
                    headers=headers,
                    expected_size=one.size,
                )

    @contextmanager
    def _in_words(self) -> Iterator[None]:
        import httpx2
        from huggingface_hub import errors

        wish = self._wish
        try:
            yield
        except errors.GatedRepoError:
            raise PullError(
                f"{wish.repository} is given only to those who have accepted its terms: do that on its "
                f"page, and put a token into {TOKEN}"
            ) from None
        except errors.RevisionNotFoundError:
            raise PullError(f"{wish.repository} has no revision '{wish.revision}'") from None
        except errors.RepositoryNotFoundError:
            whom = f"the token in {TOKEN}" if wish.token else f"those without a token in {TOKEN}"
            raise PullError(f"{wish.host} has no model '{wish.repository}' for {whom}") from None
        except errors.HfHubHTTPError as error:
            status = error.response.status_code if error.response is not None else "no status"
            raise PullError(f"{wish.host} answered {status}: try again later") from None
        except (errors.HFValidationError, errors.FileMetadataError):
            raise PullError(f"{wish.host} does not answer as a hub does, or the name is none") from None
        except OSError as error:
            if error.errno is not None:  # it is the disk's
                raise
            raise PullError(f"{wish.host} broke off: what came is kept; ask again to go on") from None
        except (httpx2.HTTPError, httpx2.InvalidURL, httpx2.StreamError) as error:
            raise PullError(
                f"{wish.host} cannot be reached, or broke off ({type(error).__name__}): what came is kept; "
                "ask again to go on"
            ) from None


class _Counted(FileIO):
    """A file that tells how much is in it, at each write."""

    def __init__(self, path: Path, tell: Callable[[int], None]) -> None:
        super().__init__(path, "ab")
        self._told = tell

    def write(self, data: Any) -> int:
        """As FileIO."""
        count = super().write(data)
        self._told(self.tell())
        return count
