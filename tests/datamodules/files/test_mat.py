import numpy as np
import pytest

from datamodules.errors import InputError
from datamodules.files.mat import read_mat


@pytest.mark.parametrize("header", [b"", b"\0" * 512])
def test_hdf5_is_named_with_its_remedy(tmp_path, header):
    (tmp_path / "v73.mat").write_bytes(header + b"\x89HDF\r\n\x1a\n" + b"\0" * 64)
    with pytest.raises(InputError, match=r"HDF5.*-v7"):
        read_mat(tmp_path / "v73.mat")


def test_a_file_of_noise_is_damaged(tmp_path):
    for seed in range(30):
        path = tmp_path / f"{seed}.mat"
        path.write_bytes(np.random.default_rng(seed).bytes(600))
        with pytest.raises(InputError):
            read_mat(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        read_mat(tmp_path / "nothing.mat")
