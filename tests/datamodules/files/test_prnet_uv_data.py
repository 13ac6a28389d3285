"""PRNet's folder of texels: what is read of it, and files that are not PRNet's."""

import numpy as np
import pytest

from datamodules.errors import InputError
from datamodules.files.images import write_png
from datamodules.files.prnet_uv_data import read_prnet_uv_data

COLUMNS, ROWS = np.arange(68), np.arange(68) + 100


@pytest.fixture
def folder(tmp_path):
    np.savetxt(tmp_path / "uv_kpt_ind.txt", [COLUMNS, ROWS])
    np.savetxt(tmp_path / "face_ind.txt", [5, 256, 700], fmt="%d")
    np.save(tmp_path / "canonical_vertices.npy", np.eye(3))
    return tmp_path


def test_the_first_row_is_the_column(folder):
    read = read_prnet_uv_data(folder)
    np.testing.assert_array_equal(read.landmark_texels, np.column_stack([ROWS, COLUMNS]))
    assert [tuple(place) for place in np.argwhere(read.is_face)] == [(0, 5), (1, 0), (2, 188)]
    np.testing.assert_array_equal(read.mean_face, np.eye(3))


def test_only_the_landmarks_must_be_there(folder):
    (folder / "canonical_vertices.npy").unlink()
    (folder / "face_ind.txt").unlink()
    read = read_prnet_uv_data(folder)
    assert (read.is_face, read.mean_face) == (None, None)
    mask = np.zeros((256, 256, 3), np.uint8)
    mask[3, 4] = 255
    write_png(folder / "uv_face_mask.png", mask)
    assert np.argwhere(read_prnet_uv_data(folder).is_face).tolist() == [[3, 4]]
    write_png(folder / "uv_face_mask.png", mask[:9])
    with pytest.raises(InputError, match=r"uv_face_mask\.png: has 256 x 9 pixels, expected 256 x 256"):
        read_prnet_uv_data(folder)


@pytest.mark.parametrize(
    ("name", "content", "fault"),
    [
        ("uv_kpt_ind.txt", b"1 2 3\n4 5 6\n", r"holds \(2, 3\) numbers, expected two rows of 68"),
        ("uv_kpt_ind.txt", b"<html>", "is no table of numbers"),
        ("uv_kpt_ind.txt", b"1 2\n3\n", "is no table of numbers"),
        ("uv_kpt_ind.txt", b"\xff\xfe", "is no table of numbers"),
        ("face_ind.txt", b"65536\n", "expected numbers of texels from 0 to 65535"),
        ("face_ind.txt", b"", "expected numbers of texels"),
        ("face_ind.txt", b"1.5\n", "holds other than whole numbers"),
        ("face_ind.txt", b"nan\n", "holds other than whole numbers"),
        ("face_ind.txt", b"1\n" * 2**21 + b"1\n", "is no table of numbers"),
        ("canonical_vertices.npy", b"no array", "is no .npy file of numbers"),
    ],
)
def test_another_file_is_one_line_that_says_where_prnets_is(name, content, fault, folder):
    (folder / name).write_bytes(content)
    with pytest.raises(InputError, match=rf"{name}: {fault}.*github.com/yfeng95/PRNet") as error:
        read_prnet_uv_data(folder)
    assert "\n" not in str(error.value)


def test_a_mean_face_has_a_point_for_each_texel(folder):
    np.save(folder / "canonical_vertices.npy", np.zeros((4, 3)))
    with pytest.raises(InputError, match=r"holds \(4, 3\), expected \(3, 3\): a point for each texel"):
        read_prnet_uv_data(folder)
    np.save(folder / "canonical_vertices.npy", np.full((3, 3), np.inf))
    with pytest.raises(InputError, match="holds NaN or infinite numbers"):
        read_prnet_uv_data(folder)
