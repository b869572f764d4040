"""What Redis, or the way to it, said no with: in words that an operator can act on."""

import os
import ssl
from typing import cast

from redis.asyncio.sentinel import MasterNotFoundError
from redis.exceptions import (
    AuthenticationError,
    BusyLoadingError,
    ClusterCrossSlotError,
    ClusterDownError,
    ConnectionError,
    MovedError,
    NoPermissionError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    ResponseError,
)

from alerts.redis_link import RedisLink


def in_words(error: RedisError | OSError, link: RedisLink, timeout: float) -> str:
    """What comes after 'Redis at HOST': what is wrong, and what to do. `timeout`: the seconds waited."""
    # Redis 6 puts a script's error into words of its own, so the type alone does not tell.
    text = str(error)
    match error:
        case AuthenticationError() if not link.has_password:
            return "asks for a password: put it into redis.url"
        case AuthenticationError():
            return "refuses the user name or the password in redis.url"
        case ResponseError() if isinstance(error, ReadOnlyError) or "-READONLY" in text:
            return "is a read-only replica: name its primary in redis.url, or let Sentinel find it"
        case ResponseError() if isinstance(error, OutOfMemoryError) or "-OOM" in text:
            return "is out of memory: lower redis.stream_length, or raise your own server's maxmemory"
        case ClusterCrossSlotError() | ClusterDownError() | MovedError():
            return "is a Redis Cluster, which keeps no order over several keys: name a server that is none"
        case ResponseError() if "NOREPLICAS" in text:
            return "takes nothing without replicas that follow (min-replicas-to-write)"
        case ResponseError() if isinstance(error, NoPermissionError) or "executing the script" in text:
            return f"does not let this user publish ({text}): change the user's access list"
        case BusyLoadingError():
            return "is still loading its data"
        case MasterNotFoundError() if any(word in text for word in ("NOAUTH", "uthentication", "WRONGPASS")):
            return "is not told to us: Sentinel asks for another ?sentinel_password= in redis.url"
        case MasterNotFoundError():
            return "is nowhere to be found: no Sentinel answers that knows a healthy primary of that name"
        case TimeoutError() if link.tls:  # a server without TLS waits for the end of our first line
            return f"does not answer within {timeout:g} s: is it overloaded or stopped, or without TLS there?"
        case TimeoutError():
            return f"does not answer within {timeout:g} s: is it overloaded or stopped?"
        case ConnectionError() | OSError():
            return _unreachable(_root(error), link)
    return text if text.startswith("has ") else f"refuses: {text}"


def _unreachable(root: BaseException, link: RedisLink) -> str:
    match root:
        case ssl.SSLCertVerificationError():
            return (
                f"shows a certificate that is not trusted ({root.verify_message}): "
                "name its authority in redis.url, as in ?ssl_ca_certs=FILE"
            )
        case ssl.SSLError() if "CERTIFICATE_REQUIRED" in str(root.reason) or "ALERT" in str(root.reason):
            return (
                "wants a certificate that it trusts from us: name one in redis.url, "
                f"as in ?ssl_certfile=FILE&ssl_keyfile=FILE ({root.reason})"
            )
        case FileNotFoundError() | PermissionError() if link.tls:
            return f"cannot be spoken to: a file named in redis.url cannot be read ({root.strerror})"
        case OSError() if root.errno:  # below 0: a name's look-up
            reason = os.strerror(root.errno) if root.errno > 0 else str(root.strerror)
        case _:
            reason = str(root) or type(root).__name__
    return f"cannot be reached ({reason}): is it running, and is redis.url right?"


def _root(error: BaseException) -> BaseException:
    """The operating system's own word at the bottom of the chain: the texts above it repeat addresses."""
    while error.__cause__ or error.__context__:
        error = cast(BaseException, error.__cause__ or error.__context__)
    return error
