"""Messages that were dropped raise an alert of their own, for each channel one."""

from datetime import UTC, datetime

from alerts.losses import OUTBOX, Losses
from alerts.outbox_file import Standing

AT = datetime(2026, 11, 1, tzinfo=UTC)


def test_its_life() -> None:
    losses = Losses([])
    told: list[tuple[str, str, float]] = []
    verdicts = []
    for mqtt, redis in [(0, 0), (3, 0), (4, 0), (6, 1), (6, 1), (0, 1), (0, 1), (0, 0), (0, 0)]:
        standings = {"mqtt": Standing(dropped=mqtt), "redis": Standing(dropped=redis)}
        verdicts += losses.weigh(standings, AT)
        told = [(each.subject, each.change, each.score) for each in verdicts]
    assert told == [
        ("mqtt", "opened", 3),
        ("mqtt", "updated", 6),
        ("redis", "opened", 1),
        ("mqtt", "closed", 6),
        ("redis", "closed", 1),
    ]
    assert {each.stream for each in verdicts} == {OUTBOX}
    assert len({each.alert_id for each in verdicts}) == 2
    assert verdicts[0].reason == "Channel 'mqtt' is away for too long: 3 or more messages for it were dropped"
    assert verdicts[3].reason == "Channel 'mqtt' has what was left: 6 or more messages for it were dropped"


def test_it_goes_on_after_a_restart_and_ends_with_the_channel() -> None:
    (opened,) = Losses([]).weigh({"mqtt": Standing(dropped=3)}, AT)
    losses = Losses([opened])
    assert losses.weigh({"mqtt": Standing(dropped=3)}, AT) == []
    (closed,) = losses.weigh({"redis": Standing()}, AT)  # mqtt was taken out of the configuration
    assert (closed.change, closed.alert_id) == ("closed", opened.alert_id)
