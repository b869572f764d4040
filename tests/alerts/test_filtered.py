"""Who gets which messages."""

from alerts.channel import Message
from alerts.filtered import Filtered
from config.channels import Only
from tests.alert_body import alert_body
from tests.alerts.test_delivery import Collector


def message(change: str = "opened", stream: str = "gate", sequence: int = 1, **data: str) -> Message:
    body = alert_body(change, stream, sequence, **data)
    return Message(f"m{sequence}", stream, data.get("kind", "anomaly"), sequence, body)


MESSAGES = [
    message("opened", sequence=1, severity="info"),
    message("updated", sequence=2, severity="critical"),
    message("closed", sequence=3, severity="critical"),
    message("opened", stream="lobby", sequence=4, kind="quality", label="frozen"),
    message("opened", stream="gate2", sequence=5, kind="stream", label="offline"),
    message("shelved", stream="gate", sequence=6, severity="dreadful"),  # words of a newer daemon
    Message("m7", "gate", "anomaly", 7, "spoilt"),
]


async def taken(**only: object) -> list[int]:
    inner = Collector()
    channel = Filtered(inner, Only.model_validate(only))
    assert (channel.name, channel.batch) == (inner.name, inner.batch)
    await channel.publish(MESSAGES)
    return inner.sequences()


async def test_each_rule_leaves_out_what_does_not_fit_it() -> None:
    assert await taken() == [1, 2, 3, 4, 5, 6, 7]
    assert await taken(streams=["gate"]) == [1, 2, 3, 6, 7]
    assert await taken(streams=["gat?2", "lob*"]) == [4, 5]
    assert await taken(kinds=["quality", "stream"]) == [4, 5]
    assert await taken(labels=["froz*"]) == [4, 7]
    assert await taken(states=["opened"]) == [1, 4, 5, 7]
    assert await taken(min_severity="warning") == [2, 3, 4, 5, 6, 7]
    assert await taken(min_severity="critical") == [2, 3, 6, 7]


async def test_a_message_has_to_fit_all_rules() -> None:
    assert await taken(streams=["gate*"], kinds=["anomaly"], states=["closed", "opened"]) == [1, 3, 7]


async def test_a_channel_is_not_bothered_with_nothing() -> None:
    inner = Collector()
    await Filtered(inner, Only(streams=("nobody",))).publish(MESSAGES)
    assert inner.tries == 0
