import numpy as np
import pytest

from datamodules.errors import InputError
from datamodules.files.face_mat import read_face_mat
from datamodules.readers import reader_300w, row_cache, sample_table
from tests.face_data import face_index
from tests.fakes import IMAGE, write_faces


@pytest.fixture
def root(tmp_path):
    return write_faces(tmp_path / "data", [0.0, 20, -40])


def test_an_index_says_what_the_files_say(root, tmp_path):
    index = face_index(root, tmp_path)
    record = index.record(1)
    face = read_face_mat(root / "image00001.mat")
    assert (record.key, record.image_path, record.image_size) == ("image00001", root / "image00001.jpg", IMAGE)
    np.testing.assert_array_equal(record.identity, face.identity)
    np.testing.assert_array_equal(record.expression, face.expression)
    np.testing.assert_array_equal(record.landmarks_image_px, face.landmarks_image_px)
    assert np.rad2deg(record.pose.yaw_rad) == pytest.approx(20)


def test_a_sample_takes_940_bytes_and_the_size_of_its_image(root, tmp_path):
    index = face_index(root, tmp_path)
    assert (index.identity.nbytes + index.expression.nbytes + index.poses.nbytes) / len(index) == 940
    assert index.image_sizes.nbytes / len(index) == 4


def test_an_index_is_read_back_and_not_built_again(root, tmp_path, monkeypatch):
    first = face_index(root, tmp_path)
    monkeypatch.setattr(reader_300w, "read_face_mat", lambda path: pytest.fail("read again"))
    again = face_index(root, tmp_path)
    assert again.fingerprint == first.fingerprint
    np.testing.assert_array_equal(again.poses, first.poses)


def test_a_changed_file_is_read_again(root, tmp_path):
    first = face_index(root, tmp_path)
    write_faces(root, [0.0, 20, -41])
    again = face_index(root, tmp_path)
    assert again.folder != first.folder
    assert np.rad2deg(again.poses[2, 1]) == pytest.approx(-41)


def test_several_processes_build_the_same_index(root, tmp_path, monkeypatch):
    monkeypatch.setattr(row_cache, "_CHUNK", 1)
    one, two = face_index(root, tmp_path / "a"), face_index(root, tmp_path / "b", processes=2)
    assert one.fingerprint == two.fingerprint
    np.testing.assert_array_equal(one.identity, two.identity)


def test_the_fingerprint_does_not_depend_on_where_the_data_lie(root, tmp_path):
    write_faces(tmp_path / "elsewhere", [0.0, 20, -40])
    assert face_index(root, tmp_path).fingerprint == face_index(tmp_path / "elsewhere", tmp_path).fingerprint


def test_bad_samples_are_named_and_left_out(root, tmp_path):
    (root / "image00001.mat").write_bytes(b"no matlab file")
    index = face_index(root, tmp_path)
    assert [index.key(row) for row in range(len(index))] == ["image00000", "image00002"]
    assert len(index.faults) == 1
    assert "image00001.mat" in index.faults[0]


def test_only_full_verification_finds_a_truncated_image(root, tmp_path):
    data = (root / "image00001.jpg").read_bytes()
    (root / "image00001.jpg").write_bytes(data[: len(data) // 2 + 200])
    assert not face_index(root, tmp_path, "header").faults
    assert "truncated" in face_index(root, tmp_path, "full").faults[0]


def test_landmarks_that_only_some_samples_have_are_kept(root, tmp_path):
    write_faces(root, [5.0], ["later"], has_landmarks=False)
    index = face_index(root, tmp_path)
    assert [index.record(row).landmarks_image_px is None for row in range(4)] == [False, False, False, True]


def test_no_readable_sample_at_all_is_an_error(root, tmp_path):
    for path in root.glob("*.mat"):
        path.write_bytes(b"")
    with pytest.raises(InputError, match="none of its 3 samples can be read"):
        face_index(root, tmp_path)


def test_a_build_that_is_interrupted_leaves_nothing_that_looks_whole(root, tmp_path, monkeypatch):
    def interrupt(path):
        raise KeyboardInterrupt

    monkeypatch.setattr(reader_300w, "read_face_mat", interrupt)
    with pytest.raises(KeyboardInterrupt):
        face_index(root, tmp_path / "cache")
    assert not list((tmp_path / "cache").iterdir())


def test_an_image_too_large_for_the_index_is_a_fault(root, tmp_path, monkeypatch):
    monkeypatch.setattr(sample_table, "read_image_size", lambda path: (70000, 10))
    with pytest.raises(InputError, match="70000 x 10 pixels, which is too large"):
        face_index(root, tmp_path)


def test_a_cache_that_cannot_be_written_is_named(root, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"--data\.index\.cache_dir"):
        face_index(root, tmp_path / "file")


def test_a_full_disk_is_named_and_leaves_nothing(root, tmp_path, monkeypatch):
    def full(path, array):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(row_cache.np, "save", full)
    with pytest.raises(InputError, match=r"No space left.*--data\.index\.cache_dir"):
        face_index(root, tmp_path / "cache")
    assert not list((tmp_path / "cache").iterdir())
