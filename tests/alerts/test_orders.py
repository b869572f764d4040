"""Orders on disk: whole or not at all, private, several commands at once, and words for what is damaged."""

import multiprocessing
import os
import stat
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from alerts.orders import MOST, Acknowledgement, Orders, OrdersError, OrdersFile, Silence, new_id

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
GIVEN = Silence("s1", "gate", "*", "*", NOW + timedelta(hours=1), "Ann", "für die Maler", NOW)


def give_twenty(folder: Path, name: str) -> None:
    for number in range(20):
        given = replace(GIVEN, id=f"{name}{number}")
        OrdersFile(folder).change(
            lambda orders, given=given: replace(orders, silences=(*orders.silences, given)),  # type: ignore[misc]
            NOW,
        )


def test_what_was_ordered_is_read_back_and_nobody_else_may_read_it(tmp_path: Path) -> None:
    file = OrdersFile(tmp_path)
    assert file.read() == Orders()
    wanted = Orders((GIVEN,), (Acknowledgement("ab" * 16, "Ann", "", NOW),))
    file.change(lambda _: wanted, NOW)
    assert file.read() == wanted
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["orders.json"], "no litter"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_root_s_orders_belong_to_the_daemon_s_user(tmp_path: Path) -> None:
    os.chown(tmp_path, 12345, 12346)
    file = OrdersFile(tmp_path)
    file.change(lambda _: Orders((GIVEN,)), NOW)
    assert (file.path.stat().st_uid, file.path.stat().st_gid) == (12345, 12346)


def test_a_link_that_lies_in_wait_is_not_written_through(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("precious")
    (tmp_path / ".orders.json.part").symlink_to(tmp_path / "precious")
    OrdersFile(tmp_path).change(lambda _: Orders((GIVEN,)), NOW)
    assert (tmp_path / "precious").read_text() == "precious"
    assert OrdersFile(tmp_path).read() == Orders((GIVEN,))


def test_what_has_run_out_is_left_away_and_there_is_a_limit(tmp_path: Path) -> None:
    file = OrdersFile(tmp_path)
    file.change(lambda _: Orders((GIVEN, replace(GIVEN, id="s2", until=NOW))), NOW)
    assert [each.id for each in file.read().silences] == ["s1"]
    file.change(lambda _: Orders(tuple(replace(GIVEN, id=str(n)) for n in range(MOST + 5))), NOW)
    assert [each.id for each in file.read().silences][:1] == ["5"]


def test_two_commands_at_once_lose_no_order(tmp_path: Path) -> None:
    spawn = multiprocessing.get_context("fork")
    others = [spawn.Process(target=give_twenty, args=(tmp_path, name)) for name in "ab"]
    for other in others:
        other.start()
    for other in others:
        other.join(30)
    assert len(OrdersFile(tmp_path).read().silences) == 40


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"silences": [{}], "acknowledgements": []}', '{"silences": 5, "acknowledgements": []}'],
)
def test_a_damaged_file_is_told_with_what_to_do(tmp_path: Path, text: str) -> None:
    (tmp_path / "orders.json").write_text(text)
    with pytest.raises(OrdersError, match=r"orders\.json is damaged .*: delete it, and give"):
        OrdersFile(tmp_path).read()


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(OrdersError, match=r"cannot be written \(No such file or directory\)"):
        OrdersFile(tmp_path / "nowhere").change(lambda orders: orders, NOW)


def test_ids_are_short_and_differ() -> None:
    ids = {new_id() for _ in range(100)}
    assert len(ids) == 100 and {len(each) for each in ids} == {8}
