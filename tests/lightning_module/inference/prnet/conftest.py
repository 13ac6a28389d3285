"""A checkpoint of PRNet's published network with random numbers, in the format of TensorFlow."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks.prnet_numbers import random_weights, split_statistics
from datamodules.geometry.uv_layout import make_uv_layout
from tests.fakes import fake_model
from tests.tensor_bundles import write_bundle

NAME = "256_256_resfcn256_weight"
MAPS = Path(__file__).resolve().parents[3] / "fixtures" / "prnet_maps.npz"


@pytest.fixture(scope="package")
def published():
    """The tensors that benchmarks/prnet_exact.py gave TensorFlow, by name, and TensorFlow's maps at some texels."""
    with np.load(MAPS) as archive:
        tensors = random_weights() | split_statistics(archive["statistics"])
        return tensors, archive["maps"]


@pytest.fixture(scope="package")
def weights(published, tmp_path_factory):
    """The same as a checkpoint, with the state of a training."""
    folder = tmp_path_factory.mktemp("prnet")
    state = {"beta1_power": np.float32(0.9), "resfcn256/Conv/weights/Adam": np.zeros(3, "f4")}
    write_bundle(folder / NAME, published[0] | state)
    return folder / NAME


@pytest.fixture(scope="package")
def uv_data(tmp_path_factory):
    """PRNet's folder of texels, for the landmarks of the schematic model."""
    folder = tmp_path_factory.mktemp("uv-data")
    rows, columns = make_uv_layout(fake_model()).landmark_texels[:68].T
    np.savetxt(folder / "uv_kpt_ind.txt", [columns, rows], fmt="%.6e")
    places = np.arange(256 * 256).reshape(256, 256)[40:230, 20:236].ravel()
    np.savetxt(folder / "face_ind.txt", places, fmt="%d")
    return folder
