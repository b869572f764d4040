"""`framewarden outbox`: what waits, for how long, what was refused and why; and doing something about it."""

import asyncio
import json
from datetime import datetime
from pathlib import Path

import pytest

from alerts.outbox import Outbox
from alerts.outbox_opening import OutboxError
from daemon.outbox import Action
from daemon.outbox import outbox as command
from tests.alerts.samples import put_many, sequences
from tests.daemon.daemon_process import framewarden


def configured(folder: Path) -> str:
    config = folder / "fw.yaml"
    config.write_text(
        f"streams: [{{name: gate, url: 'rtsp://127.0.0.1:1/x'}}]\nservice: {{state_dir: '{folder}'}}\n"
    )
    return str(config)


def test_before_the_first_start_there_is_none(tmp_path: Path) -> None:
    answer = framewarden("outbox", configured(tmp_path))
    assert answer.returncode == 1
    assert answer.stderr == (
        f"{tmp_path}/outbox.sqlite does not exist: no daemon ran with this configuration yet\n"
    )


async def test_show_retry_and_drop_while_the_daemon_has_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = Path(configured(tmp_path))

    async def outbox(action: Action, channel: str | None = None, *ids: str, as_json: bool = False) -> str:
        assert await command(config, action, channel, ids, as_json) == 0
        return capsys.readouterr().out

    async with Outbox(tmp_path / "outbox.sqlite", ["redis", "mqtt"]) as box:
        await put_many(box, 5)
        for waiting in await box.waiting("mqtt", 3):
            await box.refused("mqtt", waiting.position, "is\n too large")
        lines = (await outbox("show")).splitlines()
        assert lines[0].split() == ["channel", "waiting", "size", "oldest", "dropped", "dead", "letters"]
        assert lines[1].split()[:4] == ["mqtt", "2", "0.0", "MB"]
        assert lines[1].split()[-2:] == ["0", "3"]
        assert lines[2].split()[:2] == ["redis", "5"]
        assert lines[3].startswith("mqtt: gate-1 (gate, quality) refused 20")
        assert lines[3].endswith(f" {datetime.now().astimezone():%Z}: is  too large"), "this machine's clock"
        assert len(lines) == 6
        page = json.loads(await outbox("show", "mqtt", "gate-2", as_json=True))
        assert [each["channel"] for each in page["channels"]] == ["mqtt"]
        assert [each["id"] for each in page["dead_letters"]] == ["gate-2"]
        assert "1 dead letter(s) are tried again" in await outbox("retry", "mqtt", "gate-2")
        async with asyncio.timeout(5):  # the open outbox notices
            while not (again := await box.to_try_again("mqtt")):  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        assert [each.message.id for each in again] == ["gate-2"]
        assert await outbox("drop", "redis") == "0 dead letter(s) dropped\n"
        assert await outbox("drop") == "3 dead letter(s) dropped\n"
        assert await sequences(box, "mqtt") == [4, 5]
        for action in ("retry", "drop"):
            with pytest.raises(OutboxError, match="no such dead letter: nonsense"):
                await outbox(action, None, "nonsense")
        with pytest.raises(OutboxError, match="no channel is called 'mqt': there are mqtt, redis"):
            await outbox("drop", "mqt")
