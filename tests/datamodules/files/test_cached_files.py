"""Files of a cache: kept where they can be, and made anew where they are damaged."""

import pytest

from datamodules.files.cached_files import keep, kept, kept_or_made

DAMAGE = {
    "empty": lambda data: b"",
    "cut": lambda data: data[: len(data) // 2],
    "zeros": lambda data: bytes(len(data)),
    "a tail of zeros": lambda data: data[: len(data) // 2] + bytes(len(data) - len(data) // 2),
    "random": lambda data: bytes((7 * i * i + 3) % 256 for i in range(len(data))),
    "one other bit": lambda data: data[:-20] + bytes([data[-20] ^ 1]) + data[-19:],
}


def test_a_cache_is_kept_where_it_can_be(tmp_path):
    keep(tmp_path / "new" / "a", b"1")
    assert kept(tmp_path / "new" / "a") == b"1"
    assert kept(tmp_path / "new" / "b") is None
    (tmp_path / "file").write_text("")
    keep(tmp_path / "file" / "a", b"1")  # nothing happens
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["a", "file", "new"]


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_file_is_made_anew_and_this_is_said(damage, tmp_path, caplog):
    path = tmp_path / "a"
    content = bytes(range(200))
    assert kept_or_made(path, lambda: content) == content
    assert not caplog.messages
    path.write_bytes(damage(path.read_bytes()))
    assert kept_or_made(path, lambda: content) == content
    assert caplog.messages == [f"{path}: is damaged, or of an earlier version. It is made anew."]
    assert kept_or_made(path, lambda: pytest.fail("made again")) == content


def test_a_folder_in_the_way_of_a_file_costs_the_cache_only(tmp_path):
    (tmp_path / "a").mkdir()
    assert kept_or_made(tmp_path / "a", lambda: b"1") == b"1"
