import numpy as np
import pytest
from PIL import Image

from datamodules import fit_3dmm
from datamodules.errors import InputError
from datamodules.files.bfm import read_coefficient_deviations, write_morphable_model
from datamodules.files.face_mat import read_face_mat
from run import main
from tests.face_data import face_data
from tests.fakes import fake_model, write_faces


@pytest.fixture
def photos(tmp_path):
    """Photographs with landmarks, without coefficients; and what these were."""
    folder = write_faces(tmp_path / "photos", [0.0, 25, -40])
    true = {}
    for path in sorted(folder.glob("*.mat")):
        true[path.stem] = read_face_mat(path)
        np.save(path.with_suffix(".npy"), true[path.stem].landmarks_image_px)
        path.unlink()
    return folder, true


def _fit(folder, model_file, *more):
    return main(["fit-landmarks", f"--photos={folder}", f"--morphable_model={model_file}", *more])


def test_photographs_with_landmarks_become_samples(photos, model_file, capsys):
    folder, true = photos
    assert _fit(folder, model_file) == 3
    assert "3 photographs fitted" in capsys.readouterr().out
    for stem, face in true.items():
        found = read_face_mat(folder / f"{stem}.mat")
        np.testing.assert_allclose(np.rad2deg(found.pose[:3]), np.rad2deg(face.pose[:3]), atol=1.5)
        np.testing.assert_allclose(found.landmarks_image_px, face.landmarks_image_px, atol=1e-3)
    module = face_data(folder, model_file, val_fraction=0)
    module.setup("fit")
    assert len(module.train_faces) == 3


def test_what_is_fitted_is_kept(photos, model_file, capsys):
    folder, _ = photos
    _fit(folder, model_file)
    (folder / "image00001.mat").unlink()
    assert _fit(folder, model_file) == 1
    assert "2 had been fitted before" in capsys.readouterr().out


def test_landmarks_can_be_one_array_and_count_from_one(photos, model_file, tmp_path):
    folder, true = photos
    np.save(tmp_path / "all.npy", np.stack([face.landmarks_image_px + np.array([1, 1, 0]) for face in true.values()]))
    out = tmp_path / "out"
    assert _fit(folder, model_file, f"--landmarks={tmp_path / 'all.npy'}", "--first_pixel=1", f"--out={out}") == 3
    assert sorted(path.suffix for path in out.iterdir()) == [".jpg"] * 3 + [".mat"] * 3
    assert not list(folder.glob("*.mat"))
    found, face = read_face_mat(out / "image00002.mat"), true["image00002"]
    np.testing.assert_allclose(found.landmarks_image_px, face.landmarks_image_px, atol=1e-3)


def test_what_cannot_be_fitted_is_named_and_the_rest_goes_on(photos, model_file, caplog, capsys):
    folder, true = photos
    points = true["image00000"].landmarks_image_px
    np.save(folder / "image00000.npy", points[np.random.default_rng(0).permutation(68)])
    np.save(folder / "image00001.npy", np.zeros((68, 3)))
    assert _fit(folder, model_file) == 1
    assert "2 of 3 photographs were not fitted" in caplog.text
    assert "image00000.jpg: the best fit is" in caplog.text
    assert "image00001.jpg: its landmarks span no area" in caplog.text
    assert "Move what was not fitted out of" in capsys.readouterr().out
    (folder / "image00002.mat").unlink()
    (folder / "image00002.npy").unlink()
    with pytest.raises(InputError, match=r"none of its 3 photographs"):
        _fit(folder, model_file)


@pytest.mark.parametrize(
    ("shape", "complaint"), [((2, 68, 3), "holds 2 faces"), ((3, 68, 2), "68 landmarks of 2 numbers")]
)
def test_rows_that_are_not_the_photographs_are_refused(shape, complaint, photos, model_file, tmp_path):
    np.save(tmp_path / "rows.npy", np.random.default_rng(0).normal(size=shape))
    with pytest.raises(InputError, match=complaint):
        _fit(photos[0], model_file, f"--landmarks={tmp_path / 'rows.npy'}")


def test_folders_that_are_missing_empty_or_read_only_are_named(photos, model_file, tmp_path):
    with pytest.raises(InputError, match=r"there is no such folder\. Set --photos"):
        _fit(tmp_path / "none", model_file)
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"holds no \.jpg"):
        _fit(tmp_path / "empty", model_file)
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"cannot be written.*--out"):
        _fit(photos[0], model_file, f"--out={tmp_path / 'file'}")


def test_a_model_without_deviations_is_refused(tmp_path):
    model = fake_model()
    write_morphable_model(model, tmp_path / "BFM.mat", identity_deviations=np.arange(3, 8))
    np.testing.assert_array_equal(read_coefficient_deviations(tmp_path / "BFM.mat", model), [3, 4, 5, 6, 7, 1, 1, 1])
    write_morphable_model(model, tmp_path / "BFM.mat", identity_deviations=np.zeros(5))
    with pytest.raises(InputError, match="shapeEV holds 5 numbers, expected 5 above 0"):
        read_coefficient_deviations(tmp_path / "BFM.mat", model)


def test_depth_that_grows_away_from_the_camera_is_noticed(photos, model_file, caplog):
    folder, true = photos
    for stem, face in true.items():
        np.save(folder / f"{stem}.npy", face.landmarks_image_px * [1, 1, -1])
    with pytest.raises(InputError, match="none of its 3 photographs"):
        _fit(folder, model_file)
    assert caplog.text.count("z towards the camera") == 3


def test_a_photograph_stored_turned_and_one_of_elsewhere_are_named(photos, model_file, caplog):
    folder, true = photos
    with Image.open(folder / "image00000.jpg") as image:
        exif = image.getexif()
        exif[0x0112] = 6
        image.save(folder / "image00000.jpg", exif=exif)
    np.save(folder / "image00001.npy", true["image00001"].landmarks_image_px + np.array([90, 0, 0]))
    assert _fit(folder, model_file) == 1
    assert "image00000.jpg: its pixels are stored rotated" in caplog.text
    assert "image00001.jpg: " in caplog.text
    assert "of its landmarks lie outside it" in caplog.text


def test_a_photograph_with_damaged_exif_data_is_fitted(photos, model_file):
    folder, _ = photos
    image = Image.open(folder / "image00001.jpg")
    image.save(folder / "image00001.jpg", exif=b"Exif\0\0II*\0\xff\xff\xff\xff")
    image.save(folder / "image00002.jpg", "PNG", exif=b"Exif\0\0no TIFF header")
    assert _fit(folder, model_file) == 3


def test_each_photograph_fails_alone_whatever_a_library_raises(photos, model_file, monkeypatch, caplog):
    folder, _ = photos
    fits = fit_3dmm.fit_landmarks

    def failing(points, height, *more):
        if failing.calls == 1:
            failing.calls += 1
            raise np.linalg.LinAlgError("Singular\nmatrix")
        failing.calls += 1
        return fits(points, height, *more)

    failing.calls = 0
    monkeypatch.setattr(fit_3dmm, "fit_landmarks", failing)
    assert _fit(folder, model_file) == 2
    assert f"{folder / 'image00001.jpg'}: cannot be fitted (LinAlgError: Singular matrix, " in caplog.text
    assert not (folder / "image00001.mat").exists()
