"""Three schematic faces, and what was made of them."""

import shutil

import pytest

from tests.fakes import write_faces
from tests.lightning_module.inference.truth import run_truth, true_maps


@pytest.fixture(scope="module")
def made_once(model_file, tmp_path_factory):
    """Three schematic faces with their maps, and what was made of them."""
    folder = write_faces(tmp_path_factory.mktemp("album") / "faces", [-65.0, 0.0, 30.0])
    fakes = (folder, *true_maps(folder, model_file))
    out = folder.with_name("out")
    return fakes, out, run_truth(fakes, out)


@pytest.fixture
def fakes(made_once, tmp_path):
    """The faces, to be changed."""
    (folder, *known), _, _ = made_once
    return shutil.copytree(folder, tmp_path / "faces"), *known
