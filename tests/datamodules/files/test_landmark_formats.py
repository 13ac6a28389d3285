"""What other systems write, how it is told apart, and what becomes of it."""

import re

import numpy as np
import pytest
from scipy.io import savemat

from datamodules.errors import InputError
from datamodules.files import format_recognition
from datamodules.files.format_recognition import find_landmarks
from datamodules.files.landmark_formats import LANDMARK_FORMATS, FormatAids, LandmarkFormat, read_roi_boxes
from datamodules.files.stored_landmarks import StoredLandmarks

NONE = FormatAids()
FROM_1 = np.array([1, 1, 0])
KEYS = ["image00002", "image00004", "image00006"]


@pytest.fixture
def points():
    """(3, 68, 3) landmarks in 0-based pixels with y downwards."""
    return np.random.default_rng(0).normal(size=(3, 68, 3)) * [40, 50, 30] + 225


def written_by_3ddfa(folder, key, points, face=0):
    """As main.py --dump_pts of the first version does."""
    folder.mkdir(parents=True, exist_ok=True)
    np.savetxt(folder / f"{key}_{face}.txt", (points + FROM_1).T, fmt="%.3f")


def of_3ddfa_v2(points):
    """As recon_vers of the second version returns one face."""
    return (points - [0, 0, points[:, 2].min()]).T.astype(np.float32)


def of_face_alignment(points):
    """As get_landmarks returns one face."""
    return np.column_stack([np.trunc(points[:, :2]), points[:, 2:]]).astype(np.float32)


def _found(path, keys=KEYS, aids=NONE, name="auto"):
    found = find_landmarks(path, keys, aids, name)
    return found.format.name, np.stack([faces[0] for faces in found.by_photograph])


def test_texts_of_3ddfa_count_from_1_and_may_lie_among_its_samples_and_pictures(points, tmp_path):
    for key, face in zip(KEYS, points, strict=True):
        written_by_3ddfa(tmp_path, key, face)
        savemat(tmp_path / f"{key}.mat", {"Shape_Para": np.zeros((199, 1))})
        (tmp_path / f"{key}_0.ply").write_text("ply")
    written_by_3ddfa(tmp_path, KEYS[1], points[0], face=1)
    (tmp_path / "readme_1.txt").write_text("not of a photograph that is wanted")
    np.save(tmp_path / "yaw.npy", np.zeros(3))
    name, read = _found(tmp_path)
    assert name == "3ddfa"
    np.testing.assert_allclose(read, points + FROM_1, atol=6e-4)
    assert len(find_landmarks(tmp_path, KEYS, NONE).by_photograph[1]) == 2


def test_vertices_of_3ddfa_need_the_model_that_numbers_their_landmarks(points, tmp_path):
    numbers = np.random.default_rng(1).permutation(100)[:68]
    for key, face in zip(KEYS, points, strict=True):
        vertices = np.zeros((3, 100))
        vertices[:, numbers] = face.T
        savemat(tmp_path / f"{key}_0.mat", {"vertex": vertices})
    name, read = _found(tmp_path, aids=FormatAids(lambda: numbers))
    assert name == "3ddfa-vertex"
    np.testing.assert_array_equal(read, points)
    with pytest.raises(
        InputError, match=r"image00002_0\.mat: holds the 100 vertices of a mesh\. Set --data\.face_model"
    ):
        _found(tmp_path)
    with pytest.raises(InputError, match="reach vertex 170"):
        _found(tmp_path, aids=FormatAids(lambda: numbers + 171 - 100 + 99 - numbers.max()))


def test_landmarks_in_the_crops_of_3ddfas_benchmark_are_moved_into_the_photograph(points, tmp_path):
    boxes = np.array([[100, 90, 340, 330], [0, 10, 120, 130], [-20, 5, 160, 125.0]])
    scale = (boxes[:, None, 2:] - boxes[:, None, :2]) / 120
    in_crops = (points[..., :2] - boxes[:, None, :2]) / scale
    np.save(tmp_path / "fit.npy", in_crops.transpose(0, 2, 1))
    np.save(tmp_path / "boxes.npy", boxes)
    aids = FormatAids(roi_boxes=read_roi_boxes(tmp_path / "boxes.npy"))
    name, read = _found(tmp_path / "fit.npy", None, aids)
    assert name == "3ddfa-crop"
    np.testing.assert_allclose(read, points[..., :2])
    with pytest.raises(InputError, match=r"fit\.npy: landmarks of 3DDFA's crops need .* Set --roi_boxes"):
        _found(tmp_path / "fit.npy", None, name="3ddfa-crop")
    with pytest.raises(InputError, match="holds 3 faces, --roi_boxes 2"):
        _found(tmp_path / "fit.npy", None, FormatAids(roi_boxes=boxes[:2]))
    with pytest.raises(InputError, match="--roi_boxes belongs to --predictions_format 3ddfa-crop, not to array"):
        _found(tmp_path / "fit.npy", None, aids, "array")


@pytest.mark.parametrize("of_one_face", [of_3ddfa_v2, of_face_alignment])
@pytest.mark.parametrize("layout", ["file", "folder", "lists in a folder", "dictionary"])
def test_a_system_is_recognised_in_any_file_that_holds_its_arrays(of_one_face, layout, points, tmp_path):
    arrays = [of_one_face(face) for face in points]
    path = tmp_path / "out"
    match layout:
        case "file":
            path = tmp_path / "out.npy"
            np.save(path, np.stack(arrays))
        case "dictionary":
            path = tmp_path / "out.npz"
            np.savez(path, **{f"data/AFLW2000/{key}.jpg": array[None] for key, array in zip(KEYS, arrays, strict=True)})
        case _:
            path.mkdir()
            for key, array in zip(KEYS, arrays, strict=True):
                np.save(path / f"{key}.npy", array if layout == "folder" else [array, 2 * array])
    name, read = _found(path)
    expected = np.stack([array if len(array) == 68 else array.T for array in arrays])
    np.testing.assert_array_equal(read, expected)
    assert name == ("3ddfa_v2" if of_one_face is of_3ddfa_v2 else "face-alignment")


def test_other_arrays_are_of_no_particular_system(points, tmp_path):
    for array in (points, points[..., :2].transpose(0, 2, 1), points.transpose(0, 2, 1)):
        np.save(tmp_path / "out.npy", array)
        name, read = _found(tmp_path / "out.npy", None)
        assert name == "array"
        np.testing.assert_array_equal(read, points[..., : read.shape[2]])
    assert _found(tmp_path / "out.npy", None, name="3ddfa_v2")[0] == "3ddfa_v2"  # whoever says so knows


def test_photographs_are_found_below_the_folders_of_the_data_set_or_without_them(points, tmp_path):
    keys = ["AFW/AFW_1_0", "AFW_Flip/AFW_1_0", "LFPW/LFPW_2_0"]
    for key, face in zip(keys, points, strict=True):
        written_by_3ddfa((tmp_path / "deep" / key).parent, key.rpartition("/")[2], face)
    np.testing.assert_allclose(_found(tmp_path / "deep", keys)[1], points + FROM_1, atol=6e-4)
    written_by_3ddfa(tmp_path / "flat", "LFPW_2_0", points[2])
    np.testing.assert_allclose(_found(tmp_path / "flat", keys[2:])[1], points[2:] + FROM_1, atol=6e-4)
    written_by_3ddfa(tmp_path / "flat", "AFW_1_0", points[0])
    with pytest.raises(InputError, match="AFW_1_0 can belong to several photographs"):
        _found(tmp_path / "flat", keys)
    with pytest.raises(InputError, match="AFW/AFW_1_0 and AFW_Flip/AFW_1_0 can both belong to AFW_1_0"):
        _found(tmp_path / "deep", ["AFW_1_0"])


def _stored_pts(path):
    files = {file.stem: file for file in path.glob("*.pts")} if path.is_dir() else {}
    load = lambda name: np.loadtxt(files[name], skiprows=3, max_rows=68)[None]  # noqa: E731
    return StoredLandmarks(path, sorted(files), load, files.__getitem__) if files else None


def test_one_entry_adds_a_system(points, tmp_path, monkeypatch):
    """Files .pts, as 300-W has them."""
    entry = LandmarkFormat(
        "pts", "300-W, .pts files", "counted from 1", _stored_pts, "coordinates last", lambda array: True, 1
    )
    monkeypatch.setattr(format_recognition, "LANDMARK_FORMATS", (entry, *LANDMARK_FORMATS))
    for key, face in zip(KEYS, points, strict=True):
        rows = "\n".join(f"{x:.6f} {y:.6f}" for x, y in face[:, :2] + 1)
        (tmp_path / f"{key}.pts").write_text(f"version: 1\nn_points: 68\n{{\n{rows}\n}}\n")
    name, read = _found(tmp_path)
    assert name == "pts"
    np.testing.assert_allclose(read, points[..., :2] + 1, atol=1e-6)


def _spoilt(folder, points, spoil):
    for key, face in zip(KEYS, points, strict=True):
        np.save(folder / f"{key}.npy", of_3ddfa_v2(face))
    spoil(folder, points)


def _nan(folder, points):
    face = of_3ddfa_v2(points[1])
    face[0, 5] = np.nan
    np.save(folder / f"{KEYS[1]}.npy", face)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (
            lambda folder, points: (folder / f"{KEYS[1]}.npy").unlink(),
            r"no landmarks of image00004 \(1 of 3 photographs",
        ),
        (_nan, r"image00004\.npy: the landmarks of face 0 .* hold NaN"),
        (
            lambda folder, points: written_by_3ddfa(folder, KEYS[0], points[0]),
            r"several formats, such as image00002_0\.txt and image00002\.npy",
        ),
        (
            lambda folder, points: np.save(folder / f"{KEYS[2]}.npy", of_face_alignment(points[2])),
            r"image00006\.npy: holds \(68, 3\) for a face, image00002\.npy \(3, 68\)\. Give landmarks of one format",
        ),
        (
            lambda folder, points: np.save(folder / f"{KEYS[2]}.npy", points[2].T),
            r"image00006\.npy: is not in the format 3ddfa_v2, as image00002\.npy is",
        ),
        (
            lambda folder, points: np.save(folder / f"{KEYS[0]}.npy", {"a": 1}, allow_pickle=True),
            r"image00002\.npy: cannot be read: it holds pickled objects, which can run code\. Save numbers",
        ),
        (
            lambda folder, points: np.save(folder / f"{KEYS[0]}.npy", np.empty(0)),
            r"image00002\.npy: holds an array of \(0,\); that of a photograph has \(68, 2\)",
        ),
    ],
)
def test_what_is_wrong_with_a_folder_is_one_line(spoil, message, points, tmp_path):
    _spoilt(tmp_path, points, spoil)
    with pytest.raises(InputError, match=message) as error:
        _found(tmp_path)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (lambda face: face, r"holds \(68, 3\) for a face, but 3ddfa has \(3, 68\) or \(2, 68\)\. Transpose"),
        (lambda face: face.T[:, :21], r"landmarks have .* The 21 of AFLW do not contain them"),
        (lambda face: face.T[:, :60], r"holds an array of \(1, 3, 60\); landmarks have"),
    ],
)
def test_a_text_of_another_shape_is_refused(text, message, points, tmp_path):
    np.savetxt(tmp_path / "image00002_0.txt", text(points[0]))
    with pytest.raises(InputError, match=message):
        _found(tmp_path, KEYS[:1], name="3ddfa")
    (tmp_path / "image00002_0.txt").write_text("1 2 x")
    with pytest.raises(InputError, match=r"image00002_0\.txt: is no table of numbers"):
        _found(tmp_path, KEYS[:1])


def test_a_path_without_landmarks_says_what_is_known(tmp_path):
    with pytest.raises(
        InputError, match=r"holds no landmarks of a known format: 3DDFA \(v1\), .*3DDFA_V2, .*face-alig"
    ):
        _found(tmp_path)
    (tmp_path / "a_1.obj").write_text("v 0 0 0")
    with pytest.raises(InputError, match="holds meshes, but no landmarks"):
        _found(tmp_path)
    (tmp_path / "dictionary.pkl").write_bytes(b"\x80\x04}.")
    with pytest.raises(InputError, match=r"dictionary\.pkl: is a pickle, which is not opened"):
        _found(tmp_path / "dictionary.pkl")
    names = ", ".join(["auto", *(each.name for each in LANDMARK_FORMATS)])
    with pytest.raises(InputError, match=re.escape(f"--predictions_format is 3dfa: give one of {names}.")):
        _found(tmp_path, name="3dfa")
    np.save(tmp_path / "boxes.npy", np.ones((3, 4)))
    with pytest.raises(InputError, match=r"boxes\.npy: the box of face 0 .* has no area"):
        read_roi_boxes(tmp_path / "boxes.npy")
