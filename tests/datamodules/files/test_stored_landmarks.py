"""Files of landmarks that do not agree with each other."""

import numpy as np
import pytest
from scipy.io import savemat

from datamodules.errors import InputError
from datamodules.files.format_recognition import find_landmarks
from datamodules.files.landmark_formats import FormatAids, read_roi_boxes

KEYS = ["image00002", "image00004"]
BOXES = FormatAids(roi_boxes=np.array([[0, 0, 120, 120.0]]))
POINTS = np.random.default_rng(0).uniform(100, 300, (3, 68))


def test_faces_of_a_photograph_have_one_shape(tmp_path):
    np.savetxt(tmp_path / f"{KEYS[0]}_0.txt", POINTS)
    np.savetxt(tmp_path / f"{KEYS[0]}_1.txt", POINTS[:2])
    with pytest.raises(
        InputError, match=r"image00002_0\.txt: its array has another shape than that of the photograph's"
    ):
        find_landmarks(tmp_path, KEYS[:1], FormatAids())


def test_all_meshes_have_vertices(tmp_path):
    for key, name in zip(KEYS, ("vertex", "vertices"), strict=True):
        savemat(tmp_path / f"{key}_0.mat", {name: POINTS})
    with pytest.raises(InputError, match=r"image00004_0\.mat: has no array vertex\. Move what is no mesh"):
        find_landmarks(tmp_path, KEYS, FormatAids(lambda: np.arange(68)))


def test_files_of_samples_are_no_meshes(tmp_path):
    savemat(tmp_path / f"{KEYS[0]}_0.mat", {"Shape_Para": POINTS})
    with pytest.raises(InputError, match="holds no landmarks of a known format"):
        find_landmarks(tmp_path, KEYS, FormatAids())


def test_landmarks_of_crops_have_the_axes_of_3ddfa(tmp_path):
    np.save(tmp_path / "fit.npy", POINTS.T[None])
    with pytest.raises(InputError, match=r"fit\.npy: its arrays of \(68, 3\) have none of the known forms"):
        find_landmarks(tmp_path / "fit.npy", None, BOXES)
    with pytest.raises(InputError, match=r"holds \(68, 3\) for a face, but 3ddfa-crop has \(3, 68\) or \(2, 68\)"):
        find_landmarks(tmp_path / "fit.npy", None, BOXES, "3ddfa-crop")


def test_boxes_are_four_numbers_each(tmp_path):
    np.save(tmp_path / "boxes.npy", np.ones((3, 5)))
    with pytest.raises(InputError, match=r"boxes\.npy: holds no array of boxes, \(N, 4\)\. Set --roi_boxes"):
        read_roi_boxes(tmp_path / "boxes.npy")
