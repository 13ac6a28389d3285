import numpy as np
import pytest

from datamodules.crop_table import make_crops
from datamodules.errors import InputError
from datamodules.files.bfm import read_morphable_model
from datamodules.files.dataset_card import read_card
from datamodules.files.face_folders import scan
from datamodules.files.face_mat import read_face_mat, write_face_mat
from datamodules.files.images import read_image, warp_image
from datamodules.geometry.crop import crop_matrix, image_matrix
from run import main
from tests.face_data import face_data, face_index
from tests.fakes import write_faces


@pytest.fixture
def root(tmp_path):
    return write_faces(tmp_path / "data", [0.0, 20], ["AFW/a_1", "LFPW/b_1"])


def _render(root, model_file, out, *more, yaws="[-80, 40]"):
    return main(
        [
            "render-views",
            f"--data.root={root}",
            f"--data.face_model.path={model_file}",
            "--data.num_workers=0",
            f"--out={out}",
            f"--poses.yaw_deg={yaws}",
            *more,
        ]
    )


def test_views_are_a_data_set_like_300w_lp(root, model_file, tmp_path, capsys):
    out = tmp_path / "out"
    assert _render(root, model_file, out) == 6
    assert "6 views of 2 faces" in capsys.readouterr().out
    folders = scan(out)
    assert folders.layout == "300w-lp"
    assert folders.keys == ["AFW/a_1_0", "AFW/a_1_1", "AFW/a_1_2", "LFPW/b_1_0", "LFPW/b_1_1", "LFPW/b_1_2"]
    index = face_index(out, tmp_path)
    np.testing.assert_allclose(np.rad2deg(index.poses[[1, 2], 1]), [-80, 40], atol=1e-3)
    card = read_card(out)
    assert str(card) == "data, other poses (photographs, rendered)"
    module = face_data(out, model_file, val_fraction=0.5)
    module.setup("fit")
    assert len({index.key(row)[:-2] for row in module.train_faces.rows}) == 1  # a photograph's views stay together


def test_a_views_numbers_belong_to_its_picture(root, model_file, tmp_path):
    """The plain crop of view 0 is the photograph's; landmarks and pose of all views agree."""
    _render(root, model_file, tmp_path / "out")
    model = read_morphable_model(model_file)
    before, after = (face_index(folder, tmp_path) for folder in (root, tmp_path / "out"))
    crops = [make_crops(index, model).boxes for index in (before, after)]
    images = [
        warp_image(read_image(index.image_path(row)), image_matrix(crop_matrix(boxes[row]), 128), 128)
        for index, boxes, row in zip((before, after), crops, (0, 0), strict=True)
    ]
    assert np.abs(images[0].astype(float) - images[1]).mean() < 4  # one resampling more
    for row in range(len(after)):
        record = after.record(row)
        vertices = model.vertices(record.identity, record.expression) @ record.pose.projection(450)[:, :3].T
        landmarks = (vertices + record.pose.projection(450)[:, 3])[model.landmark_vertices]
        np.testing.assert_allclose(landmarks[:, :2], record.landmarks_image_px[:, :2], atol=0.05)
        assert crops[1][row, 0] == pytest.approx(224.5, abs=0.5)


def test_an_interrupted_command_goes_on(root, model_file, tmp_path):
    out = tmp_path / "out"
    _render(root, model_file, out)
    before = (out / "AFW" / "a_1_2.jpg").read_bytes()
    (out / "AFW" / "a_1_2.mat").unlink()  # written last
    assert _render(root, model_file, out) == 1
    assert (out / "AFW" / "a_1_2.jpg").read_bytes() == before


def test_other_poses_need_a_folder_of_their_own(root, model_file, tmp_path):
    _render(root, model_file, tmp_path / "out")
    with pytest.raises(InputError, match="other faces or poses"):
        _render(root, model_file, tmp_path / "out", yaws="[10]")


def test_a_face_with_a_doubtful_fit_comes_only_as_it_is(root, model_file, tmp_path):
    path = root / "AFW" / "a_1.mat"
    face = read_face_mat(path)
    write_face_mat(path, face._replace(landmarks_image_px=face.landmarks_image_px + np.float32([9, 0, 0])))
    assert _render(root, model_file, tmp_path / "out") == 4


def test_pitches_are_each_seen_from_all_sides(root, model_file, tmp_path):
    _render(root, model_file, tmp_path / "out", "--poses.pitch_deg=[-20, 20]", yaws="[0, 30]")
    poses = np.rad2deg(face_index(tmp_path / "out", tmp_path).poses[1:5, :2])
    np.testing.assert_allclose(poses, [[-20, 0], [-20, 30], [20, 0], [20, 30]], atol=1e-3)


def test_a_sheet_shows_a_row_a_face(root, model_file, tmp_path, capsys):
    _render(root, model_file, tmp_path / "out", "--sheet", yaws="[-60, 0, 60]")
    assert read_image(tmp_path / "out" / "views.png").shape == (2 * 128, 4 * 128, 3)
    assert "views.png" in capsys.readouterr().out


def test_a_sheet_beside_a_data_set_is_no_sample(root, model_file, tmp_path):
    _render(root, model_file, tmp_path / "out")
    _render(root, model_file, tmp_path / "out", "--sheet", yaws="[0]")
    assert not scan(tmp_path / "out").faults


def test_views_go_only_where_nothing_else_is(root, model_file, tmp_path):
    with pytest.raises(InputError, match="holds something else"):
        _render(root, model_file, root)
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="holds something else"):
        _render(root, model_file, tmp_path / "file")
    with pytest.raises(InputError, match="cannot be written"):
        _render(root, model_file, tmp_path / "file" / "below")


def test_views_are_not_rendered_of_views(root, model_file, tmp_path):
    _render(root, model_file, tmp_path / "once")
    with pytest.raises(InputError, match="holds rendered views"):
        _render(tmp_path / "once", model_file, tmp_path / "twice")


@pytest.mark.parametrize(
    ("yaws", "complaint"),
    [
        ("[400]", "from -90 to 90"),
        ("[]", "yaw_deg is empty"),
    ],
)
def test_poses_that_cannot_be_are_refused(yaws, complaint, root, model_file, tmp_path):
    with pytest.raises(InputError, match=complaint):
        _render(root, model_file, tmp_path / "out", yaws=yaws)
