"""What may be wrong with a good configuration: a recording may come later, an odd address may be right."""

from config.address import ENCODING, is_there, may_hide_password
from config.secrets import hide
from config.settings import Settings


def doubts(settings: Settings) -> list[str]:
    """One sentence for each thing that an operator had better look at again."""
    told = []
    for stream in settings.streams:
        if may_hide_password(stream.url):
            told.append(f"stream '{stream.name}': url: there is an '@' after the host: {ENCODING}")
        elif "://" not in stream.url and not is_there(stream.url):
            told.append(f"stream '{stream.name}': url: {stream.url} is not there, or not for this user")
    return [hide(text) for text in told]
