"""What may be wrong with a good configuration: a recording may come later, an odd address may be right."""

from config.address import ENCODING, is_there, may_hide_password
from config.redis_address import TLS_FILES, redis_address
from config.secrets import hide, is_remembered
from config.settings import Settings


def doubts(settings: Settings) -> list[str]:
    """One sentence for each thing that an operator had better look at again."""
    told = []
    for stream in settings.streams:
        if is_remembered(stream.name):
            told.append(
                f"stream '{stream.name}': a password or token is the same word, which no log can hide "
                "where it stands alone: change one of them"
            )
        if may_hide_password(stream.url):
            told.append(f"stream '{stream.name}': url: there is an '@' after the host: {ENCODING}")
        elif "://" not in stream.url and not is_there(stream.url):
            told.append(f"stream '{stream.name}': url: {stream.url} is not there, or not for this user")
    if settings.redis.url:
        if all(channel.kind != "redis" for channel in settings.alerts.channels):
            told.append("redis: url: alerts.channels names no 'kind: redis', so nothing is sent there")
        options = redis_address(settings.redis.url).options
        told += [
            f"redis: url: {name}: {options[name]} is not there, or not for this user"
            for name in TLS_FILES
            if name in options and not is_there(options[name])
        ]
    return [hide(text) for text in told]
