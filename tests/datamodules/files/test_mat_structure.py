"""MATLAB files: what scipy reads is read, and what is damaged is said before scipy reads beyond its memory."""

import multiprocessing

import numpy as np
import pytest
from scipy.io import loadmat, savemat
from scipy.sparse import csc_array

from datamodules.errors import InputError
from datamodules.files.mat import read_mat
from datamodules.files.mat_structure import sound_arrays
from tests.fakes import write_faces

_TRIES = 120


def _content():
    rng = np.random.default_rng(0)
    kinds = ("f8", "f4", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8")
    arrays = {f"numbers_{kind}": rng.integers(0, 100, (2, 3, 4)).astype(kind) for kind in kinds}
    cells = np.array([["text", np.eye(2)]], object)
    return arrays | {
        "empty": np.empty((0, 3)),
        "single": 1.5,
        "text": "letters of the alphabet",
        "grüße"[:3]: np.zeros(1),
        "complex": rng.normal(size=(3, 2)) + 1j,
        "logical": np.array([True, False]),
        "cells": cells,
        "struct": {"one": np.arange(5.0), "two": {"inner": "x", "more": cells}},
        "small": np.array([[7]], np.uint8),
    }


@pytest.mark.parametrize("is_compressed", [False, True])
def test_arrays_of_all_kinds_are_read_as_scipy_reads_them(is_compressed, tmp_path):
    path = tmp_path / "a.mat"
    savemat(path, _content(), do_compression=is_compressed)
    expected = {name: value for name, value in loadmat(path).items() if not name.startswith("__")}
    found = read_mat(path)
    assert found.keys() == expected.keys() == _content().keys()
    for name, value in expected.items():
        assert repr(found[name]) == repr(value)  # numpy compares no arrays within arrays
        assert found[name].dtype == value.dtype
    assert read_mat(path, ["single", "other"]).keys() == {"single"}


def test_sparse_matrices_are_passed_over(tmp_path):
    savemat(tmp_path / "a.mat", {"sparse": csc_array(np.eye(3)), "numbers": np.eye(2)})
    assert read_mat(tmp_path / "a.mat").keys() == {"numbers"}


def test_every_sample_that_is_written_is_sound(tmp_path):
    folder = write_faces(tmp_path, [0.0])
    names = {"pt2d", "pt3d_68", "Shape_Para", "Exp_Para", "Pose_Para"}
    assert set(sound_arrays((folder / "image00000.mat").read_bytes())) == names


@pytest.mark.parametrize(
    ("place", "value", "fault"),
    [
        (124, b"\0\0", "no header"),
        (128, b"\x0e\0\0\0\xff\xff\xff\x7f", "ends early"),
        (128, b"\x63\0\0\0", "type 99 in place of an array"),
        (136, b"\x05\0\0\0", "without flags"),
        (152, b"\x06\0\0\0", "without dimensions"),
        (156, b"\x0c\0\0\0", "without dimensions or name"),
        (160, b"\xff\xff\xff\xff", "dimensions"),
        (160, b"\xff\xff\xff\x7f", "bytes in place of"),
        (176, b"\xe8\x03\0\0", "without numbers"),
    ],
)
def test_lengths_types_and_dimensions_that_contradict_each_other_are_named(place, value, fault, tmp_path):
    savemat(tmp_path / "a.mat", {"a": np.arange(6.0).reshape(2, 3)})
    content = bytearray((tmp_path / "a.mat").read_bytes())
    content[126:128] = b"XX" if place == 124 else content[126:128]
    if place != 124:
        content[place : place + len(value)] = value
    (tmp_path / "a.mat").write_bytes(content)
    with pytest.raises(
        InputError, match=rf"a\.mat: cannot be read: it is damaged or no MATLAB file \(.*{fault}.*\)\. Copy it again"
    ):
        read_mat(tmp_path / "a.mat")


def _read_damaged(path, content, is_compressed):
    """Reads what chance has damaged; ends with 1 at anything but an InputError, or with a signal."""
    rng = np.random.default_rng(int(is_compressed))
    faults = []
    for _ in range(_TRIES):
        damaged = np.frombuffer(content, np.uint8).copy()
        places = rng.integers(0, len(content), rng.integers(1, 12))
        damaged[places] = rng.integers(0, 256, len(places))
        if rng.random() < 0.2:
            damaged = damaged[: rng.integers(len(damaged))]
        path.write_bytes(damaged.tobytes())
        try:
            read_mat(path)
        except InputError as error:
            faults.append(str(error))
    assert faults
    assert not [fault for fault in faults if "\n" in fault]


@pytest.mark.parametrize("is_compressed", [False, True])
def test_no_damage_ends_the_process(is_compressed, tmp_path):
    path = tmp_path / "a.mat"
    savemat(path, _content(), do_compression=is_compressed)
    arguments = (path, path.read_bytes(), is_compressed)
    reader = multiprocessing.get_context("fork").Process(target=_read_damaged, args=arguments)
    reader.start()
    reader.join(60)
    assert reader.exitcode == 0
