"""What the address of a Redis server may be: one server, a socket, or a service behind Sentinel.

No sentence here repeats more of an address than its scheme, so none can repeat a password.
"""

import re
from dataclasses import dataclass, field
from urllib.parse import SplitResult, parse_qsl, urlencode, urlsplit

from config.address import ENCODING, port_of
from config.secrets import understand_url

SCHEMES = ("redis", "rediss", "unix", "redis+sentinel", "rediss+sentinel")
TLS_FILES = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile")

_OPTIONS = ("db", "username", "password")
_TLS_OPTIONS = (*TLS_FILES, "ssl_cert_reqs", "ssl_check_hostname")
_SENTINEL_OPTIONS = ("sentinel_username", "sentinel_password")
_SENTINEL = "redis+sentinel://HOST:26379,HOST:26379/SERVICE/0"
_NODE = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[^\s:\[\]]+)(?::(?P<port>\d{1,5}))?")


@dataclass(frozen=True, slots=True)
class RedisAddress:
    """An address taken apart. `url` is for the client library; it may carry a password."""

    url: str = field(repr=False)  # redis://, rediss:// or unix://; behind Sentinel its host is the service
    where: str  # for people: without credentials and options
    options: dict[str, str] = field(repr=False)  # what stands after '?'
    sentinels: tuple[tuple[str, int], ...] = ()  # hosts and ports; none: the server itself is named

    @property
    def tls(self) -> bool:
        return self.url.startswith("rediss://")


def redis_address(text: str) -> RedisAddress:
    """Takes an address apart, its password typed as it is or encoded. Raises ValueError, in words."""
    text = understand_url(text)
    parts = _parts(text)
    if parts.scheme not in SCHEMES:
        raise ValueError(f"begins with none of {', '.join(f'{each}://' for each in SCHEMES)}")
    options = _options(parts)
    if parts.scheme == "unix":
        if parts.hostname or parts.path in ("", "/"):
            raise ValueError("names no socket: write unix:///run/redis.sock, with three slashes")
        return RedisAddress(text, parts.path, options)
    if parts.scheme.endswith("+sentinel"):
        return _behind_sentinel(parts, options)
    port = port_of(parts)
    if not parts.hostname:
        raise ValueError("names no host: write one after //, as in redis://127.0.0.1:6379/0")
    if not re.fullmatch(r"/?\d*", parts.path):
        raise ValueError("only a database's number may stand after host and port, as in redis://HOST:6379/0")
    return RedisAddress(text, _named(parts.hostname, port or 6379), options)


def _parts(text: str) -> SplitResult:
    scheme, _, rest = text.partition("://")
    # Python takes one host apart, and newer releases refuse a list of them with an IPv6 address in it.
    hosts = re.split("[/?#]", rest, maxsplit=1)[0] if scheme.endswith("+sentinel") else ""
    try:
        parts = urlsplit(f"{scheme}://{rest[len(hosts) :]}" if hosts else text)
    except ValueError:  # its words repeat the address
        raise ValueError(f"host or port cannot be understood; {ENCODING}") from None
    return parts._replace(netloc=hosts) if hosts else parts


def _behind_sentinel(parts: SplitResult, options: dict[str, str]) -> RedisAddress:
    login, at, authority = parts.netloc.rpartition("@")
    path = re.fullmatch(r"/(?P<service>[\w.-]+)(?:/(?P<db>\d*))?", parts.path)
    nodes = [_NODE.fullmatch(each) for each in authority.split(",")]
    if not path or not all(nodes):
        raise ValueError(f"behind Sentinel an address is written {_SENTINEL}")
    found = [(node["host"].strip("[]"), int(node["port"] or 26379)) for node in nodes if node]
    if any(not 0 < port < 65536 for _, port in found):
        raise ValueError(f"the port must be a number from 1 to 65535; {ENCODING}")
    rest = urlencode({name: value for name, value in options.items() if name not in _SENTINEL_OPTIONS})
    scheme = parts.scheme.removesuffix("+sentinel")
    return RedisAddress(
        f"{scheme}://{login}{at}{path['service']}/{path['db'] or 0}{'?' * bool(rest)}{rest}",
        f"{path['service']} behind Sentinel at {', '.join(_named(*node) for node in found)}",
        options,
        tuple(found),
    )


def _options(parts: SplitResult) -> dict[str, str]:
    known: tuple[str, ...] = _OPTIONS
    if parts.scheme.startswith("rediss"):
        known += _TLS_OPTIONS
    if parts.scheme.endswith("+sentinel"):
        known += _SENTINEL_OPTIONS
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    for name, value in options.items():
        if name not in known:
            raise ValueError(f"one of the options after '?' is not known: {', '.join(known)}")
        if name == "db" and not value.isdecimal():
            raise ValueError("the option db is a database's number, as in ?db=0")
    if "ssl_keyfile" in options and "ssl_certfile" not in options:
        raise ValueError("the option ssl_keyfile is of no use without ssl_certfile")
    return options


def _named(host: str, port: int) -> str:
    return f"{f'[{host}]' if ':' in host else host}:{port}"
