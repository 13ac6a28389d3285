import json

import pytest

from lightning_module.reporting.journal import Delivery, Journal
from lightning_module.reporting.run_folder import RunFolder, newest_idle_run, run_folders


@pytest.fixture
def folder(tmp_path):
    return RunFolder.create(tmp_path, "16-5-4-3-0 s0")


def test_what_is_written_is_there_after_a_restart(folder):
    Journal(folder).write("metrics", values={"val/loss": 1.5}, step=3)
    (entry,) = Journal(folder).pending()
    assert (entry.kind, entry.content) == ("metrics", {"values": {"val/loss": 1.5}, "step": 3})


def test_what_was_sent_is_not_sent_again(folder):
    journal = Journal(folder)
    journal.write("tags", a="1")
    journal.write("tags", b="2")
    journal.delivered(Delivery(1, "run", "uri"))
    again = Journal(folder)
    assert [entry.content for entry in again.pending()] == [{"b": "2"}]
    assert again.delivery == Delivery(1, "run", "uri")


def test_a_line_cut_off_by_a_kill_is_dropped_and_the_next_one_stands_alone(folder):
    journal = Journal(folder)
    journal.write("tags", a="ü")
    with folder.journal.open("a") as file:
        file.write('{"kind": "tags", "time_ms": 1, "content": {"b": "ü')
    again = Journal(folder)
    again.write("tags", c="3")
    assert [json.loads(line)["content"] for line in folder.journal.read_text().splitlines()] == [{"a": "ü"}, {"c": "3"}]


def test_not_a_number_survives(folder):
    Journal(folder).write("metrics", values={"loss": float("nan")}, step=0)
    assert Journal(folder).pending()[0].content["values"]["loss"] != 0


def test_the_newest_run_that_nobody_is_busy_with_goes_on(tmp_path):
    old, new = RunFolder(tmp_path / "20260101-000000-a"), RunFolder(tmp_path / "20260102-000000-b")
    for folder in (old, new):
        folder.path.mkdir()
        folder.config.write_text("")
        Journal(folder).write("create")
    (tmp_path / "stray").mkdir()
    assert [folder.key for folder in run_folders(tmp_path)] == [new.key, old.key]
    assert newest_idle_run(tmp_path) == new
    with new.lock():
        assert newest_idle_run(tmp_path) == old
    assert newest_idle_run(tmp_path / "nothing") is None


def test_a_checkpoint_knows_its_run_while_it_lies_in_it(folder, tmp_path):
    Journal(folder).write("create")
    assert RunFolder.of_checkpoint(folder.last_checkpoint).key == folder.key
    assert RunFolder.of_checkpoint(tmp_path / "elsewhere" / "last.ckpt") is None
