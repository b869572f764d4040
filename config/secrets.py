"""Credentials: reading them out of addresses, remembering them, and keeping them out of every text."""

import hashlib
import json
import re
from collections.abc import Collection
from urllib.parse import quote, unquote

MARK = "***"

_SCHEME = r"[A-Za-z][A-Za-z0-9+.-]{0,19}://"
_ADDRESS = re.compile(rf"(?P<scheme>{_SCHEME})(?P<rest>(?:(?!{_SCHEME})\S)*)")
_HOST = re.compile(r"(?:\[[0-9A-Fa-f:.]+\]|[^\s@:/?#\[\]]+)(?::\d+)?(?=[/?#]|$)")
_NAMED = re.compile(
    r"""(?ix) (?P<name> [\w-]* (?:passw(?:or)?d|pass|pwd|token|secret|key|credential|auth|signature|sig)
        (?: \s*=\s* | ["']\s*:\s* ) )                       # password=..., "token": "..."
        (?P<value> "(?:[^"\\]|\\.)*" | '(?:[^'\\]|\\.)*' | [^\s&"',;\#<>)\]}]+ )"""
)
_HEADER = re.compile(r"(?i)(authorization[\"']?\s*[:=]\s*[\"']?(?:basic|bearer|digest)\s+)[^\r\n\"']+")
_SHORT = (
    4  # letters; a shorter secret is only hidden where it stands alone, or "1" would blot out every number
)

# One set for the whole process, not one for each configuration: a text that leaks may come from anywhere
# (a library's exception, a traceback, a child's last words), long after the configuration that held the
# secret was replaced by a reload, and a text's writer cannot be expected to know which secrets it may be
# carrying. It only ever grows, by what an operator wrote. A child process starts with an empty set; there,
# addresses are hidden by their shape, and what it says goes through its parent's log.
_remembered: set[str] = set()
_names: frozenset[str] = frozenset()  # what things are called, which no text can do without
_pattern: re.Pattern[str] | None = None


def hide(text: str) -> str:
    """The text without credentials: users and passwords in addresses, named secrets, every remembered secret.

    Rather hides too much than too little.
    """
    if "://" in text:
        text = _ADDRESS.sub(_hide_address, text)
    text = _NAMED.sub(lambda found: found["name"] + MARK, text)
    text = _HEADER.sub(lambda found: found[1] + MARK, text)
    return _pattern.sub(MARK, text) if _pattern else text


def source_identity(address: str) -> str:
    """A hash that tells one source from another: the same whoever logs in, and whatever is remembered."""
    named = _NAMED.sub(lambda found: found["name"] + MARK, _ADDRESS.sub(_hide_address, address))
    return hashlib.sha256(named.encode()).hexdigest()


def remember(secret: str) -> None:
    """From now on, `hide` hides this secret, plain and in the forms it takes inside URLs, JSON and reprs."""
    forms = {secret, quote(secret, safe=""), quote(secret), json.dumps(secret)[1:-1], repr(secret)[1:-1]}
    forms |= {re.sub("%[0-9A-F]{2}", lambda code: code[0].lower(), form) for form in forms}
    forms.discard("")
    if forms <= _remembered:
        return
    _remembered.update(forms)
    _compile()


def never_hide(names: Collection[str]) -> None:
    """From now on `hide` leaves these names as they are, and no others: a password may be the same word."""
    global _names
    _names = frozenset(names)
    _compile()


def is_remembered(word: str) -> bool:
    """Whether it is a secret, or was."""
    return word in _remembered


def understand_url(text: str) -> str:
    """The address with its user and password percent-encoded, as the standard wants it.

    A password may be typed as it is: an '@' or ':' in it is understood, and so are '/', '?' and '#' where
    what stands before them can be no host and port. A '%' with two hex digits after it counts as encoded
    already. What is ambiguous (a password such as '1/2@x') has to be encoded, or to come from a variable
    or a file. The password and the values of ?token= and the like are remembered for `hide`. Other texts
    stay as they are.
    """
    found = _ADDRESS.match(text)
    if not found:
        return text
    for named in _NAMED.finditer(text):
        remember(unquote(named["value"]))
    start = found.end("scheme")
    end = userinfo_end(text[start:])
    if end is None:
        return text
    user, colon, password = text[start : start + end].partition(":")
    remember(unquote(password))
    return f"{text[:start]}{_encode(user)}{colon}{_encode(password)}{text[start + end :]}"


def userinfo_end(rest: str) -> int | None:
    """Where in an address, scheme:// taken off, the '@' after user and password stands; None: it has none."""
    authority = re.split("[/?#]", rest, maxsplit=1)[0]
    if "@" in authority:
        return authority.rindex("@")
    _, colon, port = authority.partition(":")
    if authority.startswith("[") or not colon or port.isdigit():
        return None
    # 'user:pa' can be no host and port, so a '/', '?' or '#' belongs to the password.
    return next((at.start() for at in re.finditer("@", rest) if _HOST.match(rest, at.end())), None)


def carries_userinfo(text: str) -> bool:
    """Whether the text is an address with a user or password in it."""
    found = _ADDRESS.match(text)
    return found is not None and userinfo_end(text[found.end("scheme") :]) is not None


def _hide_address(found: re.Match[str]) -> str:
    rest = found["rest"]
    end = userinfo_end(rest)
    if ":" in re.split("[/?#]", rest, maxsplit=1)[0]:
        # A later '@' may end a password that nobody can tell from a path.
        later = re.split("[\"'<>]", rest, maxsplit=1)[0].rfind("@")
        end = max(later, -1 if end is None else end)
        end = None if end < 0 else end
    return found[0] if end is None else f"{found['scheme']}{MARK}{rest[end:]}"


def _encode(part: str) -> str:
    return quote(re.sub("%(?![0-9A-Fa-f]{2})", "%25", part), safe="%!$&'()*+,;=")


def _compile() -> None:
    global _pattern
    longest_first = sorted(_remembered - _names, key=len, reverse=True)  # or a part would leave the rest
    _pattern = re.compile("|".join(map(_form_pattern, longest_first))) if longest_first else None


def _form_pattern(form: str) -> str:
    escaped = re.escape(form)
    return escaped if len(form) >= _SHORT else rf"(?<![A-Za-z0-9]){escaped}(?![A-Za-z0-9])"
