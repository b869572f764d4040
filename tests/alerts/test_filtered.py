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


def house(change: str, sequence: int, *streams: str, count: int = 0, **data: object) -> Message:
    """An alert of a host that is down, or a storm; `streams`: those that came since the message before."""
    members = [
        {
            "alert_id": f"{stream}-offline",
            "stream": stream,
            "kind": "stream",
            "label": "offline",
            "severity": "warning",
            "first_frame_at": "2026-01-01T00:00:00.000Z",
        }
        for stream in streams
    ]
    gathered = {"count": count or len(streams), "still_open": len(streams), "members": members}
    said = {"kind": "stream", "label": "host_offline", "gathered": gathered} | data
    body = alert_body(change, "_house", sequence, **said)
    return Message(f"h{sequence}", "_house", "stream", sequence, body)


async def told_of(messages: list[Message], **only: object) -> list[int]:
    inner = Collector()
    await Filtered(inner, Only.model_validate(only)).publish(messages)
    return inner.sequences()


async def test_an_alert_that_speaks_for_many_goes_to_whoever_wants_one_of_them() -> None:
    down = [house("opened", 1, "gate", "lobby"), house("updated", 2), house("closed", 3)]
    assert await told_of(down, streams=["gate"]) == [1, 2, 3]
    assert await told_of(down, streams=["ga*"], kinds=["stream"], labels=["offline"]) == [1, 2, 3]
    assert await told_of(down, streams=["gate"], labels=["host_offline"], states=["opened"]) == [1]
    assert await told_of(down, streams=["cellar"]) == []
    assert await told_of(down, kinds=["anomaly"]) == []
    assert await told_of(down, streams=["gate"], min_severity="critical") == []


async def test_who_was_told_that_many_began_is_told_how_it_goes_on_and_ends() -> None:
    storm = [
        house("opened", 1, "lobby"),
        house("updated", 2, "gate", count=2),
        house("updated", 3, "cellar", count=3),
        house("closed", 4, count=3),
    ]
    assert await told_of(storm, streams=["gate"]) == [2, 3, 4]
    assert await told_of(storm[2:], streams=["gate"]) == [3, 4], "after a restart: rather too much"
    assert await told_of([house("opened", 1, "lobby", count=500)], streams=["gate"]) == [1], "not all named"
