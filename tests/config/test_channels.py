"""docs/channels.md shows every channel with every option, and what it shows is right."""

import re
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml
from pydantic import BaseModel

from config.channels import (
    AlertKind,
    AlertState,
    AppriseChannelSettings,
    ChannelSettings,
    Only,
    SeverityName,
    ToldKind,
)
from config.load import load
from config.secrets import hide
from config.settings import Settings

PAGE = Path(__file__).parents[2] / "docs" / "channels.md"
EXAMPLES = re.findall(r"^```yaml\n(.*?)^```", PAGE.read_text(), re.DOTALL | re.MULTILINE)
GATE = "streams: [{name: gate, url: clip.mp4}]\n"
KINDS: tuple[type[BaseModel], ...] = get_args(get_args(ChannelSettings)[0])


def loaded(folder: Path, example: str) -> Settings:
    """The example as a file, with the secrets that it names beside it."""
    secrets = {
        "hook.secret": "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",
        "hook.authorization": "Bearer f0f1f2f3f4f5f6f7",
        "telegram.url": "tgram://123456789:AAE-abcdefghijklmnop/987654321",
    }
    for name, secret in secrets.items():
        (folder / name).write_text(secret)
    file = folder / "fw.yaml"
    file.write_text(example if "streams:\n" in example else GATE + example)
    return load(file, {"MQTT_USER": "fw", "MQTT_PASSWORD": "pa:ss/word"})


@pytest.mark.parametrize("example", EXAMPLES, ids=range(len(EXAMPLES)))
def test_every_example_loads_as_it_stands(tmp_path: Path, example: str) -> None:
    assert loaded(tmp_path, example).alerts.channels


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.model_fields["kind"].default)
def test_every_option_of_every_channel_is_shown(kind: type[BaseModel]) -> None:
    shown: list[dict[str, Any]] = [
        channel for example in EXAMPLES for channel in yaml.safe_load(example)["alerts"]["channels"]
    ]
    here = [channel for channel in shown if channel["kind"] == kind.model_fields["kind"].default]
    told = {key for channel in here for key in channel}
    everywhere = {"name", "only"}  # shown once, for all
    assert set(kind.model_fields) - everywhere <= told
    assert everywhere <= {key for channel in shown for key in channel}
    assert set(Only.model_fields) <= {key for channel in shown for key in channel.get("only", {})}


def test_the_words_are_those_of_the_judge() -> None:
    from alerts import file_message
    from alerts.verdict import Change, Severity
    from detectors.detection import Kind

    assert set(get_args(AlertKind)) == set(Kind)
    assert set(get_args(ToldKind)) == {*Kind, file_message.KIND}
    assert set(get_args(AlertState)) == {*Change, file_message.JUDGED}
    assert get_args(SeverityName) == tuple(Severity)


@pytest.mark.parametrize("host", ["192.168.1.20", "relay2.example.net"])
def test_the_token_of_a_chat_service_is_hidden_and_the_host_of_a_camera_is_not(host: str) -> None:
    AppriseChannelSettings(kind="apprise", url=f"json://{host}:8080/T0K3N-of-a-chat")
    assert hide(f"cannot reach {host}: T0K3N-of-a-chat") == f"cannot reach {host}: ***"
