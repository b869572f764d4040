"""Values that stand outside the file: ${NAME}, ${NAME:-default}, ${file:PATH} and file:PATH."""

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from config.secrets import carries_userinfo, remember, understand_url, userinfo_end

_TOKEN = re.compile(r"\$\$|\$\{(?P<inside>[^}]*)(?P<close>\}?)")
_VARIABLE = re.compile(r"(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?P<dash>:-(?P<default>.*))?", re.DOTALL)
_SECRET_NAME = re.compile("PASS|PWD|SECRET|TOKEN|KEY|CREDENTIAL|AUTH", re.IGNORECASE)
_SCHEME = re.compile("[A-Za-z][A-Za-z0-9+.-]*://")
_LARGEST = 64 * 1024  # bytes of a secret file; more is no secret but, say, a recording


@dataclass(frozen=True, slots=True)
class Filled:
    """A value as the file has it, with what its references stand for."""

    value: str | None  # None: nothing but references, and they are empty
    troubles: tuple[str, ...] = ()  # in words, when something could not be had; value then means nothing


@dataclass(frozen=True, slots=True)
class _Piece:
    text: str
    outside: bool  # comes from a variable or a secret file


class _Absent(Exception):  # noqa: N818 - never leaves this file
    """A reference that leads nowhere; says what to do."""


def fill(text: str, environ: Mapping[str, str], folder: Path) -> Filled:
    """Puts in what the references of one value stand for; `$$` is a plain dollar sign.

    A value that is all `file:PATH` (not file://) is the text of that file without its last line end. A
    relative PATH is looked for in systemd's $CREDENTIALS_DIRECTORY, then in `folder`. Where a reference
    stands in the user or password of a URL, its value is percent-encoded, so that any password works; one
    that stands for both (`rtsp://${LOGIN}@...`) is parted at its first colon.
    """
    troubles: list[str] = []
    whole_file = text.startswith("file:") and not text.startswith("file://")
    pieces = _pieces(text.removeprefix("file:") if whole_file else text, environ, folder, troubles)
    if whole_file and not troubles:
        try:
            pieces = [_Piece(_secret("".join(piece.text for piece in pieces), environ, folder), True)]
        except _Absent as absent:
            troubles.append(str(absent))
    if troubles:
        return Filled(None, tuple(troubles))
    value = understand_url(_joined(pieces))
    return Filled(None if pieces and not value else value)


def refers(text: str) -> bool:
    """Whether the value stands, wholly or in part, outside the file."""
    return "${" in text or (text.startswith("file:") and not text.startswith("file://"))


def _pieces(text: str, environ: Mapping[str, str], folder: Path, troubles: list[str]) -> list[_Piece]:
    pieces, done = [], 0
    for token in _TOKEN.finditer(text):
        if before := text[done : token.start()]:
            pieces.append(_Piece(before, False))
        done = token.end()
        try:
            outside = token[0] != "$$"
            pieces.append(_Piece(_value(token, environ, folder) if outside else "$", outside))
        except _Absent as absent:
            troubles.append(str(absent))
    if after := text[done:]:
        pieces.append(_Piece(after, False))
    return pieces


def _value(token: re.Match[str], environ: Mapping[str, str], folder: Path) -> str:
    inside = token["inside"]
    if not token["close"]:
        raise _Absent("'${' has no '}' after it; a plain dollar sign before '{' is written $$")
    if inside.startswith("file:"):
        return _secret(inside.removeprefix("file:"), environ, folder)
    variable = _VARIABLE.fullmatch(inside)
    if not variable:
        raise _Absent(
            "'${...}' names no variable: write ${NAME}, ${NAME:-default} or ${file:PATH}, and $$ for $"
        )
    name = variable["name"]
    value = environ.get(name)
    if variable["dash"] and not value:
        value = variable["default"]
    if value is None:
        near = difflib.get_close_matches(name, environ, n=1, cutoff=0.8)
        meant = f", did you mean {near[0]}?" if near else ""
        raise _Absent(
            f"the environment variable {name} is not set{meant or ':'} set it, or write ${{{name}:-default}}"
        )
    if _SECRET_NAME.search(name) and not carries_userinfo(value):
        remember(value)
    return value


def _secret(written: str, environ: Mapping[str, str], folder: Path) -> str:
    """The text of a secret file, remembered for `hide`: a URL by its password, anything else whole."""
    path = Path(written)
    if not written.strip():
        raise _Absent("'file:' names no file")
    given = environ.get("CREDENTIALS_DIRECTORY")
    try:
        if not path.is_absolute():
            handed = Path(given) / path if given else None
            path = handed if handed and handed.exists() else folder / path
        with path.open("rb") as file:
            content = file.read(_LARGEST + 1)
        if len(content) > _LARGEST:
            raise _Absent(f"the file {path} is too large for a secret; a recording is named without 'file:'")
        secret = content.decode().rstrip("\r\n")
    except FileNotFoundError:
        raise _Absent(f"the secret file {path} does not exist: create it, or mend its path") from None
    except PermissionError:
        raise _Absent(
            f"this user may not read the secret file {path}: change its owner or mode, "
            "or hand it over with LoadCredential= in the unit"
        ) from None
    except IsADirectoryError:
        raise _Absent(f"the secret file {path} is a folder: name a file in it") from None
    except UnicodeDecodeError:
        raise _Absent(f"the file {path} is not text (UTF-8); a recording is named without 'file:'") from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        raise _Absent(f"the secret file {path} cannot be read: {getattr(error, 'strerror', error)}") from None
    if not secret:
        raise _Absent(f"the secret file {path} is empty: write the secret into it")
    if not carries_userinfo(secret):
        remember(secret)
    return secret


def _joined(pieces: list[_Piece]) -> str:
    """The pieces put together; those in a URL's user and password are encoded first."""
    # What stands outside is a "1" here: good as a user, a password, a host and a port, so it decides nothing.
    mask = "".join("1" if piece.outside else piece.text for piece in pieces)
    scheme = _SCHEME.match(mask)
    end = userinfo_end(mask[scheme.end() :]) if scheme else None
    if scheme is None or end is None:
        return "".join(piece.text for piece in pieces)
    start, end = scheme.end(), scheme.end() + end
    joined, place = [], 0
    for piece in pieces:
        if not piece.outside:
            place += len(piece.text)
            joined.append(piece.text)
        else:
            inside = start <= place < end
            both = inside and end - start == 1
            place += 1
            joined.append(_encoded(piece.text, both) if inside else piece.text)
    return "".join(joined)


def _encoded(value: str, both: bool) -> str:
    user, colon, password = value.partition(":") if both else (value, "", "")
    return quote(user, safe="") + colon + quote(password, safe="")
