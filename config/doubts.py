"""What may be wrong with a good configuration: a recording may come later, an odd address may be right."""

import difflib
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from types import MappingProxyType
from typing import Final

import yaml

from config.address import ENCODING, is_there, may_hide_password
from config.channels import (
    AlertmanagerChannelSettings,
    ChannelSettings,
    FileChannelSettings,
    MqttChannelSettings,
    WebhookChannelSettings,
    name_of,
)
from config.document import Document
from config.recording import why_unwatchable
from config.redis_address import TLS_FILES, redis_address
from config.scene import MOVING
from config.secrets import hide, is_remembered
from config.settings import NO_NORMAL, Settings

_NO_LABELS: Final[Mapping[str, Collection[str]]] = MappingProxyType({})
_PLAIN_PASSWORD: Final = re.compile(r"[a-z]+://[^/?#@$]*:[^/?#@$]+@")


def doubts(
    settings: Settings, document: Document | None = None, labels: Mapping[str, Collection[str]] = _NO_LABELS
) -> list[str]:
    """One sentence for each thing that an operator had better look at again.

    `document`: the settings as they are written, where passwords in the file itself are to be told. `labels`:
    all that there are of a kind of alert.
    """
    told = []
    for stream in settings.streams:
        if is_remembered(stream.name):
            told.append(
                f"stream '{stream.name}': a password or token is the same word, which no log can hide "
                "where it stands alone: change one of them"
            )
        if stream.folder:
            if not stream.folder.is_dir():
                told.append(f"stream '{stream.name}': folder: {stream.folder} is not there, or no folder")
            if not stream.detectors and "anomaly" in settings.defaults.detectors:
                told.append(f"stream '{stream.name}': detectors: anomaly is left out: {NO_NORMAL}")
        elif may_hide_password(stream.url):
            told.append(f"stream '{stream.name}': url: there is an '@' after the host: {ENCODING}")
        elif "://" not in stream.url and (why := why_unwatchable(stream.url)):
            told.append(f"stream '{stream.name}': url: {stream.url} {why}")
    told += _objects(settings)
    told += _rules(settings, labels)
    told += _same_files(settings.alerts.channels)
    told += _new_folders(settings.alerts.channels)
    if document:
        told += _open_passwords(settings.alerts.channels, document)
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


def _objects(settings: Settings) -> Iterator[str]:
    own = settings.detectors.objects
    looking = False
    for stream in settings.streams:
        looks = "objects" in settings.detectors_of(stream)
        looking |= looks
        given = [name for name in ("zones", "lines", "alert_on") if name in stream.model_fields_set]
        if given and not looks:
            yield f"stream '{stream.name}': {given[0]}: 'objects' is not one of its detectors: add it"
        lost = [each.label for each in stream.alert_on if not fnmatchcase(MOVING, each.label)]
        if looks and lost and own.model is None:
            yield (
                f"stream '{stream.name}': alert_on: '{lost[0]}' is never told without a model, only "
                f"'{MOVING}': name one in detectors.objects.model (docs/models.md)"
            )
    idle = [name for name in ("slices", "denoise", "denoiser") if name in own.model_fields_set]
    if looking and idle and own.model is None:
        yield f"detectors: objects: {idle[0]}: does nothing without detectors.objects.model"


def _rules(settings: Settings, labels: Mapping[str, Collection[str]]) -> Iterator[str]:
    streams = [stream.name for stream in settings.streams]
    for number, rule in enumerate(settings.alerts.rules, 1):
        where = f"alerts: rules: the {number}. rule"
        for_all = rule.stream == rule.label == "*" and not (rule.kind or rule.between or rule.days)
        if rule.tell is False and for_all:
            yield f"{where}: 'tell: false' for everything: nobody is told of any alert"
        if meant := _nothing_fits(rule.stream, streams):
            yield f"{where}: no stream fits '{rule.stream}', {meant}"
        known = labels.get(rule.kind or "")
        if known and (meant := _nothing_fits(rule.label, known)):
            yield f"{where}: no label of kind {rule.kind} fits '{rule.label}', {meant}"


def _nothing_fits(pattern: str, words: Collection[str]) -> str:
    """What was probably meant; empty where something fits."""
    if any(fnmatchcase(word, pattern) for word in words):
        return ""
    near = difflib.get_close_matches(pattern, words, n=1)
    return f"did you mean '{near[0]}'?" if near else f"there are: {', '.join(words)}"


def _same_files(channels: Sequence[ChannelSettings]) -> Iterator[str]:
    first: dict[Path, str] = {}
    for channel in channels:
        if isinstance(channel, FileChannelSettings):
            name = first.setdefault(channel.path.resolve(), name_of(channel))
            if name != name_of(channel):
                yield (
                    f"channel '{name_of(channel)}': path: channel '{name}' writes {channel.path} too, "
                    "and each moves it away from under the other: give each a file of its own"
                )


def _new_folders(channels: Sequence[ChannelSettings]) -> Iterator[str]:
    for channel in channels:
        if isinstance(channel, FileChannelSettings) and not is_there(str(channel.path.parent)):
            yield (
                f"channel '{name_of(channel)}': path: the folder {channel.path.parent} is not there and will "
                "be made: is it the right one?"
            )


def _open_passwords(channels: Sequence[ChannelSettings], document: Document) -> Iterator[str]:
    for number, channel in enumerate(channels):
        if not isinstance(
            channel, WebhookChannelSettings | MqttChannelSettings | AlertmanagerChannelSettings
        ):
            continue
        node = document.node(("alerts", "channels", number, "url"))
        if isinstance(node, yaml.ScalarNode) and _PLAIN_PASSWORD.match(node.value):
            yield (
                f"channel '{name_of(channel)}': url: a password stands in this file for all who read it: "
                "take it from a ${VARIABLE} or ${file:PATH}"
            )
