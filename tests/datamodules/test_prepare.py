import shutil

import numpy as np
import pytest

from datamodules.errors import InputError
from datamodules.files.images import read_image
from run import main
from tests.fakes import write_faces


@pytest.fixture
def root(tmp_path):
    return write_faces(tmp_path / "data", [0.0, 30, -60], ["AFW/a_1", "AFW/b_1", "LFPW/c_1"])


def _prepare(root, model_file, out):
    return main(
        [
            "prepare",
            f"--data.root={root}",
            f"--data.face_model.path={model_file}",
            "--data.num_workers=0",
            f"--out={out}",
        ]
    )


def test_maps_and_crops_are_written_in_prnets_format(root, model_file, tmp_path):
    assert _prepare(root, model_file, tmp_path / "out") == 3
    position_map = np.load(tmp_path / "out" / "AFW" / "b_1.npy")
    assert (position_map.shape, position_map.dtype) == ((256, 256, 3), np.float32)
    assert position_map[..., 2].min() == 0
    assert read_image(tmp_path / "out" / "AFW" / "b_1.jpg").shape == (256, 256, 3)
    from datamodules.files.bfm import read_morphable_model
    from datamodules.geometry.uv_layout import make_uv_layout

    texels = make_uv_layout(read_morphable_model(model_file)).landmark_texels[:68]
    landmarks = position_map[tuple(texels.T)][:, :2]
    np.testing.assert_allclose((landmarks.min(axis=0) + landmarks.max(axis=0)) / 2, 127.5, atol=2)


def test_a_second_call_writes_only_what_is_missing(root, model_file, tmp_path, capsys):
    _prepare(root, model_file, tmp_path / "out")
    (tmp_path / "out" / "LFPW" / "c_1.npy").unlink()
    assert _prepare(root, model_file, tmp_path / "out") == 1
    assert "2 existed before" in capsys.readouterr().out


def test_an_interrupted_call_ends_in_the_same_maps(model_file, tmp_path):
    root = write_faces(tmp_path / "data", np.linspace(-60, 60, 20), [f"AFW/{number:02}" for number in range(20)])
    _prepare(root, model_file, tmp_path / "whole")
    shutil.copytree(tmp_path / "whole", tmp_path / "interrupted")
    for number in (3, 8, 9):
        (tmp_path / "interrupted" / "AFW" / f"{number:02}.npy").unlink()
    assert _prepare(root, model_file, tmp_path / "interrupted") == 3
    for path in (tmp_path / "whole").rglob("*.npy"):
        again = tmp_path / "interrupted" / path.relative_to(tmp_path / "whole")
        assert again.read_bytes() == path.read_bytes(), path.name


def test_a_folder_that_cannot_be_written_is_named(root, model_file, tmp_path):
    (tmp_path / "out").write_text("a file")
    with pytest.raises(InputError, match=r"cannot be written.*--out"):
        _prepare(root, model_file, tmp_path / "out")


def test_a_typo_is_one_line(root, model_file, tmp_path):
    with pytest.raises(InputError, match="roo") as caught:
        main(["prepare", f"--data.roo={root}", f"--data.face_model.path={model_file}", f"--out={tmp_path}"])
    assert "\n" not in str(caught.value)


def test_what_is_not_given_is_named(model_file, tmp_path):
    with pytest.raises(InputError, match=r"neither --data\.root nor --data\.test\.root"):
        main(["prepare", f"--data.face_model.path={model_file}", f"--out={tmp_path}"])
