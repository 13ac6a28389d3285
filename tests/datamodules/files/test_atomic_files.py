from datamodules.files.atomic_files import keep, whole_file


def test_a_file_has_its_name_only_when_it_is_whole(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("before")
    writing = whole_file(path)
    writing.__enter__().write_text("half")
    assert not writing.__exit__(KeyboardInterrupt, KeyboardInterrupt(), None)  # which goes on
    assert path.read_text() == "before"
    with whole_file(path) as partial:
        partial.write_text("after")
    assert path.read_text() == "after"
    assert not (tmp_path / ".a.txt").exists()


def test_a_cache_is_kept_where_it_can_be(tmp_path):
    keep(tmp_path / "new" / "a", b"1")
    assert (tmp_path / "new" / "a").read_bytes() == b"1"
    (tmp_path / "file").write_text("")
    keep(tmp_path / "file" / "a", b"1")  # nothing happens
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["a", "file", "new"]
