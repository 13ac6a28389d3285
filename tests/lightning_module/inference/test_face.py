"""What is seen of a face, and where its colours come from and go to."""

import numpy as np
import pytest
import trimesh

from datamodules.files.mesh_files import write_textured
from datamodules.geometry.crop import crop_matrix, crop_points
from lightning_module.inference.face import Face
from lightning_module.inference.face_mesh import textured_mesh
from lightning_module.inference.overlays import overlays
from tests.lightning_module.inference.truth import detection, map_layout


@pytest.mark.parametrize("size", [128, 512])
def test_a_viewer_finds_each_points_colour_in_every_file(size, made_once, tmp_path):
    (_, data, maps, crops), _, _ = made_once
    y, x = np.mgrid[0:110, 0:120]
    image = np.stack([2 * x, 2 * y, 0 * x + 90], axis=-1).astype(np.uint8)  # each colour is a place
    face = Face.of_map(maps[0], crops[0], map_layout(data), image, detection(crops[0]))
    write_textured(textured_mesh(face, size, fill_hidden=False), tmp_path / "face")
    places = trimesh.load(tmp_path / "face.ply", process=False).vertices
    inside = (places[:, :2] > 0).all(axis=1) & (places[:, :2] < [119, 109]).all(axis=1)
    assert inside.mean() > 0.9
    for ending in (".obj", ".ply", ".glb"):
        mesh = trimesh.load(tmp_path / f"face{ending}", process=False, force="mesh")
        material = mesh.visual.material
        texture = np.asarray(material.baseColorTexture if ending == ".glb" else material.image).astype(int)
        # as viewers have it: u, v = 0, 0 is the lower left corner of the picture
        col, row = np.clip((mesh.visual.uv * [1, -1] + [0, 1]) * size, 0, size - 1).astype(int).T
        apart = np.abs(texture[row, col, :2] - 2 * (places[:, :2] * [1, -1] + [0, 109]))
        assert np.median(apart[inside]) < 2, ending
        assert np.quantile(apart[inside], 0.95) < 8, ending


def test_the_far_half_of_a_turned_face_is_hidden(fakes):
    _, data, maps, crops = fakes
    image = np.zeros((110, 120, 3), np.uint8)
    face = Face.of_map(maps[0], crops[0], map_layout(data), image, detection(crops[0]))  # nose to the right
    seen = face.map_visible.reshape(256, 256)
    half = seen[:, :128].mean(), seen[:, 128:].mean()
    assert half[0] > 1.5 * half[1]
    assert face.pose[1] == pytest.approx(-65, abs=8)  # of a schematic face whose shape pulls at it


def test_a_texture_holds_the_photographs_colours_where_it_is_seen(fakes):
    _, data, maps, crops = fakes
    y, x = np.mgrid[0:110, 0:120]
    image = np.stack([2 * x, 2 * y, 0 * x + 90], axis=-1).astype(np.uint8)
    face = Face.of_map(maps[1], crops[1], map_layout(data), image, detection(crops[1]))
    row, col = data.uv_layout.landmark_texels[30]
    for fill_hidden in (True, False):
        texture = textured_mesh(face, 256, fill_hidden).texture
        np.testing.assert_allclose(texture[row, col, :2], 2 * face.landmarks[30, :2], atol=2)


def test_overlays_lie_on_the_face(fakes):
    _, data, maps, crops = fakes
    image = np.full((110, 120, 3), 40, np.uint8)
    face = Face.of_map(maps[1], crops[1], map_layout(data), image, detection(crops[1]))
    pictures = overlays(face)
    assert list(pictures) == ["landmarks", "mesh", "depth", "pose"]
    dots = (pictures["landmarks"] == [60, 230, 80]).all(axis=2)
    col, row = np.rint(crop_points(face.landmarks, crop_matrix(crops[1]) * (511 / 255)))[:, :2].astype(int).T
    seen = face.landmarks_81_visible[:68]
    assert seen.mean() > 0.5
    assert dots[row[seen], col[seen]].all()
    blue, yellow = (pictures["depth"].reshape(-1, 3).astype(int) @ sign for sign in ([-1, -1, 2], [1, 1, -2]))
    assert blue.max() > 50  # far
    assert yellow.max() > 50  # near
